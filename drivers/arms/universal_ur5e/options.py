"""The keys of a UR5e in `lab.toml`."""

from pydantic import BaseModel, ConfigDict, Field


class Box(BaseModel):
    """Something that stands about the arm: a box along the axes of its base's frame."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    low_mm: tuple[float, float, float] = Field(description="Its lowest corner: x, y, z in mm.")
    high_mm: tuple[float, float, float] = Field(description="Its highest corner: x, y, z in mm.")

    @property
    def metres(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Both corners in m."""
        return tuple(x / 1000 for x in self.low_mm), tuple(x / 1000 for x in self.high_mm)


class Options(BaseModel):
    """What can be set of the arm. Speeds and accelerations are those of a command that names none."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    joint_speed_deg_s: float = Field(default=60.0, gt=0, le=180, description="Speed of the leading joint, in deg/s.")
    joint_acceleration_deg_s2: float = Field(
        default=80.0, gt=0, le=800, description="Acceleration of the leading joint, in deg/s2."
    )
    tool_speed_mm_s: float = Field(default=250.0, gt=0, le=3000, description="Speed of the tool on a line, in mm/s.")
    tool_acceleration_mm_s2: float = Field(
        default=1200.0, gt=0, le=15000, description="Acceleration of the tool on a line, in mm/s2."
    )
    stop_deg_s2: float = Field(
        default=570.0, gt=0, le=2300, description="How hard a stop brakes the leading joint, in deg/s2."
    )
    power_on: bool = Field(
        default=True,
        description="Whether connecting switches the arm on and releases its brakes, if nothing forbids it.",
    )
    dashboard_port: int = Field(default=29999, ge=1, le=65535, description="TCP port of the dashboard server.")
    script_port: int = Field(
        default=30003, ge=1, le=65535, description="TCP port that takes programs (30001, 30002 or 30003)."
    )
    watch_hz: float = Field(
        default=20.0, ge=1, le=125, description="How often the controller tells its state while a command runs."
    )
    obstacles: dict[str, Box] = Field(default={}, description="Boxes that no part of the arm may touch, by name.")
    reply_timeout_s: float = Field(default=2.0, gt=0, description="How long an answer may take.")
    power_timeout_s: float = Field(default=60.0, gt=0, description="How long power and brakes may take.")
    margin_s: float = Field(
        default=30.0,
        gt=0,
        description="How much longer a motion may take than its way and speed say before it is lost.",
    )
