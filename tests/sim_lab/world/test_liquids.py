"""Liquids: nothing is lost, whatever is poured where."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.core.labware import kind
from sim_lab.world.air import BOUNDARY_LAYER_MM, EDGE_SHARE, Air, evaporation_mol_s, saturation_pa
from sim_lab.world.liquids import WATER, Vessel, solution
from sim_lab.world.model import PhysicalError, World
from sim_lab.world.optics import absorbance, molar_absorptivity

volumes = st.floats(0, 500)
liquids = st.builds(solution, volumes, st.dictionaries(st.sampled_from(["a", "b", WATER]), st.floats(0, 1)))


@given(liquids, liquids, volumes)
def test_pouring_keeps_every_amount(one: Vessel, two: Vessel, volume: float) -> None:
    species = {*one.mol, *two.mol}
    before = {s: one.mol.get(s, 0) + two.mol.get(s, 0) for s in species}
    total = one.volume_ul + two.volume_ul
    two.add(one.take(volume))
    assert one.volume_ul + two.volume_ul == pytest.approx(total, rel=1e-12, abs=1e-12)
    for name in species:
        assert one.mol.get(name, 0) + two.mol.get(name, 0) == pytest.approx(before[name], rel=1e-12, abs=1e-15)


@given(liquids.filter(lambda liquid: liquid.volume_ul > 1), st.floats(0.01, 0.99))
def test_what_is_drawn_has_the_same_concentration(liquid: Vessel, share: float) -> None:
    before = {s: amount / liquid.volume_ul for s, amount in liquid.mol.items()}
    taken = liquid.take(liquid.volume_ul * share)
    for species, concentration in before.items():
        assert taken.mol[species] / taken.volume_ul == pytest.approx(concentration, rel=1e-9, abs=1e-18)


def test_more_than_there_is_cannot_be_drawn() -> None:
    vessel = solution(10, {"a": 1.0})
    assert vessel.take(50).volume_ul == 10
    assert vessel.volume_ul == 0
    assert not vessel.mol


def test_beer_and_lambert_is_linear_additive_and_blind_to_volume() -> None:
    red, yellow = "25956-17-6", "1934-21-0"
    one = absorbance(Vessel(200, {red: 1e-8}), 36.9, 504)
    assert absorbance(Vessel(200, {red: 2e-8}), 36.9, 504) == pytest.approx(2 * one)
    both = absorbance(Vessel(200, {red: 1e-8, yellow: 3e-8}), 36.9, 427)
    assert both == pytest.approx(
        absorbance(Vessel(200, {red: 1e-8}), 36.9, 427) + absorbance(Vessel(200, {yellow: 3e-8}), 36.9, 427)
    )
    # 0.05 mmol/L, 200 uL over 0.369 cm2: A = eps c l by hand
    assert one == pytest.approx(molar_absorptivity(red, 504) * (1e-8 / 200e-6) * (0.2 / 0.369))


def test_vapour_pressure_of_water() -> None:
    # CRC Handbook: 2339 Pa at 20 degC, 7384 Pa at 40 degC
    assert saturation_pa(20) == pytest.approx(2339, rel=2e-3)
    assert saturation_pa(40) == pytest.approx(7384, rel=2e-3)


def test_evaporation_by_hand() -> None:
    """Fick: D x difference of concentrations / path x area; a corner's layer is thinner by its two open sides."""
    gas = saturation_pa(22) / (8.314462618 * 295.15)
    inside = 2.5e-5 * gas * (1 - 0.5) / ((4 + BOUNDARY_LAYER_MM) * 1e-3) * 35e-6
    assert evaporation_mol_s(35, 4, 22, Air(22, 0.5)) == pytest.approx(inside, rel=1e-9)
    corner = inside * (4 + BOUNDARY_LAYER_MM) / (4 + BOUNDARY_LAYER_MM * (1 - 2 * EDGE_SHARE))
    assert evaporation_mol_s(35, 4, 22, Air(22, 0.5), open_sides=2) == pytest.approx(corner, rel=1e-9)


def test_nothing_evaporates_into_saturated_air() -> None:
    assert evaporation_mol_s(37, 5, 22, Air(22, 1.0)) == 0
    assert evaporation_mol_s(37, 5, 22, Air(22, 0.4)) > 0


def test_evaporation_takes_water_only_and_is_accounted() -> None:
    world = World(seed=1, sites={})
    clock = [0.0]
    world.now = lambda: clock[0]
    world.place("plate", kind("plate_96_flat"), "bench.1")
    world.fill("plate", "A1", 200, {WATER: 55.4, "a": 1e-3})
    clock[0] = 3600 * 5
    vessel = world.vessel(world.labware["plate"], "A1")
    assert 1 < 200 - vessel.volume_ul < 50
    assert vessel.mol["a"] == pytest.approx(2e-7)
    assert world.imbalance() == pytest.approx({"volume": 0, WATER: 0, "a": 0}, abs=1e-12)


def test_a_sealed_plate_keeps_its_water() -> None:
    world = World(seed=1, sites={})
    clock = [0.0]
    world.now = lambda: clock[0]
    world.place("plate", kind("plate_96_flat"), "bench.1")
    world.fill("plate", "A1", 200, {WATER: 55.4})
    world.labware["plate"].sealed = True
    clock[0] = 3600 * 5
    assert world.vessel(world.labware["plate"], "A1").volume_ul == 200


def test_two_things_cannot_stand_in_one_place() -> None:
    world = World(seed=1, sites={})
    world.place("one", kind("plate_96_flat"), "bench.1")
    with pytest.raises(PhysicalError, match="one stands on bench.1 already"):
        world.place("two", kind("plate_96_flat"), "bench.1")
    with pytest.raises(PhysicalError, match="nothing stands on bench.2"):
        world.lift("bench.2")
