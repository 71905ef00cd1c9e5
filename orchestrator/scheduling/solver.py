"""The anytime front: a greedy plan at once, then better ones until the time is up or the best is proved.

A flexible job shop is given to tabu search and one CP-SAT worker side by side for the first part of the time; then,
as for every other problem from the start, CP-SAT goes on alone from the best plan. Every plan is verified by `verify`
before anyone sees it. `plan` starts a thread and loads OR-Tools: inside the lab use `process.SolverProcess`.
"""

import threading
import time
from collections.abc import Callable, Sequence

from orchestrator.scheduling.greedy import follow, improve
from orchestrator.scheduling.model import NoSchedule, Problem, Schedule
from orchestrator.scheduling.network import Network, network
from orchestrator.scheduling.tabu import Shop, shop, tabu
from orchestrator.scheduling.verify import verify

#: Seconds for the greedy plans, and the least that CP-SAT is worth starting for. Ours.
GREEDY_S = 0.03
LEAST_S = 0.05
#: The part of the time, at most TABU_S seconds, that tabu search has. Ours, tuned on mk01 to mk10.
TABU_PART, TABU_S = 0.5, 3.0


class WrongSchedule(AssertionError):
    """A solver made a plan that the verifier refuses: a defect of ours. The text has the violations."""


class Best:
    """The best verified plan so far; plans may be offered from several threads."""

    def __init__(self, problem: Problem, on_better: Callable[[Schedule], None] | None) -> None:
        self._problem, self._tell, self._lock = problem, on_better, threading.Lock()
        self.plan: Schedule | None = None
        self._bound = -(1 << 50)

    def offer(self, plan: Schedule) -> None:
        """Take a plan if it is better, or equal with a better bound. Raises WrongSchedule."""
        with self._lock:
            best = self.plan
            self._bound = max(self._bound, plan.bound)
            plan = plan.bounded(self._bound)
            if best is not None and (plan.objective, -plan.bound) >= (best.objective, -best.bound):
                return
            wrong = verify(self._problem, plan)
            if wrong:
                raise WrongSchedule("; ".join(wrong[:5]))
            self.plan = plan
            if self._tell is not None:
                self._tell(plan)

    @property
    def sure(self) -> Schedule:
        """The plan; there is one once the greedy has answered."""
        if self.plan is None:
            raise NoSchedule("no plan was found")
        return self.plan


def plan(
    problem: Problem,
    seconds: float,
    *,
    on_better: Callable[[Schedule], None] | None = None,
    hint: Schedule | None = None,
    workers: int = 2,
    seed: int = 0,
) -> Schedule:
    """The best plan found in `seconds`. `on_better` hears every plan that is better than the last, greedy ones first.

    `hint` is an older plan of much the same problem: where it still holds it is where the search begins, else its
    order is kept as far as it goes. Raises InvalidProblem, or NoSchedule with what was found in the way.
    """
    until = time.perf_counter() + seconds
    net = network(problem)
    best = Best(problem, on_better)
    stuck = _begin(net, best, hint, min(GREEDY_S, seconds / 5), seed)
    if best.plan is None and until - time.perf_counter() < LEAST_S:
        raise NoSchedule(stuck)
    as_shop = shop(net) if best.plan is not None else None
    if as_shop is not None and until - time.perf_counter() > LEAST_S:
        _both(net, as_shop, best, min(TABU_PART * (until - time.perf_counter()), TABU_S), seed)
    left = until - time.perf_counter()
    if (best.plan is None or best.plan.status != "optimal") and left > LEAST_S:
        from orchestrator.scheduling.cpsat import Refiner

        try:
            best.offer(Refiner(net, workers=workers, seed=seed).run(best.plan, left, best.offer))
        except NoSchedule as error:
            raise NoSchedule(f"{error} ({stuck})") from None
    return best.sure


def _begin(net: Network, best: Best, hint: Schedule | None, seconds: float, seed: int) -> str:
    """Offer the hint, or a plan in its order, and greedy plans; why there is none, if so."""
    stuck = ""
    if hint is not None:
        kept = _still(net, hint)
        if kept is not None:
            best.offer(kept)
        else:
            try:
                best.offer(follow(net, hint))
            except NoSchedule as error:
                stuck = str(error)
    try:
        best.offer(improve(net, 0.0, seed))
        best.offer(improve(net, seconds, seed))
    except NoSchedule as error:
        stuck = str(error)
    return stuck


def _still(net: Network, hint: Schedule) -> Schedule | None:
    """The old plan as one of this problem, if it still is one."""
    placed = {p.task: p for p in hint.placements}
    held = dict(hint.held)
    machine = {m.name: i for i, m in enumerate(net.problem.machines)}
    tasks = net.problem.tasks
    if any(task.id not in placed for task in tasks) or any(held.get(h.id) not in machine for h in net.problem.holds):
        return None
    if any(not 0 <= placed[task.id].mode < len(task.modes) for task in tasks):
        return None
    starts = [placed[task.id].start for task in tasks]
    on = [machine[held[hold.id]] for hold in net.problem.holds]
    kept = net.schedule([placed[task.id].mode for task in tasks], starts, on)
    return None if verify(net.problem, kept) else kept


def _both(net: Network, problem: Shop, best: Best, seconds: float, seed: int) -> None:
    """Tabu search in this thread and one CP-SAT worker in another, until one has proved or matched the best."""
    from orchestrator.scheduling.cpsat import Refiner

    refiner = Refiner(net, workers=1, seed=seed)
    failed: list[BaseException] = []
    done = threading.Event()

    def prove() -> None:
        try:
            best.offer(refiner.run(best.sure, seconds, best.offer))
        except BaseException as error:
            failed.append(error)
        finally:
            done.set()

    thread = threading.Thread(target=prove, name="cp-sat", daemon=True)
    begin = best.sure
    thread.start()
    modes, starts = [p.mode for p in begin.placements], [p.start for p in begin.placements]

    def better(modes: Sequence[int], starts: Sequence[int], _: int) -> None:
        best.offer(net.schedule(modes, starts, [], refiner.bound))

    def stop() -> bool:
        return bool(failed) or best.sure.status == "optimal" or best.sure.objective <= refiner.bound

    tabu(problem, modes, starts, seconds, better, seed=seed, stop=stop)
    refiner.stop()
    thread.join()
    if failed:
        raise failed[0]
    best.offer(best.sure.bounded(refiner.bound))
