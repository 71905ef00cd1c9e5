"""The keys of an ATC in `lab.toml`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Options(BaseModel):
    """What can be set of the cycler."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lid_c: float = Field(default=105.0, ge=30, le=110, description="Lid in degC, where a protocol says nothing of it.")
    volume_ul: float = Field(default=50.0, gt=0, le=100, description="Volume a well that its ramps are made for.")
    mode: Literal["Fast", "Standard"] = Field(default="Fast", description="How it ramps.")
