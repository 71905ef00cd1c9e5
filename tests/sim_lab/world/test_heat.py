"""First-order heat: the closed forms against small steps in time, and time in steps of any length."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sim_lab.world.heat import Body

TAU = st.floats(5.0, 500.0)
RATE = st.floats(-2.0, 2.0)


def stepped(tau_s, surroundings, until_s, begin_c):
    """T' = (S(t) - T) / tau by the classical Runge-Kutta method."""
    steps, at_c = 4000, begin_c
    h = until_s / steps
    for n in range(steps):
        t = n * h
        k1 = (surroundings(t) - at_c) / tau_s
        k2 = (surroundings(t + h / 2) - at_c - h / 2 * k1) / tau_s
        k3 = (surroundings(t + h / 2) - at_c - h / 2 * k2) / tau_s
        k4 = (surroundings(t + h) - at_c - h * k3) / tau_s
        at_c += h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return at_c


@given(TAU, RATE)
def test_a_ramp_is_followed_with_a_lag(tau_s, rate):
    body = Body(20.0, 20.0, tau_s)
    body.aim(80.0, 0.0, rate)
    assert body.at(300.0) == pytest.approx(stepped(tau_s, lambda t: 80 + rate * t, 300.0, 20.0), abs=1e-5)


@given(TAU, TAU, RATE)
@example(60.0, 60.0, 0.5)
@example(60.0, math.nextafter(60.0, 61.0), 0.5)
def test_a_sample_in_a_furnace(furnace_s, sample_s, rate):
    furnace, sample = Body(20.0, 20.0, furnace_s), Body(15.0, 15.0, sample_s)
    furnace.aim(90.0, 0.0, rate)
    sample.follow(furnace, 0.0)
    alone = Body(20.0, 20.0, furnace_s)
    alone.aim(90.0, 0.0, rate)

    def at(t):
        return 90 + rate * (t - furnace_s) + (20 - 90 + rate * furnace_s) * math.exp(-t / furnace_s)

    assert alone.at(120.0) == pytest.approx(at(120.0), abs=1e-9)
    assert sample.at(300.0) == pytest.approx(stepped(sample_s, at, 300.0, 15.0), abs=1e-3)


@given(st.lists(st.floats(0.01, 100.0), min_size=1, max_size=20))
def test_time_may_pass_in_any_steps(steps):
    def sample():
        furnace, body = Body(20.0, 20.0, 60.0), Body(20.0, 20.0, 300.0)
        furnace.aim(500.0, 0.0, 0.5)
        body.follow(furnace, 0.0)
        return body

    one, many, now = sample(), sample(), 0.0
    for step in steps:
        now += step
        many.at(now)
    assert many.at(now) == pytest.approx(one.at(now), abs=1e-8)
