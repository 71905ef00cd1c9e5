"""OR-Tools CP-SAT on a problem: optional intervals for the ways to do a task, one difference a lag.

Redundant but useful: the load of a machine is no more than the makespan. The greedy plan is the hint and the horizon.
OR-Tools is heavy and imported late; the lab's loop never does it (see `process`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from orchestrator.scheduling.model import LATE, Mode, Placement, Problem, Schedule, Task, objective
from orchestrator.scheduling.verify import verify

Better = Callable[[Schedule], None]
WORKERS = 2  # more than the machine has cores makes it worse (measured: peers.md, 4)


@dataclass(slots=True)
class _Model:
    """The variables of a model, by task and hold."""

    cp: Any
    horizon: int
    starts: dict[str, Any] = field(default_factory=dict)
    ends: dict[str, Any] = field(default_factory=dict)
    modes: dict[str, list[Any]] = field(default_factory=dict)  # one literal a mode; empty when there is no choice
    holds: dict[str, list[Any]] = field(default_factory=dict)
    uses: dict[str, list[tuple[Any, Any, int]]] = field(default_factory=dict)  # machine -> (interval, literal, length)


def improve(
    problem: Problem, hint: Schedule, seconds: float, better: Better, *, workers: int = WORKERS, seed: int = 1
) -> Schedule:
    """The best schedule found in this time, at least as good as `hint`; `better` hears of each that is verified."""
    from ortools.sat.python import cp_model

    model = _build(problem, hint, cp_model)
    _tell(model, problem, hint)
    best = [hint]

    class Found(cp_model.CpSolverSolutionCallback):  # type: ignore[misc]
        def on_solution_callback(self) -> None:
            found = _read(problem, model, self.value)
            if found.objective < best[0].objective and not verify(problem, found):
                best[0] = found
                better(found)

    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.num_workers = workers
    solver.parameters.random_seed = seed
    status = solver.solve(model.cp, Found())
    bound = round(solver.best_objective_bound) if status in (cp_model.OPTIMAL, cp_model.FEASIBLE) else 0
    proved = status == cp_model.OPTIMAL and best[0].objective <= bound
    return replace(best[0], bound=bound, status="optimal" if proved else "feasible")


def _build(problem: Problem, hint: Schedule, cp_model: Any) -> _Model:
    model = _Model(cp_model.CpModel(), _horizon(problem, hint))
    releases = {job.id: job.release for job in problem.jobs}
    for task in problem.tasks:
        _add_task(model, problem, task, max(problem.now, releases[task.job]))
    for lag in problem.lags:
        if lag.after not in problem.begun:
            one = (model.ends if lag.from_point == "end" else model.starts)[lag.before]
            other = (model.ends if lag.to_point == "end" else model.starts)[lag.after]
            model.cp.add(other >= one + lag.minimum)
            if lag.maximum is not None:
                model.cp.add(other <= one + lag.maximum)
    for hold in problem.holds:
        _add_hold(model, hold.id, hold.machines, model.starts[hold.first], model.ends[hold.last])
    _add_machines(model, problem)
    _add_objective(model, problem)
    return model


def _horizon(problem: Problem, hint: Schedule) -> int:
    """The hint's end; with deadlines or weights some tasks may be put off beyond it."""
    return hint.makespan if problem.makespan_only else 2 * hint.makespan - problem.now


def _add_task(model: _Model, problem: Problem, task: Task, floor: int) -> None:
    cp, name = model.cp, task.id
    begun = problem.begun.get(name)
    if begun is not None:
        length = task.modes[begun.mode].duration
        end = begun.end if begun.end is not None else max(begun.start + length, problem.now)
        model.starts[name], model.ends[name] = cp.new_constant(begun.start), cp.new_constant(end)
        if end > problem.now:
            _use(model, task.modes[begun.mode], cp.new_fixed_size_interval_var(begun.start, end - begun.start, name))
        return
    start = model.starts[name] = cp.new_int_var(floor, model.horizon, f"start {name}")
    if len(task.modes) == 1:
        length = task.modes[0].duration
        model.ends[name] = start + length
        _use(model, task.modes[0], cp.new_fixed_size_interval_var(start, length, name))
        return
    lengths = [mode.duration for mode in task.modes]
    literals = model.modes[name] = [cp.new_bool_var(f"{name} by {number}") for number in range(len(lengths))]
    cp.add_exactly_one(literals)
    if len(set(lengths)) == 1:
        model.ends[name] = start + lengths[0]
    else:
        end = model.ends[name] = cp.new_int_var(floor, model.horizon, f"end {name}")
        cp.add(end == start + sum(length * literal for length, literal in zip(lengths, literals, strict=True)))
    for mode, literal in zip(task.modes, literals, strict=True):
        interval = cp.new_optional_fixed_size_interval_var(start, mode.duration, literal, f"{name} on {mode.machines}")
        _use(model, mode, interval, literal)


