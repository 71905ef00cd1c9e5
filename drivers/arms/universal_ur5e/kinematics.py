"""The geometry of a UR5e: its driver checks ways by it, its twin moves by it. Pure; m, rad, and rotation vectors.

Denavit-Hartenberg parameters: Universal Robots, "DH Parameters for calculations of kinematics and dynamics" (UR5e).
The inverse is the closed form for arms of this shape (K. P. Hawkins, "Analytic Inverse Kinematics for the Universal
Robots UR-5/UR-10 Arms", Georgia Tech, 2013), written with these parameters.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.float64]  # 4 x 4, homogeneous
Joints = tuple[float, ...]  # six angles, base to wrist 3
Pose = tuple[float, ...]  # x, y, z and a rotation vector, as URScript's p[...]

A_M = (0.0, -0.425, -0.3922, 0.0, 0.0, 0.0)
D_M = (0.1625, 0.0, 0.0, 0.1333, 0.0997, 0.0996)
ALPHA = (math.pi / 2, 0.0, 0.0, math.pi / 2, -math.pi / 2, 0.0)
TURN = 2 * math.pi
_NOTHING = 1e-9


class Unreachable(ValueError):
    """No angles of the joints bring the tool there; the text says so."""


def chain(joints: Sequence[float]) -> list[Frame]:
    """The frames of the six links, the flange last, in the base's."""
    frames, frame = [], np.eye(4)
    for index, theta in enumerate(joints):
        frame = frame @ _link(index, theta)
        frames.append(frame)
    return frames


def forward(joints: Sequence[float], tool: Frame | None = None) -> Frame:
    """Where the tool is; without one, the flange.

    >>> [round(float(x), 4) for x in forward((0, 0, 0, 0, 0, 0))[:3, 3]]
    [-0.8172, -0.2329, 0.0628]
    """
    flange = chain(joints)[-1]
    return flange if tool is None else flange @ tool


def tool_of(joints: Sequence[float], at: Frame) -> Frame:
    """The tool, in the flange's frame, that is there with these joints."""
    found: Frame = np.linalg.inv(forward(joints)) @ at
    return found


def inverse(target: Frame, tool: Frame | None = None) -> list[Joints]:
    """All branches, up to eight, of joints in -pi to pi that bring the tool there; none where it is out of reach."""
    flange = target if tool is None else target @ np.linalg.inv(tool)
    p, r = flange[:3, 3], flange[:3, :3]
    wrist = p - D_M[5] * r[:, 2]
    across = math.hypot(wrist[0], wrist[1])
    if across < abs(D_M[3]):
        return []
    found = []
    for side in (1, -1):
        base = math.atan2(wrist[1], wrist[0]) + side * math.acos(D_M[3] / across) + math.pi / 2
        s1, c1 = math.sin(base), math.cos(base)
        cosine = (p[0] * s1 - p[1] * c1 - D_M[3]) / D_M[5]
        if abs(cosine) > 1 + _NOTHING:
            continue
        for turn in (1, -1):
            wrist_2 = turn * math.acos(max(-1.0, min(1.0, cosine)))
            found += _upper(flange, base, wrist_2)
    return found


def _upper(flange: Frame, base: float, wrist_2: float) -> list[Joints]:
    """The branches of shoulder and elbow for these two angles."""
    r, s1, c1, s5 = flange[:3, :3], math.sin(base), math.cos(base), math.sin(wrist_2)
    if abs(s5) < _NOTHING:  # wrist 1 and wrist 3 turn about one line: the latter is free, and left at zero
        wrist_3 = 0.0
    else:
        wrist_3 = math.atan2((-r[0, 1] * s1 + r[1, 1] * c1) / s5, (r[0, 0] * s1 - r[1, 0] * c1) / s5)
    planar = np.linalg.inv(_link(0, base)) @ flange @ np.linalg.inv(_link(4, wrist_2) @ _link(5, wrist_3))
    across = planar @ np.array([0.0, -D_M[3], 0.0, 1.0])
    x, y = float(across[0]), float(across[1])
    cosine = (x * x + y * y - A_M[1] ** 2 - A_M[2] ** 2) / (2 * A_M[1] * A_M[2])
    if abs(cosine) > 1 + _NOTHING:
        return []
    found = []
    for bend in (1, -1):
        elbow = bend * math.acos(max(-1.0, min(1.0, cosine)))
        shoulder = math.atan2(y, x) - math.atan2(A_M[2] * math.sin(elbow), A_M[1] + A_M[2] * math.cos(elbow))
        last = np.linalg.inv(_link(1, shoulder) @ _link(2, elbow)) @ planar
        wrist_1 = math.atan2(last[1, 0], last[0, 0])
        found.append(tuple(wrapped(each) for each in (base, shoulder, elbow, wrist_1, wrist_2, wrist_3)))
    return found


