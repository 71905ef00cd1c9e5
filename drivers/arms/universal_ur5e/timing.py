"""How long a UR5e takes: its motions by the leading axis and ramps, its power and brakes.

A motion speeds up and slows down evenly, all joints begin and end together, and the one with the longest way sets the
pace (URScript, movej and movel: `a` and `v` are of the leading axis, or of the tool). The times of power, brakes and of
a program's start are our estimates.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from drivers.arms.universal_ur5e import kinematics
from drivers.core.ramp import Ramp
from drivers.core.timing import CannotDo, Timing

POWER_ON_S, BRAKE_RELEASE_S = 8.0, 4.0
PROGRAM_START_S = 0.1
GREETING_S = 0.2  # a new line is let fall silent (`drivers.core.exchange`)
#: Where an arm stands that was just switched on: upright, the wrist level.
PARKED = tuple(math.radians(angle) for angle in (0.0, -90.0, -90.0, -90.0, 90.0, 0.0))
NOTHING = 1e-6  # m or rad: less is no way


def joint_ramp(begin: Sequence[float], end: Sequence[float], speed: float, acceleration: float) -> Ramp:
    """From angles to angles, at rad/s and rad/s2 of the leading joint."""
    return Ramp(max(kinematics.largest(begin, end), NOTHING), speed, acceleration)


def tool_ramp(begin: kinematics.Frame, end: kinematics.Frame, speed: float, acceleration: float) -> Ramp:
    """Along a line, at m/s and m/s2; a turn on the spot goes at the same numbers in rad, our reading."""
    return Ramp(max(*kinematics.apart(begin, end), NOTHING), speed, acceleration)


class ArmTiming(Timing):
    """One arm, as it was parked when it was switched off; its tool is the bare flange."""

    def __init__(self, name: str, options: Any) -> None:
        super().__init__(name, options)
        self._joints: kinematics.Joints = PARKED

    @property
    def connect_s(self) -> float:
        """Power and brakes, after the dashboard server's greeting."""
        return GREETING_S + (POWER_ON_S + BRAKE_RELEASE_S if self.options.power_on else 0.0)

    def seconds(self, verb: str, args: Mapping[str, Any]) -> float:
        """A motion by its ramp, the start of its program, and the looks at the controller's state around it."""
        watch_hz: float = self.options.watch_hz
        looks_s = 3 / watch_hz  # before, at the end, and once more whether it is so
        match verb:
            case "move_joints":
                return self._to_joints(args) + PROGRAM_START_S + looks_s
            case "move_tool":
                return self._to_pose(args) + PROGRAM_START_S + looks_s
            case "set_output":
                return PROGRAM_START_S + looks_s
            case "position" | "read_inputs":
                return 2 / watch_hz
        raise KeyError(verb)

    def _to_joints(self, args: Mapping[str, Any]) -> float:
        options = self.options
        end = tuple(math.radians(angle) for angle in args["joints_deg"])
        speed = args.get("speed_deg_s") or options.joint_speed_deg_s
        ramp = joint_ramp(self._joints, end, math.radians(speed), math.radians(options.joint_acceleration_deg_s2))
        self._joints = end
        return ramp.duration_s

    def _to_pose(self, args: Mapping[str, Any]) -> float:
        options, end = self.options, kinematics.frame(as_pose(args["at_mm"], args["rotation_deg"]))
        try:
            *_, joints = kinematics.line(self._joints, end, None, 20)
        except kinematics.Unreachable as error:
            raise CannotDo(f"{self.name} does not get there: {error}") from error
        speed = (args.get("speed_mm_s") or options.tool_speed_mm_s) / 1000
        ramp = tool_ramp(kinematics.forward(self._joints), end, speed, options.tool_acceleration_mm_s2 / 1000)
        self._joints = joints
        return ramp.duration_s


def as_pose(at_mm: Sequence[float], rotation_deg: Sequence[float]) -> kinematics.Pose:
    """A command's place and rotation vector as a pose in m and rad."""
    return (*(float(x) / 1000 for x in at_mm), *(math.radians(x) for x in rotation_deg))
