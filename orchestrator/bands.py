"""What a run's readings should be, and what follows when one is not: a clot shows as a wrong absorbance.

The dry run predicts every reading; how far a run may be from it follows from what pipettes and reader may err by
(`drivers.core.accuracy`, carried through the program by `analysis.propagation`). Only absorbances are watched: what
the room's sensors will show is nobody's to predict.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

import numpy as np

from drivers.core.accuracy import absorbance_sd
from drivers.core.command import Reading
from orchestrator.analysis.propagation import Propagation
from orchestrator.recovery import BY_POLICY, Policy
from orchestrator.state import records as r
from orchestrator.state.cell import CellState
from protocols.ledger import Contents, Ledger
from protocols.program import Action, Program
from protocols.setup import WATER

ABSORBANCE = "absorbance_"
#: Half a band is so many standard uncertainties of the difference: one false alarm in 16,000 wells if errors were
#: normal (two-sided normal tail, 6.3e-5).
COVERAGE = 4.0
#: And this much more, for what no data sheet tells: plates and menisci that differ. Our estimate.
FLOOR = 0.02
#: A solute that never lifts a predicted absorbance by this much is one whose spectrum the twin does not know (or has
#: nothing to show there): nothing is claimed of wells that hold it. Our estimate: three times the floor.
SHOWS = 0.06
#: Solutes below this share of a well's solutes do not decide how exact its absorbance is. Our estimate.
TRACE = 0.05
#: So many wells are told in one alarm; the others are counted.
TOLD = 8

Predicted = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outside:
    """One value outside its band; None where the device gave none."""

    well: str
    value: float | None
    predicted: float
    half: float

    def __str__(self) -> str:
        value = "nothing" if self.value is None else f"{self.value:.3f}"
        return f"{self.well} {value}, predicted {self.predicted:.3f} ± {self.half:.3f}"


def predict(program: Program, readings: Iterable[Mapping[str, Any]]) -> tuple[dict[str, Any], ...]:
    """The readings of a dry run (as in `Result.readings`), with half a band for each well (`half`) where one is known.

    Takes a while (a Monte Carlo propagation for each action that reads wells): for whoever submits, not for a loop.
    """
    told = [dict(reading) for reading in readings]
    watched = [one for one in told if one["quantity"].startswith(ABSORBANCE) and "wells" in one]
    for name in dict.fromkeys(one["action"] for one in watched):
        mine = [one for one in watched if one["action"] == name]
        spread = _spread(program, name, mine)
        for one in mine:
            one["half"] = {well: _half(one["wells"][well], share) for well, share in spread.items()}
    return tuple(told)


def _half(absorbance: float, share: float) -> float:
    """Half a band: the dry run errs as the run does, so their difference has twice the variance of either."""
    return FLOOR + COVERAGE * math.sqrt(2.0) * math.hypot(absorbance_sd(absorbance), share * absorbance)


def _spread(program: Program, name: str, readings: list[dict[str, Any]]) -> dict[str, float]:
    """Relative standard deviation of what absorbs, by well, for wells of which something can be claimed."""
    before = tuple(takewhile(lambda action: action.id != name, program.actions))
    labware, contents = _on(program, before, readings[0]["device"])
    solutes = {well: _solutes(held, program) for well, held in contents.items() if well in readings[0]["wells"]}
    showing = _showing(solutes, readings)
    trials = Propagation(replace(program, actions=before))
    spread = {}
    for well, species in solutes.items():
        if species is not None and species <= showing:
            amounts = [trials.amounts(labware, well)[one] for one in species if one in trials.amounts(labware, well)]
            total = sum(float(np.mean(one)) for one in amounts)
            main = [one for one in amounts if np.mean(one) > TRACE * total]
            spread[well] = max((float(np.std(one) / np.mean(one)) for one in main), default=0.0)
    return spread


def _on(program: Program, actions: Iterable[Action], device: str) -> tuple[str, Mapping[str, Contents]]:
    """The labware on a device after these actions, and what its wells hold."""
    ledger = Ledger()
    for action in actions:
        ledger.apply(action)
    for name, item in ledger.items.items():
        if item.site is not None and item.site.partition(".")[0] == device:
            return name, item.wells
    return "", {}


def _solutes(contents: Contents, program: Program) -> frozenset[str] | None:
    """What is dissolved in a well; None when it holds a liquid of which nobody knows what it is."""
    known = [program.species.get(liquid, {}) for liquid, volume in contents.items() if volume > 0]
    return frozenset(one for species in known for one in species if one != WATER) if all(known) else None


def _showing(solutes: Mapping[str, frozenset[str] | None], readings: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    shown: set[str] = set()
    for reading in readings:
        base = min(reading["wells"].values())
        for well, species in solutes.items():
            if species and reading["wells"][well] - base > SHOWS:
                shown |= species
    return frozenset(shown)


def outside(predicted: Iterable[Predicted], action: str, reading: Reading) -> tuple[Outside, ...]:
    """The values of a reading that are not where they were predicted; none where nothing was."""
    for one in predicted:
        if one["action"] == action and one["quantity"] == reading.quantity:
            pairs = ((well, (reading.wells or {}).get(well), half) for well, half in one.get("half", {}).items())
            return tuple(
                Outside(well, value, one["wells"][well], half)
                for well, value, half in pairs
                if value is None or not abs(value - one["wells"][well]) <= half
            )
    return ()


def watch(policy: Policy) -> Callable[[CellState, r.Record], Iterator[r.Record]]:
    """What follows from a record: an alarm for each reading with values outside its band, and a pause if so decided."""

    def follow(state: CellState, record: r.Record) -> Iterator[r.Record]:
        if not isinstance(record, r.Done | r.Settled) or not record.readings or record.run_id not in state.runs:
            return
        run, alarmed = state.runs[record.run_id], False
        for reading in record.readings:
            found = outside(run.submitted.predicted, record.action, reading)
            if found:
                alarmed = True
                message = _message(run.order[record.action], reading, found)
                yield r.Alarmed(at=record.at, run_id=run.run_id, action=record.action, message=message)
        if alarmed and policy.outside_band == "pause" and run.abort_asked is None:
            yield r.Paused(at=record.at, run_id=run.run_id, by=BY_POLICY)

    return follow


def _message(action: Action, reading: Reading, found: tuple[Outside, ...]) -> str:
    more = f"; and {len(found) - TOLD} more wells" if len(found) > TOLD else ""
    wells = "; ".join(str(one) for one in found[:TOLD])
    return f"step {action.step}: {reading.quantity} of {action.device} is not what was predicted: {wells}{more}."
