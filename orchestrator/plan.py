"""A program as a Bluesky plan: every action that may begin is begun, and each end lets others begin.

Plain `Msg` objects, since Bluesky's plan stubs take a stack trace each call (reference: 56 % of a point's time).
RunEngine's own pause and rewind are not used: they send a command twice (ADR 0007). A run pauses by beginning nothing.
"""

import asyncio
import functools
import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Any

from bluesky.utils import Msg

from orchestrator.conductor import Conductor
from orchestrator.frames import Frames
from orchestrator.readings import StepReading
from orchestrator.state.cell import OVER, RunState
from orchestrator.station import Station, Taken, Ticket
from protocols.program import Action


class Frontier:
    """The actions of a run whose predecessors are over, kept up to date end by end."""

    def __init__(self, run: RunState) -> None:
        self.reset(run)

    def reset(self, run: RunState) -> None:
        """Look at the whole run anew: at its start, and when it was changed."""
        self.revision = run.revision
        self.left = 0  # actions that are not over
        self._waits: dict[str, int] = {}
        self._followers: dict[str, list[Action]] = {}
        self.ready: list[Action] = []
        for action in run.order.values():
            if run.phase(action.id) in OVER:
                continue
            self.left += 1
            open_ = [name for name in action.after if name in run.order and run.phase(name) not in OVER]
            self._waits[action.id] = len(open_)
            for name in open_:
                self._followers.setdefault(name, []).append(action)
            if not open_ and run.phase(action.id) == "waiting":
                self.ready.append(action)

    def over(self, action: str) -> None:
        """One action is over."""
        self.left -= 1
        for follower in self._followers.pop(action, ()):
            self._waits[follower.id] -= 1
            if not self._waits[follower.id]:
                self.ready.append(follower)


_Point = tuple[str, int | None]  # of a step


class _Points:
    """What was read at the points of scans, until all of a point is over: then it is one event, as in Bluesky's scans.

    After a restart what was read before at the point that was under way is in the journal alone.
    """

    def __init__(self, run: RunState) -> None:
        self._actions: dict[_Point, list[str]] = {}
        for action in run.order.values():
            if action.point is not None:
                self._actions.setdefault((action.step, action.point), []).append(action.id)
        self._read: dict[_Point, list[StepReading]] = {}

    def add(self, action: Action, read: Iterable[StepReading]) -> None:
        """What an action at a point read."""
        self._read.setdefault((action.step, action.point), []).extend(read)

    def complete(self, run: RunState) -> Iterable[tuple[str, list[StepReading]]]:
        """Step and readings of each point that is over and was not given before."""
        over = [at for at in self._read if all(run.phase(name) in OVER for name in self._actions[at])]
        return [(at[0], self._read.pop(at)) for at in over]


Running = dict[asyncio.Task[Any], Action]


def program_plan(
    run_id: str, conductor: Conductor, stations: Mapping[str, Station], frames: Frames | None = None
) -> Generator[Msg, Any, None]:
    """One run to its end: until every action is over, or until it is asked to end and nothing of it runs any more.

    A failed action keeps the run waiting for a choice (see `recovery`); whoever chooses wakes it.
    """
    wake = conductor.wake(run_id)
    frontier = Frontier(conductor.state.run(run_id))
    points = _Points(conductor.state.run(run_id))
    running: Running = {}
    yield Msg("open_run")
    while True:
        wake.clear()
        run = conductor.state.run(run_id)
        if run.revision != frontier.revision:
            frontier.reset(run)
        if _may_go_on(run):
            for action in tuple(frontier.ready):
                intent = conductor.begin(run_id, action)
                if intent is not None:
                    frontier.ready.remove(action)
                    status = yield Msg("set", stations[action.device], Ticket(action, intent), group=action.id)
                    running[status.task] = action
        if not running and (not frontier.left or run.ends):
            break
        yield Msg("wait_for", None, [functools.partial(_first_change, tuple(running), wake)])
        for task in [task for task in running if task.done()]:
            action = running.pop(task)
            if conductor.state.run(run_id).phase(action.id) in OVER:
                frontier.over(action.id)
            read = _read(action, task, frames)
            if action.point is None:
                yield from _event(action.step, read)
            else:
                points.add(action, read)
        for step, read_there in points.complete(conductor.state.run(run_id)):
            yield from _event(step, read_there)
    yield Msg("close_run", **_exit(conductor.state.run(run_id)))


def _may_go_on(run: RunState) -> bool:
    return not run.paused_by and not run.unsettled and not run.ends


def _exit(run: RunState) -> dict[str, str]:
    if run.abort_asked is None:
        return {}
    return {"exit_status": "abort", "reason": f"{run.abort_asked.by}: {run.abort_asked.reason}"}


def _read(action: Action, task: "asyncio.Task[Taken | None]", frames: Frames | None) -> Sequence[StepReading]:
    taken = None if task.cancelled() or task.exception() else task.result()
    if taken is None or not taken.readings:
        return []
    return [StepReading(action.device, taken.readings, time.time(), taken.frame, frames)]


def _event(step: str, read: Sequence[StepReading]) -> Generator[Msg, Any, None]:
    if read:
        yield Msg("create", None, name=step)
        for one in read:
            yield Msg("read", one)
        yield Msg("save")


async def _first_change(tasks: "tuple[asyncio.Task[Any], ...]", wake: asyncio.Event) -> None:
    """Until one of these tasks has ended, or the run was woken."""
    if wake.is_set():
        return
    woken = asyncio.ensure_future(wake.wait())
    try:
        await asyncio.wait((*tasks, woken), return_when=asyncio.FIRST_COMPLETED)
    finally:
        woken.cancel()
