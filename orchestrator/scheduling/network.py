"""A problem by numbers, as solvers want it: tasks, machines and holds as positions, lags between starts and ends."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from orchestrator.scheduling.model import LONGEST_MS, Index, Placement, Problem, Schedule, index, objective


@dataclass(frozen=True, slots=True)
class Way:
    """A mode: machines, duration in ms, and (hold, machine) pairs it lies inside of."""

    machines: tuple[int, ...]
    duration: int
    inside: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Span:
    """A lag: least <= point of `after` - point of `before` <= most; the points are ends where the flag says so."""

    before: int
    before_end: bool
    after: int
    after_end: bool
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Taken:
    """A hold: the machines it may have, its first and last task, and its machine where it has begun."""

    machines: tuple[int, ...]
    first: int
    last: int
    begun: int | None


@dataclass(frozen=True, slots=True)
class Network:
    """The problem by numbers. `fixed` has the placements of what has begun, by task.

    Lower bounds, in ms: `least` each task's duration; `head` its start; `tail` from its start to the end of all that
    must follow; `floor` the objective.
    """

    problem: Problem
    names: Index
    ways: tuple[tuple[Way, ...], ...]
    spans: tuple[Span, ...]
    holds: tuple[Taken, ...]
    fixed: dict[int, Placement]
    ready: tuple[int, ...]
    job: tuple[int, ...]
    least: tuple[int, ...]
    head: tuple[int, ...] = ()
    tail: tuple[int, ...] = ()
    floor: int = -LONGEST_MS

    @property
    def size(self) -> int:
        """The number of tasks."""
        return len(self.ways)

    def schedule(
        self, modes: Sequence[int], starts: Sequence[int], held: Sequence[int], bound: int | None = None
    ) -> Schedule:
        """The plan of these choices, by task and hold; `bound` as in Schedule, else a simple one."""
        placements = tuple(
            self.fixed[i] if i in self.fixed else Placement(task.id, mode, start, start + task.modes[mode].duration)
            for i, (task, mode, start) in enumerate(zip(self.problem.tasks, modes, starts, strict=True))
        )
        machines = self.problem.machines
        on = tuple((hold.id, machines[m].name) for hold, m in zip(self.problem.holds, held, strict=True))
        cost = objective(self.problem, placements)
        return Schedule(placements, on, cost, min(cost, self.floor)).bounded(self.floor if bound is None else bound)


def network(problem: Problem) -> Network:
    """The problem by numbers. Raises InvalidProblem."""
    names = index(problem)
    machine = {m.name: i for i, m in enumerate(problem.machines)}
    task = {t.id: i for i, t in enumerate(problem.tasks)}
    hold = {h.id: i for i, h in enumerate(problem.holds)}
    job = {j.id: i for i, j in enumerate(problem.jobs)}
    ways = tuple(
        tuple(
            Way(
                tuple(machine[m] for m in mode.machines),
                mode.duration,
                tuple((hold[h], machine[m]) for h, m in mode.inside),
            )
            for mode in t.modes
        )
        for t in problem.tasks
    )
    spans = tuple(
        Span(task[g.before], g.from_ == "end", task[g.after], g.to == "end", g.min, g.max)
        for g in problem.lags
        if not (g.before in names.begun and g.after in names.begun)
    )
    holds = tuple(
        Taken(tuple(machine[m] for m in h.machines), task[h.first], task[h.last],
              machine[names.held[h.id]] if h.id in names.held else None)
        for h in problem.holds
    )  # fmt: skip
    net = Network(
        problem, names, ways, spans, holds,
        {task[name]: placed for name, placed in names.begun.items()},
        tuple(names.earliest(t.id, problem.now) for t in problem.tasks),
        tuple(job[t.job] for t in problem.tasks),
        tuple(min(way.duration for way in options) for options in ways),
    )  # fmt: skip
    net = replace(net, head=tuple(_heads(net)), tail=tuple(_tails(net)))
    return replace(net, floor=_floor(net))


def _gaps(net: Network) -> list[list[tuple[int, int]]]:
    """For each task, who must start how much later at least, in ms; negative distances are left out."""
    least = net.least
    after: list[list[tuple[int, int]]] = [[] for _ in range(net.size)]
    for span in net.spans:
        if span.before in net.fixed or span.after in net.fixed:
            continue
        if span.after_end and len(net.ways[span.after]) > 1:
            continue  # How long that task takes is open.
        gap = span.least + (least[span.before] if span.before_end else 0) - (least[span.after] if span.after_end else 0)
        if gap >= 0 and span.before != span.after:
            after[span.before].append((span.after, gap))
    return after


def _tails(net: Network) -> list[int]:
    """From each task's start to the end of all that must follow it, at least, in ms (longest paths, circles cut)."""
    after = _gaps(net)
    found = list(net.least)
    for i in reversed(topological([[j for j, _ in followers] for followers in after])):
        for j, gap in after[i]:
            found[i] = max(found[i], gap + found[j])
    return found


def _heads(net: Network) -> list[int]:
    """When each task can start at the earliest by releases and lags, in ms (longest paths, circles cut)."""
    after = _gaps(net)
    found = [net.fixed[i].start if i in net.fixed else net.ready[i] for i in range(net.size)]
    for span in net.spans:
        if span.before in net.fixed and not (span.after_end and len(net.ways[span.after]) > 1):
            before = net.fixed[span.before].end if span.before_end else net.fixed[span.before].start
            own = net.least[span.after] if span.after_end else 0
            found[span.after] = max(found[span.after], before + span.least - own)
    for i in topological([[j for j, _ in followers] for followers in after]):
        for j, gap in after[i]:
            found[j] = max(found[j], found[i] + gap)
    return found


def _floor(net: Network) -> int:
    """What the objective cannot be under: every task as early as releases and lags alone allow."""
    ends = [net.fixed[i].end if i in net.fixed else net.head[i] + net.least[i] for i in range(net.size)]
    follow = [net.head[i] + net.tail[i] for i in range(net.size) if i not in net.fixed]
    soonest = [Placement(t.id, 0, end, end) for t, end in zip(net.problem.tasks, ends, strict=True)]
    return objective(net.problem, soonest) - max(ends, default=0) + max([*ends, *follow], default=0)


def topological(after: Sequence[Sequence[int]]) -> list[int]:
    """An order in which every node comes before its followers; where a cycle stops it, the lowest node goes first."""
    waits = [0] * len(after)
    for followers in after:
        for j in followers:
            waits[j] += 1
    order = [i for i, wait in enumerate(waits) if wait == 0]
    done = [wait == 0 for wait in waits]
    at = rest = 0
    while len(order) < len(after):
        while at < len(order):
            for j in after[order[at]]:
                waits[j] -= 1
                if waits[j] == 0 and not done[j]:
                    done[j] = True
                    order.append(j)
            at += 1
        while rest < len(after) and done[rest]:
            rest += 1
        if rest < len(after):
            done[rest] = True
            order.append(rest)
    return order
