"""The substances and the control lists: check digits, no duplicates, nothing that does not exist."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.chemistry.cas import valid_cas
from protocols.chemistry.controlled import controlled, listings
from protocols.chemistry.reactivity import GROUPS
from protocols.chemistry.substances import GHS, substance, substances
from protocols.chemistry.tables import rows


@pytest.mark.parametrize("table", ["substances.csv", "controlled.csv"])
def test_every_number_has_its_check_digit_and_is_there_once(table: str) -> None:
    numbers = [row["cas"] for row in rows(table)]
    assert [cas for cas in numbers if not valid_cas(cas)] == []
    assert len(set(numbers)) == len(numbers)
    names = [row["name"] for row in rows(table)]
    assert all(names)


@pytest.mark.parametrize(
    "text", ["", "water", "7732-18-6", "7732185", "7732-18-5 ", "0000-00-0", "٧٧٣٢-18-5", "1-18-5"]
)
def test_what_is_no_cas_number(text: str) -> None:
    assert not valid_cas(text)


@given(st.sampled_from(sorted(substances())), st.integers(0, 9))
def test_one_wrong_digit_at_the_end_is_found(cas: str, digit: int) -> None:
    assert valid_cas(cas[:-1] + str(digit)) == (cas[-1] == str(digit))


def test_groups_kinds_and_classes_exist() -> None:
    assert len(substances()) >= 150
    for known in substances().values():
        assert set(known.groups) <= GROUPS.keys(), known.name
        assert set(known.ghs) <= GHS.keys(), known.name
        assert not (known.inert and known.groups), known.name
        assert len(set(known.groups)) == len(known.groups), known.name


def test_every_kind_is_one_that_a_rule_goes_by() -> None:
    said = {text for row in rows("incompatible.csv") for text in (row["a"], row["b"])}
    said |= {kind for row in rows("appendix_v.csv") for kind in row["kinds"].split()}
    used = {kind for known in substances().values() for kind in known.kinds}
    groups = {f"g{number}" for number in GROUPS}
    assert used == said - groups


def test_no_group_is_told_apart_from_unknown() -> None:
    water, salt, edc = substance("7732-18-5"), substance("7647-14-5"), substance("25952-53-8")
    assert water is not None
    assert water.groups == (106,)
    assert not water.inert
    assert salt is not None
    assert salt.groups == ()
    assert salt.classified
    assert edc is not None
    assert edc.groups == ()
    assert not edc.classified
    assert substance("0-00-0") is None


def test_known_facts() -> None:
    ethanol = substance("64-17-5")
    assert ethanol is not None
    assert ethanol.flash_c == pytest.approx(12, abs=2)
    assert ethanol.boiling_c == pytest.approx(78.3, abs=0.5)
    assert ethanol.molar_mass_g_mol == pytest.approx(46.07, abs=0.01)
    assert ethanol.density_g_ml == pytest.approx(0.789, abs=0.002)
    assert {"FL"} <= set(ethanol.ghs)


def test_numbers_are_in_a_sane_range() -> None:
    for known in substances().values():
        assert known.flash_c is None or -60 <= known.flash_c <= 300, known.name
        assert known.autoignition_c is None or 0 < known.autoignition_c <= 700, known.name
        assert known.molar_mass_g_mol is None or 2 <= known.molar_mass_g_mol < 1300, known.name
        assert known.density_g_ml is None or 0.5 < known.density_g_ml < 23, known.name


def test_flammable_liquids_flash_at_or_below_93_c() -> None:
    """GHS 2.6: a flammable liquid has a flash point of not more than 93 degrees."""
    for known in substances().values():
        if "FL" in known.ghs and known.flash_c is not None:
            assert known.flash_c <= 93, known.name


def test_levels() -> None:
    assert {listing.level for listing in listings().values()} == {"block", "two_person"}
    for listing in listings().values():
        assert (listing.level == "block") == (listing.list in ("CWC-1", "EXP-1")), listing.name
    sarin, petn, tatp, acetic_anhydride = map(controlled, ("107-44-8", "78-11-5", "17088-37-8", "108-24-7"))
    assert sarin is not None
    assert (sarin.list, sarin.level) == ("CWC-1", "block")
    assert petn is not None
    assert petn.level == "two_person"
    assert tatp is not None
    assert tatp.level == "block"
    assert acetic_anhydride is not None
    assert acetic_anhydride.list == "DEA-II"
    assert controlled("7732-18-5") is None


def test_a_substance_knows_its_listing() -> None:
    permanganate = substance("7722-64-7")
    assert permanganate is not None
    assert permanganate.controlled == controlled("7722-64-7") is not None
