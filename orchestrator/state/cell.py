"""The state of a cell as a pure fold over its journal: `reduce(state, record) -> state`.

`reduce` also guards: a record that cannot be true (a command to a device that another run holds, an action begun
twice) raises `Impossible` before it can be written, so no such command can go out. Nothing here knows of time, files
or devices.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from drivers.core.command import Readings
from drivers.core.errors import Outcome
from orchestrator.stand_ins import rebound
from orchestrator.state import records as r
from protocols.program import Action, Hold, Program

Phase = Literal["waiting", "begun", "done", "failed", "unknown", "skipped"]
OVER = ("done", "skipped")

_OPEN: frozenset[Phase] = frozenset(("begun", "failed", "unknown"))


class Impossible(Exception):
    """A record that contradicts the state; the message says what and why."""


@dataclass(frozen=True, slots=True)
class ActionState:
    """How far one action is; `attempt` counts the commands that were meant to go out for it.

    `command` counts those that a device may tell apart. One that by the device's own word did not come to anything is
    sent again as the same command: should the first one be late, it is known and not carried out twice.
    """

    phase: Phase
    attempt: int
    command: int
    at: float  # begun
    ended: float | None = None
    error: str = ""
    outcome: Outcome | None = None
    recoverable: bool = False


@dataclass(frozen=True, slots=True)
class RunState:
    """One run; an action that is not in `actions` has never begun."""

    run_id: str
    program: Program
    submitted: r.Submitted
    order: Mapping[str, Action]  # by id, in the program's order
    frees: Mapping[str, tuple[str, ...]]  # action -> things that are free when it is over
    actions: Mapping[str, ActionState] = field(default_factory=dict)
    unfinished: tuple[str, ...] = ()  # of those in `actions`: begun, and not over
    begun_at: float | None = None
    paused_by: str = ""
    abort_asked: r.AbortAsked | None = None
    amended: bool = False
    revision: int = 0  # counts what was decided from outside: verdicts, choices, a changed program
    alarms: tuple[r.Alarmed, ...] = ()
    readings: Mapping[str, Readings] = field(default_factory=dict)  # of the steps that conditions look at

    def phase(self, action: str) -> Phase:
        """How far an action is."""
        state = self.actions.get(action)
        return "waiting" if state is None else state.phase

    @property
    def unsettled(self) -> tuple[str, ...]:
        """Actions that failed, or of which nobody knows what became: the run waits for a verdict or a choice."""
        return tuple(name for name in self.unfinished if self.actions[name].phase != "begun")

    @property
    def under_way(self) -> tuple[str, ...]:
        """Actions that devices carry out now."""
        return tuple(name for name in self.unfinished if self.actions[name].phase == "begun")

    @property
    def stopped(self) -> bool:
        """Whether a stop ended it: then it has no safe end, and one that it had begun goes no further."""
        return self.abort_asked is not None and self.abort_asked.stopped

    @property
    def ends(self) -> bool:
        """Whether nothing more of it begins."""
        return self.abort_asked is not None and (self.stopped or not self.amended)

    @property
    def complete(self) -> bool:
        """Whether every action is over."""
        return all(self.phase(name) in OVER for name in self.order)


@dataclass(frozen=True, slots=True)
class CellState:
    """All that is under way in a cell, and who has what."""

    epoch: int = 0
    holder: str = ""
    world: str = ""
    runs: Mapping[str, RunState] = field(default_factory=dict)  # those that have not ended
    held: Mapping[str, str] = field(default_factory=dict)  # thing -> run, or holder of a reservation
    reservations: Mapping[str, r.Reserved] = field(default_factory=dict)
    left: Mapping[str, str] = field(default_factory=dict)  # site -> ended run whose labware still stands there

    def run(self, run_id: str) -> RunState:
        """The run of that id, which has not ended."""
        try:
            return self.runs[run_id]
        except KeyError:
            raise Impossible(f"there is no run {run_id} that has not ended") from None

    def owner(self, thing: str) -> str:
        """Who has a device or site now; empty when it is free."""
        return self.held.get(thing) or self.left.get(thing, "")


def reduce(state: CellState, record: r.Record) -> CellState:
    """The state after one more record; raises `Impossible` for one that cannot be."""
    return _REDUCERS[type(record)](state, record)


def fold(journal: Iterable[r.Record], state: CellState | None = None) -> CellState:
    """The state after all records of a journal."""
    state = state or CellState()
    for record in journal:
        state = reduce(state, record)
    return state


def _claimed(state: CellState, record: r.Claimed) -> CellState:
    if record.epoch <= state.epoch:
        raise Impossible(f"epoch {record.epoch} is over; the cell is at {state.epoch}")
    runs = {name: _in_doubt(run) for name, run in state.runs.items()}
    return replace(state, epoch=record.epoch, holder=record.holder, world=record.world, runs=runs)


def _in_doubt(run: RunState) -> RunState:
    doubt = {name: replace(run.actions[name], phase="unknown", outcome="unknown", error="the worker ended")
             for name in run.under_way}  # fmt: skip
    return _acted(run, doubt) if doubt else run


def _acted(run: RunState, now: Mapping[str, ActionState]) -> RunState:
    """The run with these actions as they are now."""
    still = [name for name in run.unfinished if name not in now]
    still += [name for name, was in now.items() if was.phase in _OPEN]
    return replace(run, actions={**run.actions, **now}, unfinished=tuple(still))


def _submitted(state: CellState, record: r.Submitted) -> CellState:
    if record.run_id in state.runs:
        raise Impossible(f"run {record.run_id} is there already")
    order = {action.id: action for action in record.program.actions}
    run = RunState(record.run_id, record.program, record, order, _frees(record.program.holds))
    return replace(state, runs={**state.runs, record.run_id: run})


def _frees(holds: Iterable[Hold]) -> dict[str, tuple[str, ...]]:
    frees: dict[str, tuple[str, ...]] = {}
    for hold in holds:
        if hold.last is not None:
            frees[hold.last] = (*frees.get(hold.last, ()), hold.thing)
    return frees


def _begun(state: CellState, record: r.Begun) -> CellState:
    run = state.run(record.run_id)
    action = run.order.get(record.action)
    if action is None:
        raise Impossible(f"run {run.run_id} has no action {record.action}")
    was = run.actions.get(action.id)
    if was is not None and was.phase != "waiting":
        raise Impossible(f"{action.id} of run {run.run_id} is {was.phase}, and may not begin")
    if record.attempt != (was.attempt if was else 0) + 1:
        raise Impossible(f"attempt {record.attempt} of {action.id} does not follow attempt {was.attempt if was else 0}")
    early = [name for name in action.after if run.phase(name) not in OVER]
    if early:
        raise Impossible(f"{action.id} of run {run.run_id} waits for {', '.join(early)}")
    if run.paused_by or run.ends:
        raise Impossible(f"run {run.run_id} is paused or ending; {action.id} may not begin")
    for thing in action.needs:
        if state.owner(thing) not in ("", run.run_id):
            raise Impossible(f"{thing} is held by {state.owner(thing)}; {action.id} of {run.run_id} may not begin")
    taken = [thing for thing in action.needs if thing not in state.held]
    held = {**state.held, **dict.fromkeys(taken, run.run_id)} if taken else state.held
    begun = ActionState("begun", record.attempt, was.command if was else 1, record.at)
    run = replace(_acted(run, {action.id: begun}), begun_at=record.at if run.begun_at is None else run.begun_at)
    return replace(state, held=held, runs={**state.runs, run.run_id: run})


def _over(state: CellState, run: RunState, action: str, phase: Phase, at: float, error: str = "") -> CellState:
    """The action is over: what was held up to it is free."""
    was = run.actions[action]
    run = _acted(run, {action: ActionState(phase, was.attempt, was.command, was.at, at, error)})
    held = state.held
    if action in run.frees:
        held = {thing: owner for thing, owner in held.items() if thing not in run.frees[action]}
    return replace(state, held=held, runs={**state.runs, run.run_id: run})


def _anew(was: ActionState, *, same: bool = False) -> ActionState:
    return ActionState("waiting", was.attempt, was.command + (0 if same else 1), was.at)


def _expect(run: RunState, action: str, *phases: Phase) -> ActionState:
    phase = run.phase(action)
    if phase not in phases:
        raise Impossible(f"{action} of run {run.run_id} is {phase}, not {' or '.join(phases)}")
    return run.actions[action]


def _done(state: CellState, record: r.Done) -> CellState:
    run = state.run(record.run_id)
    _expect(run, record.action, "begun")
    return _over(state, _read(run, record), record.action, "done", record.at)


def _read(run: RunState, record: r.Done | r.Settled) -> RunState:
    """Keep what a condition of the program will be asked of."""
    step = run.order[record.action].step
    if not record.readings or all(condition.reading != step for condition in run.program.conditions.values()):
        return run
    return replace(run, readings={**run.readings, step: record.readings})


def _passed_over(state: CellState, record: r.PassedOver) -> CellState:
    run = state.run(record.run_id)
    _expect(run, record.action, "begun")
    return _over(state, run, record.action, "skipped", record.at)


def _failed(state: CellState, record: r.Failed) -> CellState:
    run = state.run(record.run_id)
    was = _expect(run, record.action, "begun")
    now = replace(
        was, phase="failed", ended=record.at, error=record.error, outcome=record.outcome, recoverable=record.recoverable
    )
    return _with(state, _acted(run, {record.action: now}))


def _settled(state: CellState, record: r.Settled) -> CellState:
    run = _revised(state, record)
    was = _expect(run, record.action, "unknown", "failed")
    if record.verdict == "done":
        return _over(state, _read(run, record), record.action, "done", record.at)
    return _again(state, run, record.action, _anew(was, same=record.by == r.BY_DEVICE))


def _again(state: CellState, run: RunState, action: str, now: ActionState) -> CellState:
    return _with(state, _acted(run, {action: now}))


def _chosen(state: CellState, record: r.Chosen) -> CellState:
    run = _revised(state, record)
    was = _expect(run, record.action, "failed", "unknown")
    if run.amended and record.choice in ("abort", "go_back"):
        raise Impossible(f"run {run.run_id} is in its safe end; choose retry, skip or by_hand")
    match record.choice:
        case "retry":
            return _again(state, run, record.action, _anew(was))
        case "skip":
            return _over(state, run, record.action, "skipped", record.at, was.error)
        case "by_hand":
            return _over(state, run, record.action, "done", record.at, was.error)
        case "go_back":
            return _go_back(state, run, record)
        case "abort":
            asked = r.AbortAsked(at=record.at, run_id=run.run_id, by=record.by, reason=was.error)
            return _with(state, replace(run, abort_asked=asked))


def _go_back(state: CellState, run: RunState, record: r.Chosen) -> CellState:
    """Everything from the first action of step `note` on is done anew."""
    names = list(run.order)
    first = next((place for place, name in enumerate(names) if run.order[name].step == record.note), None)
    if first is None:
        raise Impossible(f"run {run.run_id} has no step {record.note}")
    running = [name for name in names[first:] if run.phase(name) == "begun"]
    if running:
        raise Impossible(f"{', '.join(running)} of run {run.run_id} still runs; go back when it is over")
    again = {name: _anew(run.actions[name]) for name in names[first:] if name in run.actions}
    return _with(state, _acted(run, again))


def _revised(state: CellState, record: r.Record) -> RunState:
    run = state.run(record.run_id)
    return replace(run, revision=run.revision + 1)


def _with(state: CellState, run: RunState) -> CellState:
    return replace(state, runs={**state.runs, run.run_id: run})


def _paused(state: CellState, record: r.Paused) -> CellState:
    return _with(state, replace(state.run(record.run_id), paused_by=record.by))


def _resumed(state: CellState, record: r.Resumed) -> CellState:
    return _with(state, replace(state.run(record.run_id), paused_by=""))


def _abort_asked(state: CellState, record: r.AbortAsked) -> CellState:
    run = state.run(record.run_id)
    asked = record if record.stopped else run.abort_asked or record
    return _with(state, replace(run, abort_asked=asked, paused_by=""))


def _amended(state: CellState, record: r.Amended) -> CellState:
    run = _revised(state, record)
    if busy := run.under_way:
        raise Impossible(f"{', '.join(busy)} of run {run.run_id} must be over before its program changes")
    kept = {name: action for name, action in run.order.items() if run.phase(name) in OVER}
    order = kept | {action.id: action for action in record.actions}
    actions = {name: was for name, was in run.actions.items() if name in kept}
    rest = replace(run, order=order, frees=_frees(record.holds), actions=actions, unfinished=())
    return _with(state, replace(rest, amended=True, paused_by=""))


def _rebound(state: CellState, record: r.Rebound) -> CellState:
    run = _revised(state, record)
    if run.amended:
        raise Impossible(f"run {run.run_id} is in its safe end; its visits stay where they are")
    try:
        program = rebound(run.program, record.first, record.places)
    except KeyError:
        raise Impossible(f"no visit of run {run.run_id} begins with {record.first}") from None
    changed = [new.id for old, new in zip(run.program.actions, program.actions, strict=True) if old != new]
    begun = [name for name in changed if run.phase(name) != "waiting"]
    if begun:
        raise Impossible(f"{', '.join(begun)} of run {run.run_id} has begun; that visit stays where it is")
    order = {action.id: action for action in program.actions}
    return _with(state, replace(run, program=program, order=order, frees=_frees(program.holds)))


def _alarmed(state: CellState, record: r.Alarmed) -> CellState:
    run = state.run(record.run_id)
    return _with(state, replace(run, alarms=(*run.alarms, record)))


def _finished(state: CellState, record: r.Finished) -> CellState:
    run = state.run(record.run_id)
    if busy := run.under_way:
        raise Impossible(f"{', '.join(busy)} of run {run.run_id} still runs")
    if record.outcome == "completed" and not run.complete:
        raise Impossible(f"run {run.run_id} has actions that are not over; it is not completed")
    mine = [thing for thing, owner in state.held.items() if owner == run.run_id]
    left = {thing: run.run_id for thing in mine if is_site(thing)}
    held = {thing: owner for thing, owner in state.held.items() if owner != run.run_id}
    runs = {name: other for name, other in state.runs.items() if name != run.run_id}
    return replace(state, runs=runs, held=held, left={**state.left, **left})


def is_site(thing: str) -> bool:
    """Whether a thing is a site (`reader.tray`, `hotel.1`) and no device."""
    return "." in thing


def _reserved(state: CellState, record: r.Reserved) -> CellState:
    taken = [f"{t} by {state.owner(t)}" for t in record.things if state.owner(t) not in ("", record.holder)]
    if taken:
        raise Impossible(f"held already: {', '.join(taken)}")
    held = {**state.held, **dict.fromkeys(record.things, record.holder)}
    return replace(state, held=held, reservations={**state.reservations, record.holder: record})


def _released(state: CellState, record: r.Released) -> CellState:
    if record.holder not in state.reservations:
        raise Impossible(f"{record.holder} has reserved nothing")
    held = {thing: owner for thing, owner in state.held.items() if owner != record.holder}
    others = {name: other for name, other in state.reservations.items() if name != record.holder}
    return replace(state, held=held, reservations=others)


def _cleared(state: CellState, record: r.Cleared) -> CellState:
    left = {site: run for site, run in state.left.items() if site not in record.things}
    return replace(state, left=left)


_REDUCERS: Mapping[type[r.Record], Callable[[CellState, Any], CellState]] = {
    r.Claimed: _claimed, r.Submitted: _submitted, r.Begun: _begun, r.Done: _done, r.Failed: _failed,
    r.PassedOver: _passed_over,
    r.Settled: _settled, r.Chosen: _chosen, r.Paused: _paused, r.Resumed: _resumed, r.AbortAsked: _abort_asked,
    r.Amended: _amended, r.Rebound: _rebound,
    r.Alarmed: _alarmed, r.Finished: _finished, r.Reserved: _reserved, r.Released: _released,
    r.Cleared: _cleared,
}  # fmt: skip
