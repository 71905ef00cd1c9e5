"""What is to be scheduled, and what a schedule is: frozen data, integer times in milliseconds on any common zero.

A task runs in one of its modes and has all machines of that mode for its whole duration. A hold has one machine (a
site, a reader) from the start of its first task to the end of its last. A machine that a job already holds is not
listed again by the tasks inside: such a mode names the hold in `inside`, which adds no second use and ties the hold's
choice of machine to the mode.

The objective is one number, the smaller the better, in milliseconds (`objective`):
makespan + sum of weight * completion + LATE * sum of max(weight, 1) * tardiness over the jobs.
Without weights and deadlines that is the makespan.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

#: One millisecond past a deadline costs as much as a hundred of waiting. Ours: large enough that a deadline wins.
LATE = 100
#: Times lie in -LONGEST_MS to LONGEST_MS (34 years), so that no sum leaves 64 bits.
LONGEST_MS = 1 << 40

Point = Literal["start", "end"]
Status = Literal["optimal", "feasible"]


class InvalidProblem(ValueError):
    """The problem contradicts itself; the text names where."""


class NoSchedule(RuntimeError):
    """No schedule was found; the text says why: what cannot be met, or that time ran out."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A device or a site. `capacity` uses at once; none inside a `closed` interval [start, end), in ms."""

    name: str
    capacity: int = 1
    closed: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Mode:
    """One way to do a task: all `machines` for `duration` ms, within the holds `inside`, as (hold id, machine)."""

    machines: tuple[str, ...]
    duration: int
    inside: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """One uninterrupted piece of work of a job, done in exactly one of its modes."""

    id: str
    job: str
    modes: tuple[Mode, ...]


@dataclass(frozen=True, slots=True)
class Lag:
    """min <= (point `to` of task `after`) - (point `from_` of task `before`) <= max, in ms; no upper bound if None."""

    before: str
    after: str
    min: int = 0
    max: int | None = None
    from_: Point = "end"
    to: Point = "start"


@dataclass(frozen=True, slots=True)
class Hold:
    """One of `machines` is taken from the start of task `first` to the end of task `last`."""

    id: str
    machines: tuple[str, ...]
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Job:
    """Tasks that belong together. `weight` prices its completion, `release` and `deadline` are times in ms."""

    id: str
    weight: int = 0
    release: int = 0
    deadline: int | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """A task that has begun, in the mode of that index; `end` is None while it runs.

    `held` says which machine each hold took that began with this task, as (hold id, machine).
    """

    task: str
    mode: int
    start: int
    end: int | None = None
    held: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """All there is to plan at the time `now`. Nothing that has not begun may start before `now`."""

    machines: tuple[Machine, ...]
    jobs: tuple[Job, ...]
    tasks: tuple[Task, ...]
    lags: tuple[Lag, ...] = ()
    holds: tuple[Hold, ...] = ()
    begun: tuple[Begun, ...] = ()
    now: int = 0


@dataclass(frozen=True, slots=True)
class Placement:
    """A task in one of its modes (an index) from `start` to `end`, in ms."""

    task: str
    mode: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """A plan: every task placed, every hold on one machine, as (hold id, machine).

    `bound` is a proved lower bound of the objective; `status` is "optimal" where the two meet.
    """

    placements: tuple[Placement, ...]
    held: tuple[tuple[str, str], ...]
    objective: int
    bound: int
    status: Status = "feasible"

    def bounded(self, bound: int) -> "Schedule":
        """The same plan with this lower bound if it says more than the plan's own."""
        bound = min(max(bound, self.bound), self.objective)
        return replace(self, bound=bound, status="optimal" if bound == self.objective else "feasible")


@dataclass(frozen=True, slots=True)
class Index:
    """A problem's parts by name, and the intervals that what has begun already fixes. Made once by `index`."""

    machines: Mapping[str, Machine]
    jobs: Mapping[str, Job]
    tasks: Mapping[str, Task]
    holds: Mapping[str, Hold]
    begun: Mapping[str, Placement]
    held: Mapping[str, str] = field(default_factory=dict)

    def earliest(self, task: str, now: int) -> int:
        """When a task that has not begun may start at the earliest by its job's release and `now`, in ms."""
        return max(now, self.jobs[self.tasks[task].job].release)


def objective(problem: Problem, placements: Iterable[Placement]) -> int:
    """The objective of complete placements, in ms; its definition is in this module's head."""
    job_of = {task.id: task.job for task in problem.tasks}
    ends: dict[str, int] = {}
    for placed in placements:
        ends[job_of[placed.task]] = max(ends.get(job_of[placed.task], placed.end), placed.end)
    cost = max(ends.values(), default=0)
    for job in problem.jobs:
        if job.id in ends:
            late = 0 if job.deadline is None else max(0, ends[job.id] - job.deadline)
            cost += job.weight * ends[job.id] + LATE * max(job.weight, 1) * late
    return cost


