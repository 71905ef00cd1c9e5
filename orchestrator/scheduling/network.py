"""A problem by numbers, as solvers want it: tasks, machines and holds as positions, lags between starts and ends."""

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.scheduling.model import Index, Placement, Problem, Schedule, index, objective


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
    """The problem by numbers. `fixed` has the placements of what has begun, by task."""

    problem: Problem
    names: Index
    ways: tuple[tuple[Way, ...], ...]
    spans: tuple[Span, ...]
    holds: tuple[Taken, ...]
    fixed: dict[int, Placement]
    ready: tuple[int, ...]
    job: tuple[int, ...]

    @property
    def size(self) -> int:
        """The number of tasks."""
        return len(self.ways)

    def least(self, task: int) -> int:
        """The shortest duration of a task over its modes, in ms."""
        return min(way.duration for way in self.ways[task])

    def schedule(self, modes: Sequence[int], starts: Sequence[int], held: Sequence[int], bound: int) -> Schedule:
        """The plan of these choices, by task and hold; `bound` as in Schedule."""
        placements = tuple(
            self.fixed[i] if i in self.fixed else Placement(task.id, mode, start, start + task.modes[mode].duration)
            for i, (task, mode, start) in enumerate(zip(self.problem.tasks, modes, starts, strict=True))
        )
        machines = self.problem.machines
        on = tuple((hold.id, machines[m].name) for hold, m in zip(self.problem.holds, held, strict=True))
        cost = objective(self.problem, placements)
        bound = min(bound, cost)
        return Schedule(placements, on, cost, bound, "optimal" if bound == cost else "feasible")


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
    return Network(
        problem, names, ways, spans, holds,
        {task[name]: placed for name, placed in names.begun.items()},
        tuple(names.earliest(t.id, problem.now) for t in problem.tasks),
        tuple(job[t.job] for t in problem.tasks),
    )  # fmt: skip


def tails(net: Network) -> list[int]:
    """From each task's start to the end of all that must follow it, at least, in ms (longest paths, cycles cut)."""
    least = [net.least(i) for i in range(net.size)]
    after: list[list[tuple[int, int]]] = [[] for _ in range(net.size)]
    for span in net.spans:
        gap = span.least + (least[span.before] if span.before_end else 0) - (least[span.after] if span.after_end else 0)
        if gap >= 0 and span.before != span.after:
            after[span.before].append((span.after, gap))
    found = list(least)
    for i in reversed(topological([[j for j, _ in followers] for followers in after])):
        for j, gap in after[i]:
            found[i] = max(found[i], gap + found[j])
    return found


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
