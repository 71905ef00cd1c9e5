"""The geometry of the arm, a SCARA with a lifting column: its twin moves and its durations are predicted by it. Pure.

Links of the PreciseFlex 400 (long reach): 302, 289 and 162 mm. A reading of a real arm fits them within
0.01 mm (joints 569.41 mm, -0.15, 184.78, -912.41 deg at x 174.45, y -46.05 mm, yaw -7.78 deg; published in
the README of the repository pharmbio/robotlab); `tests/drivers/arms/test_kinematics.py` holds it against
`forward`.
"""

import math
from dataclasses import dataclass, replace

UPPER_ARM_MM = 302.0
FOREARM_MM = 289.0
HAND_MM = 162.0
COLUMN_MM = (0.0, 1160.0)
SHOULDER_DEG = (-93.0, 93.0)  # the kinematics of the repository AD-SDL/pf400_module


class OutOfReach(Exception):
    """No joint angles bring the gripper there; `far` tells whether it is too far out or too near the column."""

    def __init__(self, far: bool) -> None:
        super().__init__("too far" if far else "too near")
        self.far = far


class OutOfRange(Exception):
    """Joint angles would bring the gripper there, but the column or the shoulder does not turn so far."""


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the gripper is, in the arm's base frame: mm, and degrees about the vertical."""

    x_mm: float
    y_mm: float
    z_mm: float
    yaw_deg: float


@dataclass(frozen=True, slots=True)
class Joints:
    """Height of the column in mm, and the angles of shoulder, elbow and wrist in degrees."""

    column_mm: float
    shoulder_deg: float
    elbow_deg: float
    wrist_deg: float

    @property
    def elbow_is_right(self) -> bool:
        """Elbow angles of 0 to 180 degrees are the right-hand branch (PyLabRobot's brooks.kinematics)."""
        return wrapped(self.elbow_deg) >= 0


def wrapped(angle_deg: float) -> float:
    """The same direction within -180 (included) to 180 degrees.

    >>> wrapped(190.0), wrapped(-180.0)
    (-170.0, -180.0)
    """
    return (angle_deg + 180.0) % 360.0 - 180.0


def forward(joints: Joints) -> Pose:
    """The pose of the gripper for joint angles."""
    shoulder = math.radians(joints.shoulder_deg)
    elbow = shoulder + math.radians(joints.elbow_deg)
    yaw_deg = joints.shoulder_deg + joints.elbow_deg + joints.wrist_deg
    yaw = math.radians(yaw_deg)
    return Pose(
        UPPER_ARM_MM * math.cos(shoulder) + FOREARM_MM * math.cos(elbow) + HAND_MM * math.cos(yaw),
        UPPER_ARM_MM * math.sin(shoulder) + FOREARM_MM * math.sin(elbow) + HAND_MM * math.sin(yaw),
        joints.column_mm,
        wrapped(yaw_deg),
    )


def inverse(pose: Pose, right: bool) -> Joints:
    """Joint angles for a pose on one branch of the elbow; raises `OutOfReach`. The law of cosines in the plane."""
    yaw = math.radians(pose.yaw_deg)
    x, y = pose.x_mm - HAND_MM * math.cos(yaw), pose.y_mm - HAND_MM * math.sin(yaw)
    distance = math.hypot(x, y)
    if distance > UPPER_ARM_MM + FOREARM_MM:
        raise OutOfReach(far=True)
    if distance < UPPER_ARM_MM - FOREARM_MM:
        raise OutOfReach(far=False)
    cosine = (distance**2 - UPPER_ARM_MM**2 - FOREARM_MM**2) / (2 * UPPER_ARM_MM * FOREARM_MM)
    elbow = math.acos(max(-1.0, min(1.0, cosine))) * (1 if right else -1)
    shoulder = math.atan2(y, x) - math.atan2(FOREARM_MM * math.sin(elbow), UPPER_ARM_MM + FOREARM_MM * math.cos(elbow))
    return Joints(
        pose.z_mm,
        wrapped(math.degrees(shoulder)),
        math.degrees(elbow),
        wrapped(math.degrees(yaw - shoulder - elbow)),
    )


def near(joints: Joints, other: Joints) -> Joints:
    """The same pose with the wrist, which turns more than once, wound as near as it can be to `other`."""
    turns = round((other.wrist_deg - joints.wrist_deg) / 360.0)
    return replace(joints, wrist_deg=joints.wrist_deg + 360.0 * turns)


def solve(pose: Pose, elbow: str | None, here: Joints) -> Joints:
    """Joints for a pose, from where the arm is; without an elbow (`left`, `right`) the present branch is tried first.

    Raises `OutOfReach` or `OutOfRange`.
    """
    for right in [elbow == "right"] if elbow else [here.elbow_is_right, not here.elbow_is_right]:
        joints = near(inverse(pose, right), here)
        if _within(joints.shoulder_deg, SHOULDER_DEG) and _within(joints.column_mm, COLUMN_MM):
            return joints
    raise OutOfRange


def xyz(pose: Pose) -> tuple[float, float, float]:
    """The place of a pose, mm."""
    return pose.x_mm, pose.y_mm, pose.z_mm


def angles(joints: Joints) -> tuple[float, float, float]:
    """The turning axes, degrees."""
    return joints.shoulder_deg, joints.elbow_deg, joints.wrist_deg


def _within(value: float, bounds: tuple[float, float]) -> bool:
    return bounds[0] <= value <= bounds[1]