def _link(index: int, theta: float) -> Frame:
    c, s, ca, sa = math.cos(theta), math.sin(theta), math.cos(ALPHA[index]), math.sin(ALPHA[index])
    a, d = A_M[index], D_M[index]
    return np.array([[c, -s * ca, s * sa, a * c], [s, c * ca, -c * sa, a * s], [0, sa, ca, d], [0, 0, 0, 1]])


def nearest(target: Frame, here: Sequence[float], tool: Frame | None = None) -> Joints:
    """The branch nearest to `here`, each joint wound as near as its range of a turn to either side allows.

    Raises `Unreachable`.
    """
    ways = [tuple(near(a, b) for a, b in zip(way, here, strict=True)) for way in inverse(target, tool)]
    if not ways:
        raise Unreachable("it is out of the arm's reach")
    return min(ways, key=lambda way: largest(way, here))


def near(angle: float, here: float) -> float:
    """The same direction, wound as near to `here` as one turn to either side of zero allows."""
    wound = angle + TURN * round((here - angle) / TURN)
    return wound if abs(wound) <= TURN + _NOTHING else wound - math.copysign(TURN, wound)


def wrapped(angle: float) -> float:
    """The same direction within -pi to pi."""
    return math.remainder(angle, TURN)


def largest(one: Sequence[float], other: Sequence[float]) -> float:
    """How far the joint turns that has the longest way."""
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def frame(pose: Sequence[float]) -> Frame:
    """A pose as a frame: Rodrigues' formula."""
    found: Frame = np.eye(4)
    found[:3, 3] = pose[:3]
    vector = np.array(pose[3:6], dtype=np.float64)
    angle = float(np.linalg.norm(vector))
    if angle > 0:
        x, y, z = vector / angle
        cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
        found[:3, :3] = np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross
    return found


def pose(of: Frame) -> Pose:
    """A frame as a pose; the rotation vector has at most half a turn.

    >>> [round(x, 6) for x in pose(frame((0.1, 0.2, 0.3, 0.4, -0.5, 0.6)))]
    [0.1, 0.2, 0.3, 0.4, -0.5, 0.6]
    """
    r = of[:3, :3]
    axis = np.array([r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]])
    sine, cosine = float(np.linalg.norm(axis)) / 2, (float(np.trace(r)) - 1) / 2
    angle = math.atan2(sine, cosine)
    if sine > 1e-7:
        vector: Any = axis * (angle / (2 * sine))
    elif cosine > 0:
        vector = axis / 2
    else:  # half a turn: the axis is a column of (R + 1) / 2
        column = (r + np.eye(3))[:, int(np.argmax(np.diag(r)))]
        vector = column / np.linalg.norm(column) * angle
    return (*(float(x) for x in of[:3, 3]), *(float(x) for x in vector))


def between(begin: Frame, end: Frame, share: float) -> Frame:
    """A part of the straight way: the place goes evenly, and so does the turn about one axis."""
    turn = np.eye(4)
    turn[:3, :3] = begin[:3, :3].T @ end[:3, :3]
    at: Frame = begin.copy()
    at[:3, :3] = begin[:3, :3] @ frame((0, 0, 0, *(share * x for x in pose(turn)[3:])))[:3, :3]
    at[:3, 3] = begin[:3, 3] + share * (end[:3, 3] - begin[:3, 3])
    return at


def apart(begin: Frame, end: Frame) -> tuple[float, float]:
    """How far two frames are from each other: m, and rad."""
    turn = np.eye(4)
    turn[:3, :3] = begin[:3, :3].T @ end[:3, :3]
    return float(np.linalg.norm(end[:3, 3] - begin[:3, 3])), math.hypot(*pose(turn)[3:])


def line(begin: Sequence[float], end: Frame, tool: Frame | None, steps: int) -> list[Joints]:
    """The joints along a straight line of the tool, both ends included; raises `Unreachable` where it breaks off.

    The arm stays on its branch: a step that turns a joint by more than an eighth of a turn is none that it can follow.
    """
    first, way = forward(begin, tool), [tuple(begin)]
    for step in range(1, steps + 1):
        joints = nearest(between(first, end, step / steps), way[-1], tool)
        if largest(joints, way[-1]) > TURN / 8:
            raise Unreachable("the straight way there passes where the arm would have to turn over")
        way.append(joints)
    return way
