"""A device of others, found by name; classic ones are asked in threads, those of ophyd-async on the loop.

`device` is the device itself, for plans of Bluesky that run under a reservation.
"""

import asyncio
import contextlib
import inspect
import math
from collections.abc import Iterator
from typing import Any

from drivers.beamline.epics_motor import client
from drivers.beamline.epics_motor.signals import explained
from drivers.beamline.ophyd_device.options import Options
from drivers.beamline.ophyd_device.wire import readings
from drivers.core.beamline import OphydDevice
from drivers.core.errors import (
    CommandFailed,
    CommandRefused,
    CommandStopped,
    ConnectionFailed,
    DeviceError,
    LimitError,
    ReplyTimeout,
)
from drivers.core.instrument import Command, Readings, Recall
from drivers.core.limits import Limits
from drivers.core.plugins import plugins
from drivers.core.transport import Port

GROUP = "lab.ophyd"


class OphydDriver(OphydDevice[Options]):
    """One device of ophyd or ophyd-async."""

    real_time_only = True

    def __init__(self, name: str, port: Port, options: Options, limits: Limits) -> None:
        super().__init__(name, port, options, limits)
        self.device: Any = None
        self._held = False
        self._halted = False

    async def open(self) -> None:
        """Make the device and connect it; raises `ConnectionFailed`."""
        await self.close()
        points = plugins(GROUP)
        if self.options.device not in points:
            known = ", ".join(sorted(points)) or "none"
            hint = f"Install the package that has it; there are: {known}."
            raise ConnectionFailed(f"no '{self.options.device}' in {GROUP}.", device=self.name, hint=hint)
        if self.options.channel_access:
            await asyncio.to_thread(client.hold, "")
            self._held = True
        try:
            self.device = await asyncio.to_thread(self._made, points[self.options.device])
            if inspect.iscoroutinefunction(getattr(self.device, "connect", None)):
                await self.device.connect(timeout=self.options.connect_timeout_s)
            elif hasattr(self.device, "wait_for_connection"):
                await asyncio.to_thread(self.device.wait_for_connection, timeout=self.options.connect_timeout_s)
        except Exception as error:
            await self.close()
            hint = "Are its `arguments` right, and is its server up?"
            raise ConnectionFailed(f"{type(error).__name__}: {error}.", device=self.name, hint=hint) from error

    def _made(self, point: Any) -> Any:
        return point.load()(name=self.name, **self.options.arguments)

    async def close(self) -> None:
        """Let go of it; what moves goes on."""
        device, self.device = self.device, None
        if device is not None and self._held:
            await asyncio.to_thread(client.give_back, device)
        elif hasattr(device, "destroy"):
            await asyncio.to_thread(device.destroy)
        if self._held:
            self._held = False
            await asyncio.to_thread(client.release, "")

    async def stop(self, success: bool = True) -> None:
        """Its own `stop`, if it has one."""
        self._halted = True
        if hasattr(self._there(), "stop"):
            await self._call("stop")

    async def make_safe(self) -> None:
        """Stopped, by its own word."""
        if not self._opened:
            await self.connect()
        await self.stop()

    async def recall(self, command: Command) -> Recall:
        """It keeps no record; of a move, where it is."""
        wanted = command.args.get("position")
        if command.verb != "move" or wanted is None:
            return Recall("unknown", "it keeps no record")
        there = await self._place()
        near = there is not None and abs(there - wanted) <= self.options.tolerance
        return Recall("done" if near else "unknown", f"it is at {there}")

    async def move(self, position: float) -> None:
        """To a position in its own unit; raises `CommandRefused` where it does not move, `LimitError`, ..."""
        device = self._there()
        if not hasattr(device, "set"):
            raise CommandRefused("it does not move.", device=self.name, hint="Use a positioner.")
        if not math.isfinite(position):
            raise LimitError(f"{position} is no position.", device=self.name, hint="Give a finite one.")
        self._halted = False
        if hasattr(device, "check_value"):
            await self._call("check_value", position)
        await self._ended("set", lambda: device.set(position))
        there = await self._place()
        if there is not None and abs(there - position) > self.options.tolerance:
            hint = "Has somebody else stopped or moved it?"
            raise CommandFailed(f"it came to rest at {there:g}, not at {position:g}.", device=self.name, hint=hint)

    async def measure(self) -> Readings:
        """Stage, trigger, read, unstage, as far as it has these; gives every number."""
        device = self._there()
        self._halted = False
        staged = hasattr(device, "stage")
        try:
            if staged:
                await self._call("stage")
            if hasattr(device, "trigger"):
                await self._ended("trigger", device.trigger)
            return readings(self.name, await self._call("read"), await self._call("describe"))
        finally:
            if staged:
                await self._call("unstage")

    async def _place(self) -> float | None:
        """Where it is, by the first number that it reads."""
        found = readings(self.name, await self._call("read"), {})
        return found[0].value if found else None

    def _there(self) -> Any:
        if self.device is None:
            raise CommandRefused("it is not connected.", device=self.name)
        return self.device

    async def _call(self, verb: str, *args: Any) -> Any:
        """One of its methods, waited for in its own way; its errors become ours."""
        method = getattr(self._there(), verb)
        with self._explained(verb):
            if inspect.iscoroutinefunction(method):
                return await method(*args)
            told = await asyncio.to_thread(method, *args) if not _is_async(self.device) else method(*args)
            return await told if inspect.isawaitable(told) else told

    @contextlib.contextmanager
    def _explained(self, verb: str) -> Iterator[None]:
        try:
            with explained(self.name):
                yield
        except TimeoutError as error:
            raise ReplyTimeout(f"{verb}: {error}.", device=self.name, hint="Is its server up?") from error
        except (LimitError, ValueError) as error:
            raise LimitError(f"{verb}: {error}.", device=self.name, hint="Choose a value inside.") from error
        except DeviceError:
            raise
        except Exception as error:
            raise CommandFailed(f"{verb}: {type(error).__name__}: {error}.", device=self.name) from error

    async def _ended(self, what: str, begin: Any) -> None:
        """Begin what gives a status, and wait for its end; raises `CommandFailed`, `CommandStopped`, `ReplyTimeout`."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()
        with self._explained(what):
            status = begin() if _is_async(self.device) else await asyncio.to_thread(begin)
        status.add_callback(
            lambda *_: loop.call_soon_threadsafe(lambda: None if ended.done() else ended.set_result(None))
        )
        try:
            await asyncio.wait_for(ended, self.options.move_timeout_s)
        except TimeoutError:
            await self._call("stop") if hasattr(self.device, "stop") else None
            late = f"it did not end in {self.options.move_timeout_s:g} s."
            raise ReplyTimeout(late, device=self.name, hint="See whether it still moves.") from None
        if self._halted:
            raise CommandStopped("it was stopped.", device=self.name)
        if (failure := status.exception()) is not None:
            raise CommandFailed(f"{type(failure).__name__}: {failure}.", device=self.name) from failure


def _is_async(device: Any) -> bool:
    """Whether a device is of ophyd-async, whose methods belong to the loop."""
    return inspect.iscoroutinefunction(getattr(device, "connect", None))
