"""Virtual time: an asyncio loop whose clock jumps to the next timer when nothing else is ready.

One clock serves `loop.time`, `time.time` and `time.monotonic` while the loop runs, so that libraries that
mix them stay together. Jobs given to an executor are counted and really waited for; a thread that the loop
does not know of would let the clock run away, so starting one is refused (ADR 0004).
"""

import asyncio
import concurrent.futures
import contextvars
import math
import selectors
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")
_REAL_MONOTONIC = time.monotonic
_REAL_TIME = time.time
_IDLE_POLL_S = 0.2  # with no timer and nothing ready only the outside world can go on: look this often
PATIENCE_S = 0.25  # real seconds for which a clock with a pace stands still for a thread's job: writing takes less


class UnknownThread(RuntimeError):
    """Something started a thread that the virtual clock does not know of."""


class _JumpingSelector(selectors.BaseSelector):
    """Looks without waiting; where asyncio would wait, it lets the clock pass that time instead."""

    def __init__(self, loop: "VirtualLoop") -> None:
        self._inner = selectors.DefaultSelector()
        self._loop = loop

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._inner.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._inner.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._inner.modify(fileobj, events, data)

    def get_map(self) -> Any:
        return self._inner.get_map()

    def close(self) -> None:
        self._inner.close()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Ready files now; else pass `timeout` of the loop's time."""
        ready = self._inner.select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None or self._loop.waits_for_jobs():
            return self._inner.select(_IDLE_POLL_S if timeout is None else min(timeout, _IDLE_POLL_S))
        return self._loop.pass_time(timeout, self._inner)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in simulated time; `speed` paces it (simulated seconds a second), None never waits."""

    def __init__(self, epoch_s: float, speed: float | None = None) -> None:
        self._now_s = 0.0
        self._speed = speed
        self.epoch_s = epoch_s
        self._jobs: dict[object, float] = {}  # those under way, and when they began by the machine's clock
        super().__init__(_JumpingSelector(self))
        self._threads = concurrent.futures.ThreadPoolExecutor(max_workers=4, thread_name_prefix="virtual-loop")

    def time(self) -> float:
        """Simulated seconds since the loop began."""
        return self._now_s

    @property
    def _clock_resolution(self) -> float:
        """asyncio runs the timers that are due within this time: those of now, and no later ones."""
        return math.ulp(self._now_s)

    @_clock_resolution.setter
    def _clock_resolution(self, _: float) -> None:
        """asyncio sets the one of the machine's clock, which counts for nothing here."""

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        """As asyncio's; a delay below the clock's resolution is one step of it, so that time always goes on."""
        return self.call_at(self._later(delay) if delay > 0 else self._now_s, callback, *args, context=context)

    def _later(self, duration_s: float) -> float:
        return max(self._now_s + duration_s, math.nextafter(self._now_s, math.inf))

    def wall_time(self) -> float:
        """Simulated seconds since 1970."""
        return self.epoch_s + self._now_s

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - asyncio's name
        """End the loop's threads, in real time: a virtual time-out would be over at once."""
        self._threads.shutdown(wait=True)

    def run_in_executor(  # type: ignore[override]
        self, executor: concurrent.futures.Executor | None, func: Callable[..., T], *args: Any
    ) -> "asyncio.Future[T]":
        """As asyncio's; the clock stands still until the job has ended and its result has reached the loop.

        A clock with a pace stands still for `PATIENCE_S` at most: a lab does not stop while it plans.
        """
        with _threads_allowed():
            job = (executor or self._threads).submit(func, *args)
        result = asyncio.wrap_future(job, loop=self)
        key = object()
        self._jobs[key] = _REAL_MONOTONIC()
        ends = {"job", "result"}

        def ended(which: str) -> None:
            ends.discard(which)
            if not ends:
                del self._jobs[key]

        result.add_done_callback(lambda _: ended("result"))  # also when it was cancelled while the job goes on
        job.add_done_callback(lambda _: self.call_soon_threadsafe(ended, "job"))
        return result

    def waits_for_jobs(self) -> bool:
        """Whether time may not pass, for what a thread does now belongs to this moment."""
        if self._speed is None:
            return bool(self._jobs)
        now = _REAL_MONOTONIC()
        return any(now - began < PATIENCE_S for began in self._jobs.values())

    def pass_time(self, duration_s: float, selector: selectors.BaseSelector) -> list[tuple[selectors.SelectorKey, int]]:
        """Let simulated time pass: at once, or at the loop's pace while listening to the outside."""
        if self._speed is None:
            self._now_s = self._later(duration_s)
            return []
        began = _REAL_MONOTONIC()
        ready = selector.select(duration_s / self._speed)
        passed = (_REAL_MONOTONIC() - began) * self._speed
        self._now_s = self._now_s + min(passed, duration_s) if ready else self._later(duration_s)
        return ready


_allowance = threading.local()


@contextmanager
def _threads_allowed() -> Iterator[None]:
    _allowance.depth = getattr(_allowance, "depth", 0) + 1
    try:
        yield
    finally:
        _allowance.depth -= 1


@contextmanager
def _injected(loop: VirtualLoop) -> Iterator[None]:
    """Put the loop's clock in the place of the machine's, and refuse unknown threads."""
    owner = threading.get_ident()
    start_thread = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        if threading.get_ident() == owner and not getattr(_allowance, "depth", 0):
            raise UnknownThread(
                f"{thread.name} would run beside the virtual clock. Devices that use threads work in real "
                "time only: give the run a speed of 1."
            )
        start_thread(thread)

    time.time, time.monotonic = loop.wall_time, loop.time
    threading.Thread.start = start  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        time.time, time.monotonic = _REAL_TIME, _REAL_MONOTONIC
        threading.Thread.start = start_thread  # type: ignore[method-assign]


def run(main: Callable[[], Coroutine[Any, Any, T]], *, epoch_s: float | None = None, speed: float | None = None) -> T:
    """Run a coroutine to its end in simulated time, from `epoch_s` (seconds since 1970, else now) on.

    `speed` is simulated seconds a second; None never waits, and 1 is an ordinary loop in real time, where threads may
    run beside it.

    >>> async def hour() -> float:
    ...     await asyncio.sleep(3600)
    ...     return time.time()
    >>> run(hour, epoch_s=0.0)
    3600.0
    """
    if speed == 1:
        return asyncio.run(main())
    loop = VirtualLoop(_REAL_TIME() if epoch_s is None else epoch_s, speed)
    with asyncio.Runner(loop_factory=lambda: loop) as runner, _injected(loop):
        return runner.run(main())


class _ScalingSelector(_JumpingSelector):
    """Waits for as long as the scaled clock needs."""

    def __init__(self, speed: float) -> None:
        self._inner = selectors.DefaultSelector()
        self._speed = speed

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return self._inner.select(None if timeout is None else timeout / self._speed)


class ScaledLoop(asyncio.SelectorEventLoop):
    """Real time, times `speed`: for serving clients of others, who do not wait for a clock that is held back."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._began_s = _REAL_MONOTONIC()
        super().__init__(_ScalingSelector(speed))

    def time(self) -> float:
        """Scaled seconds since the loop began."""
        return (_REAL_MONOTONIC() - self._began_s) * self._speed
