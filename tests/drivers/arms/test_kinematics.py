"""Geometry and ramps of the arm, held against a real arm's reading and against themselves."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from drivers.arms.precise_pf400.kinematics import Joints, OutOfReach, Pose, forward, inverse, near, wrapped
from drivers.core.ramp import Ramp

angles = st.floats(-179, 179)


def test_the_reading_of_a_real_arm():
    """README of pharmbio/robotlab, `wherejson` of a PreciseFlex 400."""
    pose = forward(Joints(569.41, -0.15, 184.78, -912.41))
    assert pose.x_mm == pytest.approx(174.45, abs=0.01)
    assert pose.y_mm == pytest.approx(-46.05, abs=0.01)
    assert (pose.z_mm, pose.yaw_deg) == (569.41, pytest.approx(-7.78, abs=0.001))


@given(shoulder=angles, elbow=st.floats(2, 178), wrist=angles, right=st.booleans())
def test_inverse_undoes_forward(shoulder, elbow, wrist, right):
    joints = Joints(100.0, shoulder, elbow if right else -elbow, wrist)
    again = forward(inverse(forward(joints), right))
    pose = forward(joints)
    assert math.dist((again.x_mm, again.y_mm), (pose.x_mm, pose.y_mm)) < 1e-6
    assert abs(wrapped(again.yaw_deg - pose.yaw_deg)) < 1e-6
    assert inverse(pose, right).elbow_is_right is right


def test_too_far_and_too_near():
    with pytest.raises(OutOfReach, match="far"):
        inverse(Pose(760.0, 0.0, 100.0, 0.0), right=True)
    with pytest.raises(OutOfReach, match="near"):
        inverse(Pose(162.0, 5.0, 100.0, 0.0), right=True)


def test_the_wrist_winds_to_the_nearest_turn():
    assert near(Joints(0, 0, 0, 10.0), Joints(0, 0, 0, -700.0)).wrist_deg == -710.0


@given(st.floats(0.1, 2000), st.floats(1, 1000), st.floats(1, 5000), st.floats(0, 1), st.floats(0, 1))
def test_a_ramp_goes_only_forward_and_never_too_fast(distance, speed, acceleration, first, second):
    ramp = Ramp(distance, speed, acceleration)
    early, late = sorted((first * ramp.duration_s, second * ramp.duration_s))
    assume(late - early > 1e-6)
    gone = (ramp.share(late) - ramp.share(early)) * distance
    assert -1e-6 <= gone <= speed * (late - early) * (1 + 1e-6) + 1e-6
    assert ramp.share(0) == 0
    assert ramp.share(ramp.duration_s) == 1
    assert ramp.share(ramp.duration_s / 2) == pytest.approx(0.5)


def test_durations_by_hand():
    assert Ramp(1000.0, 500.0, 500.0).duration_s == pytest.approx(3.0)  # 1 s up, 1 s at speed, 1 s down
    assert Ramp(125.0, 500.0, 500.0).duration_s == pytest.approx(1.0)  # never at full speed
    assert Ramp(0.0, 500.0, 500.0).duration_s == 0.0
