"""What is left of a document when its wrong parts are put aside, so that they hide nothing about the others.

A wrong quantity gives its place to two others, one after the other: what is found with both holds whatever was meant.
A part whose shape is wrong is left out, and with it what only it could tell (`Gaps`). Pure, and on plain data.
"""

import copy
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drivers.core.units import DIMENSIONS, UnitError
from protocols.problems import Problem

#: Usual quantities by dimension; for the others 1 and 2 of their unit.
_USUAL = {
    "volume": ("20 uL", "50 uL"), "time": ("60 s", "90 s"), "temperature": ("25 degC", "37 degC"),
    "rotation": ("300 rpm", "500 rpm"), "wavelength": ("450 nm", "600 nm"), "flow": ("5 uL/s", "10 uL/s"),
    "acceleration": ("200 xg", "300 xg"), "mass": ("20 mg", "50 mg"), "gas_flow": ("50 sccm", "100 sccm"),
    "concentration": ("1 mmol/L", "2 mmol/L"),
}  # fmt: skip
VARIANTS = 2
_WATER = {"cas": "7732-18-5"}
#: Heads of a document that cannot be left out.
_HEADS = {"name": "?", "author": {"kind": "human", "name": "?"}}
#: Rules that judge what earlier steps have left: after a step that was left out they may err.
_LOOK_BACK = ("LIQ-", "TIP-", "VOL-", "SEAL-", "LID-", "TIME-", "PIP-001", "LAB-003", "LAB-006", "LAB-007", "LAB-009",
              "REACH-001", "FLOW-007", "EXP-002", "EXP-004", "COLL-")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Gaps:
    """What was left out, by name: `readings` that may have been taken, `labware`; steps that are `altered`; and the
    number of the first step after one that was left out."""

    readings: frozenset[str] = frozenset()
    altered: frozenset[str] = frozenset()
    labware: frozenset[str] = frozenset()
    since: int | None = None

    def surely(
        self, problems: Iterable[Problem], order: Mapping[str, int], why: Collection[Problem] = ()
    ) -> list[Problem]:
        """The problems that no gap can have caused, `why` there are gaps among them; `order`: numbers of the steps."""
        sure = [problem for problem in problems if problem.step not in self.altered]
        since = self.since
        if since is None:
            return sure
        return [p for p in sure if p in why or not p.rule.startswith(_LOOK_BACK) or order.get(p.step, since) < since]


@dataclass(frozen=True, slots=True)
class Remainder:
    """A document without its wrong parts, in one or two variants, and the numbers of the steps that were left out or
    lost a key."""

    variants: tuple[dict[str, Any], ...]
    steps: frozenset[int]
    altered: frozenset[int]
    labware: frozenset[str]


def remainder(document: Mapping[str, Any], errors: Sequence[Any]) -> Remainder | None:
    """What is left of a document with those errors of pydantic; None where it is not a list of steps."""
    if not isinstance(document.get("steps"), list):
        return None
    variants = [copy.deepcopy(dict(document)) for _ in range(VARIANTS)]
    doubtful = False
    steps: set[int] = set()
    altered: set[int] = set()
    labware: set[str] = set()
    for error in errors:
        place, dimension = _place(error["loc"]), _dimension(error)
        if not place:
            return None
        if dimension and all(_put(variant, place, _like(dimension, n)) for n, variant in enumerate(variants)):
            doubtful = True
        elif error["type"] == "extra_forbidden" and all(_take_out(variant, place) for variant in variants):
            altered |= {place[1]} if place[0] == "steps" else set()
        elif place[0] == "steps" and place[2:] == ["id"] and all(_named(variant, place[1]) for variant in variants):
            continue
        elif place[0] == "steps" and len(place) > 1:
            steps.add(place[1])
        elif place[0] == "labware" and len(place) > 1:
            labware.add(place[1])
        elif place[0] in ("steps", "pipettes"):
            return None
        else:
            _leave_out(variants, place)
    for variant in variants:
        variant["steps"] = [step for number, step in enumerate(variant["steps"]) if number not in steps]
        if labware:
            variant["labware"] = {name: part for name, part in variant["labware"].items() if name not in labware}
        if isinstance(variant.get("expect"), list):
            variant["expect"] = [fit for fit in variant["expect"] if fit is not None]
    return Remainder(tuple(variants if doubtful else variants[:1]), frozenset(steps), frozenset(altered),
                     frozenset(labware))  # fmt: skip


def _leave_out(variants: Iterable[dict[str, Any]], place: Sequence[Any]) -> None:
    """Something beside the steps: a liquid becomes water, an expected value goes, a head becomes an empty one."""
    for variant in variants:
        if place[0] == "materials" and len(place) > 1:
            variant["materials"][place[1]] = _WATER
        elif place[0] == "expect" and len(place) > 1:
            variant["expect"][place[1]] = None
        elif place[0] == "parameters" and len(place) > 1:
            variant["parameters"].pop(place[1], None)
        elif place[0] in _HEADS:
            variant[place[0]] = _HEADS[place[0]]
        else:
            variant.pop(place[0], None)


def _place(loc: Sequence[Any]) -> list[Any]:
    """Where an error is, without the kinds of steps and moves that pydantic names in between."""
    lists = ("steps", "moves")
    return [part for n, part in enumerate(loc) if not (n > 1 and isinstance(loc[n - 1], int) and loc[n - 2] in lists)]


def _dimension(error: Mapping[str, Any]) -> str:
    cause = error.get("ctx", {}).get("error") if error["type"] == "value_error" else None
    return cause.dimension if isinstance(cause, UnitError) else ""


def _like(dimension: str, number: int) -> str:
    kept = DIMENSIONS[dimension][0]
    return _USUAL.get(dimension, (f"1 {kept}", f"2 {kept}"))[number]


def _put(document: Any, place: Sequence[Any], value: Any) -> bool:
    """Put a value at a place that is there."""
    holder = _holder(document, place)
    if holder is None:
        return False
    holder[place[-1]] = value
    return True


def _named(document: Mapping[str, Any], number: int) -> bool:
    """Call a step by its number."""
    step = document["steps"][number]
    if not isinstance(step, dict):
        return False
    step["id"] = f"number {number + 1}"
    return True


def _take_out(document: Any, place: Sequence[Any]) -> bool:
    holder = _holder(document, place)
    if not isinstance(holder, dict):
        return False
    del holder[place[-1]]
    return True


def _holder(document: Any, place: Sequence[Any]) -> Any:
    """The mapping or list that holds a place; None where there is no such place."""
    for part in place[:-1]:
        if not _has(document, part):
            return None
        document = document[part]
    return document if _has(document, place[-1]) else None


def _has(document: Any, part: Any) -> bool:
    if isinstance(document, dict):
        return part in document
    return isinstance(document, list) and isinstance(part, int) and part < len(document)
