"""The order of turns, kept good: a plan is asked for when something changes, and taken when it still fits."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from orchestrator.conductor import Conductor
from orchestrator.maintenance import Closed
from orchestrator.planner import Outlook, Visit, ends, gantt, moved, moves, order, outlook
from orchestrator.scheduling.model import Schedule
from orchestrator.scheduling.process import SolverProcess
from orchestrator.stand_ins import StandIns
from orchestrator.state import records as r
from orchestrator.state.cell import CellState, RunState
from orchestrator.turns import Place
from protocols.program import Hold

PLAN_S = 5.0  # for better and better plans after something changed
#: A task that ends so much earlier or later than planned asks for a new plan. Ours: what a person would call late, and
#: seldom enough that plans come to an end.
DEVIATION_S = 60.0
_LOG = logging.getLogger(__name__)


class Dispatcher:
    """Keeps the turns of a cell in the order of the newest plan. `plan` is that plan as data, for a Gantt chart."""

    def __init__(
        self,
        conductor: Conductor,
        solver: SolverProcess,
        holds_of: Callable[[RunState], Sequence[Hold]],
        *,
        seconds: float = PLAN_S,
        closed: Callable[[], Closed] = dict,
        stand_ins: Callable[[], StandIns] = dict,
    ) -> None:
        """`closed()` tells when devices are not for runs, `stand_ins()` which may take another's place now."""
        self.plan: list[dict[str, Any]] = []
        self.taken = 0  # plans that became the order
        self._conductor, self._solver, self._holds_of, self._seconds = conductor, solver, holds_of, seconds
        self._closed, self._stand_ins = closed, stand_ins
        self._task: asyncio.Task[None] | None = None
        self._due: dict[tuple[str, str], float] = {}  # last action of each task -> its planned end

    def ended(self, record: r.Done) -> None:
        """An action is done; when it ends a task far from its planned time, the plan is no longer the best."""
        due = self._due.pop((record.run_id, record.action), None)
        if due is not None and abs(record.at - due) > DEVIATION_S:
            self.changed()

    def changed(self) -> None:
        """Something came, went or failed: plan anew, unless there is nothing to choose."""
        if self._task is not None:
            self._task.cancel()
        self._task = None
        if len(self._conductor.state.runs) > 1:
            self._task = asyncio.get_running_loop().create_task(self._replan())
            self._task.add_done_callback(_tell_failure)

    async def close(self) -> None:
        """No more plans."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._solver.close()

    async def _replan(self) -> None:
        fits = False
        while not fits:
            conductor = self._conductor
            before = conductor.turns.waiting()
            # Beside the loop: the state never changes, and thousands of actions take longer than an action may wait.
            looked = await asyncio.get_running_loop().run_in_executor(
                None, outlook, conductor.state, conductor.now(), self._holds_of, self._closed(), self._stand_ins()
            )
            async with contextlib.aclosing(self._solver.solve(looked.problem, self._seconds)) as plans:
                async for schedule in plans:
                    fits = self._take(looked, schedule, before)
                    if not fits:
                        break

    def _take(self, looked: Outlook, schedule: Schedule, before: Mapping[str, Sequence[Place]]) -> bool:
        """Make a plan the order of turns; False when what has begun since went another way.

        A plan knows runs only. While a reservation waits in line, the turns stay as they are: pushed back by every new
        plan, it would never come to its turn.
        """
        conductor = self._conductor
        if any(run not in conductor.state.runs for places in before.values() for run, _ in places):
            return True
        elsewhere = moves(looked, schedule)
        if not all(_still_to_come(conductor.state, visit) for visit, _ in elsewhere):
            return False
        wanted = order(looked, schedule, moved(before, elsewhere))
        waiting = moved(conductor.turns.waiting(), elsewhere)
        for thing, places in wanted.items():
            if not _taken_first(places, set(waiting.get(thing, ()))):
                return False
        for visit, to in elsewhere:
            conductor.rebind(visit.run_id, visit.hold.first, to)
        conductor.turns.reorder(wanted)
        self.plan = gantt(looked, schedule)
        self._due = ends(looked, schedule)
        self.taken += 1
        conductor.wake_all()
        return True


def _tell_failure(task: "asyncio.Task[None]") -> None:
    """Without a plan the turns stay as they are, which is always possible; but somebody should know."""
    if not task.cancelled() and task.exception() is not None:
        _LOG.error("no plan", exc_info=task.exception())


def _still_to_come(state: CellState, visit: Visit) -> bool:
    run = state.runs.get(visit.run_id)
    return run is not None and not run.amended and run.phase(visit.hold.first) == "waiting"


def _taken_first(places: Sequence[Place], still: set[Place]) -> bool:
    """Whether those who took their turn since come before all who still wait: else the plan's promise is broken."""
    waiting = [place in still for place in places]
    return waiting == sorted(waiting)
