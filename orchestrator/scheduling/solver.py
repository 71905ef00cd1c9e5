"""Anytime scheduling in a process of its own: plans come as lines of JSON, the first one at once, each one verified.

The lab's loop and memory never carry OR-Tools, and a solver that is no longer wanted is simply ended.
"""

import asyncio
import functools
import queue
import sys
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import asdict
from typing import Any

import orjson

from orchestrator.scheduling.greedy import greedy, in_blocks
from orchestrator.scheduling.model import (
    Begun,
    Hold,
    Job,
    Lag,
    Machine,
    Mode,
    Placement,
    Problem,
    Schedule,
    Task,
    objective,
)
from orchestrator.scheduling.verify import verify

_ROOM = 2  # times the length of a plan that does not hold
_LINE_LIMIT = 2**26  # bytes of one plan


def plan(
    problem: Problem,
    seconds: float,
    better: Callable[[Schedule], None],
    *,
    old: Schedule | None = None,
    at_work: Callable[[Any], None] = lambda solver: None,
) -> Schedule | None:
    """The best plan found in so many seconds: `better` hears of every one, the greedy one first; None if none was.

    `old` is the plan so far: as good a start as any, where it still holds.
    """
    rough, kept = greedy(problem), _kept(problem, old)
    possible = [schedule for schedule in (kept, rough) if schedule is not None and not verify(problem, schedule)]
    first = min(possible, key=lambda schedule: schedule.objective, default=None)
    if first is not None:
        better(first)
    from orchestrator.scheduling.cpsat import improve  # after the first plan: it takes its time to import

    hinted = first is not None and (first is kept or not in_blocks(problem))
    # Blocks around what has begun may overlap; they still tell how long it may take at most.
    horizon = first.makespan if first is not None else _ROOM * rough.makespan
    return improve(problem, first, seconds, better, horizon=horizon, hinted=hinted, at_work=at_work)


def _kept(problem: Problem, old: Schedule | None) -> Schedule | None:
    """The old plan, where it places the same tasks and still keeps every constraint."""
    if old is None or {place.task for place in old.placements} != {task.id for task in problem.tasks}:
        return None
    again = Schedule(old.placements, old.holds, objective(problem, {p.task: p.end for p in old.placements}))
    return None if verify(problem, again) else again


class Solver:
    """A child process that plans; it is started when it is first needed, and kept warm."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._child: asyncio.subprocess.Process | None = None
        self._number = 0

    async def plans(self, problem: Problem, old: Schedule | None = None) -> AsyncIterator[Schedule]:
        """Plans as they are found, each better than the one before. Asking anew ends what was asked before."""
        child = await self._started()
        if child.stdin is None or child.stdout is None:
            raise RuntimeError("a solver without pipes")
        self._number += 1
        asked = {
            "number": self._number, "problem": asdict(problem), "seconds": self.seconds,
            "old": None if old is None else asdict(old),
        }  # fmt: skip
        child.stdin.write(orjson.dumps(asked) + b"\n")
        await child.stdin.drain()
        while line := await child.stdout.readline():
            told = orjson.loads(line)
            if told["number"] == asked["number"]:
                if told["plan"] is None:
                    return
                yield schedule_of(told["plan"])

    async def _started(self) -> asyncio.subprocess.Process:
        if self._child is None or self._child.returncode is not None:
            self._child = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "orchestrator.scheduling.solver",
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=_LINE_LIMIT,
            )  # fmt: skip
        return self._child

    async def close(self) -> None:
        """End the child."""
        child, self._child = self._child, None
        if child is not None and child.returncode is None:
            child.kill()
            await child.wait()


def problem_of(document: Mapping[str, Any]) -> Problem:
    """A problem that `asdict` made plain."""
    return Problem(
        machines=tuple(
            Machine(m["name"], m["capacity"], tuple((start, end) for start, end in m["closed"]))
            for m in document["machines"]
        ),
        jobs=tuple(Job(**job) for job in document["jobs"]),
        tasks=tuple(
            Task(t["id"], t["job"], tuple(Mode(tuple(mode["machines"]), mode["duration"]) for mode in t["modes"]))
            for t in document["tasks"]
        ),
        lags=tuple(Lag(**lag) for lag in document["lags"]),
        holds=tuple(Hold(h["id"], tuple(h["machines"]), h["first"], h["last"]) for h in document["holds"]),
        begun={name: Begun(**begun) for name, begun in document["begun"].items()},
        now=document["now"],
    )


def schedule_of(document: Mapping[str, Any]) -> Schedule:
    """A schedule that `asdict` made plain."""
    return Schedule(**{**document, "placements": tuple(Placement(**place) for place in document["placements"])})


class InThread:
    """The same in a thread that the loop knows of: for virtual time, which stands still meanwhile."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    async def plans(self, problem: Problem, old: Schedule | None = None) -> AsyncIterator[Schedule]:
        """The last plan only: no simulated time passes before it."""
        loop = asyncio.get_running_loop()
        work = functools.partial(plan, problem, self.seconds, lambda _: None, old=old)
        found = await loop.run_in_executor(None, work)
        if found is not None:
            yield found


class _Child:
    """The other side: one problem after the other from standard input; a new one ends the one before."""

    def __init__(self) -> None:
        self._asked: queue.Queue[Mapping[str, Any] | None] = queue.Queue()
        self._at_work: Any = None

    def listen(self) -> None:
        """In a thread of its own."""
        for line in sys.stdin:
            self._asked.put(orjson.loads(line))
            if self._at_work is not None:
                self._at_work.stop_search()
        self._asked.put(None)
        if self._at_work is not None:
            self._at_work.stop_search()

    def work(self) -> None:
        """Until standard input ends."""
        while (asked := self._asked.get()) is not None:
            if not self._asked.empty():
                continue
            number = asked["number"]
            old = None if asked["old"] is None else schedule_of(asked["old"])
            tell = functools.partial(_tell, number)
            plan(problem_of(asked["problem"]), asked["seconds"], tell, old=old, at_work=self._see)
            self._at_work = None
            _tell(number, None)

    def _see(self, solver: Any) -> None:
        self._at_work = solver


def _tell(number: int, schedule: Schedule | None) -> None:
    sys.stdout.buffer.write(
        orjson.dumps({"number": number, "plan": None if schedule is None else asdict(schedule)}) + b"\n"
    )
    sys.stdout.flush()


def main() -> None:
    """The child process."""
    child = _Child()
    threading.Thread(target=child.listen, daemon=True).start()
    child.work()


if __name__ == "__main__":
    main()
