"""The slow reactions of the world: what turns into what in a well, how fast, and by which source.

A reaction is declared with its stoichiometry; `tests/sim_lab/world` holds that of every one against its elements.
Fast equilibria (colours of complexes and indicators) are in `equilibria`: they turn nothing over for good.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from sim_lab.world.heat import Body
from sim_lab.world.rates import arrhenius, first_order, logistic, michaelis_menten, second_order, square_root

#: Beside a second reaction in one well, each goes no further at once than in this time: they share what is there.
SLICE_S = 5.0


@dataclass(frozen=True, slots=True)
class Law(ABC):
    """A rate law: `per_s` at a temperature, and the extent (mol/L) after the integral of that over time."""

    @property
    @abstractmethod
    def needs(self) -> tuple[str, ...]:
        """The species without which nothing happens."""

    @abstractmethod
    def per_s(self, temperature_c: float) -> float:
        """The rate constant."""

    @abstractmethod
    def extent(self, molar: Mapping[str, float], integral: float) -> float:
        """How far it got, mol/L."""


@dataclass(frozen=True, slots=True)
class Reaction:
    """`takes` and `gives`: moles of each species for one mole of extent."""

    name: str
    takes: Mapping[str, float]
    gives: Mapping[str, float]
    law: Law
    source: str

    def extent_mol(self, mol: Mapping[str, float], volume_ul: float, body: Body, start_s: float, end_s: float) -> float:
        """How far it gets in a vessel that nobody touches meanwhile; never further than its reactants last."""
        litres = volume_ul * 1e-6
        molar = {name: mol.get(name, 0.0) / litres for name in (*self.law.needs, *self.takes)}
        integral = body.integral(self.law.per_s, start_s, end_s)
        lasts = min(mol.get(name, 0.0) / count for name, count in self.takes.items())
        return max(0.0, min(self.law.extent(molar, integral) * litres, lasts))


@dataclass(frozen=True, slots=True)
class FirstOrder(Law):
    """-d[a]/dt = k [a], where `also` is there."""

    a: str
    also: tuple[str, ...]
    at_25c: float
    activation_j_mol: float

    @property
    def needs(self) -> tuple[str, ...]:
        """What reacts, and what makes it react."""
        return self.a, *self.also

    def per_s(self, temperature_c: float) -> float:
        """1/s."""
        return arrhenius(self.at_25c, self.activation_j_mol, temperature_c)

    def extent(self, molar: Mapping[str, float], integral: float) -> float:
        """By `first_order`."""
        return first_order(molar[self.a], integral)


@dataclass(frozen=True, slots=True)
class SecondOrder(Law):
    """-d[a]/dt = k [a] [b]."""

    a: str
    b: str
    at_25c: float
    activation_j_mol: float

    @property
    def needs(self) -> tuple[str, ...]:
        """Both."""
        return self.a, self.b

    def per_s(self, temperature_c: float) -> float:
        """L/(mol s)."""
        return arrhenius(self.at_25c, self.activation_j_mol, temperature_c)

    def extent(self, molar: Mapping[str, float], integral: float) -> float:
        """By `second_order`."""
        return second_order(molar[self.a], molar[self.b], integral)


@dataclass(frozen=True, slots=True)
class Enzyme(Law):
    """-d[s]/dt = kcat [e] [s] / (Km + [s])."""

    enzyme: str
    substrate: str
    km: float
    kcat_at_25c: float
    activation_j_mol: float

    @property
    def needs(self) -> tuple[str, ...]:
        """Enzyme and substrate."""
        return self.enzyme, self.substrate

    def per_s(self, temperature_c: float) -> float:
        """kcat, 1/s."""
        return arrhenius(self.kcat_at_25c, self.activation_j_mol, temperature_c)

    def extent(self, molar: Mapping[str, float], integral: float) -> float:
        """By `michaelis_menten`."""
        return michaelis_menten(molar[self.substrate], self.km, molar[self.enzyme] * integral)


@dataclass(frozen=True, slots=True)
class Growth(Law):
    """db/dt = r b (1 - b/limit): what is there grows until its nutrient, of which it makes `yields`, is used up."""

    biomass: str
    nutrient: str
    yields: float
    at_37c: float
    low_c: float
    high_c: float
    bend: float

    @property
    def needs(self) -> tuple[str, ...]:
        """Something to grow, and something to grow on."""
        return self.biomass, self.nutrient

    def per_s(self, temperature_c: float) -> float:
        """r, 1/s."""
        return square_root(self.at_37c, self.low_c, self.high_c, self.bend, temperature_c)

    def extent(self, molar: Mapping[str, float], integral: float) -> float:
        """By `logistic`."""
        grown = molar[self.biomass]
        return logistic(grown, grown + self.yields * molar[self.nutrient], integral)


PNPP, PNP, PHOSPHATE, WATER = "4264-83-9", "100-02-7", "7558-79-4", "7732-18-5"
PHOSPHATASE = "9001-78-9"
CRYSTAL_VIOLET, HYDROXIDE, CARBINOL, SALT = "548-62-9", "1310-73-2", "467-63-0", "7647-14-5"
PEROXIDE, AMMONIA, OXYGEN = "7722-84-1", "1336-21-6", "7782-44-7"
E_COLI, GLUCOSE, CARBON_DIOXIDE = "Escherichia coli (carbon of dry mass)", "50-99-7", "124-38-9"

#: Carbon of glucose that becomes biomass, mol/mol: about half of it in aerobic growth (order of the literature).
E_COLI_YIELD = 0.5

REACTIONS: tuple[Reaction, ...] = (
    Reaction(
        "4-nitrophenyl phosphate + water -> 4-nitrophenol + phosphate, by alkaline phosphatase",
        {PNPP: 1.0, WATER: 1.0},
        {PNP: 1.0, PHOSPHATE: 1.0},
        Enzyme(PHOSPHATASE, PNPP, km=0.5e-3, kcat_at_25c=1000.0, activation_j_mol=15.2e3),
        "Km 0.5 mmol/L and 15.23 kJ/mol: phosphatase of rabbit liver (African J. Biotechnol., ajb/article/93367); "
        "kcat: our choice, of the order of commercial enzymes",
    ),
    Reaction(
        "crystal violet + hydroxide -> carbinol",
        {CRYSTAL_VIOLET: 1.0, HYDROXIDE: 1.0},
        {CARBINOL: 1.0, SALT: 1.0},
        SecondOrder(CRYSTAL_VIOLET, HYDROXIDE, at_25c=0.054, activation_j_mol=60.57e3),
        "0.054 L/mol/s: R. Soc. Open Sci. 9 (2022) 220494, taken as of 25 degC and of first order in hydroxide; "
        "60.57 kJ/mol: Salahudeen and Rasheed, Sci. Rep. 10 (2020) 21929",
    ),
    Reaction(
        "hydrogen peroxide -> water + oxygen, in ammonia",
        {PEROXIDE: 1.0},
        {WATER: 1.0, OXYGEN: 0.5},
        FirstOrder(PEROXIDE, (AMMONIA,), at_25c=6.0e-6, activation_j_mol=80e3),
        "our estimate: a half-life of some hours at 60 degC, as baths of ammonia and peroxide have; it depends on the "
        "traces of metal in the bath more than on anything else",
    ),
    Reaction(
        "growth of Escherichia coli on glucose",
        {GLUCOSE: 1 / (6 * E_COLI_YIELD)},
        {E_COLI: 1.0, CARBON_DIOXIDE: 1 / E_COLI_YIELD - 1},
        Growth(
            E_COLI, GLUCOSE, yields=6 * E_COLI_YIELD, at_37c=0.65 / 3600, low_c=3.0, high_c=49.0, bend=0.3
        ),
        "form: Ratkowsky et al., J. Bacteriol. 154 (1983) 1222; 0.65/h in glucose minimal medium at 37 degC, and the "
        "limits, from memory of the order of the literature. Carbon is balanced; what else is taken up is not followed",
    ),
)  # fmt: skip
_BY_SPECIES: Mapping[str, tuple[Reaction, ...]] = {
    reaction.law.needs[0]: tuple(r for r in REACTIONS if r.law.needs[0] == reaction.law.needs[0])
    for reaction in REACTIONS
}


@cache
def _possible(species: frozenset[str]) -> tuple[Reaction, ...]:
    return tuple(
        reaction for name in sorted(species & _BY_SPECIES.keys()) for reaction in _BY_SPECIES[name]
        if species.issuperset(reaction.law.needs)
    )  # fmt: skip


def possible(mol: Mapping[str, float]) -> tuple[Reaction, ...]:
    """The reactions whose species are all there."""
    if _BY_SPECIES.keys().isdisjoint(mol):
        return ()
    return _possible(frozenset(name for name, amount in mol.items() if amount > 0))


def slices(start_s: float, end_s: float, many: bool) -> Iterator[tuple[float, float]]:
    """A time in pieces: one where a reaction is alone, short ones where several share a vessel."""
    while many and end_s - start_s > SLICE_S:
        yield start_s, start_s + SLICE_S
        start_s += SLICE_S
    yield start_s, end_s


@dataclass(slots=True)
class Turnover:
    """How far every reaction of the world got, mol: what was made, and of what."""

    extents: dict[str, float] = field(default_factory=dict)

    def made(self) -> dict[str, float]:
        """Net moles of each species that reactions made (less than nothing: used up)."""
        found: dict[str, float] = {}
        for reaction in REACTIONS:
            extent = self.extents.get(reaction.name, 0.0)
            for sign, side in ((-1.0, reaction.takes), (1.0, reaction.gives)):
                for name, count in side.items():
                    found[name] = found.get(name, 0.0) + sign * count * extent
        return found

    def react(self, mol: dict[str, float], volume_ul: float, body: Body, start_s: float, end_s: float) -> None:
        """Let a vessel's reactions go on for a time in which nobody touches it; its volume stays."""
        reactions = possible(mol)
        for begin, end in slices(start_s, end_s, len(reactions) > 1) if reactions else ():
            for reaction in reactions:
                extent = reaction.extent_mol(mol, volume_ul, body, begin, end)
                self.extents[reaction.name] = self.extents.get(reaction.name, 0.0) + extent
                for name, count in reaction.takes.items():
                    mol[name] = max(0.0, mol.get(name, 0.0) - count * extent)
                for name, count in reaction.gives.items():
                    mol[name] = mol.get(name, 0.0) + count * extent
