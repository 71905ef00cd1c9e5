"""The keys of an IKA hotplate in `lab.toml`. The line's frame stands in its address: `?bits=7&parity=E`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Options(BaseModel):
    """Which sensor counts, and when a temperature counts as reached."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sensor: Literal["plate", "probe"] = Field(
        default="plate", description="What is measured: the plate's own sensor, or a probe that is plugged in."
    )
    tolerance_c: float = Field(
        default=1.0, gt=0, le=20, description="How near to its target a temperature must come, K."
    )
    reach_s: float = Field(
        default=7200.0, gt=0, description="How long it may take to come there, beyond the ramp, in seconds."
    )
    watchdog_s: int = Field(
        default=60,
        ge=20,
        le=1500,
        description="After so many seconds without word of this driver the device cools down.",
    )
