"""A driver over a backend of PyLabRobot: its calls fenced, and a stop between any two messages of a verb."""

import asyncio
import contextlib
from collections.abc import Awaitable, Iterator
from typing import TypeVar

from drivers.core.errors import CommandStopped, DeviceError
from drivers.core.instrument import Instrument, OptionsT
from drivers.core.limits import Limits
from drivers.core.plr import TransportIo, fenced
from drivers.core.transport import Port

T = TypeVar("T")


class Backed(Instrument[OptionsT]):
    """Verbs are `with self._running():` around `await self._do(backend.verb())`; `_line` is the backend's `io`."""

    _line: TransportIo

    def __init__(self, name: str, port: Port, options: OptionsT, limits: Limits) -> None:
        super().__init__(name, port, options, limits)
        self._stopped = asyncio.Event()

    async def close(self) -> None:
        """Give the line back; what the device does, it goes on doing."""
        await self._line.stop()

    def _explain(self, error: BaseException) -> DeviceError | None:
        """What an exception of the backend means; None leaves it to the general rules of `fenced`."""
        return None

    def _forbid(self) -> None:
        """What runs shall send nothing more."""
        self._stopped.set()
        self._line.barred = True

    @contextlib.contextmanager
    def _running(self) -> Iterator[None]:
        """A new command. While a stop is under way every failure is its consequence, and every success doubtful."""
        self._stopped.clear()
        self._line.barred = False
        try:
            yield
        except DeviceError as error:
            if not self._stopped.is_set() or isinstance(error, CommandStopped):
                raise
            raise CommandStopped("it was stopped.", device=self.name) from error
        if self._stopped.is_set():
            raise CommandStopped("it was stopped.", device=self.name)

    async def _do(self, call: Awaitable[T]) -> T:
        with fenced(self.name, self._explain):
            return await call

    async def _wait(self, duration_s: float) -> None:
        """Let time pass, or raise `CommandStopped` as soon as a stop comes."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(duration_s):
                await self._stopped.wait()
                raise CommandStopped("it was stopped.", device=self.name)
