"""The base of every driver: an ophyd-async Device that takes one command at a time and can be stopped at any."""

import asyncio
import time
from typing import Any, ClassVar, Generic, TypeVar

from bluesky.protocols import Movable, Stoppable
from ophyd_async.core import AsyncStatus, Device
from pydantic import BaseModel

from drivers.core.command import Command, Identity, Reading, Readings, Recall
from drivers.core.errors import CommandRefused
from drivers.core.limits import Limits
from drivers.core.transport import Port

#: What a driver needs; who only reads or writes of commands takes it from `command`, which is quick to import.
__all__ = ["Command", "Identity", "Instrument", "OptionsT", "Reading", "Readings", "Recall"]

OptionsT = TypeVar("OptionsT", bound=BaseModel)


class Instrument(Device, Movable[Command], Stoppable, Generic[OptionsT]):
    """A device with verbs: `set(command)` runs one under the device's lock; `stop()` acts without it."""

    #: The verbs that `set` may call, by name; a role lists them.
    verbs: ClassVar[frozenset[str]] = frozenset()
    #: True where a thread that no clock knows of does the work: such a device runs in real time only.
    real_time_only: ClassVar[bool] = False

    def __init__(self, name: str, port: Port, options: OptionsT, limits: Limits) -> None:
        super().__init__(name=name)
        self.port = port
        self.options = options
        self.limits = limits
        self.action = ""  #: id of the action that runs now, for devices that keep a key with a command
        self.doing = ""  #: the verb that runs now
        self.doing_since: float | None = None  #: s since 1970
        #: What the device last told of each quantity, and when (s since 1970), for whoever looks on; see `note`.
        self.seen: dict[str, tuple[Reading, float]] = {}
        self._lock = asyncio.Lock()
        self._opened = False
        self._astray = False  # whether the last attempt to connect failed

    async def connect(  # the signature is ophyd-async's
        self,
        mock: Any = False,
        timeout: float = 10.0,  # noqa: ASYNC109
        force_reconnect: bool = False,
    ) -> None:
        """Open the connection once and bring the device to a state in which it takes commands."""
        if self._opened and not (force_reconnect or self._astray):
            return
        self._astray = True
        await self.open()
        self._opened, self._astray = True, False

    @property
    def reached(self) -> bool:
        """Whether it was there when it was last dialled."""
        return self._opened and not self._astray

    async def disconnect(self) -> None:
        """Give the connection back; a device that was never connected is left alone."""
        if self._opened:
            self._opened = self._astray = False
            await self.close()

    async def open(self) -> None:
        """Driver's part of `connect`: dial, identify, initialise."""
        raise NotImplementedError

    async def close(self) -> None:
        """Driver's part of `disconnect`."""
        raise NotImplementedError

    def set(self, command: Command) -> AsyncStatus[Readings]:
        """Run one command; the status ends with it, and its task holds the readings, if any."""
        return AsyncStatus(self.perform(command))

    async def perform(self, command: Command) -> Readings:
        """Run one command under the device's lock and return what it measured (often nothing)."""
        if command.verb not in self.verbs:
            raise CommandRefused(
                f"'{command.verb}' is not one of its verbs: {', '.join(sorted(self.verbs))}.",
                device=self.name,
            )
        if self._astray:  # it was away when it was last dialled
            await self.connect()
        async with self._lock:
            self.action, self.doing, self.doing_since = command.action, command.verb, time.time()
            try:
                result: Readings | None = await getattr(self, command.verb)(**command.args)
            finally:
                self.action, self.doing, self.doing_since = "", "", None
        self.note(*result or ())
        return result or ()

    def note(self, *readings: Reading) -> None:
        """Keep what the device has just told, the newest of each quantity; a long command notes what it sees meanwhile.

        Values of wells are not kept: a table has them.
        """
        for reading in readings:
            if reading.value is not None:
                self.seen[reading.quantity] = reading, time.time()

    async def stop(self, success: bool = True) -> None:
        """Bring the device to rest now, also while a command runs; never waits for the command."""
        raise NotImplementedError

    async def identify(self) -> Identity:
        """Serial number and firmware as the instrument tells them; empty by default, for it may have no word for it.

        For the bench, while no command runs. Raises `DeviceError` where it cannot be asked.
        """
        return Identity()

    async def recall(self, command: Command) -> Recall:
        """What became of a command whose outcome nobody knows, asked after `connect` and before any other command.

        It looks, waits for the end of what still runs, and at most ends it as the command would have (a lock that opens
        after shaking); it begins nothing. Raises `DeviceError` where the device cannot be asked.
        """
        return Recall("unknown", "the device keeps no record")

    async def make_safe(self) -> None:
        """The safe end of an abort: the state in which a device may be left alone. Works after `stop` too.

        Waits for a command that runs, and connects again where that is needed; a second call does no harm. Raises
        `DeviceError` that says what is not safe, where it cannot be had.
        """
        raise NotImplementedError

    def check(self, limit: str, value: float) -> None:
        """Refuse a value outside the limit of that name before anything goes to the wire."""
        self.limits.check(limit, value, device=self.name)
