"""The role `Arm`; its verbs stand in the table of all roles."""

from abc import abstractmethod
from collections.abc import Sequence

from drivers.core.instrument import Instrument, OptionsT, Readings
from drivers.core.verbs import ROLES


class Arm(Instrument[OptionsT]):
    """A robot arm by its joints and by the pose of its tool, in the frame of its base; mm and degrees.

    A rotation is a vector: its direction is the axis, its length the angle in degrees. What grips or switches hangs on
    the arm's digital outputs and inputs, by their numbers.
    """

    verbs = ROLES["Arm"].verbs

    @abstractmethod
    async def move_joints(self, joints_deg: Sequence[float], speed_deg_s: float | None = None) -> None:
        """To these angles, base first, all joints together; `speed_deg_s` of the one with the longest way."""

    @abstractmethod
    async def move_tool(
        self, at_mm: Sequence[float], rotation_deg: Sequence[float], speed_mm_s: float | None = None
    ) -> None:
        """In a straight line, until the tool is at x, y, z with this rotation."""

    @abstractmethod
    async def set_output(self, output: int, high: bool) -> None:
        """Switch a digital output: high or low."""

    @abstractmethod
    async def position(self) -> Readings:
        """`joint_1` to `joint_6` in deg, and the tool's `x`, `y`, `z` in mm and `rx`, `ry`, `rz` in deg, of now."""

    @abstractmethod
    async def read_inputs(self) -> Readings:
        """`input_0` and so on, each 0 or 1, of now."""

    @abstractmethod
    async def make_safe(self) -> None:
        """At rest, wherever that is; it holds what it holds."""
