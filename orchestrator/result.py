"""What came of a run: the fold of its records, for reports, predictions and people."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from drivers.core.command import Readings
from orchestrator.stand_ins import rebound
from orchestrator.state import records as r
from protocols.ledger import Ledger
from protocols.program import Action, Program


@dataclass(frozen=True, slots=True)
class Span:
    """When an action ran, in seconds since the run began."""

    action: str
    step: str
    device: str
    verb: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a run."""

    outcome: r.RunOutcome
    error: str
    duration_s: float
    spans: tuple[Span, ...]
    readings: tuple[dict[str, Any], ...]
    end_state: dict[str, Any]
    stock: dict[str, Any]


def result_of(program: Program, records: Iterable[r.Record], began: float) -> Result:
    """The result of one run by its records, in their order; `began` is the time they count from.

    What was still open when the last record was written is not in it: a run without `Finished` was interrupted.
    """
    actions = {action.id: action for action in program.actions}
    begun: dict[str, float] = {}
    spans: list[Span] = []
    readings: list[dict[str, Any]] = []
    ledger = Ledger()
    outcome: r.RunOutcome = "interrupted"
    error, last = "", began
    for record in records:
        last = record.at
        match record:
            case r.Amended():
                actions |= {action.id: action for action in record.actions}
            case r.Rebound():
                program = rebound(program, record.first, record.places)
                actions |= {action.id: action for action in program.actions}
            case r.Begun():
                begun[record.action] = record.at - began
            case r.Done() | r.Settled() | r.Failed():
                action, at_s = actions[record.action], record.at - began
                spans.append(Span(action.id, action.step, action.device, action.verb, begun[action.id], at_s))
                if isinstance(record, r.Failed):
                    error = error or f"step {action.step}: {action.verb}: {record.error}"
                elif isinstance(record, r.Done) or record.verdict == "done":
                    ledger.apply(action)
                    readings += _told(action, record.readings, at_s)
            case r.Chosen(choice="by_hand"):
                ledger.apply(actions[record.action])
            case r.Finished():
                outcome, error = record.outcome, error or record.error
    if outcome == "completed":
        error = ""
    return Result(
        outcome, error, last - began, tuple(spans), tuple(readings), ledger.end_state(program), ledger.stock()
    )


def _told(action: Action, readings: Readings, at_s: float) -> Iterable[dict[str, Any]]:
    for reading in readings:
        values = {"value": reading.value} if reading.wells is None else {"wells": dict(reading.wells)}
        yield {
            "action": action.id, "step": action.step, "device": action.device, "quantity": reading.quantity,
            "unit": reading.unit, "at_s": at_s, **values,
        }  # fmt: skip
