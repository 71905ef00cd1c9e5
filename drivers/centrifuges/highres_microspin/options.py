"""The keys of a MicroSpin in `lab.toml`."""

from pydantic import BaseModel, ConfigDict, Field


class Options(BaseModel):
    """What can be set of the centrifuge."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    acceleration: float = Field(default=0.8, ge=0.1, le=1.0, description="Share of the greatest acceleration.")
    deceleration: float = Field(
        default=0.8, ge=0.6, le=1.0,
        description="Share of the strongest braking; below 0.6 it rests later than PyLabRobot waits for it.",
    )  # fmt: skip
    counterweight_g: float = Field(
        default=50.0, gt=0, description="Mass in g of the balance plate that is kept in bucket 2."
    )
