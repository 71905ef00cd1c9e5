"""Is a schedule right? An independent check of every constraint: it shares no code with any solver but the data.

It measures each constraint on the schedule as it stands, in the plainest way, and never looks at how it was made.
"""

from collections.abc import Iterable

from orchestrator.scheduling.model import LATE, Hold, Placement, Problem, Schedule


def verify(problem: Problem, schedule: Schedule) -> tuple[str, ...]:
    """Every violation as a sentence; an empty tuple says that the schedule is right."""
    placed = {p.task: p for p in schedule.placements}
    held = dict(schedule.held)
    wrong = [*_complete(problem, schedule, placed, held)]
    if wrong:
        return tuple(wrong)
    return (
        *_tasks(problem, placed),
        *_begun(problem, placed, held),
        *_lags(problem, placed),
        *_inside(problem, placed, held),
        *_machines(problem, placed, held),
        *_value(problem, schedule, placed),
    )


def _complete(
    problem: Problem, schedule: Schedule, placed: dict[str, Placement], held: dict[str, str]
) -> Iterable[str]:
    tasks = {task.id: task for task in problem.tasks}
    if len(placed) < len(schedule.placements):
        yield "a task is placed twice"
    if len(held) < len(schedule.held):
        yield "a hold is given two machines"
    for name in sorted(set(tasks) - set(placed)):
        yield f"task {name!r} is not placed"
    for name in sorted(set(placed) - set(tasks)):
        yield f"a task {name!r} is placed that the problem does not have"
    for name, p in placed.items():
        if name in tasks and not 0 <= p.mode < len(tasks[name].modes):
            yield f"task {name!r} is in mode {p.mode}, which it does not have"
    holds = {hold.id: hold for hold in problem.holds}
    for name in sorted(set(holds) ^ set(held)):
        yield f"hold {name!r} is chosen without being in the problem, or not chosen"
    for name in sorted(set(holds) & set(held)):
        if held[name] not in holds[name].machines:
            yield f"hold {name!r} is on {held[name]!r}, which it cannot take"


def _tasks(problem: Problem, placed: dict[str, Placement]) -> Iterable[str]:
    """Durations, releases, and that nothing new begins in the past."""
    begun = {b.task for b in problem.begun}
    jobs = {job.id: job for job in problem.jobs}
    for task in problem.tasks:
        p = placed[task.id]
        if task.id in begun:
            continue
        if p.end - p.start != task.modes[p.mode].duration:
            yield f"task {p.task!r} lasts {p.end - p.start} ms; its mode takes {task.modes[p.mode].duration} ms"
        if p.start < problem.now:
            yield f"task {p.task!r} starts at {p.start}, in the past of {problem.now}"
        if p.start < jobs[task.job].release:
            yield f"task {p.task!r} starts at {p.start}, before its job's release at {jobs[task.job].release}"


def _begun(problem: Problem, placed: dict[str, Placement], held: dict[str, str]) -> Iterable[str]:
    """What has begun stays; what runs ends when its mode says, or now if that is past."""
    tasks = {task.id: task for task in problem.tasks}
    for b in problem.begun:
        p = placed[b.task]
        end = b.end
        if end is None:
            end = b.start + tasks[b.task].modes[b.mode].duration
            end = end if end > problem.now else problem.now
        if (p.mode, p.start, p.end) != (b.mode, b.start, end):
            yield f"begun task {b.task!r} was moved: it is mode {b.mode} from {b.start} to {end} ms"
        for hold, machine in b.held:
            if held[hold] != machine:
                yield f"hold {hold!r} has begun on {machine!r} but is planned on {held[hold]!r}"


