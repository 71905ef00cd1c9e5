"""Whether steps that must not wait (`within`) did not: of a dry run before, and beside a run."""

from collections.abc import Iterable, Iterator, Mapping

from orchestrator.state import records as r
from orchestrator.state.cell import CellState
from orchestrator.text import duration
from protocols.program import Limit, Program

#: Of the clock and of what is written between an action's end and its record.
TOLERANCE_S = 0.5


def late(program: Program, ended_s: Mapping[str, float]) -> tuple[str, ...]:
    """What a run was late with, in words; `ended_s`: action -> when it ended."""
    step = {action.id: action.step for action in program.actions}
    return tuple(
        _told(step[limit.after], step[limit.before], gap_s, limit)
        for limit in program.limits
        if limit.before in ended_s and limit.after in ended_s
        if (gap_s := ended_s[limit.after] - ended_s[limit.before]) > limit.at_most_s + TOLERANCE_S
    )


def watch(state: CellState, record: r.Record) -> Iterable[r.Record]:
    """An alarm for each limited step that ended too late (a rule of the conductor)."""
    if not isinstance(record, r.Done | r.Settled) or record.run_id not in state.runs:
        return ()
    return tuple(_alarms(state, record))


def _alarms(state: CellState, record: r.Done | r.Settled) -> Iterator[r.Record]:
    run = state.runs[record.run_id]
    for limit in run.submitted.program.limits:
        before = run.actions.get(limit.before)
        if limit.after != record.action or before is None or before.ended is None or run.phase(limit.after) != "done":
            continue
        gap_s = record.at - before.ended
        if gap_s > limit.at_most_s + TOLERANCE_S:
            message = _told(run.order[limit.after].step, run.order[limit.before].step, gap_s, limit)
            yield r.Alarmed(at=record.at, run_id=run.run_id, action=limit.after, message=message)


def _told(step: str, before: str, gap_s: float, limit: Limit) -> str:
    return f"step {step} ended {duration(gap_s)} after step {before}, not within {duration(limit.at_most_s)}"
