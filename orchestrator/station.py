"""Where a run meets a device: the intent is written before the command goes out, the outcome after it."""

import asyncio
from collections.abc import Callable
from typing import Any

from bluesky.protocols import Movable, Stoppable
from ophyd_async.core import AsyncStatus

from drivers.core.errors import DeviceError
from drivers.core.instrument import Command, Instrument, Readings
from orchestrator.journal import Entry
from protocols.program import CLOCK, Action

Write = Callable[[Entry], None]


class Station(Movable[Action], Stoppable):
    """One device of one run; `set(action)` journals, commands, and journals again."""

    parent = None

    def __init__(self, name: str, device: Instrument[Any] | None, write: Write) -> None:
        self.name = name
        self._device = device
        self._write = write

    def set(self, action: Action) -> AsyncStatus[Readings]:
        """Begin an action; the status ends with it, and its task holds what was measured."""
        return AsyncStatus(self._run(action))

    async def _run(self, action: Action) -> Readings:
        loop = asyncio.get_running_loop()
        self._write(Entry("begun", action, loop.time()))
        try:
            readings = await self._perform(action)
        except DeviceError as error:
            self._write(Entry("failed", action, loop.time(), error=str(error), outcome=error.outcome))
            raise
        except asyncio.CancelledError:
            self._write(Entry("failed", action, loop.time(), error="cancelled", outcome="unknown"))
            raise
        self._write(Entry("done", action, loop.time(), readings=readings))
        return readings

    async def _perform(self, action: Action) -> Readings:
        if self._device is None:
            await asyncio.sleep(action.args["duration_s"])
            return ()
        return await self._device.perform(Command(action.id, action.verb, action.args))

    async def stop(self, success: bool = True) -> None:
        """Stop the device now."""
        if self._device is not None:
            await self._device.stop(success)


def clock_station(write: Write) -> Station:
    """The station of actions that only let time pass."""
    return Station(CLOCK, None, write)
