"""Tabu search for flexible job shops: better plans in tenths of a second, in plain Python.

A move takes one critical task out of its machine's sequence and puts it elsewhere, there or on another machine (the
neighbourhood of Mastrolilli and Gambardella, J. Scheduling 3, 2000). Which positions keep the order free of circles
follows from heads and tails alone; a move's worth is estimated by the longest path through what it shifts (Balas and
Vazacopoulos, Management Science 44, 1998). The best move that is not tabu is made.

It serves problems with the makespan as objective in which each mode has one machine of capacity one, and tasks wait
for ends only (`shop` says whether a problem is one).
"""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from orchestrator.scheduling.network import Network

#: Iterations without a better plan before the search goes back to one of its best. Ours, tuned on mk01 to mk10.
PATIENCE = 600
#: How many of the best plans are kept to go back to. Ours.
ELITE = 5


@dataclass(frozen=True, slots=True)
class Shop:
    """A flexible job shop: per task (machine, duration) modes, (task, lag) before and after, release."""

    modes: tuple[tuple[tuple[int, int], ...], ...]
    before: tuple[tuple[tuple[int, int], ...], ...]
    after: tuple[tuple[tuple[int, int], ...], ...]
    release: tuple[int, ...]
    machines: int


def shop(net: Network) -> Shop | None:
    """The problem as a flexible job shop, or None if it is not one."""
    problem = net.problem
    if (
        net.holds
        or net.fixed
        or any(m.capacity > 1 or m.closed for m in problem.machines)
        or any(job.weight or job.deadline is not None for job in problem.jobs)
        or any(len(way.machines) != 1 for ways in net.ways for way in ways)
        or any(len({way.machines for way in ways}) < len(ways) for ways in net.ways)
        or any(way.duration <= 0 for ways in net.ways for way in ways)
        or any(s.most is not None or s.least < 0 or not s.before_end or s.after_end for s in net.spans)
    ):
        return None
    before: list[list[tuple[int, int]]] = [[] for _ in net.ways]
    after: list[list[tuple[int, int]]] = [[] for _ in net.ways]
    for span in net.spans:
        before[span.after].append((span.before, span.least))
        after[span.before].append((span.after, span.least))
    return Shop(
        tuple(tuple((way.machines[0], way.duration) for way in ways) for ways in net.ways),
        tuple(map(tuple, before)),
        tuple(map(tuple, after)),
        net.ready,
        len(problem.machines),
    )


