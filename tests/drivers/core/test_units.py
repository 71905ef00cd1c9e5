"""Quantities: every factor against pint, and what is refused."""

import math

import pint
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.core.units import DIMENSIONS, UnitError, parse, render

_PINT = pint.UnitRegistry()
_PINT_NAMES = {
    "degC": "degC", "°C": "degC", "rpm": "rpm", "%": "percent", "1": "dimensionless", "d": "day", "deg": "degree",
    "L/mol/cm": "L/mol/cm", "1/M/s": "1/molar/s", "1/M/cm": "1/molar/cm", "m^2/mol": "m**2/mol", "M": "molar", "mM": "millimolar",
    "xg": "g_0", "sccm": "cm**3/min", "slm": "L/min", "degC/min": "delta_degC/min", "°C/min": "delta_degC/min", "uM": "micromolar", "µM": "micromolar", "nM": "nanomolar",
}  # fmt: skip
_ALL = [(dimension, unit) for dimension, (_, units) in DIMENSIONS.items() for unit in units]


@pytest.mark.parametrize(("dimension", "unit"), _ALL)
def test_every_factor_is_pints(dimension: str, unit: str) -> None:
    kept = DIMENSIONS[dimension][0]
    theirs = _PINT.Quantity(3.5, _PINT_NAMES.get(unit, unit)).to(_PINT_NAMES.get(kept, kept)).magnitude
    assert parse(f"3.5 {unit}", dimension) == pytest.approx(theirs, rel=1e-12)


@given(st.sampled_from(sorted(DIMENSIONS)), st.floats(-1e12, 1e12))
def test_render_is_read_back(dimension: str, value: float) -> None:
    assert parse(render(value, dimension), dimension) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (20, "has no unit"),
        ("20", "not a number with a unit"),
        ("nan uL", "not a number"),
        ("inf uL", "not a number"),
        ("1e999 uL", "not finite"),
        ("20 ul", "did you mean 'uL'"),
        ("20 min", "is a time"),
        ("20 uL * 2", "unknown unit"),
        ("", "not a number"),
        (None, "has no unit"),
        (True, "has no unit"),
    ],
)
def test_what_is_no_volume_is_refused(text: object, said: str) -> None:
    with pytest.raises(UnitError, match=said.replace("*", r"\*")):
        parse(text, "volume")


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        value = parse(text, "volume")
    except UnitError:
        return
    assert math.isfinite(value)
