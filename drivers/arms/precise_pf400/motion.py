"""The body of a PreciseFlex 400 on its ways: the same legs as its driver makes and its timing counts.

Heights: the joints of the description of the arm in the repository AD-SDL/pf400_module_ros (`PF400.urdf.xacro`): the
fingers are 43 mm below the hand's joint, that is 33 mm below the forearm's, and that 72 mm below the upper arm's. Each
link is taken to fill the height up to the next one. Widths of the links are our estimates; the hand is
taken to be no wider than a plate, beside which its fingers are left out.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from drivers.arms.precise_pf400.kinematics import (
    FOREARM_MM,
    UPPER_ARM_MM,
    Joints,
    OutOfRange,
    OutOfReach,
    Pose,
    angles,
    forward,
    inverse,
    near,
    solve,
    wrapped,
)
from drivers.arms.precise_pf400.route import Pose as Goal
from drivers.arms.precise_pf400.route import travel_height_mm, way_in
from drivers.arms.precise_pf400.timing import PARKED
from drivers.core.motion import Motion, Sweep
from drivers.core.timing import CannotDo

PARTS = ("upper arm", "forearm", "hand", "labware")
#: Lowest and highest of each link over the gripper, and its half width.
UPPER_ARM, FOREARM, HAND = (148.0, 221.0, 60.0), (76.0, 148.0, 55.0), (-10.0, 76.0, 42.0)
#: Samples along a way are no farther apart.
STEP_MM, STEP_DEG = 10.0, 2.0
Row = list[tuple[float, float, float, float, float, float, float]]


class ArmMotion(Motion):
    """One arm, as it was parked when it was switched off."""

    grip_mm = 6.0  # our estimate, of a plate's flange
    stands: Joints

    def __init__(self, name: str, options: Any) -> None:
        super().__init__(name, options)
        self.stands = solve(PARKED, "right", Joints(0.0, 0.0, 0.0, 0.0))
        self._rows: list[Row] = []
        self._legs: list[str] = []

    def move(self, source: str, destination: str, size_mm: tuple[float, float, float]) -> Sweep:
        """Up, over, in, grip, out; over, in, let go, out."""
        self._rows, self._legs = [], []
        start, end = self.options.sites[source], self.options.sites[destination]
        travel_mm = travel_height_mm(start, end)
        free, loaded = way_in(start, travel_mm, loaded=False), way_in(start, travel_mm, loaded=True)
        there, back = way_in(end, travel_mm, loaded=True), way_in(end, travel_mm, loaded=False)
        try:
            self._rise(travel_mm)
            self._follow(free[:1], f"on its way to {source}", straight=False)
            self._follow(free[1:], f"going into {source}")
            self._follow(loaded[-2::-1], f"taking it out of {source}", size_mm=size_mm)
            self._rise(travel_mm, size_mm)
            self._follow(there[:1], f"carrying it to {destination}", straight=False, size_mm=size_mm)
            self._follow(there[1:], f"putting it into {destination}", size_mm=size_mm)
            self._follow(back[-2::-1], f"leaving {destination}")
        except (OutOfReach, OutOfRange) as error:
            raise CannotDo(f"{self.name} does not reach {source} or {destination}") from error
        return Sweep(PARTS, np.array(self._rows).reshape(-1, len(PARTS), 7), tuple(self._legs))

    def _rise(self, travel_mm: float, size_mm: Sequence[float] = ()) -> None:
        here = forward(self.stands)
        if here.z_mm < travel_mm:
            up = Goal(here.x_mm, here.y_mm, travel_mm, here.yaw_deg, None)
            self._follow((up,), "rising", size_mm=size_mm)

    def _follow(
        self, goals: Sequence[Goal], leg: str, *, straight: bool = True, size_mm: Sequence[float] = ()
    ) -> None:  # fmt: skip
        for goal in goals:
            end = solve(Pose(goal.x_mm, goal.y_mm, goal.z_mm, goal.yaw_deg), goal.elbow, self.stands)
            for joints in _between(self.stands, end, straight):
                self._rows.append(_body(joints, size_mm))
                self._legs.append(leg)
            self.stands = end


def _between(begin: Joints, end: Joints, straight: bool) -> Iterator[Joints]:
    """Joints along a way to its end: all axes together, or the gripper in a line."""
    first, last = forward(begin), forward(end)
    turns = [abs(b - a) for a, b in zip(angles(begin), angles(end), strict=True)]
    way_mm = math.dist((first.x_mm, first.y_mm, first.z_mm), (last.x_mm, last.y_mm, last.z_mm))
    steps = max(1, math.ceil(way_mm / STEP_MM), math.ceil(max(turns) / STEP_DEG))
    turn_deg = wrapped(last.yaw_deg - first.yaw_deg)
    for step in range(1, steps + 1):
        share = step / steps
        if straight:
            x, y, z = (
                a + (b - a) * share
                for a, b in ((first.x_mm, last.x_mm), (first.y_mm, last.y_mm), (first.z_mm, last.z_mm))
            )
            pose = Pose(x, y, z, first.yaw_deg + turn_deg * share)
            yield near(inverse(pose, end.elbow_is_right), begin)
        else:
            column = begin.column_mm + (end.column_mm - begin.column_mm) * share
            yield Joints(column, *(a + (b - a) * share for a, b in zip(angles(begin), angles(end), strict=True)))


def _body(joints: Joints, size_mm: Sequence[float]) -> Row:
    """Upper arm, forearm, hand, and the labware in it if there is any."""
    shoulder = math.radians(joints.shoulder_deg)
    forearm = shoulder + math.radians(joints.elbow_deg)
    elbow = UPPER_ARM_MM * math.cos(shoulder), UPPER_ARM_MM * math.sin(shoulder)
    wrist = elbow[0] + FOREARM_MM * math.cos(forearm), elbow[1] + FOREARM_MM * math.sin(forearm)
    pose, z = forward(joints), joints.column_mm
    links = ((0.0, 0.0, *elbow, UPPER_ARM), (*elbow, *wrist, FOREARM), (*wrist, pose.x_mm, pose.y_mm, HAND))
    rows = [(ax, ay, bx, by, half, z + low, z + high) for ax, ay, bx, by, (low, high, half) in links]
    if not size_mm:
        return [*rows, (0.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0)]
    length, width, height = size_mm
    half = min(length, width) / 2
    along = max(length - width, 0.0) / 2
    dx, dy = along * math.cos(math.radians(pose.yaw_deg)), along * math.sin(math.radians(pose.yaw_deg))
    bottom = z - ArmMotion.grip_mm
    return [*rows, (pose.x_mm - dx, pose.y_mm - dy, pose.x_mm + dx, pose.y_mm + dy, half, bottom, bottom + height)]