class Search:
    """One walk through the plans of a shop. `sequence` has the tasks of each machine in order."""

    def __init__(self, problem: Shop, modes: Sequence[int], starts: Sequence[int], chance: random.Random) -> None:
        self.shop, self.chance = problem, chance
        size = len(problem.modes)
        self.mode = list(modes)
        self.duration = [problem.modes[i][k][1] for i, k in enumerate(self.mode)]
        self.sequence: list[list[int]] = [[] for _ in range(problem.machines)]
        for i in sorted(range(size), key=lambda i: starts[i]):
            self.sequence[problem.modes[i][self.mode[i]][0]].append(i)
        self.head = [0] * size
        self.tail = [0] * size
        self.previous = [-1] * size
        self.next = [-1] * size
        for line in self.sequence:
            self._link(line)
        self.makespan = 0
        self.measure()

    def _link(self, line: Sequence[int]) -> None:
        """Set the neighbours of all tasks of one machine."""
        last = -1
        for i in line:
            self.previous[i] = last
            if last >= 0:
                self.next[last] = i
            last = i
        if last >= 0:
            self.next[last] = -1

    def measure(self) -> bool:
        """Heads, tails and makespan of the present sequences; False where they run in a circle."""
        before, after, duration, head, tail = self.shop.before, self.shop.after, self.duration, self.head, self.tail
        previous, following = self.previous, self.next
        waits = [len(arcs) + (previous[i] >= 0) for i, arcs in enumerate(before)]
        order = [i for i, wait in enumerate(waits) if not wait]
        release = self.shop.release
        for i in order:
            start = release[i]
            p = previous[i]
            if p >= 0 and head[p] + duration[p] > start:
                start = head[p] + duration[p]
            for j, lag in before[i]:
                end = head[j] + duration[j] + lag
                if end > start:
                    start = end
            head[i] = start
            for j, _ in after[i]:
                waits[j] -= 1
                if not waits[j]:
                    order.append(j)
            j = following[i]
            if j >= 0:
                waits[j] -= 1
                if not waits[j]:
                    order.append(j)
        if len(order) < len(head):
            return False
        longest = 0
        for i in reversed(order):
            j = following[i]
            rest = tail[j] if j >= 0 else 0
            for j, lag in after[i]:
                if tail[j] + lag > rest:
                    rest = tail[j] + lag
            rest += duration[i]
            tail[i] = rest
            if head[i] + rest > longest:
                longest = head[i] + rest
        self.makespan = longest
        return True

    def critical(self) -> list[int]:
        """The tasks of one longest path, chosen by chance among several, from its end to its start."""
        head, duration, previous = self.head, self.duration, self.previous
        ends = [i for i, start in enumerate(head) if start + duration[i] == self.makespan]
        i = self.chance.choice(ends)
        path = [i]
        while True:
            start = head[i]
            options = [j for j, lag in self.shop.before[i] if head[j] + duration[j] + lag == start]
            p = previous[i]
            if p >= 0 and head[p] + duration[p] == start:
                options.append(p)
            if not options:
                return path
            i = options[0] if len(options) == 1 else self.chance.choice(options)
            path.append(i)

    def moves(self, i: int) -> list[tuple[int, int, int]]:
        """All (estimate, mode, position) for task `i`; the position counts in a sequence without it."""
        head, tail, duration = self.head, self.tail, self.duration
        ready, soonest_end = self.shop.release[i], -1
        for j, lag in self.shop.before[i]:
            end = head[j] + duration[j] + lag
            if end > ready:
                ready = end
            if head[j] > soonest_end:
                soonest_end = head[j]
        rest, latest = 0, 1 << 60
        for j, lag in self.shop.after[i]:
            if tail[j] + lag > rest:
                rest = tail[j] + lag
            if head[j] + duration[j] < latest:
                latest = head[j] + duration[j]
        found: list[tuple[int, int, int]] = []
        for k, (machine, time_) in enumerate(self.shop.modes[i]):
            if k == self.mode[i]:
                self._same(i, ready, rest, soonest_end, latest, found)
                continue
            end = 0
            y = 0
            for position, y in enumerate(self.sequence[machine]):
                # Before `y`, after all that went before: no path may lead from y to a task before i.
                if head[y] + duration[y] > soonest_end:
                    bound = (ready if ready > end else end) + time_ + (rest if rest > tail[y] else tail[y])
                    found.append((bound, k, position))
                end = head[y] + duration[y]
                if head[y] >= latest:
                    break
            else:
                found.append(((ready if ready > end else end) + time_ + rest, k, len(self.sequence[machine])))
        return found

    def _same(
        self, i: int, ready: int, rest: int, soonest_end: int, latest: int, found: list[tuple[int, int, int]]
    ) -> None:
        """Add the moves of task `i` on the machine it is on, to the right and to the left."""
        head, tail, duration = self.head, self.tail, self.duration
        k, own = self.mode[i], self.duration[i]
        line = self.sequence[self.shop.modes[i][k][0]]
        at = line.index(i)
        before, after, release = self.shop.before, self.shop.after, self.shop.release
        p = self.previous[i]
        end = head[p] + duration[p] if p >= 0 else 0
        shifted: list[tuple[int, int]] = []
        for position in range(at + 1, len(line)):
            x = line[position]
            if head[x] >= latest:
                break
            start = release[x] if release[x] > end else end
            for j, lag in before[x]:
                if head[j] + duration[j] + lag > start:
                    start = head[j] + duration[j] + lag
            end = start + duration[x]
            shifted.append((x, start))
            y = line[position + 1] if position + 1 < len(line) else -1
            follow = tail[y] if y >= 0 and tail[y] > rest else rest
            follow += own
            worst = (ready if ready > end else end) + follow
            for x, start in reversed(shifted):
                for j, lag in after[x]:
                    if tail[j] + lag > follow:
                        follow = tail[j] + lag
                follow += duration[x]
                if start + follow > worst:
                    worst = start + follow
            found.append((worst, k, position))
        n = self.next[i]
        follow_out = tail[n] if n >= 0 else 0
        behind: list[tuple[int, int]] = []
        for position in range(at - 1, -1, -1):
            x = line[position]
            if head[x] + duration[x] <= soonest_end:
                break
            for j, lag in after[x]:
                if tail[j] + lag > follow_out:
                    follow_out = tail[j] + lag
            follow_out += duration[x]
            behind.append((x, follow_out))
            w = self.previous[x]
            end = head[w] + duration[w] if w >= 0 else 0
            if ready > end:
                end = ready
            worst = end + own + (rest if rest > follow_out else follow_out)
            end += own
            for x, follow in reversed(behind):
                start = release[x] if release[x] > end else end
                for j, lag in before[x]:
                    if head[j] + duration[j] + lag > start:
                        start = head[j] + duration[j] + lag
                if start + follow > worst:
                    worst = start + follow
                end = start + duration[x]
            found.append((worst, k, position))

    def apply(self, i: int, k: int, position: int) -> bool:
        """Make a move; False, with nothing changed, if it would run in a circle."""
        old = (self.mode[i], self.sequence[self.shop.modes[i][self.mode[i]][0]].index(i))
        self._put(i, k, position)
        if self.measure():
            return True
        self._put(i, *old)
        self.measure()
        return False

    def _put(self, i: int, k: int, position: int) -> None:
        origin = self.sequence[self.shop.modes[i][self.mode[i]][0]]
        origin.remove(i)
        machine, self.duration[i] = self.shop.modes[i][k]
        self.mode[i] = k
        target = self.sequence[machine]
        target.insert(position, i)
        self._link(origin)
        if target is not origin:
            self._link(target)

    def restore(self, modes: Sequence[int], sequence: Sequence[Sequence[int]]) -> None:
        """Go back to a plan kept before."""
        self.mode = list(modes)
        self.duration = [self.shop.modes[i][k][1] for i, k in enumerate(self.mode)]
        self.sequence = [list(line) for line in sequence]
        for line in self.sequence:
            self._link(line)
        self.measure()


