"""A motor record through ophyd's EpicsMotor; its threads report to the loop, and the loop never waits for them."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from drivers.beamline.epics_motor import client
from drivers.beamline.epics_motor.options import Options
from drivers.beamline.epics_motor.signals import ask
from drivers.beamline.epics_motor.wire import where
from drivers.core.beamline import Axis
from drivers.core.errors import (
    CommandFailed,
    CommandRefused,
    CommandStopped,
    ConnectionFailed,
    ConnectionLost,
    DeviceError,
    ReplyTimeout,
)
from drivers.core.instrument import Command, Reading, Readings, Recall
from drivers.core.limits import Limits
from drivers.core.transport import Port
from drivers.core.units import UnitError, parse

T = TypeVar("T")
POLL_S = 0.1
WATCH_S = 0.5  # between two questions whether it moves


class EpicsAxis(Axis[Options]):
    """One motor record; positions in mm, whatever unit of length the record keeps."""

    real_time_only = True
    unit: ClassVar[str] = "mm"
    dimension: ClassVar[str] = "length"

    def __init__(self, name: str, port: Port, options: Options, limits: Limits) -> None:
        super().__init__(name, port, options, limits)
        self._where = where(port.address)
        self._motor: Any = None
        self._per_unit = 1.0
        self._moving: asyncio.Future[None] | None = None
        self._stopped = False

    async def open(self) -> None:
        """Find the record and all its fields; raises `ConnectionFailed`."""
        await self.close()
        await asyncio.to_thread(client.hold, self._where.address)
        try:
            timeout_s = self.options.connect_timeout_s
            self._motor = await self._ask(client.find, self._where.prefix, self.name, timeout_s)
            self._per_unit = self._unit(await self._ask(self._motor.motor_egu.get))
        except DeviceError as error:
            await self._let_go()
            hint = "Is the IOC running, and is the name right?"
            raise ConnectionFailed(f"{self.port.address} does not answer.", device=self.name, hint=hint) from error
        except UnitError as error:
            await self._let_go()
            hint = f"Give the record's field EGU a unit of {self.dimension}."
            raise ConnectionFailed(f"the unit of its record: {error}.", device=self.name, hint=hint) from error
        except BaseException:
            await self._let_go()
            raise
        loop = asyncio.get_running_loop()
        self._motor.motor_done_move.subscribe(
            lambda **told: None if told.get("connected", True) else loop.call_soon_threadsafe(self._lost),
            event_type="meta",
            run=False,
        )

    def _unit(self, said: str) -> float:
        """How much of ours is one of the record's; people write degrees in more than one way."""
        return parse(f"1 {'deg' if said.rstrip('.').lower() in ('degree', 'degrees') else said}", self.dimension)

    async def close(self) -> None:
        """Let go of the record; what moves, goes on moving."""
        if self._motor is not None:
            self._lost()
            await self._let_go()

    async def stop(self, success: bool = True) -> None:
        """Write STOP, and see it taken; a running `move` ends with `CommandStopped` when the motor has come to rest."""
        self._stopped = True
        await self._ask(self._connected().motor_stop.put, 1, wait=True, timeout=self.options.reply_timeout_s)

    async def recall(self, command: Command) -> Recall:
        """By the record: where it shall be and where it is, once it has come to rest."""
        async with self._lock:
            motor = self._connected()
            await self._rest()
            aim = await self._value(motor.user_setpoint) * self._per_unit
            (there,) = await self.position()
        told = f"its record was told {aim:g} {self.unit}, and it is at rest at {there.value:g} {self.unit}"
        wanted = command.args.get("position_mm")
        if wanted is None or there.value is None:
            return Recall("unknown", told)
        near = max(abs(there.value - wanted), abs(aim - wanted)) <= self.options.tolerance_mm
        return Recall("done" if near else "unknown", told)

    async def make_safe(self) -> None:
        """Stopped, and at rest."""
        if not self._opened:
            await self.connect()
        await self.stop()
        async with self._lock:
            await self._rest()

    async def _rest(self) -> None:
        """Until the record says that it does not move; raises `ReplyTimeout`."""
        motor, loop = self._connected(), asyncio.get_running_loop()
        until_s = loop.time() + self.options.move_timeout_s
        while not await self._value(motor.motor_done_move):
            if loop.time() > until_s:
                late = f"it still moves after {self.options.move_timeout_s:g} s."
                raise ReplyTimeout(late, device=self.name, hint="See why.")
            await asyncio.sleep(POLL_S)

    async def move(self, position_mm: float) -> None:
        """Go there and come to rest. Raises `LimitError` (nothing moved), `CommandStopped`, `CommandFailed`
        (a limit switch, an alarm, or an end beside the target), `ReplyTimeout` or `ConnectionLost`."""
        self.check("position", position_mm)
        motor = self._connected()
        self._stopped = False
        loop = asyncio.get_running_loop()
        ended = self._moving = loop.create_future()
        watch = loop.create_task(self._watch(ended))
        try:
            status = await self._ask(
                motor.move, position_mm / self._per_unit, wait=False, timeout=self.options.move_timeout_s
            )
            if self._stopped:  # the stop may have come to the record before the move
                await self._halt()
            status.add_callback(lambda done: loop.call_soon_threadsafe(self._done, ended, done))
            await ended
            await self._rest()  # by its own word: what a monitor told may have been older than the move
        except ReplyTimeout:
            await self._halt()  # it must not move when nobody looks any more
            raise
        finally:
            self._moving = None
            watch.cancel()
        (there,) = await self.position()
        if self._stopped:
            raise CommandStopped(f"it was stopped at {there.value:g} {self.unit}.", device=self.name)
        if there.value is None or abs(there.value - position_mm) > self.options.tolerance_mm:
            raise CommandFailed(
                f"it came to rest at {there.value:g} {self.unit}, not at {position_mm:g} {self.unit}.",
                device=self.name,
                hint="Has somebody else stopped or moved it?",
            )

    async def allows(self, position_mm: float) -> None:
        """Raise `LimitError` where the record's own limits refuse a position; nothing moves."""
        await self._ask(self._connected().check_value, position_mm / self._per_unit)

    async def position(self) -> Readings:
        """The readback (RBV) as the record has it now."""
        value = await self._value(self._connected().user_readback)
        return (Reading("position", self.unit, value=value * self._per_unit),)

    def _connected(self) -> Any:
        if self._motor is None:
            raise CommandRefused("it is not connected.", device=self.name)
        if not self._motor.connected:
            raise ConnectionLost("its record is not connected.", device=self.name, hint="Is the IOC running?")
        return self._motor

    async def _ask(self, call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        return await ask(self.name, call, *args, **kwargs)

    async def _value(self, signal: Any) -> float:
        """What the record has now, not what a monitor told of it before."""
        return float(await self._ask(signal.get, use_monitor=False, timeout=self.options.reply_timeout_s))

    async def _watch(self, ended: asyncio.Future[None]) -> None:
        """Ask the record, too, whether it moves: what a monitor tells only once may be lost on its way."""
        at_rest = 0
        while not ended.done():
            await asyncio.sleep(WATCH_S)
            try:
                at_rest = at_rest + 1 if await self._value(self._connected().motor_done_move) else 0
            except DeviceError as error:
                if not ended.done():
                    ended.set_exception(error)
            else:
                if at_rest > 1 and not ended.done():  # where it rests is looked at then
                    ended.set_result(None)

    def _lost(self) -> None:
        """The record went away: a running move cannot be told from one that ended."""
        if self._moving is not None and not self._moving.done():
            self._moving.set_exception(ConnectionLost("the connection ended in mid-move.", device=self.name))

    def _done(self, ended: asyncio.Future[None], status: Any) -> None:
        if ended.done():
            return
        error = status.exception()
        if error is None or self._stopped:
            ended.set_result(None)
        elif isinstance(error, TimeoutError):
            late = f"its move did not end in {self.options.move_timeout_s:g} s."
            ended.set_exception(ReplyTimeout(late, device=self.name, hint="See whether it still moves."))
        else:
            ended.set_exception(
                CommandFailed(f"its move failed: {error}.", device=self.name, hint="A limit switch, or an alarm?")
            )

    async def _halt(self) -> None:
        with contextlib.suppress(DeviceError):
            await self._ask(self._connected().motor_stop.put, 1, wait=True, timeout=self.options.reply_timeout_s)

    async def _let_go(self) -> None:
        motor, self._motor = self._motor, None
        if motor is not None:
            await asyncio.to_thread(client.give_back, motor)
        await asyncio.to_thread(client.release, self._where.address)