def _use(model: _Model, mode: Mode, interval: Any, literal: Any = None) -> None:
    for machine in mode.machines:
        model.uses.setdefault(machine, []).append((interval, literal, mode.duration))


def _add_hold(model: _Model, name: str, machines: tuple[str, ...], start: Any, end: Any) -> None:
    cp = model.cp
    size = cp.new_int_var(0, model.horizon, f"length {name}")
    if len(machines) == 1:
        model.uses.setdefault(machines[0], []).append((cp.new_interval_var(start, size, end, name), None, 0))
        return
    literals = model.holds[name] = [cp.new_bool_var(f"{name} on {machine}") for machine in machines]
    cp.add_exactly_one(literals)
    cp.add(end - start == size)
    for machine, literal in zip(machines, literals, strict=True):
        interval = cp.new_optional_interval_var(start, size, end, literal, f"{name} on {machine}")
        model.uses.setdefault(machine, []).append((interval, literal, 0))


def _add_machines(model: _Model, problem: Problem) -> None:
    cp = model.cp
    for machine in problem.machines:
        intervals = [interval for interval, _, _ in model.uses.get(machine.name, ())]
        for start, end in machine.closed:
            closed = cp.new_fixed_size_interval_var(start, end - start, f"{machine.name} closed")
            intervals += [closed] * machine.capacity
        if machine.capacity == 1:
            cp.add_no_overlap(intervals)
        else:
            cp.add_cumulative(intervals, [1] * len(intervals), machine.capacity)


def _add_objective(model: _Model, problem: Problem) -> None:
    cp = model.cp
    floor = max((begun.end or problem.now for begun in problem.begun.values()), default=0)
    makespan = cp.new_int_var(floor, model.horizon, "makespan")
    for end in model.ends.values():
        cp.add(makespan >= end)
    for machine in problem.machines:
        if machine.capacity == 1 and not problem.begun:
            uses = model.uses.get(machine.name, ())
            load = sum(length * (1 if literal is None else literal) for _, literal, length in uses)
            cp.add(problem.now + load <= makespan)
    if problem.makespan_only:
        cp.minimize(makespan)
        return
    terms = [makespan]
    for job in problem.jobs:
        done = cp.new_int_var(job.release, model.horizon, f"done {job.id}")
        cp.add_max_equality(done, [job.release, *(model.ends[t.id] for t in problem.tasks if t.job == job.id)])
        terms.append(job.weight * done)
        if job.deadline is not None:
            late = cp.new_int_var(0, model.horizon, f"late {job.id}")
            cp.add(late >= done - job.deadline)
            terms.append(LATE * job.weight * late)
    cp.minimize(sum(terms))


def _tell(model: _Model, problem: Problem, hint: Schedule) -> None:
    """The hint, as far as it speaks of variables."""
    for place in hint.placements:
        if place.task in problem.begun:
            continue
        model.cp.add_hint(model.starts[place.task], place.start)
        for number, literal in enumerate(model.modes.get(place.task, ())):
            model.cp.add_hint(literal, number == place.mode)
    machines: Mapping[str, tuple[str, ...]] = {hold.id: hold.machines for hold in problem.holds}
    for name, literals in model.holds.items():
        for machine, literal in zip(machines[name], literals, strict=True):
            model.cp.add_hint(literal, hint.holds.get(name) == machine)


def _read(problem: Problem, model: _Model, value: Callable[[Any], Any]) -> Schedule:
    places = []
    for task in problem.tasks:
        literals = model.modes.get(task.id, ())
        mode = next((number for number, literal in enumerate(literals) if value(literal)), 0)
        begun = problem.begun.get(task.id)
        mode = mode if begun is None else begun.mode
        places.append(Placement(task.id, mode, int(value(model.starts[task.id])), int(value(model.ends[task.id]))))
    holds = {
        hold.id: hold.machines[
            next((number for number, literal in enumerate(model.holds.get(hold.id, ())) if value(literal)), 0)
        ]
        for hold in problem.holds
    }
    return Schedule(tuple(places), holds, objective(problem, {place.task: place.end for place in places}))
