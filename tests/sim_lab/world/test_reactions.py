"""Reactions in the wells of the world: balanced by their elements, kept by the world's balance, blind to who looks."""

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.core.labware import kind
from sim_lab.world.air import Air
from sim_lab.world.liquids import WATER
from sim_lab.world.model import World
from sim_lab.world.rates import first_order, second_order
from sim_lab.world.reactions import (
    AMMONIA,
    CARBINOL,
    CARBON_DIOXIDE,
    CRYSTAL_VIOLET,
    E_COLI,
    GLUCOSE,
    HYDROXIDE,
    OXYGEN,
    PEROXIDE,
    PHOSPHATASE,
    PHOSPHATE,
    PNP,
    PNPP,
    REACTIONS,
    SALT,
)

#: Of biomass only the carbon is followed, so of that reaction only carbon is held against itself.
FORMULAS = {
    PNPP: "C6H4NNa2O6P", PNP: "C6H5NO3", PHOSPHATE: "HNa2O4P", WATER: "H2O", CRYSTAL_VIOLET: "C25H30ClN3",
    HYDROXIDE: "HNaO", CARBINOL: "C25H31N3O", SALT: "ClNa", PEROXIDE: "H2O2", OXYGEN: "O2", E_COLI: "C",
    GLUCOSE: "C6H12O6", CARBON_DIOXIDE: "CO2",
}  # fmt: skip


def elements(side: dict[str, float]) -> Counter[str]:
    found: Counter[str] = Counter()
    for species, count in side.items():
        for element, number in re.findall(r"([A-Z][a-z]?)(\d*)", FORMULAS[species]):
            found[element] += count * int(number or 1)
    return found


@pytest.mark.parametrize("reaction", REACTIONS, ids=lambda reaction: reaction.name)
def test_a_reaction_keeps_its_elements_and_names_its_source(reaction) -> None:
    before, after = elements(reaction.takes), elements(reaction.gives)
    kept = ["C"] if E_COLI in reaction.gives else sorted(before | after)
    for element in kept:
        assert before[element] == pytest.approx(after[element], rel=1e-12), element
    assert len(reaction.source) > 20


class Bench:
    """A plate in a world whose time we hold; sealed unless the air is dry."""

    def __init__(self, *, dry: bool = False) -> None:
        self.world = World(1, {"warm": None}, Air(25.0, 0.2))
        self.now_s = 0.0
        self.world.now = lambda: self.now_s
        self.world.place("plate", kind("plate_96_flat"), "bench")
        self.plate = self.world.labware["plate"]
        self.plate.sealed = not dry

    def fill(self, well: str, **molar: float) -> None:
        self.world.fill("plate", well, 200.0, {WATER: 55.4, **molar})

    def at(self, seconds: float, well: str = "A1") -> dict[str, float]:
        """What a well holds at a time, mol/L."""
        self.now_s = seconds
        vessel = self.world.vessel(self.plate, well)
        return {name: amount / (vessel.volume_ul * 1e-6) for name, amount in vessel.mol.items()}


def test_crystal_violet_fades_as_second_order_says() -> None:
    bench = Bench()
    bench.fill("A1", **{CRYSTAL_VIOLET: 2e-5, HYDROXIDE: 0.02})
    found = bench.at(600.0)
    assert found[CRYSTAL_VIOLET] == pytest.approx(2e-5 - second_order(2e-5, 0.02, 0.054 * 600.0), rel=1e-9)
    assert found[CARBINOL] == pytest.approx(2e-5 - found[CRYSTAL_VIOLET])


def test_who_looks_changes_nothing() -> None:
    seldom, often = Bench(), Bench()
    for bench in (seldom, often):
        bench.fill("A1", **{PNPP: 1e-3, PHOSPHATASE: 1e-9})
    for second in range(0, 1800, 7):
        often.at(float(second))
    assert often.at(1800.0)[PNP] == pytest.approx(seldom.at(1800.0)[PNP], rel=1e-9)


def test_heat_makes_it_faster_and_every_change_of_surroundings_counts() -> None:
    bench = Bench()
    bench.fill("A1", **{PEROXIDE: 1.0, AMMONIA: 1.0})
    bench.world.warm("bench", 60.0)
    law = REACTIONS[2].law
    bench.at(4000.0)
    bench.world.warm("bench", None)
    bench.at(4600.0)
    hot = bench.plate.body
    warm = Bench().plate.body
    warm.aim(60.0, 0.0)
    early = warm.integral(law.per_s, 0.0, 4000.0)
    assert bench.at(4600.0)[PEROXIDE] == pytest.approx(
        1.0 - first_order(1.0, early + hot.integral(law.per_s, 4000.0, 4600.0)), rel=1e-6
    )
    assert early > 20 * law.per_s(25.0) * 4000.0


def test_cells_grow_on_glucose_until_it_is_gone() -> None:
    bench = Bench()
    bench.fill("A1", **{E_COLI: 1e-3, GLUCOSE: 0.01})
    bench.world.warm("bench", 37.0)
    hour = bench.at(3600.0 * 2)
    assert 1.5e-3 < hour[E_COLI] < 4e-3
    late = bench.at(3600.0 * 48)
    assert late[E_COLI] == pytest.approx(1e-3 + 0.03, rel=1e-6)
    assert late[GLUCOSE] == pytest.approx(0.0, abs=1e-8)


def test_nothing_happens_without_all_that_it_needs() -> None:
    bench = Bench()
    bench.fill("A1", **{PNPP: 1e-3})
    bench.fill("B1", **{PEROXIDE: 1.0})
    assert bench.at(1e5)[PNPP] == pytest.approx(1e-3)
    assert bench.at(1e5, "B1")[PEROXIDE] == pytest.approx(1.0)


@settings(max_examples=50)
@given(
    st.dictionaries(
        st.sampled_from([PNPP, PHOSPHATASE, CRYSTAL_VIOLET, HYDROXIDE, PEROXIDE, AMMONIA, E_COLI, GLUCOSE]),
        st.floats(1e-9, 0.5), min_size=2,
    ),
    st.lists(st.floats(1.0, 3000.0), min_size=1, max_size=4),
    st.floats(10.0, 60.0),
)  # fmt: skip
def test_mass_is_kept_whatever_reacts(molar: dict[str, float], times: list[float], warmth: float) -> None:
    bench = Bench(dry=True)
    bench.fill("A1", **molar)
    bench.world.warm("bench", warmth)
    for passed in times:
        bench.at(bench.now_s + passed)
        drawn = bench.world.vessel(bench.plate, "A1").take(20.0)
        bench.world.vessel(bench.plate, "B1").add(drawn)
    assert all(abs(off) < 1e-9 for off in bench.world.imbalance().values()), bench.world.imbalance()


def test_the_balance_notices_what_vanishes() -> None:
    bench = Bench()
    bench.fill("A1", **{PNPP: 1e-3, PHOSPHATASE: 1e-9})
    bench.at(600.0)
    bench.plate.vessels["A1"].mol[PNP] *= 0.999
    assert bench.world.imbalance()[PNP] == pytest.approx(1e-3, rel=1e-3)


def test_wells_at_the_edge_dry_first() -> None:
    bench = Bench(dry=True)
    for well in ("A1", "A6", "D6"):
        bench.fill(well)
    left = []
    for well in ("A1", "A6", "D6"):
        bench.at(3600.0 * 10, well)
        left.append(bench.plate.vessels[well].volume_ul)
    corner, edge, inside = left
    assert corner < edge < inside < 200.0
