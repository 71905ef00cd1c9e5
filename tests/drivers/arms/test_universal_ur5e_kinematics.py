"""The geometry of a UR5e: against the maker's parameters by hand, and against ur_analytic_ik, which others wrote."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.arms.universal_ur5e import kinematics as k

ANGLES = st.tuples(*[st.floats(-3.1, 3.1)] * 6)


def test_the_stretched_arm_is_as_long_as_its_links():
    """All angles zero: x is a2 + a3, y is -(d4 + d6), z is d1 - d5."""
    assert k.pose(k.forward((0.0,) * 6))[:3] == pytest.approx((-0.8172, -0.2329, 0.0628))


@settings(max_examples=60)
@given(ANGLES)
def test_forward_and_inverse_agree_with_ur_analytic_ik(joints):
    others = pytest.importorskip("ur_analytic_ik").ur5e
    ours = k.forward(joints)
    assert np.allclose(ours, others.forward_kinematics(*joints), atol=1e-9)
    branches = k.inverse(ours)
    for branch in branches:
        assert np.allclose(k.forward(branch), ours, atol=1e-6)
    theirs = [np.ravel(each) for each in others.inverse_kinematics(ours)]
    if abs(math.sin(joints[4])) > 1e-3:  # where wrist 3 is not free
        for each in theirs:
            assert any(
                max(abs(k.wrapped(a - b)) for a, b in zip(each, branch, strict=True)) < 1e-5 for branch in branches
            )


@settings(max_examples=60)
@given(ANGLES)
def test_the_branch_one_is_on_is_the_nearest(joints):
    if min(abs(math.sin(joints[4])), abs(math.sin(joints[2]))) > 1e-2:
        assert k.largest(k.nearest(k.forward(joints), joints), joints) < 1e-6


@settings(max_examples=60)
@given(st.tuples(*[st.floats(-1, 1)] * 3, *[st.floats(-1.7, 1.7)] * 3))
def test_poses_and_frames(pose):
    frame = k.frame(pose)
    assert np.allclose(frame[:3, :3] @ frame[:3, :3].T, np.eye(3))
    assert np.allclose(k.frame(k.pose(frame)), frame, atol=1e-7)
    assert k.apart(frame, k.between(frame, k.frame((0, 0, 0, 0, 0, 0)), 0.0)) == pytest.approx((0, 0), abs=1e-6)


def test_half_a_turn():
    for vector in (
        (math.pi, 0, 0),
        (0, math.pi, 0),
        (0, 0, -math.pi),
        (math.pi / math.sqrt(2), math.pi / math.sqrt(2), 0),
    ):
        assert np.allclose(k.frame(k.pose(k.frame((0, 0, 0, *vector)))), k.frame((0, 0, 0, *vector)), atol=1e-9)


def test_a_line_is_straight_and_what_is_out_of_reach_is_said():
    begin = tuple(math.radians(a) for a in (0, -90, -90, -90, 90, 0))
    first = k.forward(begin)
    end = first.copy()
    end[2, 3] -= 0.2
    for share, joints in zip((0, 0.25, 0.5, 0.75, 1), k.line(begin, end, None, 4), strict=True):
        assert k.forward(joints)[:3, 3] == pytest.approx(first[:3, 3] - [0, 0, 0.2 * share], abs=1e-9)
    end[2, 3] = 2.0
    with pytest.raises(k.Unreachable, match="reach"):
        k.line(begin, end, None, 4)


def test_joints_are_wound_as_near_as_their_range_allows():
    assert k.near(-3.0, 3.0) == pytest.approx(k.TURN - 3.0)
    assert k.near(0.5, 6.2) == pytest.approx(0.5)  # a turn more would be beyond its range
