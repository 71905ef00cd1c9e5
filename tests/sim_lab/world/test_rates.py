"""Integrated rate laws against their differential equations, and against closed forms where those are simple."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim_lab.world.heat import Body
from sim_lab.world.rates import arrhenius, first_order, logistic, michaelis_menten, second_order, square_root

amounts = st.floats(1e-9, 1.0)


def runge_kutta(rate: Callable[[float], float], until: float, steps: int = 4000) -> float:
    """How far a reaction gets by its differential equation d(extent)/dt = rate(extent), to fourth order."""
    extent, h = 0.0, until / steps
    for _ in range(steps):
        k1 = rate(extent)
        k2 = rate(extent + h * k1 / 2)
        k3 = rate(extent + h * k2 / 2)
        k4 = rate(extent + h * k3)
        extent += h * (k1 + 2 * k2 + 2 * k3 + k4) / 6
    return extent


@pytest.mark.parametrize(("substrate", "km", "turned"), [(1e-3, 5e-4, 1e-4), (1e-5, 5e-4, 1e-3), (1e-2, 1e-5, 9e-3)])
def test_michaelis_and_menten_solve_their_equation(substrate: float, km: float, turned: float) -> None:
    expected = runge_kutta(lambda x: (substrate - x) / (km + substrate - x), turned)
    assert michaelis_menten(substrate, km, turned) == pytest.approx(expected, rel=1e-6)


@given(amounts, amounts, st.floats(0, 10))
def test_the_implicit_solution_of_michaelis_and_menten_holds(substrate: float, km: float, turned: float) -> None:
    """Km ln(S0/S) + S0 - S = V t (Michaelis and Menten, Biochem. Z. 49 (1913) 333)."""
    left = substrate - michaelis_menten(substrate, km, turned)
    assert 0 <= left <= substrate
    if left > 1e-3 * substrate:
        assert km * math.log(substrate / left) + substrate - left == pytest.approx(turned, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(("a", "b"), [(1.0, 1.0), (1.0, 1.0 + 1e-13), (0.3, 2.0), (2.0, 0.3), (1e-5, 0.1)])
def test_second_order_solves_its_equation(a: float, b: float) -> None:
    assert second_order(a, b, 1.7) == pytest.approx(runge_kutta(lambda x: (a - x) * (b - x), 1.7), rel=1e-8)


@given(amounts, amounts, st.floats(0, 1e6))
def test_second_order_is_symmetric_and_uses_no_more_than_there_is(a: float, b: float, integral: float) -> None:
    extent = second_order(a, b, integral)
    assert extent == second_order(b, a, integral)
    assert 0 <= extent <= min(a, b) * (1 + 1e-12)


def test_first_order_halves_in_its_half_life() -> None:
    assert first_order(2.0, math.log(2)) == pytest.approx(1.0)


def test_growth_solves_verhulsts_equation() -> None:
    grown, limit = 0.02, 1.0
    expected = runge_kutta(lambda x: (grown + x) * (1 - (grown + x) / limit), 6.0)
    assert logistic(grown, limit, 6.0) == pytest.approx(expected, rel=1e-8)
    assert logistic(grown, limit, 1e9) == pytest.approx(limit - grown)
    assert logistic(grown, limit, math.log(2)) == pytest.approx(grown, rel=0.05)  # at first it doubles


@given(st.floats(1e-8, 1), st.floats(1e-8, 1), st.floats(0, 5), st.floats(0, 5))
def test_two_times_in_a_row_are_the_time_as_a_whole(a: float, b: float, first: float, then: float) -> None:
    whole, early = second_order(a, b, first + then), second_order(a, b, first)
    assert early + second_order(a - early, b - early, then) == pytest.approx(whole, rel=1e-9, abs=1e-15)
    whole, early = michaelis_menten(a, b, first + then), michaelis_menten(a, b, first)
    assert early + michaelis_menten(a - early, b, then) == pytest.approx(whole, rel=1e-7, abs=1e-12)


def test_the_rule_of_thumb_of_arrhenius() -> None:
    """About 52.9 kJ/mol doubles a rate from 25 to 35 degC (R ln 2 / (1/298.15 - 1/308.15))."""
    assert arrhenius(1.0, 52.9e3, 35.0) == pytest.approx(2.0, rel=2e-3)
    assert arrhenius(3.0, 80e3, 25.0) == 3.0


def test_nothing_grows_in_the_cold_or_the_heat() -> None:
    assert square_root(1.0, 3.0, 49.0, 0.3, 2.0) == square_root(1.0, 3.0, 49.0, 0.3, 50.0) == 0.0
    assert square_root(1.0, 3.0, 49.0, 0.3, 37.0) == 1.0
    assert square_root(1.0, 3.0, 49.0, 0.3, 20.0) == pytest.approx((17 / 34) ** 2, rel=0.1)  # the square of the way up


@pytest.mark.parametrize(("start", "end"), [(0.0, 10.0), (50.0, 900.0), (0.0, 20_000.0), (9000.0, 9100.0)])
def test_a_rate_is_integrated_along_a_temperature_that_changes(start: float, end: float) -> None:
    body = Body(22.0, 60.0, tau_s=300.0)

    def rate(at_c: float) -> float:
        return arrhenius(1.0, 80e3, at_c)

    steps = 20_000
    width = (end - start) / steps
    expected = width * sum(rate(body.at(start + (n + 0.5) * width)) for n in range(steps))
    assert body.integral(rate, start, end) == pytest.approx(expected, rel=1e-5)


def test_a_body_that_stays_integrates_to_its_rate() -> None:
    assert Body(22.0, 22.0, 300.0).integral(lambda at_c: at_c, 5.0, 25.0) == pytest.approx(440.0)
