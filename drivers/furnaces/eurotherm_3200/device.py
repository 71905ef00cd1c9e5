"""A furnace behind a Eurotherm 3200. Its program runs here, set-point by set-point; the controller lets none live long.

The remote set-point, which this driver moves along the ramps, is used by the controller only as long as it is written
again every few seconds. So a furnace whose driver has died goes to its own set-point, which is that of rest.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from drivers.core.errors import CommandFailed, CommandRefused, DeviceError, ProtocolViolation
from drivers.core.exchange import Exchange
from drivers.core.instrument import Command, Identity, Reading, Readings, Recall
from drivers.core.limits import Limits
from drivers.core.roles import Furnace
from drivers.core.transport import Port
from drivers.furnaces.eurotherm_3200 import wire
from drivers.furnaces.eurotherm_3200.options import Options
from drivers.furnaces.eurotherm_3200.wire import Answer, Register, Status

REPLY_S = 1.0
STEP_S = 3.0
#: With how many readings of the temperature the instrument's status is read once.
STATUS_EVERY = 5
#: How many times a step that failed on the line is tried again before the program is given up.
HELD = 2.0  # tolerances by which a hold may be left: the first overshoot of a controller is within, our estimate
TRIES = 2


class Eurotherm3200(Furnace[Options]):
    """Takes what stands in its chamber along ramps and dwells."""

    def __init__(self, name: str, port: Port, options: Options, limits: Limits) -> None:
        super().__init__(name, port, options, limits)
        self._client = wire.Client(rtu=options.frame == "rtu", unit=options.unit)
        self._wire = Exchange(name, port.transport, self._client.replies, reply_s=REPLY_S)
        self._looks = 0

    async def open(self) -> None:
        """Dial, and see that it answers; what it does, it goes on doing."""
        self._wire.halt()
        async with self._lock:
            self._wire.resume()
            await self._wire.close()
            await self._read(Register.PV)

    async def close(self) -> None:
        """Give the line back."""
        await self._wire.close()

    async def stop(self, success: bool = True) -> None:
        """To rest, now: the furnace cools as it may. A running program ends with `CommandStopped`."""
        self._wire.halt()
        await self._wire.tell(self._client.write(Register.USE_REMOTE, 0), always=True, answered=True)
        await self._off(always=True)

    async def identify(self) -> Identity:
        """Its version; it has no register for its serial number, which stands on its label."""
        async with self._lock:
            self._wire.resume()
            (told,) = await self._read(Register.VERSION)
        return Identity(firmware=wire.version(told))

    async def recall(self, command: Command) -> Recall:
        """By what it does now: of a program that has ended it keeps nothing."""
        async with self._lock:
            (pv,) = await self._read(Register.PV)
            (working,) = await self._read(Register.WORKING)
        return Recall("unknown", f"it is at {self._shown(pv):g} degC, its set-point at {self._shown(working):g}")

    async def make_safe(self) -> None:
        """Its set-point is that of rest, and it says so; the chamber may be hot for hours."""
        async with self._lock:
            await self.deactivate()

    async def run_program(self, segments: Sequence[Mapping[str, Any]]) -> Readings:
        """Segment by segment, from the temperature of now; then to rest. Gives the temperature of the last hold."""
        program = [_segment(segment) for segment in segments]
        if not program:
            raise CommandRefused("a program needs a segment.", device=self.name)
        for temperature_c, ramp_c_min, hold_s in program:
            self.check("temperature", temperature_c)
            self.check("duration", hold_s)
            if ramp_c_min is not None:
                self.check("ramp", ramp_c_min)
        self._wire.resume()
        try:
            at_c = await self._begin()
            for temperature_c, ramp_c_min, hold_s in program:
                await self._ramp(at_c, temperature_c, ramp_c_min)
                await self._reach(temperature_c)
                reached_c = await self._hold(temperature_c, hold_s)
                at_c = temperature_c
        except BaseException:
            if not self._wire.stopped.is_set():  # a stop has brought it to rest already
                with contextlib.suppress(DeviceError):
                    await self._off(always=True)
            raise
        await self._off()
        return (Reading("temperature", "degC", reached_c),)

    async def measure(self) -> Readings:
        """Temperature, set-point, and how hard it heats."""
        self._wire.resume()
        pv, _, _, output, working = await self._read(Register.PV, 5)
        return (
            Reading("temperature", "degC", self._shown(pv)),
            Reading("setpoint", "degC", self._shown(working)),
            Reading("output", "%", output / 10),
        )

    async def deactivate(self) -> None:
        """To rest."""
        self._wire.resume()
        await self._off()

    async def _begin(self) -> float:
        """The controller's own set-point is that of rest, and ours begins where the furnace is."""
        self._looks = 0
        await self._write(Register.SP1, self._raw(self.options.rest_c))
        await self._write(Register.SELECT, 0)
        await self._write(Register.RATE, 0)
        at_c = await self._temperature()
        await self._write(Register.REMOTE, self._raw(at_c))
        await self._write(Register.USE_REMOTE, 1)
        return at_c

    async def _ramp(self, from_c: float, to_c: float, ramp_c_min: float | None) -> None:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        lasts_s = abs(to_c - from_c) / ramp_c_min * 60 if ramp_c_min else 0.0
        until_s = began_s + lasts_s  # what is left is told by it: a difference of differences may be too short to pass
        while (left_s := until_s - loop.time()) > 0:
            await self._aim(to_c - (to_c - from_c) * left_s / lasts_s)
            await self._wire.rest(min(STEP_S, left_s))

    async def _reach(self, to_c: float) -> None:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + self.options.reach_s
        while abs((at_c := await self._aim(to_c)) - to_c) > self.options.tolerance_c:
            if loop.time() > until_s:
                message = f"it is at {at_c:g} degC, not at {to_c:g}, after {self.options.reach_s:g} s."
                raise CommandFailed(message, device=self.name, hint="Is the door shut, and its power on?")
            await self._wire.rest(STEP_S)

    async def _hold(self, at_c: float, duration_s: float) -> float:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + duration_s
        while (left_s := until_s - loop.time()) > 0:
            await self._require_held(await self._aim(at_c), at_c)
            await self._wire.rest(min(STEP_S, left_s))
        reached_c = await self._temperature()
        await self._require_held(reached_c, at_c)
        return reached_c

    async def _require_held(self, shown_c: float, at_c: float) -> None:
        """A furnace that leaves its hold, upwards or downwards, is no longer the one of the program."""
        if abs(shown_c - at_c) > HELD * self.options.tolerance_c:
            await self._look()  # perhaps it knows why
            hint = "Let it cool, and look at its heater and its contactor."
            message = f"it left its hold: it is at {shown_c:g} degC, not at {at_c:g}."
            raise CommandFailed(message, device=self.name, hint=hint)

    async def _aim(self, setpoint_c: float) -> float:
        """Give the set-point once more; gives the temperature. Tried again where the line failed: it does no harm."""
        for left in reversed(range(TRIES)):
            try:
                await self._write(Register.REMOTE, self._raw(setpoint_c))
                self.note(Reading("setpoint", "degC", setpoint_c))
                return await self._temperature()
            except (CommandFailed, CommandRefused):
                raise
            except DeviceError:
                if not left:
                    raise
        raise AssertionError("the last try raises")

    async def _temperature(self) -> float:
        self._looks += 1
        if self._looks % STATUS_EVERY == 1:
            await self._look()
        (pv,) = await self._read(Register.PV)
        self.note(Reading("temperature", "degC", self._shown(pv)))
        return self._shown(pv)

    async def _look(self) -> None:
        """Whether all is well; the controller itself heats no more when its thermocouple breaks."""
        (status,) = await self._read(Register.STATUS)
        trouble = [text for bit, text in wire.TROUBLE.items() if status & bit]
        if trouble:
            raise CommandFailed(f"{', '.join(trouble)}.", device=self.name)
        if status & Status.REMOTE_LOST:
            await self._write(Register.USE_REMOTE, 1)

    async def _off(self, *, always: bool = False) -> None:
        """To its own set-point, that of rest, and not by a rate; read back."""
        rest = self._raw(self.options.rest_c)
        for register in (Register.USE_REMOTE, Register.SELECT, Register.RATE, Register.SP1):
            value = rest if register is Register.SP1 else 0
            await self._write(register, value, always=always)
        (working,) = await self._read(Register.WORKING, always=always)
        if working != rest:
            raise CommandFailed(f"its set-point stays at {self._shown(working):g} degC.", device=self.name)

    async def _read(self, register: int, count: int = 1, *, always: bool = False) -> tuple[int, ...]:
        answer = self._checked(await self._wire.ask(self._client.read(register, count), always=always))
        if len(answer.registers) != count or answer.address is not None:
            raise ProtocolViolation(f"asked for {count} registers it tells {answer.registers}.", device=self.name)
        return answer.registers

    async def _write(self, register: int, value: int, *, always: bool = False) -> None:
        answer = self._checked(await self._wire.ask(self._client.write(register, value), always=always))
        if (answer.address, answer.registers) != (register, (value,)):
            raise ProtocolViolation(f"told {value} for {register} it repeats {answer}.", device=self.name)

    def _checked(self, answer: Answer) -> Answer:
        if answer.refused:
            why = wire.EXCEPTIONS.get(answer.refused, f"exception {answer.refused}")
            raise CommandRefused(f"{why}.", device=self.name)
        return answer

    def _raw(self, value: float) -> int:
        return round(value * float(10**self.options.decimals))

    def _shown(self, raw: int) -> float:
        return float(raw / 10**self.options.decimals)


def _segment(segment: Mapping[str, Any]) -> tuple[float, float | None, float]:
    ramp = segment.get("ramp_c_min")
    return float(segment["temperature_c"]), None if ramp is None else float(ramp), float(segment.get("duration_s", 0.0))
