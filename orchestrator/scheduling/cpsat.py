"""Better plans, and proofs, by OR-Tools CP-SAT. OR-Tools is imported when first used, not with this module.

Modes and machines of holds are optional intervals; a machine allows no overlap (capacity one) or a cumulative use. A
task's end is its start plus the duration of the chosen mode, as one linear expression. The best plan known is the hint
and gives the horizon; the work on each machine bounds the makespan from below.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.scheduling.model import LATE, NoSchedule, Schedule
from orchestrator.scheduling.network import Network
from orchestrator.scheduling.timeline import FOREVER, Timeline


@dataclass(slots=True)
class Use:
    """One possible use of a machine: an interval, whether it began before now, and (length, when it counts)."""

    interval: Any
    begun: bool
    work: Any


@dataclass(slots=True)
class Model:
    """The CP-SAT model of a network. Times in it are counted from the problem's `now`."""

    net: Network
    cp: Any
    start: list[Any]
    end: list[Any]
    mode: list[list[Any]]
    held: list[list[Any]]
    makespan: Any
    uses: list[list[Use]]


def build(net: Network, best: Schedule | None) -> Model:
    """The model of all plans that are no worse than `best`, with it as the hint; of all plans if there is none."""
    from ortools.sat.python import cp_model

    cp = cp_model.CpModel()
    horizon = _horizon(net, best)
    model = Model(net, cp, [], [], [], [], cp.new_int_var(0, horizon, "makespan"), [[] for _ in net.problem.machines])
    _tasks(model, horizon)
    _holds(model, horizon)
    _lags(model)
    _machines(model)
    _objective(model, horizon)
    if best is not None:
        _hint(model, best)
    return model


def _horizon(net: Network, best: Schedule | None) -> int:
    """No plan as good as `best` ends later: what its objective leaves when every job ends as early as it could.

    Without one: where any plan can end that has no needless wait, since all waits are for something in this sum.
    """
    origin, head = net.problem.now, net.head
    if best is None:
        last = max([origin, *net.ready, *(p.end for p in net.fixed.values())])
        last = max([last, *(end for machine in net.problem.machines for _, end in machine.closed)])
        work = sum(max(way.duration for way in ways) for ways in net.ways)
        return last - origin + work + sum(max(abs(span.least), abs(span.most or 0)) for span in net.spans)
    left = best.objective - origin
    for j, job in enumerate(net.problem.jobs):
        mine = [i for i in range(net.size) if net.job[i] == j]
        if mine and job.weight:
            left -= job.weight * max(net.fixed[i].end if i in net.fixed else head[i] + net.least[i] for i in mine)
    return max(left, max((p.end for p in best.placements), default=origin) - origin, 0)


def _tasks(model: Model, horizon: int) -> None:
    cp, net = model.cp, model.net
    now, head, tail = net.problem.now, net.head, net.tail
    for i, ways in enumerate(net.ways):
        if i in net.fixed:
            fixed = net.fixed[i]
            model.start.append(fixed.start - now)
            model.end.append(fixed.end - now)
            model.mode.append([int(k == fixed.mode) for k in range(len(ways))])
            continue
        start = cp.new_int_var(head[i] - now, max(head[i] - now, horizon - tail[i]), f"s{i}")
        present = [cp.new_bool_var(f"p{i}.{k}") for k in range(len(ways))] if len(ways) > 1 else [1]
        end = start + ways[0].duration
        if len(ways) > 1:
            cp.add_exactly_one(present)
            end = start + sum(way.duration * lit for way, lit in zip(ways, present, strict=True))
        for way, lit in zip(ways, present, strict=True):
            if way.duration and way.machines:
                interval = (
                    cp.new_fixed_size_interval_var(start, way.duration, f"i{i}")
                    if len(ways) == 1
                    else cp.new_optional_fixed_size_interval_var(start, way.duration, lit, f"i{i}")
                )
                for m in way.machines:
                    model.uses[m].append(Use(interval, False, way.duration * lit))
        model.start.append(start)
        model.end.append(end)
        model.mode.append(present)
        cp.add(end <= model.makespan)


