"""What happens when two lots of substances meet: every pair that reacts, with its codes, and what nothing is known of.

Two sources speak: the chart by reactivity groups (`reactivity`), and pairs by kind that the chart is silent or too
mild about (`incompatible.csv`). Both know no concentration, temperature or order of adding. What is within one lot has
met already and is not looked at again. Appendix V of 40 CFR 265 is coarser still, so it is asked apart (`wastes`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Literal

from protocols.chemistry.appendix_v import Incompatible, matching
from protocols.chemistry.reactivity import WATER_REACTIVE, pairs
from protocols.chemistry.substances import substance
from protocols.chemistry.tables import rows

_NEVER = f"g{WATER_REACTIVE}"
_ALONE = frozenset("W")
KEPT = 16_384  # answers, at most: names of substances come from protocols that anybody may write

Severity = Literal["block", "approve"]

#: What a code is worth: OUR policy, not the chart's. What can hurt people at once or start a fire is not to be mixed
#: (`block`); what gets warm, gives off harmless gas, dissolves toxic metals or is unknown needs a person's word
#: (`approve`), for every neutralisation is of that sort.
SEVERITIES: Mapping[str, Severity] = MappingProxyType(
    {
        "E": "block",
        "F": "block",
        "GT": "block",
        "GF": "block",
        "P": "block",
        "W": "block",
        "H": "approve",
        "G": "approve",
        "S": "approve",
        "U": "approve",
    }
)


@dataclass(frozen=True, slots=True)
class Cause:
    """Two substances that react when they meet (their CAS numbers in order), the codes, and which rule says so.

    `because` names the two groups (`g1`, `g11`) or kinds (`azide`) of the rule, that of `a` first; or `anything`.
    """

    a: str
    b: str
    codes: frozenset[str]
    because: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Meeting:
    """All that is known of two lots that meet; `unknown` are the CAS numbers that nothing is known of."""

    causes: frozenset[Cause]
    unknown: frozenset[str]

    @property
    def codes(self) -> frozenset[str]:
        """The codes of all causes."""
        return frozenset().union(*(cause.codes for cause in self.causes))


def meet(a: Iterable[str], b: Iterable[str]) -> Meeting:
    """What happens when the substances of `a` meet those of `b`, both CAS numbers; the same for either order.

    A substance that meets itself does nothing; one that is not in the table, or whose groups nobody said, is unknown.
    One of group 107 must not meet anything (`W`), be it inert or unknown.
    """
    return _meet(frozenset(a), frozenset(b))


def worst(codes: Iterable[str]) -> Severity | None:
    """The gravest of some codes, None for none; raises `KeyError` for a text that is no code."""
    found = {SEVERITIES[code] for code in codes}
    return "block" if "block" in found else "approve" if found else None


def wastes(a: str, b: str) -> tuple[Incompatible, ...]:
    """The examples of 40 CFR 265, appendix V, that two substances fall in; none for one that is unknown."""
    one, other = substance(a), substance(b)
    return matching(one.groups, one.kinds, other.groups, other.kinds) if one and other and a != b else ()


@cache
def rules() -> Mapping[str, Mapping[str, frozenset[str]]]:
    """What meets what, in both orders: by groups (`g1`) as the chart says, by kinds (`azide`) as `incompatible.csv`."""
    found: dict[str, dict[str, frozenset[str]]] = {}
    said = [(f"g{min(p.groups)}", f"g{max(p.groups)}", p.codes) for p in pairs().values()]
    said += [(row["a"], row["b"], frozenset(row["codes"].split())) for row in rows("incompatible.csv")]
    for a, b, codes in said:
        found.setdefault(a, {})[b] = found.get(a, {}).get(b, frozenset()) | codes
        found.setdefault(b, {})[a] = found[a][b]
    return MappingProxyType(found)


@lru_cache(KEPT)
def _meet(a: frozenset[str], b: frozenset[str]) -> Meeting:
    causes = [cause for one in a for other in b for cause in _between(one, other)]
    return Meeting(frozenset(causes), frozenset(cas for cas in a | b if not _known(cas)))


@lru_cache(KEPT)
def _known(cas: str) -> bool:
    found = substance(cas)
    return found is not None and found.classified


@lru_cache(KEPT)
def _tags(cas: str) -> tuple[str, ...]:
    found = substance(cas)
    return (*(f"g{group}" for group in found.groups), *found.kinds) if found else ()


@lru_cache(KEPT)
def _between(a: str, b: str) -> tuple[Cause, ...]:
    if b < a:
        return _between(b, a)
    if a == b:
        return ()
    one, other = _tags(a), _tags(b)
    if _NEVER in one:  # the chart: not with anything, so not with the inert and the unknown either
        return (Cause(a, b, _ALONE, (_NEVER, "anything")),)
    if _NEVER in other:
        return (Cause(a, b, _ALONE, ("anything", _NEVER)),)
    found = ((x, y, rules().get(x, {}).get(y)) for x in one for y in other)
    return tuple(Cause(a, b, codes, (x, y)) for x, y, codes in found if codes)
