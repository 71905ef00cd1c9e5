"""What sensors have in common that wait for a value: a stop ends the wait, and there is nothing to make safe."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from drivers.core.errors import CommandStopped
from drivers.core.instrument import OptionsT
from drivers.core.limits import Limits
from drivers.core.roles import Sensor
from drivers.core.transport import Port


class WaitingSensor(Sensor[OptionsT]):
    """`measure` sets `_stopped` to False first, and waits inside `_waiting`."""

    def __init__(self, name: str, port: Port, options: OptionsT, limits: Limits) -> None:
        super().__init__(name, port, options, limits)
        self._deadline: asyncio.Timeout | None = None
        self._stopped = False

    async def stop(self, success: bool = True) -> None:
        """End a wait for a value with `CommandStopped`; the sensor itself does nothing that could be stopped."""
        if self._deadline is not None:
            self._stopped = True
            self._deadline.reschedule(asyncio.get_running_loop().time())

    async def make_safe(self) -> None:
        """Nothing: it only looks."""

    @contextlib.asynccontextmanager
    async def _waiting(self, timeout_s: float) -> AsyncIterator[None]:
        """For so long, then `TimeoutError`; a stop ends it with `CommandStopped`."""
        try:
            async with asyncio.timeout(timeout_s) as self._deadline:
                yield
        except TimeoutError:
            if self._stopped:
                raise CommandStopped("it was stopped.", device=self.name) from None
            raise
        finally:
            self._deadline = None
