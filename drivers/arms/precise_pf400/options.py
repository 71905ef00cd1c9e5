"""The keys of a PreciseFlex arm in `lab.toml`."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Percent = Annotated[float, Field(ge=1, le=100)]


class TeachPoint(BaseModel):
    """Where the arm finds labware: the `[sites."..."]` table of a lab file, without its `arm`.

    The pose is the gripper's, in the arm's base frame, as it holds a plate that stands there.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    at_mm: tuple[float, float, float] = Field(description="x, y, z of the gripper, in mm.")
    yaw_deg: float = Field(description="Turn of the gripper about the vertical, in degrees.")
    elbow: Literal["left", "right"] | None = Field(
        default=None, description="The side to which the elbow points; the arm chooses when left out."
    )
    access: Literal["vertical", "horizontal"] = Field(
        default="vertical", description="Whether the arm comes from above, or from the side as into a hotel."
    )
    approach_mm: float = Field(
        default=60.0, gt=0, description="How far above (or in front of) the site the arm begins and ends."
    )
    lift_mm: float = Field(default=10.0, ge=0, description="How far labware is lifted before it is drawn out sideways.")
    grip_mm: float = Field(default=85.48, gt=0, description="Width of the labware between the fingers.")


class Options(BaseModel):
    """What can be set of the arm; speeds are percentages of the controller's full speed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    speed_percent: Percent = Field(default=50.0, description="Speed between sites, in % of full speed.")
    approach_percent: Percent = Field(
        default=20.0, description="Speed on the straight way into and out of a site, in % of full speed."
    )
    finger_percent: Percent = Field(default=50.0, description="Speed of the gripper's fingers, in %.")
    grip_force_n: float = Field(default=10.0, gt=0, le=30, description="Force of the grip, in newtons.")
    open_mm: float = Field(
        default=12.0, gt=0, le=40, description="How much wider than the labware the gripper opens, in mm."
    )
    status_port: int = Field(
        default=10000,
        ge=1,
        le=65535,
        description="TCP port of the controller's status thread, by which a stop is sent.",
    )
    power_timeout_s: int = Field(default=20, ge=1, le=120, description="How long motor power may take.")
    reply_timeout_s: float = Field(
        default=120.0, gt=0, description="How long one motion or homing may take before it counts as lost."
    )
    sites: dict[str, TeachPoint] = Field(
        default={}, description="Filled from the lab's [sites] tables of this arm; not to be written here."
    )
