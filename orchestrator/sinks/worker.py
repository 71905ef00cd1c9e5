"""A thread of its own for a sink that is slow or far away, and the bounded line of documents before it.

The thread keeps real time, even while a twin's clock runs ahead of it; it is started by the constructor, which is to
be called before the lab's loop runs (ADR 0004).
"""

import asyncio
import sys
import threading
import time
from abc import ABC, abstractmethod

from orchestrator.sinks.file import decode, encode
from orchestrator.sinks.sink import Document, RunOf

#: Bound before any twin puts its own clock there.
_MONOTONIC = time.monotonic
#: Documents that may wait: a minute of the fastest plan behind a sink that takes 1 in 4; about 40 MB at 400 bytes each.
CAPACITY = 100_000
#: A thread that computes gives way to the lab's loop after this; with Python's 5 ms the loop stood still for 15 ms at a
#: time, as it asks again after each write (measured: python -m benchmarks.events).
SWITCH_S = 0.0005
#: So many missed runs are named in a problem; the others are counted.
_TOLD = 5
_HINT = "the run's own file has it all: send it again with python -m orchestrator.sinks FOLDER"


class _RealTimeLoop(asyncio.SelectorEventLoop):
    """An event loop that no injected clock reaches."""

    def time(self) -> float:
        """Seconds of the machine's own clock."""
        return _MONOTONIC()


class Worker(ABC):
    """A sink that delivers in a thread. A run of which a document could not be delivered is left out from there on."""

    def __init__(self, name: str, capacity: int = CAPACITY) -> None:
        """Start the thread; `name` is for people and holds no secret."""
        self.name = name
        sys.setswitchinterval(min(SWITCH_S, sys.getswitchinterval()))
        self._capacity = capacity
        self._run_of = RunOf()
        self._missed: dict[str, str] = {}
        self._troubles: dict[str, str] = {}
        self._labels: dict[str, str] = {}
        self._waiting = 0
        self._closed = False
        self._loop = _RealTimeLoop()
        self._queue: asyncio.Queue[tuple[str, bytes] | None] = asyncio.Queue()
        self._thread = threading.Thread(target=self._main, name=f"sink {name}", daemon=True)
        self._thread.start()

    @abstractmethod
    async def deliver(self, run: str, name: str, document: Document) -> None:
        """Deliver one document of a run (the uid of its start), in the thread; may block it, and may raise anything."""

    async def release(self) -> None:  # noqa: B027 - most have nothing to give back
        """Give back what is open, in the thread."""

    @property
    def missed(self) -> dict[str, str]:
        """The runs that were not taken whole (uid of the start -> why)."""
        return dict(self._missed)

    @property
    def problem(self) -> str:
        """Which runs were not taken whole, and why."""
        told = [f"run {self._labels.get(run, run)}: {why}" for run, why in self.missed.items()]
        if not told:
            return ""
        more = f"; and {len(told) - _TOLD} more" if len(told) > _TOLD else ""
        return f"{self.name} did not take everything: {'; '.join(told[:_TOLD])}{more} - {_HINT}"

    def __call__(self, name: str, document: Document) -> None:
        """Put a document into the line."""
        run = self._run_of(name, document)
        if name == "start":
            self._labels[run] = str(document.get("run_id", run))
        if run in self._missed:
            return
        if self._closed:
            self._miss(run, "it came after the sink was closed")
        elif self._waiting >= self._capacity:
            why = self._troubles.get(run, "the sink is too slow or gone")
            self._miss(run, f"{self._capacity} documents were waiting already: {why}")
        else:
            self._line_up(run, name, document)

    def _line_up(self, run: str, name: str, document: Document) -> None:
        """Queue the encoded line: a tenth of the memory, nothing for the garbage collector to walk through."""
        try:
            line = encode(name, document)
        except TypeError as error:
            self._miss(run, str(error))
            return
        self._waiting += 1
        self._loop.call_soon_threadsafe(self._queue.put_nowait, (run, line))

    async def room(self) -> None:
        """When more than half of the line is taken, wait until it is empty."""
        if self._waiting > self._capacity // 2 and not self._closed:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._queue.join(), self._loop))

    async def close(self, patience_s: float = 10.0) -> None:
        """Deliver what is left, for at most `patience_s` of real time."""
        if self._closed:
            return
        self._closed = True
        self._loop.call_soon_threadsafe(self._queue.put_nowait, None)
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join, patience_s)
        if self._thread.is_alive():
            for run in self._unfinished():
                why = f": {self._troubles[run]}" if run in self._troubles else ""
                self._miss(run, f"not delivered within {patience_s:g} s after the run{why}")

    def _unfinished(self) -> list[str]:
        return [run for run in self._labels if run not in self._missed]

    def _trouble(self, run: str, why: str) -> None:
        """Note what keeps a run waiting, for the case that it will not end."""
        self._troubles[run] = why

    def _miss(self, run: str, why: str) -> None:
        self._missed.setdefault(run, why)

    def _main(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._work())

    async def _work(self) -> None:
        while (item := await self._queue.get()) is not None:
            run, line = item
            try:
                name, document = decode(line)
                if run not in self._missed:
                    await self.deliver(run, name, document)
                if name == "stop" and run not in self._missed:
                    self._labels.pop(run, None)
                    self._troubles.pop(run, None)
            except Exception as error:  # whatever a library raises, the lab goes on and the run is told as missed
                self._miss(run, f"{type(error).__name__}: {error}".rstrip(": "))
            finally:
                self._waiting -= 1
                self._queue.task_done()
        await self.release()
