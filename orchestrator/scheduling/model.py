"""A scheduling problem and its answer as frozen data. Times are whole numbers of any one unit (the lab's is 1 ms)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Point = Literal["start", "end"]


@dataclass(frozen=True, slots=True)
class Machine:
    """Something that tasks take: a device, a site, a person. `closed` are times when nothing may run on it."""

    name: str
    capacity: int = 1
    closed: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Mode:
    """One way to do a task: all of these machines, for so long."""

    machines: tuple[str, ...]
    duration: int


@dataclass(frozen=True, slots=True)
class Task:
    """Something to be done in one of several ways, without a break."""

    id: str
    job: str
    modes: tuple[Mode, ...]


@dataclass(frozen=True, slots=True)
class Lag:
    """`minimum <= point of after - point of before <= maximum`; no maximum when None.

    An ordinary precedence is end to start with a minimum of 0; a time constraint by mutual boundaries (an enzyme does
    not wait) has a maximum as well.
    """

    before: str
    after: str
    minimum: int = 0
    maximum: int | None = None
    from_point: Point = "end"
    to_point: Point = "start"


@dataclass(frozen=True, slots=True)
class Hold:
    """One of these machines is taken from the start of task `first` to the end of task `last`.

    What the job itself does on that machine meanwhile is part of the hold: its tasks do not list the machine.
    """

    id: str
    machines: tuple[str, ...]
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Job:
    """What belongs together; `weight` counts its completion, and `deadline` (late is dear, not forbidden)."""

    id: str
    weight: int = 1
    release: int = 0
    deadline: int | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """A task that runs or has ended; no plan moves it. `end` is None while it runs."""

    mode: int
    start: int
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """Everything that is waiting or running."""

    machines: tuple[Machine, ...]
    jobs: tuple[Job, ...]
    tasks: tuple[Task, ...]
    lags: tuple[Lag, ...] = ()
    holds: tuple[Hold, ...] = ()
    begun: Mapping[str, Begun] = field(default_factory=dict)
    now: int = 0

    @property
    def makespan_only(self) -> bool:
        """Without deadlines and different weights the last end is all that counts."""
        return all(job.deadline is None and job.weight == 1 for job in self.jobs)


@dataclass(frozen=True, slots=True)
class Placement:
    """When and how a task is done."""

    task: str
    mode: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """An answer; `bound` is a proved lower bound of the objective (0 when nothing was proved)."""

    placements: tuple[Placement, ...]
    holds: Mapping[str, str]  # hold -> machine
    objective: int
    bound: int = 0
    status: Literal["feasible", "optimal"] = "feasible"

    @property
    def makespan(self) -> int:
        """The last end."""
        return max((placement.end for placement in self.placements), default=0)


LATE = 100  # an hour late costs as much as a hundred hours of makespan, times the job's weight


def objective(problem: Problem, ends: Mapping[str, int]) -> int:
    """What a plan is judged by, the smaller the better; `ends` are those of the tasks.

    The makespan; with deadlines or different weights LATE x weighted tardiness + weighted completions + makespan.
    """
    makespan = max(ends.values(), default=0)
    if problem.makespan_only:
        return makespan
    done = completions(problem, ends)
    late = sum(job.weight * max(0, done[job.id] - job.deadline) for job in problem.jobs if job.deadline is not None)
    return LATE * late + sum(job.weight * done[job.id] for job in problem.jobs) + makespan


def completions(problem: Problem, ends: Mapping[str, int]) -> dict[str, int]:
    """When each job has ended."""
    done = {job.id: job.release for job in problem.jobs}
    for task in problem.tasks:
        done[task.job] = max(done[task.job], ends[task.id])
    return done


def order_of(schedule: Schedule, machines_of: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The tasks of each machine in their order; `machines_of` names the machines of each task."""
    order: dict[str, list[str]] = {}
    for placement in sorted(schedule.placements, key=lambda p: (p.start, p.end)):
        for machine in machines_of.get(placement.task, ()):
            order.setdefault(machine, []).append(placement.task)
    return order
