"""A plan at once: clusters of tasks are placed one after the other, each as early as it can be.

A cluster is what has to be placed together: tasks joined by a maximum delay or by a hold. Inside a cluster the tasks
are placed in the order of precedence; where one comes too late for a maximum delay, the task that set the limit is
delayed by what is missing and the cluster is placed anew (the "unscheduling" of Franck, Neumann and Schwindt, OR
Spektrum 23, 2001, confined to the cluster). What is placed is never moved by a later cluster, so there is no deadlock.
"""

import random
import time
from collections.abc import Callable, Sequence

from orchestrator.scheduling.clusters import Cluster, followers, group
from orchestrator.scheduling.model import NoSchedule, Problem, Schedule
from orchestrator.scheduling.network import Network, Span, Way, network, topological
from orchestrator.scheduling.timeline import FOREVER, Timeline

#: How often one cluster is begun anew before the order is given up. Ours; public instances need under 40.
ATTEMPTS = 300


def greedy(problem: Problem, seconds: float = 0.02, seed: int = 0) -> Schedule:
    """A plan of the whole problem: the first of some orders that works, then the best found in `seconds`.

    Raises InvalidProblem, or NoSchedule where no order leads to a plan.
    """
    return improve(network(problem), seconds, seed)


def improve(net: Network, seconds: float, seed: int = 0) -> Schedule:
    """As `greedy`, of a problem by numbers."""
    until = time.perf_counter() + seconds
    chance = random.Random(seed)
    clusters = group(net)
    best: Schedule | None = None
    trials = 0
    stuck = "no order was tried"
    while (best is None and trials < 12) or time.perf_counter() < until:
        noise = 0.0 if trials < 2 else chance.choice((0.05, 0.2, 0.5))
        if trials >= 2 and len(clusters) < net.size:
            clusters = group(net, chance)
        rank = _rank(net, clusters, lambda noise=noise: 1 + noise * (chance.random() - 0.5))  # type: ignore[misc]
        trial = Builder(net, clusters, rank, chance if trials >= 2 else None)
        trials += 1
        try:
            trial.run(serial=trials == 1 or (trials % 2 == 0 and trials > 4))
        except NoSchedule as problem:
            stuck = str(problem)
            continue
        found = net.schedule(trial.mode, trial.start, trial.held)
        if best is None or found.objective < best.objective:
            best = found
    if best is None:
        raise NoSchedule(stuck)
    return best


def _rank(net: Network, clusters: Sequence[Cluster], noise: Callable[[], float]) -> list[tuple[float, ...]]:
    """What comes first, smaller first: holds already begun, then deadlines less the work after, weight, work after."""
    begun = {hold.last for hold in net.holds if hold.begun is not None}
    ranks: list[tuple[float, ...]] = []
    priced = any(job.weight or job.deadline is not None for job in net.problem.jobs)
    total = sum(net.least[i] for i in range(net.size)) or 1
    for cluster in clusters:
        job = net.problem.jobs[net.job[cluster.tasks[0]]]
        work = max(net.tail[i] for i in cluster.tasks) * noise()
        slack = (job.deadline - work) if job.deadline is not None else float(FOREVER)
        urgency = work / ((1 + job.weight) * total) if priced else -work
        ranks.append((0.0 if begun.intersection(cluster.tasks) else 1.0, slack, urgency))
    for c in reversed(topological(followers(clusters))):
        for before in clusters[c].needs:
            if ranks[c][0] == 0.0:
                ranks[before] = min(ranks[before], (0.0, *ranks[before][1:]))
    return ranks


def follow(net: Network, old: Schedule) -> Schedule:
    """A plan that keeps the order of an old one as far as it goes; tasks that are new come last. Or NoSchedule."""
    clusters = group(net)
    starts = {placed.task: placed.start for placed in old.placements}
    ids = [task.id for task in net.problem.tasks]
    base = _rank(net, clusters, lambda: 1.0)
    rank = [
        (first[0], min(starts.get(ids[i], FOREVER) for i in cluster.tasks), *first[1:])
        for cluster, first in zip(clusters, base, strict=True)
    ]
    trial = Builder(net, clusters, rank, None)
    trial.run(serial=True)
    return net.schedule(trial.mode, trial.start, trial.held)


class _Late(Exception):
    """A task came `missing` ms too late for the limit that `culprit` sets."""

    def __init__(self, culprit: int, missing: int) -> None:
        self.culprit, self.missing = culprit, missing


class _Again(Exception):
    """A hold turned out longer than thought: place the cluster anew, knowing that."""


