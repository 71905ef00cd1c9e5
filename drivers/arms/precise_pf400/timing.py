"""How long a PreciseFlex 400 takes: its motions by geometry and ramps, its fingers, power and homing.

Speeds, accelerations and the times of power, homing and of the fingers are our estimates, of the order of the
maker's data sheet.
"""

import contextlib
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from drivers.arms.precise_pf400.kinematics import (
    Joints,
    OutOfRange,
    OutOfReach,
    Pose,
    angles,
    forward,
    solve,
    wrapped,
    xyz,
)
from drivers.arms.precise_pf400.options import TeachPoint
from drivers.arms.precise_pf400.route import Pose as Goal
from drivers.arms.precise_pf400.route import travel_height_mm, way_in
from drivers.core.ramp import Ramp
from drivers.core.timing import CannotDo, Timing

LINEAR = (500.0, 1500.0)  # mm/s, mm/s2 at 100 %
ANGULAR = (360.0, 900.0)  # deg/s, deg/s2 at 100 %
POWER_UP_S, HOMING_S = 3.0, 8.0
FINGER_MM_S = 100.0
PAUSE_S = 0.2  # after each motion: PyLabRobot 0.2.2, `wait_for_eom`
#: Where a controller that was just switched on finds its arm: where it was parked, the fingers half open.
PARKED = Pose(350.0, 0.0, 300.0, 0.0)
PARKED_JAWS_MM = 90.0
#: What GraspPlate closes beyond the plate's width, so that the servo loop presses (docstring in PyLabRobot).
SQUEEZE_MM = 3.0


def slowest(begin: Joints, end: Joints, straight: bool, speed: float, acceleration: float) -> Ramp:
    """The axis, or the gripper's line and turn, that takes longest sets the pace of all; shares of the full values."""

    def ramp(distance: float, full: tuple[float, float]) -> Ramp:
        return Ramp(distance, full[0] * speed, full[1] * acceleration)

    if straight:
        first, last = forward(begin), forward(end)
        ramps = [ramp(math.dist(xyz(first), xyz(last)), LINEAR)]
        ramps.append(ramp(abs(wrapped(last.yaw_deg - first.yaw_deg)), ANGULAR))
    else:
        ramps = [ramp(abs(end.column_mm - begin.column_mm), LINEAR)]
        ramps += [ramp(abs(b - a), ANGULAR) for a, b in zip(angles(begin), angles(end), strict=True)]
    return max(ramps, key=lambda each: each.duration_s)


def fingers_s(way_mm: float, percent: float) -> float:
    """The fingers over a distance."""
    return abs(way_mm) / (FINGER_MM_S * max(percent, 1.0) / 100.0)


class ArmTiming(Timing):
    """One arm, as it was parked when it was switched off."""

    def __init__(self, name: str, options: Any) -> None:
        super().__init__(name, options)
        self._joints = solve(PARKED, "right", Joints(0.0, 0.0, 0.0, 0.0))
        self._jaws_mm = PARKED_JAWS_MM
        self._asked = False  # whether the gripper was asked what it holds

    @property
    def connect_s(self) -> float:
        """Motor power, then every axis to its zero."""
        return POWER_UP_S + HOMING_S

    def seconds(self, verb: str, args: Mapping[str, Any]) -> float:
        """One move of labware, as the driver makes it: up, over, in, grip, out; over, grip, in, let go, out."""
        if verb != "move_labware":
            raise KeyError(verb)
        start, end = self.options.sites[args["source"]], self.options.sites[args["destination"]]
        travel_mm = travel_height_mm(start, end)
        with self._reaching(args["source"]):
            seconds = self._ask_s(start) + self._pick_s(start, travel_mm)
        with self._reaching(args["destination"]):
            return seconds + self._place_s(end, travel_mm)

    @contextlib.contextmanager
    def _reaching(self, site: str) -> Iterator[None]:
        try:
            yield
        except OutOfReach as error:
            raise CannotDo(f"{self.name} does not reach {site}: it is {error}") from error
        except OutOfRange as error:
            raise CannotDo(f"{self.name} does not reach {site}: an axis does not go so far") from error

    def _ask_s(self, point: TeachPoint) -> float:
        """The first time the fingers close where there is nothing, unless they stand wide open."""
        asked, self._asked = self._asked, True
        if asked or self._jaws_mm > point.grip_mm + self.options.open_mm / 2:
            return 0.0
        return self._fingers_s(point.grip_mm - SQUEEZE_MM)

    def _pick_s(self, point: TeachPoint, travel_mm: float) -> float:
        way = way_in(point, travel_mm, loaded=False)
        seconds = self._rise_s(travel_mm) + self._fingers_s(point.grip_mm + self.options.open_mm)
        seconds += self._follow_s(way, straight=False) + self._fingers_s(point.grip_mm)
        return seconds + self._follow_s(way_in(point, travel_mm, loaded=True)[-2::-1], straight=True)

    def _place_s(self, point: TeachPoint, travel_mm: float) -> float:
        over, *down = way_in(point, travel_mm, loaded=True)
        seconds = self._rise_s(travel_mm) + self._follow_s([over], straight=False)
        seconds += self._fingers_s(point.grip_mm) + self._follow_s(down, straight=True)
        seconds += self._fingers_s(point.grip_mm + self.options.open_mm)
        return seconds + self._follow_s(way_in(point, travel_mm, loaded=False)[-2::-1], straight=True)

    def _rise_s(self, travel_mm: float) -> float:
        here = forward(self._joints)
        if here.z_mm >= travel_mm:
            return 0.0
        return self._follow_s([Goal(here.x_mm, here.y_mm, travel_mm, here.yaw_deg, None)], straight=True)

    def _follow_s(self, goals: Iterable[Goal], straight: bool) -> float:
        options, seconds = self.options, 0.0
        for goal in goals:
            end = solve(Pose(goal.x_mm, goal.y_mm, goal.z_mm, goal.yaw_deg), goal.elbow, self._joints)
            percent = options.approach_percent if straight else options.speed_percent
            seconds += slowest(self._joints, end, straight, percent / 100, 1.0).duration_s + PAUSE_S
            self._joints, straight = end, True
        return seconds

    def _fingers_s(self, width_mm: float) -> float:
        way_mm, self._jaws_mm = width_mm - self._jaws_mm, width_mm
        return fingers_s(way_mm, self.options.finger_percent)
