"""The keys of a BioShake in `lab.toml`."""

from pydantic import BaseModel, ConfigDict, Field


class Options(BaseModel):
    """What can be set of the shaker."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ramp_s: int = Field(
        default=3, ge=0, le=30, description="Seconds in which it speeds up, and in which it slows down."
    )
