"""The examples of potentially incompatible waste of 40 CFR part 265, appendix V: 1-A/1-B to 6-A/6-B.

The regulation says what may happen when a material of side A meets one of side B, in words. The words and the
materials are its own (shortened); which reactivity groups and kinds a material falls in, and which codes the words
come to, is OUR reading (`appendix_v.csv`, `CONSEQUENCES`).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Literal

from protocols.chemistry.tables import rows


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a pair: `1-A`; its materials in words; the reactivity groups and kinds that belong to it."""

    name: str
    materials: tuple[str, ...]
    groups: frozenset[int]
    kinds: frozenset[str]


@dataclass(frozen=True, slots=True)
class Incompatible:
    """A pair of sides, the regulation's words on what may happen, and the codes these come to (OUR reading)."""

    a: Side
    b: Side
    words: str
    codes: frozenset[str]


#: The potential consequence of each pair: the words of the regulation, and the codes of EPA-600/2-80-076 for them.
CONSEQUENCES: Mapping[int, tuple[str, frozenset[str]]] = MappingProxyType(
    {
        1: ("heat generation; violent reaction", frozenset("H")),
        2: ("fire or explosion; generation of flammable hydrogen gas", frozenset({"F", "E", "GF"})),
        3: (
            "fire, explosion, or heat generation; generation of flammable or toxic gases",
            frozenset({"F", "E", "H", "GF", "GT"}),
        ),
        4: ("fire, explosion, or violent reaction", frozenset({"F", "E", "H"})),
        5: ("generation of toxic hydrogen cyanide or hydrogen sulfide gas", frozenset({"GT"})),
        6: ("fire, explosion, or violent reaction", frozenset({"F", "E", "H"})),
    }
)


@cache
def incompatible() -> tuple[Incompatible, ...]:
    """The six pairs, 1 to 6."""
    return tuple(
        Incompatible(_side(number, "A"), _side(number, "B"), words, codes)
        for number, (words, codes) in CONSEQUENCES.items()
    )


def _side(number: int, letter: Literal["A", "B"]) -> Side:
    row = next(row for row in rows("appendix_v.csv") if (row["set"], row["side"]) == (str(number), letter))
    groups = frozenset(int(text) for text in row["groups"].split())
    return Side(f"{number}-{letter}", tuple(row["material"].split("; ")), groups, frozenset(row["kinds"].split()))


def matching(
    groups_a: Collection[int], kinds_a: Collection[str], groups_b: Collection[int], kinds_b: Collection[str]
) -> tuple[Incompatible, ...]:
    """The pairs that two substances fall in, in either order, by their reactivity groups and kinds.

    The appendix speaks of concentrated waste in 3-B, 4-B and 6-B; here nothing is known of concentrations, so a match
    says less than a pair of the chart: take it as advice.
    """
    return tuple(
        pair
        for pair in incompatible()
        if (_in(pair.a, groups_a, kinds_a) and _in(pair.b, groups_b, kinds_b))
        or (_in(pair.a, groups_b, kinds_b) and _in(pair.b, groups_a, kinds_a))
    )


def _in(side: Side, groups: Collection[int], kinds: Collection[str]) -> bool:
    return not side.groups.isdisjoint(groups) or not side.kinds.isdisjoint(kinds)