def _holds(model: Model, horizon: int) -> None:
    cp, net = model.cp, model.net
    for h, hold in enumerate(net.holds):
        begun = hold.begun is not None
        start = 0 if begun else model.start[hold.first]
        end = model.end[hold.last]
        taken: list[Any] = [int(m == hold.begun) for m in hold.machines] if begun else [1]
        if not begun and len(hold.machines) > 1:
            taken = [cp.new_bool_var(f"h{h}.{m}") for m in hold.machines]
            cp.add_exactly_one(taken)
        model.held.append(taken)
        if hold.last in net.fixed and (begun or hold.first in net.fixed):
            continue  # Its rest, if any, is among what is fixed.
        size = cp.new_int_var(0, horizon, f"l{h}")
        finish = cp.new_int_var(0, horizon, f"f{h}")  # an interval's end must be one variable; a task's may be a sum
        cp.add(finish == end)
        for m, lit in zip(hold.machines, taken, strict=True):
            if isinstance(lit, int) and not lit:
                continue
            interval = (
                cp.new_interval_var(start, size, finish, f"h{h}")
                if isinstance(lit, int)
                else cp.new_optional_interval_var(start, size, finish, lit, f"h{h}.{m}")
            )
            model.uses[m].append(Use(interval, begun, 0))
        cp.add(start + size == finish)
    for i, ways in enumerate(net.ways):
        if i not in net.fixed:
            for way, lit in zip(ways, model.mode[i], strict=True):
                for h, m in way.inside:
                    hold = net.holds[h]
                    cp.add(model.start[i] >= model.start[hold.first]).only_enforce_if(lit)
                    cp.add(model.end[i] <= model.end[hold.last]).only_enforce_if(lit)
                    cp.add_implication(lit, model.held[h][hold.machines.index(m)])


def _lags(model: Model) -> None:
    for span in model.net.spans:
        before = (model.end if span.before_end else model.start)[span.before]
        after = (model.end if span.after_end else model.start)[span.after]
        if span.most == span.least:
            model.cp.add(after - before == span.least)
            continue
        model.cp.add(after - before >= span.least)
        if span.most is not None:
            model.cp.add(after - before <= span.most)


def _machines(model: Model) -> None:
    """No machine does more at once than it can, and nothing new while it is closed."""
    cp, net, now = model.cp, model.net, model.net.problem.now
    fixed = [Timeline(machine.capacity) for machine in net.problem.machines]
    for i, placed in net.fixed.items():
        for m in net.ways[i][placed.mode].machines:
            fixed[m].book(now, placed.end)
    for hold in net.holds:
        if hold.begun is not None and hold.last in net.fixed:
            fixed[hold.begun].book(now, net.fixed[hold.last].end)
    head, tail = net.head, net.tail
    for m, (machine, uses) in enumerate(zip(net.problem.machines, model.uses, strict=True)):
        if not uses:
            continue
        steps = fixed[m].steps()
        busy = [(cp.new_fixed_size_interval_var(a - now, b - a, "f"), min(n, machine.capacity)) for a, b, n in steps]
        _capacity(cp, [(use.interval, 1) for use in uses] + busy, machine.capacity)
        shut = [
            (cp.new_fixed_size_interval_var(a - now, b - a, "c"), machine.capacity)
            for a, b in machine.closed
            if b > now
        ]
        if shut:
            _capacity(cp, [(use.interval, 1) for use in uses if not use.begun] + shut, machine.capacity)
        mine = [i for i, ways in enumerate(net.ways) if i not in net.fixed and any(m in w.machines for w in ways)]
        if mine:
            edge = min(head[i] - now for i in mine) + min(tail[i] - net.least[i] for i in mine)
            cp.add(sum(use.work for use in uses) <= machine.capacity * (model.makespan - edge))


def _capacity(cp: Any, uses: Sequence[tuple[Any, int]], capacity: int) -> None:
    if capacity == 1:
        cp.add_no_overlap([interval for interval, _ in uses])
    else:
        cp.add_cumulative([interval for interval, _ in uses], [demand for _, demand in uses], capacity)


def _objective(model: Model, horizon: int) -> None:
    cp, net = model.cp, model.net
    cost = model.makespan
    for i in net.fixed:
        cp.add(model.makespan >= model.end[i])
    for j, job in enumerate(net.problem.jobs):
        mine = [model.end[i] for i in range(net.size) if net.job[i] == j]
        if not mine or (not job.weight and job.deadline is None):
            continue
        fixed = max([end for end in mine if isinstance(end, int)], default=0)
        done = cp.new_int_var(min(fixed, 0), max(horizon, fixed), f"c{j}")
        for end in mine:
            cp.add(done >= end)
        cost = cost + job.weight * done
        if job.deadline is not None:
            late = cp.new_int_var(0, max(horizon, 0) + abs(job.deadline - net.problem.now) + abs(fixed), f"t{j}")
            cp.add(late >= done - (job.deadline - net.problem.now))
            cost = cost + LATE * max(job.weight, 1) * late
    cp.minimize(cost)