def index(problem: Problem) -> Index:
    """The parts by name. Raises InvalidProblem that lists every contradiction."""
    found = Index(
        {machine.name: machine for machine in problem.machines},
        {job.id: job for job in problem.jobs},
        {task.id: task for task in problem.tasks},
        {hold.id: hold for hold in problem.holds},
        {},
    )
    wrong = [*_twice(problem), *_unknown(problem, found), *_numbers(problem)]
    if not wrong:
        wrong = list(_begun(problem, found))
    if wrong:
        raise InvalidProblem("; ".join(wrong))
    begun = {b.task: _fixed(b, found.tasks[b.task].modes[b.mode], problem.now) for b in problem.begun}
    held = dict(pair for b in problem.begun for pair in b.held)
    held |= {h.id: h.machines[0] for h in problem.holds if h.first in begun and h.id not in held}
    return Index(found.machines, found.jobs, found.tasks, found.holds, begun, held)


def _fixed(begun: Begun, mode: Mode, now: int) -> Placement:
    end = max(begun.start + mode.duration, now) if begun.end is None else begun.end
    return Placement(begun.task, begun.mode, begun.start, end)


def _twice(problem: Problem) -> Iterable[str]:
    for what, names in (
        ("machine", [m.name for m in problem.machines]),
        ("job", [j.id for j in problem.jobs]),
        ("task", [t.id for t in problem.tasks]),
        ("hold", [h.id for h in problem.holds]),
        ("begun task", [b.task for b in problem.begun]),
    ):
        for name in sorted({name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else ()):
            yield f"{what} {name!r} is given more than once"


def _unknown(problem: Problem, found: Index) -> Iterable[str]:
    def lack(what: str, name: str, names: Mapping[str, object], where: str) -> Iterable[str]:
        if name not in names:
            yield f"{where} names the {what} {name!r}, which the problem does not have"

    for task in problem.tasks:
        yield from lack("job", task.job, found.jobs, f"task {task.id!r}")
        if not task.modes:
            yield f"task {task.id!r} has no mode"
        for mode in task.modes:
            for name in mode.machines:
                yield from lack("machine", name, found.machines, f"task {task.id!r}")
            if len(set(mode.machines)) < len(mode.machines):
                yield f"a mode of task {task.id!r} names a machine twice"
            for hold, name in mode.inside:
                yield from lack("hold", hold, found.holds, f"task {task.id!r}")
                if name in mode.machines:
                    yield f"a mode of task {task.id!r} lists {name!r} though it is inside hold {hold!r} on it"
                if hold in found.holds and name not in found.holds[hold].machines:
                    yield f"task {task.id!r} is inside hold {hold!r} on {name!r}, which that hold cannot take"
    for lag in problem.lags:
        for name in (lag.before, lag.after):
            yield from lack("task", name, found.tasks, f"the lag {lag.before!r} to {lag.after!r}")
    for hold_ in problem.holds:
        for name in (hold_.first, hold_.last):
            yield from lack("task", name, found.tasks, f"hold {hold_.id!r}")
        for name in hold_.machines:
            yield from lack("machine", name, found.machines, f"hold {hold_.id!r}")
        if not hold_.machines:
            yield f"hold {hold_.id!r} has no machine"
    for begun in problem.begun:
        yield from lack("task", begun.task, found.tasks, "what has begun")


def _numbers(problem: Problem) -> Iterable[str]:
    for machine in problem.machines:
        if machine.capacity < 1:
            yield f"machine {machine.name!r} has the capacity {machine.capacity}; at least 1 is needed"
        for start, end in machine.closed:
            if not -LONGEST_MS <= start < end <= LONGEST_MS:
                yield f"machine {machine.name!r} is closed from {start} to {end} ms, which is no interval"
    for task in problem.tasks:
        if any(not 0 <= mode.duration <= LONGEST_MS for mode in task.modes):
            yield f"task {task.id!r} has a duration that is negative or too long"
    for lag in problem.lags:
        if lag.max is not None and lag.max < lag.min:
            yield f"the lag {lag.before!r} to {lag.after!r} is at least {lag.min} and at most {lag.max} ms"
        if max(abs(lag.min), abs(lag.max or 0)) > LONGEST_MS:
            yield f"the lag {lag.before!r} to {lag.after!r} is too long"
    for job in problem.jobs:
        if job.weight < 0:
            yield f"job {job.id!r} has the negative weight {job.weight}"
        if max(abs(job.release), abs(job.deadline or 0)) > LONGEST_MS:
            yield f"job {job.id!r} has a release or deadline out of range"


def _begun(problem: Problem, found: Index) -> Iterable[str]:
    begun = {b.task: b for b in problem.begun}
    for b in problem.begun:
        if not 0 <= b.mode < len(found.tasks[b.task].modes):
            yield f"begun task {b.task!r} has no mode {b.mode}"
        if b.start > problem.now:
            yield f"begun task {b.task!r} starts at {b.start}, after now ({problem.now})"
        if b.end is not None and not b.start <= b.end <= problem.now:
            yield f"begun task {b.task!r} ended at {b.end}, which is before its start or after now ({problem.now})"
        for hold, name in b.held:
            if hold not in found.holds or found.holds[hold].first != b.task or name not in found.holds[hold].machines:
                yield f"begun task {b.task!r} says that hold {hold!r} took {name!r}, which it cannot have taken"
    for hold_ in problem.holds:
        said = hold_.first in begun and hold_.id in dict(begun[hold_.first].held)
        if hold_.first in begun and not said and len(hold_.machines) > 1:
            yield f"task {hold_.first!r} has begun but does not say which machine hold {hold_.id!r} took"
        if hold_.last in begun and hold_.first not in begun:
            yield f"hold {hold_.id!r} ends with {hold_.last!r}, which has begun before its first task"
