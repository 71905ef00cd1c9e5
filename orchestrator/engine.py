"""Bluesky's RunEngine, awaited on the lab's own loop. The only module that touches its private parts.

Bluesky 1.15 has no public way to run on a loop that is already running (bluesky#1654), so this file repeats what
`RunEngine.__call__` does up to the task, and then awaits it. Pinned version, and contract tests in
`tests/orchestrator/test_engine.py`: a change upstream shows there and is mended here (ADR 0005).
"""

import asyncio
import contextlib
import io
import os
from collections.abc import Callable, Generator
from typing import Any

# A RunEngine imports ophyd, which at its import starts the threads of a Channel Access client. Here that is left
# to the one driver that needs it (drivers/beamline/epics_motor calls `ophyd.set_cl`).
os.environ.setdefault("OPHYD_CONTROL_LAYER", "dummy")
import ophyd  # noqa: F401
from bluesky import run_engine
from bluesky.utils import Msg, ensure_generator

Plan = Generator[Msg, Any, Any]


class _RunningLoop:
    """Stands in for the loop while the constructor runs, which would else start a thread and wait for it."""

    def is_running(self) -> bool:
        """It is: the lab's loop runs already."""
        return True

    def call_soon_threadsafe(self, callback: Callable[..., Any], *args: Any) -> None:
        """At once: this is the loop's thread."""
        callback(*args)


# Its private parts carry no types; what is done with them here is pinned by the contract tests instead.
_Base: Any = run_engine.RunEngine
_THREADS: Any = run_engine._ensure_event_loop_running  # noqa: SLF001


class Engine(_Base):
    """A RunEngine whose `run` is awaited; several of them may share one loop."""

    def __init__(self, metadata: dict[str, Any]) -> None:
        """Make an engine on the running loop; `metadata` goes into every start document."""
        loop = asyncio.get_running_loop()
        stand_in = _RunningLoop()
        _THREADS.loop_to_thread[stand_in] = None
        super().__init__(dict(metadata), loop=stand_in, context_managers=[], call_returns_result=True)
        self._loop = loop
        run_engine.set_bluesky_event_loop(loop)
        self._blocking_event = asyncio.Event()

    async def run(self, plan: Plan) -> Any:
        """Run a plan to its end; raises what the plan raised. Cancelling this aborts the plan."""
        self._clear_call_cache()
        self._clear_run_cache()
        self._plan = plan
        self._plan_stack.append(ensure_generator(plan))
        self._response_stack.append(None)
        self._run_permit.set()
        task = asyncio.get_running_loop().create_task(self._run())
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.done():
                raise
            await self.abort_run("cancelled")
            with contextlib.suppress(Exception):
                await task
            raise

    async def abort_run(self, reason: str) -> None:
        """End the plan now; its clean-up runs, and its devices are stopped."""
        if not self._state.is_idle:
            with contextlib.redirect_stdout(io.StringIO()):  # it prints; a library must not
                await self._abort_coro(reason)

    async def _stop_movable_objects(self, *, success: bool = True) -> None:
        """Bluesky stops every device at each plan's end; a lab only does so when the plan did not succeed."""
        if self._exit_status != "success":
            await super()._stop_movable_objects(success=False)