def tabu(
    problem: Shop,
    modes: Sequence[int],
    starts: Sequence[int],
    seconds: float,
    on_better: Callable[[Sequence[int], Sequence[int], int], None],
    *,
    seed: int = 0,
    goal: int = 0,
    stop: Callable[[], bool] = lambda: False,
) -> int:
    """Search from a plan for `seconds`, or until the makespan is `goal`; how many moves were made.

    `on_better(modes, starts, makespan)` hears of each better plan.
    """
    until = time.perf_counter() + seconds
    chance = random.Random(seed)
    walk = Search(problem, modes, starts, chance)
    best = walk.makespan
    elite: list[tuple[int, list[int], list[list[int]]]] = [(best, list(walk.mode), [list(s) for s in walk.sequence])]
    forbidden: dict[tuple[int, int], int] = {}
    moves = idle = 0
    while best > goal and time.perf_counter() < until and not stop():
        moves += 1
        idle += 1
        path = walk.critical()
        if not _step(walk, path, forbidden, moves, best):
            idle = PATIENCE
        if walk.makespan < best:
            best, idle = walk.makespan, 0
            on_better(walk.mode, walk.head, best)
            elite.append((best, list(walk.mode), [list(s) for s in walk.sequence]))
            del elite[:-ELITE]
        if idle >= PATIENCE:
            idle = 0
            forbidden.clear()
            _, kept, lines = elite[-1] if chance.random() < 0.6 else chance.choice(elite)
            walk.restore(kept, lines)
            _shake(walk)
    return moves


def _step(walk: Search, path: Sequence[int], forbidden: dict[tuple[int, int], int], moves: int, best: int) -> bool:
    """Make the best move of a critical task that is not tabu, or would be the best plan of all."""
    chance = walk.chance
    options: list[tuple[int, float, int, int, int]] = []
    banned: list[tuple[int, float, int, int, int]] = []
    ways = walk.shop.modes
    for i in path:
        for worth, k, position in walk.moves(i):
            tie = chance.random()
            if worth >= best and forbidden.get((i, ways[i][k][0]), 0) > moves:
                banned.append((worth, tie, i, k, position))
            else:
                options.append((worth, tie, i, k, position))
    options.sort()
    for _, _, i, k, position in options[:3] or ([chance.choice(banned)] if banned else []):
        machine = ways[i][walk.mode[i]][0]
        if walk.apply(i, k, position):
            forbidden[i, machine] = moves + len(path) // 2 + len(ways[i]) + chance.randrange(8)
            return True
    return False


def _shake(walk: Search) -> None:
    """A few moves of critical tasks by chance."""
    for _ in range(walk.chance.randrange(2, 8)):
        i = walk.chance.choice(walk.critical())
        options = walk.moves(i)
        if options:
            _, k, position = walk.chance.choice(options)
            walk.apply(i, k, position)
