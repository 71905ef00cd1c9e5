"""pH, indicators and complexes against closed forms."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim_lab.world.acids import ACIDS, INDICATORS, basic_share, ph
from sim_lab.world.equilibria import COMPLEXES, forms, free_guest
from sim_lab.world.liquids import Vessel
from sim_lab.world.optics import absorbance, molar_absorptivity, spectra

HCL, NAOH, ACETIC, ACETATE, AMMONIA = "7647-01-0", "1310-73-2", "64-19-7", "127-09-3", "1336-21-6"
BLUE = "76-59-5"


@given(st.floats(1e-6, 1.0))
def test_a_strong_acid_and_its_base_are_mirror_images(molar: float) -> None:
    exact = -math.log10((molar + math.sqrt(molar**2 + 4e-14)) / 2)  # the quadratic with water's own protons
    assert ph({HCL: molar}) == pytest.approx(exact, abs=1e-6)
    assert ph({NAOH: molar}) == pytest.approx(14 - exact, abs=1e-6)


@given(st.floats(1e-3, 1.0))
def test_a_weak_acid_by_its_quadratic(molar: float) -> None:
    ka = 10**-4.756
    assert ph({ACETIC: molar}) == pytest.approx(-math.log10((-ka + math.sqrt(ka**2 + 4 * ka * molar)) / 2), abs=1e-3)


@given(st.floats(0.05, 0.2), st.floats(0.05, 0.2))
def test_a_buffer_by_henderson_and_hasselbalch(acid: float, base: float) -> None:
    assert ph({ACETIC: acid, ACETATE: base}) == pytest.approx(4.756 + math.log10(base / acid), abs=2e-3)


def test_known_solutions() -> None:
    assert ph({"64-19-7": 0.1}) == pytest.approx(2.88, abs=0.01)
    assert ph({AMMONIA: 0.1}) == pytest.approx(11.12, abs=0.01)
    assert ph({"7778-77-0": 0.025, "7758-11-4": 0.025}) == pytest.approx(7.21, abs=0.01)
    assert ph({"7664-38-2": 0.1}) == pytest.approx(1.6, abs=0.05)
    assert ph({NAOH: 0.01, HCL: 0.01}) == pytest.approx(7.0, abs=1e-6)


def test_an_indicator_turns_at_its_pka() -> None:
    volume = 200.0
    acid, base, half = ({BLUE: 1e-8, HCL: 2e-6}, {BLUE: 1e-8, NAOH: 2e-6}, {BLUE: 1e-8})
    assert basic_share(BLUE, 7.1) == pytest.approx(0.5)
    yellow, blue = (absorbance(Vessel(volume, dict(mol)), 35.0, 617.0) for mol in (acid, base))
    assert blue > 100 * yellow
    seen = forms(half, volume)
    assert seen[f"{BLUE} acid"] + seen[f"{BLUE} base"] == pytest.approx(1e-8)
    assert seen[f"{BLUE} base"] / 1e-8 == pytest.approx(1 / (1 + 10 ** (7.1 - 7.0)), rel=1e-3)


@given(st.floats(1e-9, 1e-2), st.floats(1e-9, 1e-2), st.floats(1, 12))
def test_one_to_one_by_its_quadratic(host: float, guest: float, log_beta: float) -> None:
    kd = 10**-log_beta
    total = host + guest + kd
    bound = 2 * host * guest / (total + math.sqrt(total**2 - 4 * host * guest))
    assert free_guest(guest, [(1, host, 10**log_beta)]) == pytest.approx(guest - bound, rel=1e-6, abs=1e-9 * guest)


@pytest.mark.parametrize("bound", COMPLEXES, ids=lambda c: c.product)
def test_a_complex_takes_what_it_is_made_of(bound) -> None:
    there = {bound.host: 2e-9, bound.guest: 3e-8}
    seen = forms(dict(there), 150.0)
    made = seen[bound.product]
    assert seen[bound.host] + made / bound.sites == pytest.approx(2e-9)
    assert seen[bound.guest] + made * bound.count == pytest.approx(3e-8)
    assert made > 0
    assert there == {bound.host: 2e-9, bound.guest: 3e-8}  # a vessel keeps what was put in


def test_iron_is_all_bound_by_an_excess() -> None:
    seen = forms({"7720-78-7": 1e-8, "66-71-7": 1e-6}, 200.0)
    assert seen["tris(phenanthroline)iron(II)"] == pytest.approx(1e-8, rel=1e-6)


def test_a_liquid_without_colours_is_seen_as_it_is() -> None:
    mol = {"7732-18-5": 1.0, HCL: 1e-6}
    assert forms(mol, 100.0) is mol


def test_every_product_and_indicator_has_a_spectrum() -> None:
    for bound in COMPLEXES:
        assert bound.product in spectra()
        assert bound.source
    for indicator in INDICATORS:
        assert {f"{indicator} acid", f"{indicator} base"} <= spectra().keys()
    assert molar_absorptivity("nobody", 500.0) == 0.0
    assert all(abs(acid.ions) <= 2 for acid in ACIDS.values())