def _lags(problem: Problem, placed: dict[str, Placement]) -> Iterable[str]:
    """Delays, but for those between two begun tasks: what is done is done."""
    begun = {b.task for b in problem.begun}
    for lag in problem.lags:
        if lag.before in begun and lag.after in begun:
            continue
        a, b = placed[lag.before], placed[lag.after]
        delay = (b.start if lag.to == "start" else b.end) - (a.start if lag.from_ == "start" else a.end)
        if delay < lag.min or (lag.max is not None and delay > lag.max):
            most = "any" if lag.max is None else lag.max
            yield (
                f"from the {lag.from_} of {lag.before!r} to the {lag.to} of {lag.after!r} are {delay} ms; "
                f"allowed are {lag.min} to {most}"
            )


def _inside(problem: Problem, placed: dict[str, Placement], held: dict[str, str]) -> Iterable[str]:
    """Holds do not run backwards, and tasks inside a hold lie within it, on its machine."""
    begun = {b.task for b in problem.begun}
    holds = {hold.id: hold for hold in problem.holds}
    for hold in problem.holds:
        if placed[hold.last].end < placed[hold.first].start:
            yield f"hold {hold.id!r} ends before it begins"
    for task in problem.tasks:
        p = placed[task.id]
        if task.id in begun:
            continue
        for name, machine in task.modes[p.mode].inside:
            start, end = _span(holds[name], placed)
            if held[name] != machine:
                yield f"task {task.id!r} needs hold {name!r} on {machine!r}; it is on {held[name]!r}"
            if p.start < start or p.end > end:
                yield f"task {task.id!r} ({p.start} to {p.end}) is not inside hold {name!r} ({start} to {end})"


def _span(hold: Hold, placed: dict[str, Placement]) -> tuple[int, int]:
    return placed[hold.first].start, placed[hold.last].end


def _machines(problem: Problem, placed: dict[str, Placement], held: dict[str, str]) -> Iterable[str]:
    """Never more uses than the capacity; none in maintenance, but for what began before it."""
    begun = {b.task for b in problem.begun}
    uses: dict[str, list[tuple[int, int, str, bool]]] = {machine.name: [] for machine in problem.machines}
    for task in problem.tasks:
        p = placed[task.id]
        for name in task.modes[p.mode].machines:
            uses[name].append((p.start, p.end, f"task {p.task!r}", p.task in begun))
    for hold in problem.holds:
        start, end = _span(hold, placed)
        uses[held[hold.id]].append((start, end, f"hold {hold.id!r}", hold.first in begun))
    for machine in problem.machines:
        mine = sorted(use for use in uses[machine.name] if use[0] < use[1])
        for start, end, who, fixed in mine:
            for shut, opened in machine.closed:
                if start < opened and shut < end and not fixed:
                    yield f"{who} ({start} to {end}) meets the maintenance of {machine.name!r} ({shut} to {opened})"
        for at, _, who, _ in mine:
            here = [use for use in mine if use[0] <= at < use[1]]
            if len(here) > machine.capacity and not all(fixed for *_, fixed in here):
                others = ", ".join(name for _, _, name, _ in here if name != who)
                yield f"{who} at {at} on {machine.name!r} (capacity {machine.capacity}) meets {others}"


def _value(problem: Problem, schedule: Schedule, placed: dict[str, Placement]) -> Iterable[str]:
    """The objective, reckoned anew by its definition, and the bound's claims."""
    cost = max((p.end for p in placed.values()), default=0)
    for job in problem.jobs:
        ends = [placed[task.id].end for task in problem.tasks if task.job == job.id]
        if ends:
            cost += job.weight * max(ends)
            if job.deadline is not None:
                cost += LATE * max(job.weight, 1) * max(0, max(ends) - job.deadline)
    if schedule.objective != cost:
        yield f"the objective is given as {schedule.objective} but is {cost}"
    if schedule.bound > schedule.objective:
        yield f"the bound {schedule.bound} is above the objective {schedule.objective}"
    if schedule.status == "optimal" and schedule.bound != schedule.objective:
        yield f"the schedule is called optimal at {schedule.objective} with the bound {schedule.bound}"
