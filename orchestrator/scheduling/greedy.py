"""A plan at once: job by job as a block where time limits or holds bind its tasks, else task by task.

A block is a job laid out by itself as early as its lags allow; it is pushed to the first time at which all its
machines are free. So every plan keeps every maximum that one job by itself can keep.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.scheduling.model import Hold, Job, Placement, Problem, Schedule, Task, objective
from orchestrator.scheduling.network import Contradiction, Edge, earliest, edges

Interval = tuple[int, int]


@dataclass(slots=True)
class Timelines:
    """What is taken on each machine."""

    room: Mapping[str, int]
    taken: dict[str, list[Interval]] = field(default_factory=dict)

    def take(self, machine: str, start: int, end: int) -> None:
        """From now on."""
        if end > start:
            self.taken.setdefault(machine, []).append((start, end))

    def blocked_until(self, machine: str, start: int, end: int) -> int:
        """0 when there is room all the time from start to end; else when the first of what is in the way ends."""
        there = [interval for interval in self.taken.get(machine, ()) if interval[0] < end and start < interval[1]]
        if len(there) < self.room[machine]:
            return 0
        peaks = [sum(a <= at < b for a, b in there) for at in (max(a, start) for a, _ in there)]
        return min(b for _, b in there) if peaks and max(peaks) >= self.room[machine] else 0


def greedy(problem: Problem) -> Schedule:
    """A feasible schedule, fast. Raises `Contradiction` when a job cannot keep its own limits."""
    lines = Timelines({machine.name: machine.capacity for machine in problem.machines})
    for machine in problem.machines:
        for start, end in machine.closed:
            for _ in range(machine.capacity):
                lines.take(machine.name, start, end)
    if any(lag.maximum is not None for lag in problem.lags) or problem.holds:
        return _by_blocks(problem, lines)
    return _by_tasks(problem, lines)


# Job by job


@dataclass(frozen=True, slots=True)
class Use:
    """A span of a block on one of several machines; `key` is the task or hold it belongs to."""

    key: str
    choices: tuple[tuple[str, ...], ...]
    start: int
    end: int


def _by_blocks(problem: Problem, lines: Timelines) -> Schedule:
    places: list[Placement] = []
    chosen: dict[str, str] = {}
    by_job: dict[str, list[Task]] = {}
    for task in problem.tasks:
        by_job.setdefault(task.job, []).append(task)
    begun = {task.job for task in problem.tasks if task.id in problem.begun}
    for job in sorted(problem.jobs, key=lambda job: (job.id not in begun, *_urgency(job))):
        starts = layout(problem, by_job.get(job.id, []))
        uses = _uses(problem, by_job.get(job.id, []), starts)
        shift = 0 if job.id in begun else max(problem.now, job.release) - min(starts.values(), default=0)
        shift, picked = _fit(lines, uses, max(0, shift), movable=job.id not in begun)
        for use in uses:
            for machine in use.choices[picked[use.key]]:
                lines.take(machine, use.start + shift, use.end + shift)
        for task in by_job.get(job.id, []):
            places.append(_placed(problem, task, starts[task.id] + shift, picked.get(task.id, 0)))
        chosen |= {h.id: h.machines[picked[h.id]] for h in problem.holds if h.id in picked}
    return _schedule(problem, places, chosen)


def _urgency(job: Job) -> tuple[int, int, int]:
    return (-job.weight, job.deadline if job.deadline is not None else 2**62, job.release)


def layout(problem: Problem, tasks: Sequence[Task]) -> dict[str, int]:
    """One job by itself, as early as possible: lags kept, and no machine used twice at once."""
    names = {task.id for task in tasks}
    durations = {task.id: _duration(problem, task) for task in tasks}
    fixed = {name: problem.begun[name].start for name in names if name in problem.begun}
    floor = problem.now if fixed else 0
    lags = [lag for lag in problem.lags if lag.before in names and lag.after in names and lag.after not in fixed]
    network = edges(lags, durations)
    if fixed:  # what has begun keeps its time; a limit that reality has broken is broken
        network = [edge for edge in network if edge.after not in fixed]
    floors = {task.id: floor for task in tasks}
    while True:
        starts = earliest(floors, network, fixed)
        clash = _clash(problem, tasks, starts, durations, fixed)
        if clash is None:
            return starts
        first, second = clash
        try:
            trial = [*network, Edge(first, second, durations[first])]
            earliest(floors, trial, fixed)
        except Contradiction:
            trial = [*network, Edge(second, first, durations[second])]
        network = trial


def _clash(
    problem: Problem, tasks: Sequence[Task], starts: Mapping[str, int], durations: Mapping[str, int],
    fixed: Mapping[str, int],
) -> tuple[str, str] | None:  # fmt: skip
    """Two tasks of a job that need more of a machine than there is, the earlier one first."""
    room = {machine.name: machine.capacity for machine in problem.machines}
    users: dict[frozenset[str], list[str]] = {}
    for task in tasks:
        choices = frozenset(machine for mode in task.modes for machine in mode.machines)
        users.setdefault(choices, []).append(task.id)
    for choices, names in users.items():
        several = sum(room[name] for name in choices)
        running: list[str] = []
        for name in sorted(names, key=lambda name: (starts[name], name not in fixed, name)):
            running = [other for other in running if starts[other] + durations[other] > starts[name]]
            if len(running) >= several and durations[name]:
                return min(running, key=lambda other: starts[other] + durations[other]), name
            running.append(name)
    return None


def _uses(problem: Problem, tasks: Sequence[Task], starts: Mapping[str, int]) -> list[Use]:
    names = {task.id: task for task in tasks}
    uses = []
    for task in tasks:
        begun = problem.begun.get(task.id)
        start, end = starts[task.id], starts[task.id] + _duration(problem, task)
        if begun is None or end > problem.now:
            choices = tuple(mode.machines for mode in task.modes)
            uses.append(Use(task.id, choices if begun is None else (choices[begun.mode],), start, end))
    for hold in (hold for hold in problem.holds if hold.first in names):
        end = starts[hold.last] + _duration(problem, names[hold.last])
        uses.append(Use(hold.id, tuple((machine,) for machine in hold.machines), starts[hold.first], end))
    return sorted(uses, key=lambda use: use.start)


def _fit(lines: Timelines, uses: Sequence[Use], shift: int, *, movable: bool) -> tuple[int, dict[str, int]]:
    """The first shift at which everything is free, and which machines then."""
    while True:
        own = Timelines(lines.room, {name: list(spans) for name, spans in lines.taken.items()})
        picked: dict[str, int] = {}
        later = 0
        for use in uses:
            start, end = use.start + shift, use.end + shift
            waits = [max((own.blocked_until(m, start, end) for m in choice), default=0) for choice in use.choices]
            best = min(range(len(waits)), key=lambda number: waits[number])
            if waits[best] and movable:
                later = max(later, waits[best] - start)
                break
            picked[use.key] = best
            for machine in use.choices[best]:
                own.take(machine, start, end)
        if not later:
            return shift, picked
        shift += later


# Task by task


def _by_tasks(problem: Problem, lines: Timelines) -> Schedule:
    """Always the task that can start first; of equals the one with the most work behind it."""
    lags: dict[str, list[tuple[str, int, str, str]]] = {}
    waits = {task.id: 0 for task in problem.tasks}
    followers: dict[str, list[str]] = {}
    for lag in problem.lags:
        lags.setdefault(lag.after, []).append((lag.before, lag.minimum, lag.from_point, lag.to_point))
        waits[lag.after] += 1
        followers.setdefault(lag.before, []).append(lag.after)
    tasks = {task.id: task for task in problem.tasks}
    behind = _work_behind(problem, followers)
    releases = {job.id: job.release for job in problem.jobs}
    free = {machine.name: problem.now for machine in problem.machines}
    closed = frozenset(m.name for m in problem.machines if m.closed or m.capacity > 1)
    ready = [name for name, count in waits.items() if not count]
    places: dict[str, Placement] = {}
    while ready:
        best: tuple[tuple[int, int, int], str, Placement] | None = None
        for name in ready:
            floor = max(problem.now, releases[tasks[name].job])
            for before, minimum, point, _ in lags.get(name, ()):
                floor = max(floor, minimum + (places[before].end if point == "end" else places[before].start))
            place = _first_place(problem, tasks[name], floor, free, lines, closed)
            key = (place.start, -behind[name], place.end)
            if best is None or key < best[0]:
                best = (key, name, place)
        if best is None:
            break
        _, name, place = best
        ready.remove(name)
        places[name] = place
        for machine in tasks[name].modes[place.mode].machines:
            free[machine] = max(free[machine], place.end)
            if machine in closed:
                lines.take(machine, place.start, place.end)
        for follower in followers.get(name, ()):
            waits[follower] -= 1
            if not waits[follower]:
                ready.append(follower)
    return _schedule(problem, list(places.values()), {})


def _first_place(
    problem: Problem, task: Task, floor: int, free: Mapping[str, int], lines: Timelines, closed: frozenset[str]
) -> Placement:
    begun = problem.begun.get(task.id)
    if begun is not None:
        return _placed(problem, task, begun.start, begun.mode)
    found = []
    for number, mode in enumerate(task.modes):
        start = max([floor, *(free[machine] for machine in mode.machines if lines.room[machine] == 1)])
        gaps = [m for m in mode.machines if m in closed]
        while wait := max((lines.blocked_until(m, start, start + mode.duration) for m in gaps), default=0):
            start = wait
        found.append(Placement(task.id, number, start, start + mode.duration))
    return min(found, key=lambda place: (place.end, place.start))


def _work_behind(problem: Problem, followers: Mapping[str, Iterable[str]]) -> dict[str, int]:
    tasks = {task.id: task for task in problem.tasks}
    known: dict[str, int] = {}

    def work(name: str) -> int:
        if name not in known:
            known[name] = 0  # a circle would be a mistake that the lags' own check tells
            mine = min(mode.duration for mode in tasks[name].modes)
            known[name] = mine + max((work(follower) for follower in followers.get(name, ())), default=0)
        return known[name]

    for task in reversed(problem.tasks):
        work(task.id)
    return known


# Common parts


def _duration(problem: Problem, task: Task) -> int:
    begun = problem.begun.get(task.id)
    if begun is None:
        return task.modes[0].duration
    if begun.end is not None:
        return begun.end - begun.start
    return max(task.modes[begun.mode].duration, problem.now - begun.start)


def _placed(problem: Problem, task: Task, start: int, mode: int) -> Placement:
    begun = problem.begun.get(task.id)
    if begun is None:
        return Placement(task.id, mode, start, start + task.modes[mode].duration)
    return Placement(task.id, begun.mode, begun.start, begun.start + _duration(problem, task))


def _schedule(problem: Problem, places: Sequence[Placement], holds: Mapping[str, str]) -> Schedule:
    ends = {place.task: place.end for place in places}
    return Schedule(tuple(places), dict(holds), objective(problem, ends))


def only_machine(holds: Iterable[Hold]) -> dict[str, str]:
    """The machine of every hold that has no choice."""
    return {hold.id: hold.machines[0] for hold in holds if len(hold.machines) == 1}
