"""Limits: refused before the wire, and only ever narrowed."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.core.errors import LimitError
from drivers.core.limits import Limits, between

LIMITS = Limits({"volume": between("1 uL", "300 uL", "volume")})


@given(st.floats())
def test_only_values_inside_pass(value: float) -> None:
    if 1 <= value <= 300:
        LIMITS.check("volume", value, device="ot2")
        return
    with pytest.raises(LimitError, match="ot2: volume"):
        LIMITS.check("volume", value, device="ot2")


def test_nan_is_outside() -> None:
    with pytest.raises(LimitError):
        LIMITS.check("volume", math.nan, device="ot2")


def test_a_lab_may_narrow() -> None:
    narrower, wrong = LIMITS.narrowed({"volume": ["5 uL", "0.1 mL"]})
    assert not wrong
    assert str(narrower.ranges["volume"]) == "5 to 100 uL"


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"volume": ["0.5 uL", "100 uL"]}, "wider"),
        ({"volum": ["5 uL", "100 uL"]}, "no limit of that name"),
        ({"volume": "5 uL"}, "two quantities"),
        ({"volume": ["9 uL", "5 uL"]}, "lower end first"),
        ({"volume": ["5 s", "9 s"]}, "is a time"),
    ],
)
def test_what_is_wrong_is_said(wanted: dict[str, object], said: str) -> None:
    _, wrong = LIMITS.narrowed(wanted)
    assert len(wrong) == 1
    assert said in wrong[0][1]
