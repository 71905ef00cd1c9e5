"""Bluesky's RunEngine, awaited on the lab's own loop. The only module that touches its private parts.

Bluesky 1.15 has no public way to run on a loop that is already running (bluesky#1654), so this file repeats what
`RunEngine.__call__` does up to the task, and then awaits it. Pinned version, and contract tests in
`tests/orchestrator/test_engine.py`: a change upstream shows there and is mended here (ADR 0005).

Two things are made faster, five to seven times together, with the same documents (`python -m benchmarks events`):
a plan stub keeps the line it was called from instead of a whole stack trace, and an event whose shape is plainly right
is not held against its JSON schema once more.
"""

import asyncio
import contextlib
import io
import os
import sys
from collections.abc import Callable, Generator
from typing import Any

# A RunEngine imports ophyd, which at its import starts the threads of a Channel Access client. Here that is left
# to the one driver that needs it (drivers/beamline/epics_motor calls `ophyd.set_cl`).
os.environ.setdefault("OPHYD_CONTROL_LAYER", "dummy")
import ophyd  # noqa: F401
from bluesky import run_engine, utils
from bluesky.bundlers import RunBundler as BlueskyBundler
from bluesky.utils import Msg, ensure_generator
from event_model import ComposeEvent

from orchestrator.readings import StepReading

Plan = Generator[Msg, Any, Any]


class _RunningLoop:
    """Stands in for the loop while the constructor runs, which would else start a thread and wait for it."""

    def is_running(self) -> bool:
        """It is: the lab's loop runs already."""
        return True

    def call_soon_threadsafe(self, callback: Callable[..., Any], *args: Any) -> None:
        """At once: this is the loop's thread."""
        callback(*args)


class _QuickEvent(ComposeEvent):
    """Composes the events of one stream; only what looks wrong meets the schema, whose message it then gets."""

    def __init__(self, inner: ComposeEvent) -> None:
        super().__init__(inner.descriptor, inner.event_counters)
        # Keys of external streams are not in an event; such an event takes the long way.
        self._keys = inner.descriptor["data_keys"].keys()

    def __call__(
        self,
        data: Any,
        timestamps: Any,
        seq_num: int | None = None,
        filled: Any = None,
        uid: str | None = None,
        time: float | None = None,
        validate: bool = True,
    ) -> Any:
        """One event. Its schema asks for objects, and event-model for the keys of the stream: both are seen here."""
        plain = type(data) is dict and type(timestamps) is dict and not filled
        ours = seq_num is None and uid is None and time is None  # and so made by event-model, with the right types
        sound = plain and ours and data.keys() == timestamps.keys() == self._keys
        return super().__call__(data, timestamps, seq_num, filled, uid, time, validate and not sound)


# Its private parts carry no types; what is done with them here is pinned by the contract tests instead.
_Bundler: Any = BlueskyBundler


class _QuickBundler(_Bundler):
    """Bundles readings into events as Bluesky does, and composes them quickly.

    A step that is done again may read other wells than before; its stream then gets another descriptor.
    """

    async def save(self, msg: Msg) -> None:
        """As Bluesky's, which knows one set of readings a stream."""
        known, now = self._descriptor_objs.get(self._bundle_name, {}), self._objs_read
        if known and set(known) != set(now) and all(isinstance(obj, StepReading) for obj in (*known, *now)):
            del self._descriptors[self._bundle_name]
        await super().save(msg)

    async def _prepare_stream(self, desc_key: str, objs_dks: Any) -> Any:
        document, compose, objects = await super()._prepare_stream(desc_key, objs_dks)
        quick = self._descriptors[desc_key].compose_event = _QuickEvent(compose)
        return document, quick, objects


def _note_origin(plan: Any, stub: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """`bluesky.utils.Plan.__init__` without the stack trace: where the stub was called is told by file and line."""
    caller = sys._getframe(2)  # noqa: SLF001 - the frame that called the stub
    plan._iter = stub(*args, **kwargs)  # noqa: SLF001
    where = f'  File "{caller.f_code.co_filename}", line {caller.f_lineno}, in {caller.f_code.co_name}\n'
    hint = f"RuntimeWarning: plan `{stub.__name__}` was never iterated, did you mean to use `yield from`?"
    plan._stack = [where, hint]  # noqa: SLF001


utils.Plan.__init__ = _note_origin  # type: ignore[method-assign, assignment]

_Base: Any = run_engine.RunEngine
_THREADS: Any = run_engine._ensure_event_loop_running  # noqa: SLF001


class Engine(_Base):
    """A RunEngine whose `run` is awaited; several of them may share one loop."""

    RunBundler = _QuickBundler

    def __init__(self, metadata: dict[str, Any], *, leaves_devices: bool = False) -> None:
        """Make an engine on the running loop; `metadata` goes into every start document.

        With `leaves_devices` a plan that is cancelled or fails stops nothing: what its devices do goes on.
        """
        loop = asyncio.get_running_loop()
        stand_in = _RunningLoop()
        _THREADS.loop_to_thread[stand_in] = None
        super().__init__(dict(metadata), loop=stand_in, context_managers=[], call_returns_result=True)
        self._loop = loop
        run_engine.set_bluesky_event_loop(loop)
        self._blocking_event = asyncio.Event()
        self._leaves_devices = leaves_devices

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
        if self._exit_status != "success" and not self._leaves_devices:
            await super()._stop_movable_objects(success=False)

    async def _wait_for(self, msg: Msg) -> Any:
        """As Bluesky's, which leaves the tasks that it made of coroutines behind when it is cancelled."""
        made: list[asyncio.Task[Any]] = []

        def kept(factory: Callable[[], Any]) -> Callable[[], Any]:
            def make() -> Any:
                what = factory()
                if asyncio.iscoroutine(what):
                    what = asyncio.ensure_future(what)
                    made.append(what)
                return what

            return make

        try:
            return await super()._wait_for(msg._replace(args=([kept(factory) for factory in msg.args[0]],)))
        except asyncio.CancelledError:
            for task in made:
                task.cancel()
            await asyncio.gather(*made, return_exceptions=True)
            raise
