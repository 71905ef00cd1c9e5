"""What may not be done, or not without a person: rules over the written-out protocol and what happens in it.

Each is a pure function with an identifier, a citation and a severity; a lab's policy may only make it graver. This is
not a safety function in the sense of any standard (docs/explanation/safety.md): it hinders mistakes before they are
made, on what it was told. Emergency stop and interlocks are hardware.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from protocols.forecast import Forecast
from protocols.labview import LabView
from protocols.model import Fill, Thermocycle
from protocols.parse import Source
from protocols.problems import Problem
from protocols.program import Action, Program
from protocols.rules import collisions, handling, planning, substances
from protocols.rules.rule import Case, Rule
from protocols.rules.trace import trace
from protocols.wells import parse_wells

WATER = "7732-18-5"
_ALL = (*substances.RULES, *handling.RULES, *planning.RULES, *collisions.RULES)
RULES: Mapping[str, Rule] = {rule.id: rule for rule in _ALL}


def examine(
    source: Source,
    program: Program,
    lab: LabView,
    ways: Iterable[Iterable[Action]],
    forecasts: tuple[Forecast, ...] = (),
    stock: Mapping[str, Any] = MappingProxyType({}),
) -> list[Problem]:
    """What all rules find in a program on a lab; `ways`: the actions of each way through it, `forecasts`: when."""
    stocks = _stocks(source)
    warm = {step.id: max(hold.at for cycle in step.cycles for hold in cycle.holds)
            for step in source.steps if isinstance(step, Thermocycle)}  # fmt: skip
    traces = tuple(trace(way, warm, stocks) for way in ways)
    case = Case(source, program, lab, traces, _substances(source), forecasts, stock)
    return [problem for rule in RULES.values() for problem in rule.examine(case)]


def _substances(source: Source) -> dict[str, dict[str, float | None]]:
    """Material -> its substances in mol/L; None where nobody said how much, so that nothing is taken for dilute."""
    found: dict[str, dict[str, float | None]] = {"water": {WATER: None}}
    for name, material in source.protocol.materials.items():
        solvent: dict[str, float | None] = {material.solvent: None} if material.solvent else {}
        found[name] = solvent | ({material.cas: material.concentration} if material.cas else {})
    return found


def _stocks(source: Source) -> dict[tuple[str, str], str]:
    return {
        (name, well): fill.material if isinstance(fill, Fill) else fill
        for name, spec in source.protocol.labware.items()
        for wells, fill in spec.holds.items()
        for well in parse_wells(f"{name}/{wells}").names
    }
