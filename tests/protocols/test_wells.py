"""Addresses of wells."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.wells import AddressError, parse_wells, row_letters, row_number


@given(st.integers(0, 701))
def test_rows_have_letters(number: int) -> None:
    assert row_number(row_letters(number)) == number


def test_ranges() -> None:
    assert parse_wells("p/A1:A3").names == ("A1", "A2", "A3")
    assert parse_wells("p/A1:C1").names == ("A1", "B1", "C1")
    assert parse_wells("p/a1,h12").names == ("A1", "H12")
    assert parse_wells("p/AA1:AB1").names == ("AA1", "AB1")


def test_the_name_of_labware_may_hold_slashes_and_colons() -> None:
    wells = parse_wells("9eb5:maker/plate_96/1/A1:B2")
    assert wells.labware == "9eb5:maker/plate_96/1"
    assert wells.names == ("A1", "B1", "A2", "B2")
    assert parse_wells(str(wells)) == wells


@pytest.mark.parametrize(
    "text", ["p", "p/", "/A1", "p/A", "p/1", "p/A0", "p/A1:", "p/B1:A1", "p/A1:B2:C3", "p/A1,A1", ""]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(AddressError):
        parse_wells(text)
