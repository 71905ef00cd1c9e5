"""An a4S through PyLabRobot's backend.

The device tells its state every second, so its line is held only while a verb runs: nothing old is ever read. A reset
is the one command that ends a cycle. It keeps no record; a cycle that still runs is all that can be recalled.

What is kept out of PyLabRobot 0.2.2 here: its `seal` takes whole seconds only, its heater commands lack the end of a
frame, and it does not hear a refusal.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from pylabrobot.sealing.a4s_backend import A4SBackend

from drivers.core.backed import Backed
from drivers.core.errors import CommandFailed, CommandRefused, CommandStopped, DeviceError, ReplyTimeout
from drivers.core.instrument import Command, Recall
from drivers.core.limits import Limits
from drivers.core.plr import TransportSerial, fenced
from drivers.core.roles import Sealer
from drivers.core.transport import Port
from drivers.sealers.azenta_a4s import wire
from drivers.sealers.azenta_a4s.options import Options

Status = A4SBackend.Status
State = Status.SystemStatus
BYTE_S = 1.0
SILENT_S = 5
#: How long a cycle may take to begin, and beyond its own time to end.
BEGIN_S, END_S = 10.0, 60.0


class _Line(TransportSerial):
    """Ends every frame, hears refusals, and gives nothing more to a verb that was stopped."""

    async def write(self, data: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - PyLabRobot's name
        """Send a frame, after forgetting the states that were told before it."""
        await self.reset_input_buffer()
        await super().write(data if data.endswith(b"!") else data + b"!", timeout)

    async def read(self, num_bytes: int = 1) -> bytes:
        """One byte, or b"" when none comes."""
        if self.barred:
            raise CommandStopped("it was stopped.")
        data = await super().read(num_bytes)
        code = wire.refusal(data + self._buffer)
        if code is not None:
            self._buffer.clear()
            raise CommandRefused(f"it refuses the command (code {code:02d}).")
        return data


class A4S(Backed[Options], Sealer[Options]):
    """Seals the plate on its tray; the heater is off between seals, and the tray out."""

    _line: _Line

    def __init__(self, name: str, port: Port, options: Options, limits: Limits) -> None:
        super().__init__(name, port, options, limits)
        self._backend = A4SBackend(port=port.address, timeout=SILENT_S)
        self._backend.io = self._line = _Line(port.transport, timeout=BYTE_S)

    async def open(self) -> None:
        """Look at it; a fault is reset, and a tray that is in comes out. A cycle under way goes on."""
        async with self._at_work():
            try:
                status = await self._do(self._backend.get_status())
            except CommandFailed:
                status = await self._do(self._backend.system_reset())
            if status.system_status is State.idle and not status.sensor_status.shuttle_open_sensor:
                await self._do(self._backend.open())

    async def stop(self, success: bool = True) -> None:
        """Reset: the heater goes up and off, and the tray out. A running verb ends with `CommandStopped`."""
        self._forbid()
        with fenced(self.name, self._explain):
            if not self._line.connected:
                await self._line.setup()
            await self._line.write_past(wire.RESET + wire.HEATER_OFF)

    async def recall(self, command: Command) -> Recall:
        """A cycle that still runs is waited for."""
        async with self._lock, self._at_work():
            status = await self._do(self._backend.get_status())
            if status.system_status is not State.single_cycle:
                return Recall("unknown", f"it is {status.system_status.name}, and keeps no record of seals")
            await self._finish(command.args.get("duration_s") or self.options.duration_s)
            return Recall("done", "it was found sealing, and has finished")

    async def make_safe(self) -> None:
        """The end of a cycle is waited for; then the heater is off, and the tray out."""
        async with self._lock, self._at_work():
            await self._finish(self.options.duration_s)

    async def seal(self, labware: str, temperature_c: float | None = None, duration_s: float | None = None) -> None:
        """Heat up, seal (to 1 degC and 0.1 s), bring the tray out, heater off."""
        heat_c = self.options.temperature_c if temperature_c is None else temperature_c
        press_s = self.options.duration_s if duration_s is None else duration_s
        self.check("temperature", heat_c)
        self.check("duration", press_s)
        async with self._at_work():
            await self._do(self._backend.set_temperature(round(heat_c)))
            await self._do(self._backend.send_command(wire.seal_time(press_s)))
            await self._do(self._backend.send_command(wire.SEAL.decode("ascii")))
            await self._until({State.single_cycle}, BEGIN_S, "did not begin to seal")
            await self._finish(press_s)

    async def _finish(self, press_s: float) -> None:
        await self._until({State.idle, State.finish}, press_s + END_S, "did not end its cycle")
        await self._do(self._backend.set_heater(on=False))
        await self._do(self._backend.open())

    async def _until(self, states: set[Any], within_s: float, what: str) -> None:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + within_s
        while (status := await self._do(self._backend.get_status())).system_status not in states:
            if loop.time() > until_s:
                raise CommandFailed(
                    f"it {what} in {within_s:g} s; it is {status.system_status.name}.", device=self.name
                )

    @contextlib.asynccontextmanager
    async def _at_work(self) -> AsyncIterator[None]:
        """The line, for as long as it is needed."""
        with self._running():
            await self._do(self._line.setup())
            try:
                yield
            finally:
                await self._line.stop()

    def _explain(self, error: BaseException) -> DeviceError | None:
        """PyLabRobot raises a bare RuntimeError for a fault that the device tells."""
        if isinstance(error, TimeoutError):
            return ReplyTimeout(f"{error}.", hint="Is it on, and is the line right?")
        if isinstance(error, RuntimeError) and str(error).startswith("An error occurred"):
            return CommandFailed(f"it tells of a fault: {error}.", hint="Look into it, then connect it again.")
        return None
