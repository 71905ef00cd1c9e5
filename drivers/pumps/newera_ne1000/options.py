"""The keys of a New Era syringe pump in `lab.toml`. Its line is 19200 baud 8N1: `?baud=19200` in the address."""

from pydantic import BaseModel, ConfigDict, Field


class Options(BaseModel):
    """The syringe, and how the pump is spoken to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    diameter_mm: float = Field(
        default=14.43, ge=0.1, le=50, description="Inner diameter of the syringe, mm (a 10 mL syringe of BD: 14.43)."
    )
    syringe_ml: float = Field(default=10.0, gt=0, le=60, description="What the syringe holds, mL.")
    rate_ul_s: float = Field(default=50.0, gt=0, description="Rate where a step names none, uL/s.")
    address: int = Field(default=0, ge=0, le=99, description="Address of the pump on its line.")
    silence_s: int = Field(
        default=10, ge=0, le=255,
        description="After so many seconds without word of this driver the pump stops; 0 is the plain framing without.",
    )  # fmt: skip
