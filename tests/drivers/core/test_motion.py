"""Capsules and boxes: distances against another reckoning of them, and who is hit first."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.core.motion import CLEARANCE_MM, Box, Sweep, first_hit

place = st.floats(-300, 300)


def swept(*rows: tuple[float, ...]) -> Sweep:
    legs = tuple(f"leg {number}" for number in range(len(rows)))
    return Sweep(("arm",), np.array(rows, dtype=float).reshape(-1, 1, 7), legs)


def nearest_mm(a: tuple[float, float], b: tuple[float, float], box: Box) -> float:
    """By looking at a thousand points of the line."""
    turn = math.radians(-box.yaw_deg)
    found = math.inf
    for n in range(1001):
        x = a[0] + (b[0] - a[0]) * n / 1000 - box.at_mm[0]
        y = a[1] + (b[1] - a[1]) * n / 1000 - box.at_mm[1]
        u = x * math.cos(turn) - y * math.sin(turn)
        v = x * math.sin(turn) + y * math.cos(turn)
        gap = math.hypot(max(abs(u) - box.size_mm[0] / 2, 0), max(abs(v) - box.size_mm[1] / 2, 0))
        found = min(found, gap)
    return found


@given(place, place, place, place, st.floats(0, 80), st.floats(-180, 180))
def test_a_capsule_hits_a_turned_box_where_it_is_nearer_than_radius_and_clearance(
    ax: float, ay: float, bx: float, by: float, radius: float, yaw_deg: float
) -> None:
    box = Box("box", (20.0, -10.0, 0.0), (120.0, 60.0, 50.0), yaw_deg)
    gap = nearest_mm((ax, ay), (bx, by), box) - radius
    hit = first_hit(swept((ax, ay, bx, by, radius, 10.0, 20.0)), [box])
    if abs(gap - CLEARANCE_MM) > 0.6:  # the other reckoning is as fine as this
        assert (hit is not None) == (gap < CLEARANCE_MM)


@pytest.mark.parametrize(("low", "high", "hits"), [(54, 60, False), (52, 60, True), (-20, -4, False), (-20, -2, True)])
def test_what_passes_above_or_below_does_not_hit(low: float, high: float, hits: bool) -> None:
    box = Box("box", (0.0, 0.0, 0.0), (10.0, 10.0, 50.0))
    assert (first_hit(swept((0, 0, 1, 0, 5, low, high)), [box]) is not None) == hits


def test_the_first_hit_of_the_way_is_told_and_what_is_not_there_hits_nothing() -> None:
    way = swept((500, 0, 500, 0, 5, 0, 10), (100, 0, 100, 0, 5, 0, 10), (0, 0, 0, 0, 5, 0, 10))
    near, far = Box("near", (0, 0, 0), (20, 20, 20)), Box("far", (100, 0, 0), (20, 20, 20))
    hit = first_hit(way, [near, far])
    assert hit is not None
    assert (hit.box, hit.leg, hit.part) == ("far", "leg 1", "arm")
    assert first_hit(swept((0, 0, 0, 0, -1, 0, 10)), [near]) is None
    assert first_hit(way, []) is None
