"""Every constraint of a problem, checked on an answer by itself: shares nothing with what makes the answers."""

from collections.abc import Iterator

from orchestrator.scheduling.model import Problem, Schedule, objective


def verify(problem: Problem, schedule: Schedule) -> tuple[str, ...]:
    """Everything that is wrong with a schedule, in words; empty when nothing is."""
    places = {placement.task: placement for placement in schedule.placements}
    if sorted(places) != sorted(task.id for task in problem.tasks) or len(places) != len(schedule.placements):
        return ("it does not place every task once",)
    unknown = [task.id for task in problem.tasks if not 0 <= places[task.id].mode < len(task.modes)]
    if unknown:
        return tuple(f"{name} has no mode {places[name].mode}" for name in unknown)
    return (
        *_tasks(problem, schedule),
        *_lags(problem, schedule),
        *_machines(problem, schedule),
        *_told(problem, schedule),
    )


def _tasks(problem: Problem, schedule: Schedule) -> Iterator[str]:
    places = {placement.task: placement for placement in schedule.placements}
    releases = {job.id: job.release for job in problem.jobs}
    for task in problem.tasks:
        place = places[task.id]
        begun = problem.begun.get(task.id)
        if begun is None:
            if place.end - place.start != task.modes[place.mode].duration:
                yield f"{task.id} lasts {place.end - place.start}, not {task.modes[place.mode].duration}"
            if place.start < max(problem.now, releases[task.job]):
                yield f"{task.id} starts at {place.start}, before it may"
            continue
        if (begun.mode, begun.start) != (place.mode, place.start) or begun.end not in (None, place.end):
            yield f"{task.id} has begun and was moved"
        if begun.end is None and place.end < max(problem.now, place.start + task.modes[place.mode].duration):
            yield f"{task.id} runs and cannot end at {place.end}"


def _lags(problem: Problem, schedule: Schedule) -> Iterator[str]:
    at = {(p.task, "start"): p.start for p in schedule.placements} | {
        (p.task, "end"): p.end for p in schedule.placements
    }
    for lag in problem.lags:
        if lag.after in problem.begun:
            continue  # what has happened has happened
        gap = at[lag.after, lag.to_point] - at[lag.before, lag.from_point]
        if gap < lag.minimum:
            yield f"{lag.after} comes {gap} after {lag.before}; at least {lag.minimum}"
        if lag.maximum is not None and gap > lag.maximum:
            yield f"{lag.after} comes {gap} after {lag.before}; at most {lag.maximum}"


def _machines(problem: Problem, schedule: Schedule) -> Iterator[str]:
    uses: dict[str, list[tuple[int, int, str]]] = {machine.name: [] for machine in problem.machines}
    tasks = {task.id: task for task in problem.tasks}
    places = {placement.task: placement for placement in schedule.placements}
    for place in schedule.placements:
        for name in tasks[place.task].modes[place.mode].machines:
            uses[name].append((place.start, place.end, place.task))
    for hold in problem.holds:
        chosen = schedule.holds.get(hold.id, hold.machines[0] if len(hold.machines) == 1 else "")
        if chosen not in hold.machines:
            yield f"hold {hold.id} has none of its machines"
            continue
        uses[chosen].append((places[hold.first].start, places[hold.last].end, hold.id))
    for machine in problem.machines:
        for start, end, who in uses[machine.name]:
            for closed_from, closed_to in machine.closed:
                if start < closed_to and closed_from < end and who not in problem.begun:
                    yield f"{who} uses {machine.name} while it is closed"
        yield from _overlaps(machine.name, machine.capacity, uses[machine.name])


def _overlaps(name: str, capacity: int, uses: list[tuple[int, int, str]]) -> Iterator[str]:
    """More at once than there is room for; a use that lasts no time needs none."""
    changes = sorted([(start, 1, who) for start, end, who in uses if end > start] +
                     [(end, -1, who) for start, end, who in uses if end > start])  # fmt: skip
    inside = 0
    for at, change, who in sorted(changes, key=lambda c: (c[0], c[1])):
        inside += change
        if inside > capacity:
            yield f"{name} is used by {inside} at {at} ({who}); it has room for {capacity}"


def _told(problem: Problem, schedule: Schedule) -> Iterator[str]:
    really = objective(problem, {placement.task: placement.end for placement in schedule.placements})
    if really != schedule.objective:
        yield f"it is worth {really}, not {schedule.objective}"
