"""The keys of a Cavro XLP in `lab.toml`. Its line is 9600 baud 8N1."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

ValvePort = Annotated[int, Field(ge=1, le=12)]


class Options(BaseModel):
    """The syringe, the ports of its valve, and the frame that it is spoken to in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    syringe_ml: float = Field(default=5.0, ge=0.05, le=25, description="What the syringe holds, mL.")
    rate_ul_s: float = Field(default=500.0, gt=0, description="Rate where a step names none, uL/s.")
    inlet: ValvePort = Field(default=1, description="Port of the valve from which it draws.")
    outlet: ValvePort = Field(default=2, description="Port of the valve to which it gives.")
    waste: ValvePort = Field(default=3, description="Port to which it empties itself when it is initialised.")
    address: int = Field(default=0, ge=0, le=14, description="Address switch of the pump, 0 to E.")
    frame: Literal["oem", "dt"] = Field(
        default="oem", description="OEM has a checksum and repeats a command safely; DT is for terminals."
    )
