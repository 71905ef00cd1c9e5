"""From the state of a cell to a scheduling problem, and from a schedule to the order of turns.

A task is a chain of actions of one run on the same things; holds are the program's own. Times are milliseconds of the
cell's clock from `since`.
"""

import bisect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from orchestrator.scheduling.model import Begun, Hold, Job, Lag, Machine, Mode, Problem, Schedule, Task
from orchestrator.stand_ins import StandIns, choices, visit
from orchestrator.state.cell import OVER, CellState, RunState
from orchestrator.turns import Place
from protocols.program import Action
from protocols.program import Hold as ProgramHold

#: What an action is believed to last where no dry run says it, s.
UNKNOWN_S = 5.0
MS = 1000


@dataclass(frozen=True, slots=True)
class Chain:
    """Actions of one run that follow one another on the same things: one task of the plan."""

    id: str
    run_id: str
    actions: tuple[Action, ...]

    @property
    def needs(self) -> tuple[str, ...]:
        """What each of its actions needs."""
        return tuple(sorted(set(self.actions[0].needs)))


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit that has not begun, to a device that has stand-ins; whoever has the device has its places."""

    hold: ProgramHold
    run_id: str
    actions: frozenset[str]
    ways: Mapping[str, Mapping[str, str]]  # stand-in -> what becomes of the places there, old: new

    @property
    def places(self) -> frozenset[str]:
        """The device and its places, as the program names them."""
        return frozenset(thing for places in self.ways.values() for thing in places)


@dataclass(frozen=True, slots=True)
class Outlook:
    """A problem with what is needed to read its answers."""

    problem: Problem
    chains: Mapping[str, Chain]
    since: float
    visits: Mapping[str, Visit]  # by the problem's holds


def outlook(
    state: CellState,
    now: float,
    holds_of: Any,
    closed: Mapping[str, tuple[tuple[float, float], ...]] | None = None,
    stand_ins: StandIns | None = None,
) -> Outlook:
    """Everything that waits or runs in a cell, as a problem; `holds_of(run)` gives a run's holds.

    `closed`: device -> times (s of the cell's clock) in which no run has it. `stand_ins`: device -> those that may be
    taken instead.
    """
    since = min([now, *(was.at for run in state.runs.values() for was in run.actions.values())])
    machines: dict[str, Machine] = {}
    jobs, tasks, lags, holds = [], [], [], []
    begun: list[Begun] = []
    chains: dict[str, Chain] = {}
    visits: dict[str, Visit] = {}
    for run in state.runs.values():
        if run.paused_by and run.begun_at is None:
            continue
        program_holds = tuple(holds_of(run))
        mine = chain(run, program_holds)
        chains |= {c.id: c for c in mine}
        where = {action.id: c.id for c in mine for action in c.actions}
        long = [
            hold for hold in program_holds if hold.first in where and where[hold.first] != where.get(hold.last or "")
        ]
        spans = _Spans(run, long)
        durations = run.submitted.durations_s
        jobs.append(_job(run, since))
        free = _visits(run, long, stand_ins or {})
        visits |= {_name(run, one.hold): one for one in free}
        for c in mine:
            held = spans.covered(c) | _on_visit(c, free)
            things = tuple(thing for thing in c.needs if thing not in held)
            tasks.append(Task(c.id, run.run_id, (Mode(things, _duration_ms(c, durations)),)))
            began = _begun(c, run, since)
            if began is not None:
                begun.append(began)
            for thing in (*c.needs, *(other for one in free for other in one.ways)):
                machines.setdefault(thing, Machine(thing, closed=_closed(thing, closed or {}, since)))
        lags += _lags(mine, where)
        holds += _long_holds(run, long, where, free)
    taken: dict[str, list[tuple[str, str]]] = {hold.first: [] for hold in holds}
    for hold in holds:
        taken[hold.first].append((hold.id, hold.machines[0]))
    problem = Problem(
        tuple(machines.values()), tuple(jobs), tuple(tasks), tuple(lags), tuple(holds),
        tuple(replace(b, held=tuple(taken.get(b.task, ()))) for b in begun), _ms(now - since),
    )  # fmt: skip
    return Outlook(problem, chains, since, visits)


def chain(run: RunState, holds: Sequence[ProgramHold]) -> list[Chain]:
    """The run's actions as few tasks: one grows while each action only follows it and needs the same things."""
    bits = {name: 1 << number for number, name in enumerate(run.order)}  # sets of actions are numbers: they are large
    begins: dict[str, int] = {}  # last action of a long hold -> the first ones
    for hold in holds:
        if hold.last is not None and hold.first != hold.last:
            begins[hold.last] = begins.get(hold.last, 0) | bits.get(hold.first, 0)
    opens = {hold.first for hold in holds if hold.last != hold.first}
    ancestors: dict[str, int] = {}
    grown: list[list[Action]] = []
    mine = 0  # what the newest task has
    for action in run.order.values():
        last = grown[-1] if grown else []
        after = sum(bits.get(name, 0) for name in dict.fromkeys(action.after))
        if (
            last
            and action.id not in opens  # a hold that begins here may go to another device; what came before does not
            and _alike(last, action, run)
            and after & mine
            and not after & ~(mine | ancestors[last[0].id])  # nobody else could use the moment between
            and not begins.get(last[-1].id, 0) & ~mine  # a hold from before that ends here ends a task
        ):
            ancestors[action.id] = ancestors[last[-1].id] | bits[last[-1].id]
            last.append(action)
            mine |= bits[action.id]
            continue
        ancestors[action.id] = after
        for name in action.after:
            ancestors[action.id] |= ancestors.get(name, 0)
        grown.append([action])
        mine = bits[action.id]
    return [Chain(f"{run.run_id}/{actions[0].id}", run.run_id, tuple(actions)) for actions in grown]


def _alike(last: list[Action], action: Action, run: RunState) -> bool:
    """Whether an action could be part of a task by what it needs, and by how far both are."""
    return (
        bool(action.needs)
        and action.needs == last[0].needs
        and (run.phase(action.id) in OVER) == (run.phase(last[-1].id) in OVER)
    )


class _Spans:
    """The long holds of a run by their things, to be asked which of them a task lies in."""

    def __init__(self, run: RunState, long: Sequence[ProgramHold]) -> None:
        self._place = {name: number for number, name in enumerate(run.order)}
        spans: dict[str, list[tuple[int, float]]] = {}
        for hold in long:
            end = math.inf if hold.last is None else self._place[hold.last]
            spans.setdefault(hold.thing, []).append((self._place[hold.first], end))
        self._spans = {thing: sorted(found) for thing, found in spans.items()}

    def covered(self, c: Chain) -> set[str]:
        """The things of a task that a longer hold of its run has already."""
        first, last = self._place[c.actions[0].id], self._place[c.actions[-1].id]
        found = set()
        for thing in c.needs:
            spans = self._spans.get(thing, [])
            before = bisect.bisect_right(spans, (last, math.inf))
            # A run's holds of one thing follow one another: what is not in the last one that began is in none.
            if before and first <= spans[before - 1][1]:
                found.add(thing)
        return found


def _visits(run: RunState, long: Sequence[ProgramHold], stand_ins: StandIns) -> list[Visit]:
    """The run's visits that may still go to another device."""
    found = []
    for hold in long:
        if hold.thing in stand_ins and not run.amended and run.phase(hold.first) == "waiting":
            actions = tuple(run.order.values())
            ways = {places[hold.thing]: places for places in choices(actions, hold, stand_ins)}
            if ways:
                inside = frozenset(action.id for action in visit(actions, hold))
                found.append(Visit(hold, run.run_id, inside, ways))
    return found


def _on_visit(c: Chain, visits: Sequence[Visit]) -> set[str]:
    """The things of a task that come with the device it visits, whichever that will be."""
    return {thing for one in visits if any(a.id in one.actions for a in c.actions) for thing in one.places}


def _long_holds(
    run: RunState, long: Sequence[ProgramHold], where: Mapping[str, str], visits: Sequence[Visit]
) -> list[Hold]:
    final = list(where.values())[-1] if where else ""
    others = {one.hold: tuple(one.ways) for one in visits}
    implied = {(first, thing) for one in visits for first in one.actions for thing in one.places - {one.hold.thing}}
    return [
        Hold(
            _name(run, hold), (hold.thing, *others.get(hold, ())), where[hold.first], where.get(hold.last or "", final)
        )
        for hold in long
        if hold.first in where and (hold.first, hold.thing) not in implied
    ]


def _name(run: RunState, hold: ProgramHold) -> str:
    return f"{run.run_id}/{hold.first}/{hold.thing}"


def moves(outlook: Outlook, schedule: Schedule) -> list[tuple[Visit, Mapping[str, str]]]:
    """The visits that a schedule sends to stand-ins, with what becomes of their places (old: new)."""
    return [
        (outlook.visits[hold], outlook.visits[hold].ways[machine])
        for hold, machine in schedule.held
        if hold in outlook.visits and machine in outlook.visits[hold].ways
    ]


def _closed(
    thing: str, closed: Mapping[str, tuple[tuple[float, float], ...]], since: float
) -> tuple[tuple[int, int], ...]:
    return tuple((_ms(begins - since), _ms(ends - since)) for begins, ends in closed.get(thing, ()))


def _lags(chains: Sequence[Chain], where: Mapping[str, str]) -> list[Lag]:
    pairs = dict.fromkeys(
        (where[name], c.id) for c in chains for action in c.actions for name in action.after
        if name in where and where[name] != c.id
    )  # fmt: skip
    return [Lag(before, after) for before, after in pairs]


def _job(run: RunState, since: float) -> Job:
    deadline = run.submitted.deadline
    return Job(
        run.run_id, max(0, run.submitted.priority), _ms(max(0.0, run.submitted.at - since)),
        None if deadline is None else _ms(deadline - since),
    )  # fmt: skip


def _duration_ms(c: Chain, durations: Mapping[str, float]) -> int:
    return max(1, sum(_ms(durations.get(action.id, UNKNOWN_S)) for action in c.actions))


def _begun(c: Chain, run: RunState, since: float) -> Begun | None:
    states = [run.actions[action.id] for action in c.actions if action.id in run.actions]
    if not states or all(was.phase == "waiting" for was in states):
        return None
    start = _ms(min(was.at for was in states) - since)
    over = all(run.phase(action.id) in OVER for action in c.actions)
    return Begun(c.id, 0, start, _ms(max(was.ended or was.at for was in states) - since) if over else None)


def _ms(seconds: float) -> int:
    return round(seconds * MS)


def moved(
    queues: Mapping[str, Sequence[Place]], elsewhere: Sequence[tuple[Visit, Mapping[str, str]]]
) -> dict[str, list[Place]]:
    """The queues once these visits go to other places; who comes to a queue stands behind those who are there."""
    found: dict[str, list[Place]] = {}
    for thing, places in queues.items():
        for run_id, first in places:
            to = next((to for v, to in elsewhere if v.run_id == run_id and first in v.actions), {})
            found.setdefault(to.get(thing, thing), []).append((run_id, first))
    return found


def order(outlook: Outlook, schedule: Schedule, waiting: Mapping[str, Sequence[Place]]) -> dict[str, list[Place]]:
    """The turns of each thing as a schedule has them; within a task they keep the program's order."""
    starts = {place.task: place.start for place in schedule.placements}
    rank: dict[Place, tuple[int, int]] = {}
    for c in outlook.chains.values():
        for number, action in enumerate(c.actions):
            rank[c.run_id, action.id] = (starts[c.id], number)
    return {
        thing: sorted((place for place in places if place in rank), key=lambda place: rank[place])
        for thing, places in waiting.items()
    }


def ends(outlook: Outlook, schedule: Schedule) -> dict[tuple[str, str], float]:
    """When each task is planned to end (s of the cell's clock), by its run and last action."""
    found = {}
    for place in schedule.placements:
        c = outlook.chains[place.task]
        found[c.run_id, c.actions[-1].id] = outlook.since + place.end / MS
    return found


def gantt(outlook: Outlook, schedule: Schedule) -> list[dict[str, Any]]:
    """The plan as data: who does what for which run, from when to when (s of the cell's clock)."""
    begun = {b.task for b in outlook.problem.begun}
    return [
        {
            "run_id": c.run_id, "step": c.actions[0].step, "device": c.actions[0].device, "actions": len(c.actions),
            "start": outlook.since + place.start / MS, "end": outlook.since + place.end / MS,
            "begun": place.task in begun,
        }
        for place in schedule.placements for c in [outlook.chains[place.task]]
    ]  # fmt: skip
