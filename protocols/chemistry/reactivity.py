"""Which kinds of substances do what to each other: the chart of EPA-600/2-80-076 (Hatayama et al., 1980).

41 reactivity groups (`groups.csv`) and the consequence codes of every pair that is not blank (`reactivity.csv`). A
blank pair is one the chart says nothing of; it is no promise. The chart itself was at hand only in reproductions; the
column `sources` says who gives a pair:

    A  the table in the public repository wangchengxmu/ChemTester, made from the chart that Rutgers University shows
    R  the table that Rutgers University had at rehs.rutgers.edu/pdf_files/Chemical_compatibility.html: only its rows 3
       to 16 and the first code of row 17 could be read, and of them the order of the codes, not the columns. A was made
       from the same university's chart, so that the two agreeing finds slips of A, not of Rutgers
    N  NOAA's later matrix (CAMEO Chemicals), as lilott8/BioScript holds it: it says whether two groups go together,
       not what happens, and its groups are near but not the same
    K  general knowledge of the chart, by no reproduction that could be read

Where they differ, or the chart's own columns are easily taken for each other, a pair carries the codes of all (the
more cautious reading), has a note in the table, and is in `DOUBTFUL`. `A` gives none of the pairs within groups 102 to
106; those come from `K`, and `N` where it is named.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from protocols.chemistry.tables import rows

#: What a code says. All but `W` are the chart's; `W` stands for its words on group 107.
CODES: Mapping[str, str] = MappingProxyType(
    {
        "H": "heat",
        "F": "fire",
        "G": "harmless gas that does not burn",
        "GT": "toxic gas",
        "GF": "flammable gas",
        "E": "explosion",
        "P": "violent polymerisation",
        "S": "toxic substances go into solution",
        "U": "may be hazardous, but is unknown",
        "W": "extremely reactive: not to be mixed with anything",
    }
)

#: The group that must not be mixed with anything (EPA-600/2-80-076, last row of the chart).
WATER_REACTIVE = 107


@dataclass(frozen=True, slots=True)
class Group:
    """A reactivity group: its number in the chart and its name."""

    number: int
    name: str


@dataclass(frozen=True, slots=True)
class Pair:
    """What happens when two groups meet, who says so, and what is doubtful about it (empty: nothing)."""

    groups: frozenset[int]
    codes: frozenset[str]
    sources: str
    note: str


@cache
def pairs() -> Mapping[frozenset[int], Pair]:
    """The chart's pairs that are not blank, without those of group 107."""
    found = (
        Pair(frozenset((int(row["a"]), int(row["b"]))), frozenset(row["codes"].split()), row["sources"], row["note"])
        for row in rows("reactivity.csv")
    )
    return MappingProxyType({pair.groups: pair for pair in found})


def consequences(a: int, b: int) -> frozenset[str]:
    """The codes for two groups, in either order; empty where the chart is blank, and for a group with itself (but 107).

    Raises `KeyError` for a number that is no group.
    """
    for number in (a, b):
        if number not in GROUPS:
            raise KeyError(f"{number} is no reactivity group; they are 1 to 34 and 101 to 107")
    if WATER_REACTIVE in (a, b):
        return frozenset("W")
    pair = pairs().get(frozenset((a, b)))
    return pair.codes if pair else frozenset()


#: The chart's groups by number.
GROUPS: Mapping[int, Group] = MappingProxyType(
    {int(row["number"]): Group(int(row["number"]), row["name"]) for row in rows("groups.csv")}
)

#: The pairs that the sources do not agree on, or that no reproduction gave.
DOUBTFUL: frozenset[frozenset[int]] = frozenset(pair.groups for pair in pairs().values() if pair.note)
