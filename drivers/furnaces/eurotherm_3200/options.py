"""The keys of a furnace in `lab.toml`. On a serial line the frame is RTU: `frame = "rtu"`, and `?baud=19200`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Options(BaseModel):
    """How the controller is reached and scaled, and when a temperature counts as reached."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    frame: Literal["tcp", "rtu"] = Field(default="tcp", description="Modbus TCP, or RTU as on a serial line.")
    unit: int = Field(default=1, ge=1, le=247, description="Modbus address of the controller.")
    decimals: int = Field(default=1, ge=0, le=2, description="Decimals of its display, by which its values are scaled.")
    rest_c: float = Field(default=20.0, description="Set-point at rest, when nobody heats, degC.")
    tolerance_c: float = Field(default=2.0, gt=0, le=50, description="How near to its target it must come, K.")
    reach_s: float = Field(default=36_000.0, gt=0, description="How long that may take, beyond the ramp, s.")
