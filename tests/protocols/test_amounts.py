"""Concentrations by mass."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.core.units import UnitError, parse
from protocols.amounts import by_amount
from protocols.chemistry.substances import substances

KNOWN = sorted(cas for cas, one in substances().items() if one.molar_mass_g_mol)


@given(st.sampled_from(KNOWN), st.floats(1e-3, 500))
def test_by_mass_is_by_amount_times_the_molar_mass(cas: str, grams: float) -> None:
    told = by_amount({"cas": cas, "concentration": f"{grams:.6f} g/L"})["concentration"]
    assert parse(told, "concentration") * (substances()[cas].molar_mass_g_mol or 0) == pytest.approx(grams, rel=1e-3)


@pytest.mark.parametrize("material", [{"concentration": "5 g/L"}, {"cas": "99999-99-9", "concentration": "5 mg/mL"}])
def test_without_a_molar_mass_it_says_how_to_write_it(material: dict[str, str]) -> None:
    with pytest.raises(UnitError, match="write mol/L: g/L divided by the g/mol"):
        by_amount(material)


def test_all_else_is_left_alone() -> None:
    for material in ({"cas": "7647-14-5", "concentration": "5 mol/L"}, {"concentration": 5}, {}):
        assert by_amount(material) is material


def test_a_powder_by_itself_is_its_density_over_its_molar_mass() -> None:
    """Silicon: 2.33 g/mL over 28.09 g/mol (NIST SRM 640f gives the cell of the same)."""
    told = by_amount({"cas": "7440-21-3", "concentration": "pure"})
    assert parse(told["concentration"], "concentration") == pytest.approx(82.9, abs=0.1)
    assert told["solvent"] is None


@pytest.mark.parametrize(
    ("material", "words"),
    [
        ({"cas": "99999-99-9", "concentration": "pure"}, "the molar mass of CAS 99999-99-9 is not known"),
        ({"cas": "25956-17-6", "concentration": "pure"}, "the density of CAS 25956-17-6 is not known"),
        ({"cas": "7440-21-3", "concentration": "pure", "solvent": "7732-18-5"}, "has no solvent"),
        ({"concentration": "pure"}, "a material without a CAS number"),
    ],
)
def test_what_is_pure_needs_a_density_and_no_solvent(material: dict[str, str], words: str) -> None:
    with pytest.raises(UnitError, match=words):
        by_amount(material)