def _hint(model: Model, best: Schedule) -> None:
    cp, net, now = model.cp, model.net, model.net.problem.now
    cp.add_hint(model.makespan, max(p.end for p in best.placements) - now)
    for i, placed in enumerate(best.placements):
        if i not in net.fixed:
            cp.add_hint(model.start[i], placed.start - now)
            if len(model.mode[i]) > 1:
                for k, lit in enumerate(model.mode[i]):
                    cp.add_hint(lit, k == placed.mode)
    for h, (_, name) in enumerate(best.held):
        for m, lit in zip(net.holds[h].machines, model.held[h], strict=True):
            if not isinstance(lit, int):
                cp.add_hint(lit, net.problem.machines[m].name == name)


class Refiner:
    """One CP-SAT search. `bound` is the lower bound proved so far; `stop` may be called from any thread."""

    def __init__(
        self, net: Network, *, workers: int = 2, seed: int = 0, options: Mapping[str, object] | None = None
    ) -> None:
        from ortools.sat.python import cp_model

        self.net, self.bound = net, net.floor
        self._stopped = False
        self._solver = cp_model.CpSolver()
        parameters = self._solver.parameters
        parameters.num_workers, parameters.random_seed = workers, seed
        for name, value in (options or {}).items():
            setattr(parameters, name, value)
        jobs = set(net.job)
        self._origin = net.problem.now * (1 + sum(job.weight for j, job in enumerate(net.problem.jobs) if j in jobs))

    def stop(self) -> None:
        """End the search soon."""
        self._stopped = True
        self._solver.stop_search()

    def run(self, best: Schedule | None, seconds: float, on_better: Callable[[Schedule], None]) -> Schedule:
        """Better `best` for at most `seconds`; `on_better` hears each better plan, in a thread of the solver.

        The answer is the best plan of this search with the bound that was proved. Raises NoSchedule if there is none
        and none was given, and whatever `on_better` raises.
        """
        from ortools.sat.python import cp_model

        until = time.perf_counter() + seconds
        model = build(self.net, best)
        found = [] if best is None else [best]
        failed: list[Exception] = []
        refiner = self

        class Answer(cp_model.CpSolverSolutionCallback):
            def on_solution_callback(self) -> None:
                try:
                    refiner._heard(self.best_objective_bound)
                    plan = read(model, self.value, refiner.bound)
                    if not found or plan.objective < found[-1].objective:
                        found.append(plan)
                        on_better(plan)
                except Exception as error:  # An exception must not pass through the solver's own code.
                    failed.append(error)
                if failed or refiner._stopped:
                    self.stop_search()

        self._solver.best_bound_callback = self._heard
        self._solver.parameters.max_time_in_seconds = max(until - time.perf_counter(), 0.0)
        status = cp_model.UNKNOWN if self._stopped else self._solver.solve(model.cp, Answer())
        if failed:
            raise failed[0]
        if status == cp_model.INFEASIBLE and not found:
            raise NoSchedule("it is proved that no plan exists: constraints contradict each other")
        if status in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            self._heard(self._solver.best_objective_bound)
        if not found:
            raise NoSchedule(f"no plan was found in {seconds:g} s, nor proved that there is none")
        return found[-1].bounded(self.bound)

    def _heard(self, bound: float) -> None:
        """A new lower bound, in the model's own time; the least whole number not under it counts."""
        if abs(bound) < FOREVER:
            self.bound = max(self.bound, -int(-(bound - 1e-6) // 1) + self._origin)


def read(model: Model, value: Callable[[Any], int], bound: int) -> Schedule:
    """The plan that CP-SAT's values mean."""
    net = model.net

    def chosen(literals: Sequence[Any]) -> int:
        return next(k for k, lit in enumerate(literals) if (lit if isinstance(lit, int) else value(lit)))

    modes = [chosen(literals) for literals in model.mode]
    starts = [
        net.fixed[i].start if i in net.fixed else value(start) + net.problem.now for i, start in enumerate(model.start)
    ]
    held = [net.holds[h].machines[chosen(literals)] for h, literals in enumerate(model.held)]
    return net.schedule(modes, starts, held, bound)


def load() -> None:
    """Import OR-Tools now, so that the first solve need not."""
    from ortools.sat.python import cp_model

    cp_model.CpModel()
