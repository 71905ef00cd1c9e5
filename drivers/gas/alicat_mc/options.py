"""The keys of an Alicat flow controller in `lab.toml`. Its line is 19200 baud 8N1: `?baud=19200` in the address."""

from pydantic import BaseModel, ConfigDict, Field


class Options(BaseModel):
    """Which unit on the line, its range, and how near to its target a flow must be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    unit: str = Field(default="A", pattern="^[A-Z]$", description="Unit ID of the controller, A to Z.")
    full_scale_sccm: float = Field(default=1000.0, gt=0, description="Full scale flow; its display must show sccm.")
    tolerance: float = Field(
        default=0.02,
        gt=0,
        le=0.5,
        description="How far a settled flow may be from its target, a share of full scale.",
    )
    settle_s: float = Field(default=5.0, gt=0, description="How long a flow may take to settle, in seconds.")
