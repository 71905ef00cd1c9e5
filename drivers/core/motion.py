"""Where an arm's body goes on its way, and whether it comes too near to a box: a light model, pure, in mm and degrees.

A part of an arm is a capsule seen from above (a line with a radius) between a lowest and a highest height; what stands
in the lab is a box that may be turned about the vertical. That is right for arms that keep their gripper level.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: How near two things may come: the accuracy of boxes and teaching. Ours.
CLEARANCE_MM = 3.0


@dataclass(frozen=True, slots=True)
class Box:
    """Something that stands in the arm's frame: the middle of its floor, its size along its own axes, and its turn."""

    name: str
    at_mm: tuple[float, float, float]
    size_mm: tuple[float, float, float]
    yaw_deg: float = 0.0


@dataclass(frozen=True, slots=True)
class Sweep:
    """An arm's body on its way. `parts` are named; `places[sample, part]` is x, y, x, y, radius, low, high.

    `legs` tells of each sample where the arm is then, in words. A part that is not there has a negative radius.
    """

    parts: tuple[str, ...]
    places: Floats
    legs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """The first place on a way at which a part comes too near to a box."""

    part: str
    box: str
    leg: str


class Motion(ABC):
    """One arm from where it is parked; each move that it is asked about is one that it has made afterwards."""

    #: How far above the bottom of labware it is gripped.
    grip_mm: float
    #: Where it stands, as a value: two that stand alike move alike.
    stands: Any

    def __init__(self, name: str, options: Any) -> None:
        self.name = name
        self.options = options

    @abstractmethod
    def move(self, source: str, destination: str, size_mm: tuple[float, float, float]) -> Sweep:
        """The way of one move of labware of that size (along the hand, across it, up); raises `CannotDo`."""


def first_hit(sweep: Sweep, boxes: Sequence[Box]) -> Hit | None:
    """Where an arm first comes nearer than the clearance to one of the boxes; None where it never does."""
    found: tuple[int, int, str] | None = None
    for box in boxes:
        near = _near(sweep.places, box)
        if near.any():
            sample, part = (int(index) for index in np.argwhere(near)[0])
            found = min(found or (sample, part, box.name), (sample, part, box.name))
    return None if found is None else Hit(sweep.parts[found[1]], found[2], sweep.legs[found[0]])


def _near(places: Floats, box: Box) -> NDArray[np.bool_]:
    """Of each sample and part, whether it is too near to the box."""
    radius, low, high = places[..., 4], places[..., 5], places[..., 6]
    z, height = box.at_mm[2], box.size_mm[2]
    level = (low < z + height + CLEARANCE_MM) & (high > z - CLEARANCE_MM) & (radius >= 0)
    if not level.any():
        return level
    turn = math.radians(-box.yaw_deg)
    turned = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    middle = np.array(box.at_mm[:2])
    a, b = (places[..., :2] - middle) @ turned.T, (places[..., 2:4] - middle) @ turned.T
    half = np.array(box.size_mm[:2]) / 2
    near: NDArray[np.bool_] = level & (_distance(a, b, half) < radius + CLEARANCE_MM)
    return near


def _distance(a: Floats, b: Floats, half: Floats) -> Floats:
    """From lines a to b to the rectangle of these half sides round the origin; 0 where they cross it."""
    way = b - a
    length2 = np.maximum((way**2).sum(-1), 1e-12)
    ends = [np.linalg.norm(np.maximum(np.abs(end) - half, 0.0), axis=-1) for end in (a, b)]
    corners = []
    for corner in (half, -half, half * [1, -1], half * [-1, 1]):
        share = np.clip(((corner - a) * way).sum(-1) / length2, 0.0, 1.0)
        corners.append(np.linalg.norm(a + way * share[..., None] - corner, axis=-1))
    safe = np.where(np.abs(way) < 1e-9, 1e-9, way)
    one, other = (-half - a) / safe, (half - a) / safe
    enters = np.minimum(one, other).max(-1)
    leaves = np.maximum(one, other).min(-1)
    crosses = (enters <= leaves) & (leaves >= 0.0) & (enters <= 1.0)
    nearest: Floats = np.where(crosses, 0.0, np.minimum.reduce([*ends, *corners]))
    return nearest
