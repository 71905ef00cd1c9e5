"""Nonlinear fits against certified values of others."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.analysis.least_squares import NoFit, solve

#: NIST StRD, Misra1a (Misra, 1978): y = b1 (1 - exp(-b2 x)), certified parameters and standard deviations.
MISRA_Y = [10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02, 44.82, 50.76, 55.05, 61.01, 66.40, 75.47, 81.78]
MISRA_X = [77.6, 114.9, 141.1, 190.8, 239.9, 289.0, 332.8, 378.4, 434.8, 477.3, 536.8, 593.1, 689.1, 760.0]
#: Treated puromycin, rates of an enzyme (Bates and Watts, Nonlinear Regression Analysis (1988), appendix A1.3).
PUROMYCIN_X = [0.02, 0.02, 0.06, 0.06, 0.11, 0.11, 0.22, 0.22, 0.56, 0.56, 1.10, 1.10]
PUROMYCIN_Y = [76, 47, 97, 107, 123, 139, 159, 152, 191, 201, 207, 200]


@pytest.mark.parametrize("start", [(500.0, 1e-4), (250.0, 5e-4)])  # both of NIST's
def test_misra_by_nist(start: tuple[float, float]) -> None:
    x = np.array(MISRA_X)
    found = solve(lambda b: b[0] * -np.expm1(-b[1] * x), np.array(MISRA_Y), np.array(start))
    assert found.values == pytest.approx([2.3894212918e2, 5.5015643181e-4], rel=1e-7)
    assert found.standard_errors == pytest.approx([2.7070075241, 7.2668688436e-6], rel=1e-5)
    assert float(found.residuals @ found.residuals) == pytest.approx(1.2455138894e-1, rel=1e-8)


def test_puromycin_by_bates_and_watts() -> None:
    x = np.array(PUROMYCIN_X)
    found = solve(lambda b: b[0] * x / (b[1] + x), np.array(PUROMYCIN_Y, float), np.array([100.0, 0.5]))
    assert found.values == pytest.approx([212.7, 0.06412], rel=5e-4)
    assert found.standard_errors == pytest.approx([6.947, 0.008281], rel=1e-3)


@given(st.floats(1e-6, 1e3), st.floats(1e-3, 1e3))
def test_without_noise_the_truth_is_found_from_far_away(top: float, half: float) -> None:
    x = half * np.geomspace(0.05, 20, 12)
    found = solve(lambda b: b[0] * x / (b[1] + x), top * x / (half + x), np.array([top / 30, half * 30]))
    assert found.values == pytest.approx([top, half], rel=1e-6)


def test_the_gain_tells_what_an_error_does() -> None:
    x = np.linspace(0.1, 5, 20)

    def model(b: np.ndarray) -> np.ndarray:
        return b[0] * np.exp(-b[1] * x)

    y = model(np.array([2.0, 0.7]))
    found, moved = solve(model, y, np.array([1.0, 1.0])), y.copy()
    moved[3] += 1e-6
    again = solve(model, moved, np.array([1.0, 1.0]))
    assert again.values - found.values == pytest.approx(found.gain[:, 3] * 1e-6, rel=1e-3)


def test_weights_count() -> None:
    y, sd = np.array([1.0, 3.0]), np.array([0.1, 1.0])
    found = solve(lambda b: np.full(2, b[0]), y, np.array([1.5]), sd)
    assert found.values[0] == pytest.approx((1 / 0.01 * 1 + 3) / (1 / 0.01 + 1), rel=1e-9)


def test_too_few_points() -> None:
    with pytest.raises(NoFit, match="1 points cannot fix 2"):
        solve(lambda b: b[:1] + b[1], np.array([1.0]), np.array([1.0, 1.0]))