class Builder:
    """One plan in the making. `start`, `mode` and `held` are complete after `run`."""

    def __init__(
        self, net: Network, clusters: Sequence[Cluster], rank: Sequence[tuple[float, ...]], chance: random.Random | None
    ) -> None:
        self.net, self.clusters, self.rank, self.chance = net, clusters, rank, chance
        self.start: list[int] = [-1] * net.size
        self.mode = [-1] * net.size
        self.end = [-1] * net.size
        self.placed = [False] * net.size
        self.held = [-1] * len(net.holds)
        self.length = [0] * len(net.holds)
        self.until: list[int | None] = [None] * len(net.holds)
        self.lines = [Timeline(machine.capacity) for machine in net.problem.machines]
        self.spans: list[list[Span]] = [[] for _ in range(net.size)]
        for span in net.spans:
            self.spans[span.before].append(span)
            if span.after != span.before:
                self.spans[span.after].append(span)
        self.opens: list[list[int]] = [[] for _ in range(net.size)]
        self.closes: list[list[int]] = [[] for _ in range(net.size)]
        self.insiders: list[list[int]] = [[] for _ in net.holds]
        for i, ways in enumerate(net.ways):
            for h in {h for way in ways for h, _ in way.inside}:
                self.insiders[h].append(i)
        for h, hold in enumerate(net.holds):
            self.opens[hold.first].append(h)
            self.closes[hold.last].append(h)
        for line, machine in zip(self.lines, net.problem.machines, strict=True):
            for start, end in machine.closed:
                line.book(start, end, machine.capacity)
        self._begun()

    def _begun(self) -> None:
        """What has begun is placed as it is, from now on; holds that are open are open."""
        now = self.net.problem.now
        for i, placed in self.net.fixed.items():
            self.start[i], self.mode[i], self.end[i], self.placed[i] = placed.start, placed.mode, placed.end, True
            for m in self.net.ways[i][placed.mode].machines:
                self.lines[m].book(now, placed.end)
        for h, hold in enumerate(self.net.holds):
            if hold.begun is not None:
                self.held[h] = hold.begun
                self._take(h, now, self.end[hold.last] if self.placed[hold.last] else FOREVER)

    def run(self, serial: bool) -> None:
        """Place every cluster: by rank alone, or (not `serial`) the one first that could begin first. Or NoSchedule."""
        waits = [len(cluster.needs) for cluster in self.clusters]
        after = followers(self.clusters)
        ready = [c for c, wait in enumerate(waits) if wait == 0]
        while ready:
            c = min(ready, key=lambda c: self.rank[c] if serial else (self.rank[c][0], self._soonest(c), self.rank[c]))
            ready.remove(c)
            self._cluster(self.clusters[c].tasks)
            for follower in after[c]:
                waits[follower] -= 1
                if waits[follower] == 0:
                    ready.append(follower)

    def _soonest(self, c: int) -> int:
        """When the first task of a cluster could begin, in ms."""
        i = self.clusters[c].tasks[0]
        return self._best(i, self.net.ready[i])[1] if not self.placed[i] else -FOREVER

    def _cluster(self, tasks: Sequence[int]) -> None:
        todo = [i for i in tasks if not self.placed[i]]
        base = {i: self.net.ready[i] for i in todo}
        for attempt in range(ATTEMPTS):
            if attempt == ATTEMPTS // 2:
                beyond = max([0, *(self.end[i] for i in range(self.net.size) if self.placed[i])])
                base = {i: max(self.net.ready[i], beyond) for i in todo}
            try:
                for i in todo:
                    self._place(i, base[i])
            except _Late as late:
                self._undo(todo)
                if late.culprit not in base:
                    raise self._stuck(tasks, f"{self._name(late.culprit)} is fixed and sets the limit") from None
                base[late.culprit] += late.missing
            except _Again:
                self._undo(todo)
            else:
                return
        raise self._stuck(tasks, f"{ATTEMPTS} attempts failed")

    def _stuck(self, tasks: Sequence[int], why: str) -> NoSchedule:
        names = ", ".join(self._name(i) for i in tasks[:6]) + (" and more" if len(tasks) > 6 else "")
        return NoSchedule(f"no place was found for {names}: {why}")

    def _name(self, task: int) -> str:
        return repr(self.net.problem.tasks[task].id)

    def _best(self, i: int, base: int) -> tuple[int, int, int, dict[int, int]]:
        """The way to do task `i` that ends first: (index, start, end, machine of each hold that opens).

        The index is -1 where no way is left at all.
        """
        found: tuple[int, int, int, dict[int, int]] = (-1, FOREVER, FOREVER, {})
        score: float = FOREVER
        for k, way in enumerate(self.net.ways[i]):
            inside = dict(way.inside)
            if any(self.held[h] not in (-1, m) for h, m in way.inside):
                continue
            start, _, _ = self._window(i, base, way)
            start, taken = self._free(i, start, way.machines, way.duration, inside)
            worth = start + way.duration * (1.0 if self.chance is None else 0.7 + 0.6 * self.chance.random())
            if start < FOREVER and worth < score:
                score, found = worth, (k, start, start + way.duration, taken)
        return found

    def _window(self, i: int, base: int, way: Way) -> tuple[int, int, int]:
        """Earliest and latest start by lags and holds to what is placed, and the task that sets the latest (or -1)."""
        duration = way.duration
        low, high, who = self._within(i, base, way)
        for span in self.spans[i]:
            if span.before == span.after:
                gap = (duration if span.after_end else 0) - (duration if span.before_end else 0)
                if gap < span.least or (span.most is not None and gap > span.most):
                    low = FOREVER
            elif span.after == i and self.placed[span.before]:
                point = (self.end if span.before_end else self.start)[span.before] - (duration if span.after_end else 0)
                low = max(low, point + span.least)
                if span.most is not None and point + span.most < high:
                    high, who = point + span.most, span.before
            elif span.before == i and self.placed[span.after]:
                point = (self.end if span.after_end else self.start)[span.after] - (duration if span.before_end else 0)
                if point - span.least < high:
                    high, who = point - span.least, span.after
                if span.most is not None:
                    low = max(low, point - span.most)
        return low, high, who

    def _within(self, i: int, base: int, way: Way) -> tuple[int, int, int]:
        """As `_window`, by holds alone: the task lies inside them, and those it opens or closes span their tasks."""
        low, high, who = base, FOREVER, -1
        for h, _ in way.inside:
            first, last = self.net.holds[h].first, self.net.holds[h].last
            if first != i and self.placed[first]:
                low = max(low, self.start[first])
            if last != i and self.placed[last] and self.end[last] - way.duration < high:
                high, who = self.end[last] - way.duration, last
        for h in (*self.opens[i], *self.closes[i]):
            for j in self.insiders[h]:
                if j != i and self.placed[j] and any(h == k for k, _ in self.net.ways[j][self.mode[j]].inside):
                    if h in self.closes[i]:
                        low = max(low, self.end[j] - way.duration)
                    if h in self.opens[i] and self.start[j] < high:
                        high, who = self.start[j], j
        for h in self.closes[i]:
            if self.net.holds[h].first != i and self.placed[self.net.holds[h].first]:
                low = max(low, self._from(h) - way.duration)
        return low, high, who

    def _free(
        self, i: int, start: int, machines: Sequence[int], duration: int, inside: dict[int, int]
    ) -> tuple[int, dict[int, int]]:
        """The first start from `start` on at which all machines and one machine of each opening hold are free."""
        while start < FOREVER:
            begin = start
            for m in machines:
                start = self.lines[m].earliest(start, duration)
            taken: dict[int, int] = {}
            for h in self.opens[i]:
                length = max(self.length[h], duration, 1)
                hold = self.net.holds[h]
                options = (inside[h],) if h in inside else hold.machines
                if self.chance is not None and h not in inside:
                    options = tuple(self.chance.sample(options, len(options)))
                at, m = min(
                    ((self.lines[m].earliest(start, length), m) for m in options if m not in taken.values()),
                    key=lambda pair: pair[0],
                    default=(FOREVER, -1),
                )
                start, taken[h] = at, m
            if start == begin:
                return start, taken
        return FOREVER, {}

    def _place(self, i: int, base: int) -> None:
        """Put task `i` at its best place. Raises _Late or _Again, with all as before."""
        k, start, end, taken = self._best(i, base)
        if k < 0:
            raise NoSchedule(f"task {self._name(i)} finds no time at which a mode of it is free")
        way = self.net.ways[i][k]
        _, high, who = self._window(i, base, way)
        if start > high:
            raise _Late(who, start - high)
        self.start[i], self.mode[i], self.end[i], self.placed[i] = start, k, end, True
        for m in way.machines:
            self.lines[m].book(start, end)
        for h, m in taken.items():
            self.held[h] = m
            self._take(h, start, FOREVER)
        for h in self.closes[i]:
            self._close(h, i)

    def _take(self, h: int, start: int, until: int | None) -> None:
        """Book hold `h`, begun at `start`, until a time instead of what was booked before; None: not at all."""
        line, before = self.lines[self.held[h]], self.until[h]
        if before is not None:
            line.book(start, before, -1)
        if until is not None:
            line.book(start, until)
        self.until[h] = until

    def _from(self, h: int) -> int:
        """Since when hold `h` counts, in ms: its start, or now where it has begun."""
        hold = self.net.holds[h]
        return self.start[hold.first] if hold.begun is None else self.net.problem.now

    def _close(self, h: int, i: int) -> None:
        """End hold `h` with task `i`, where its machine is free for all of it. Raises _Again where it is not."""
        begin, end = self._from(h), self.end[i]
        if end < begin:
            raise _Late(i, begin - end)
        self._take(h, begin, None)
        if self.net.holds[h].begun is None and self.lines[self.held[h]].earliest(begin, end - begin) != begin:
            self.length[h] = end - begin
            raise _Again
        self._take(h, begin, end)

    def _undo(self, tasks: Sequence[int]) -> None:
        """Take back what is placed of these tasks, and the holds that they began or ended."""
        for i in tasks:
            if not self.placed[i]:
                continue
            for m in self.net.ways[i][self.mode[i]].machines:
                self.lines[m].book(self.start[i], self.end[i], -1)
            for h in self.opens[i]:
                self._take(h, self.start[i], None)
                self.held[h] = -1
            for h in self.closes[i]:
                if self.net.holds[h].begun is not None:
                    self._take(h, self._from(h), FOREVER)
            self.placed[i] = False
