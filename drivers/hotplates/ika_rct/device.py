"""An IKA RCT. It answers no setting, so each is read back; its watchdog cools it down when nobody is there any more."""

import asyncio
import contextlib

from drivers.core.errors import CommandFailed, DeviceError, ProtocolViolation
from drivers.core.exchange import Exchange
from drivers.core.instrument import Command, Reading, Readings, Recall
from drivers.core.limits import Limits
from drivers.core.roles import Hotplate
from drivers.core.transport import Port
from drivers.hotplates.ika_rct import wire
from drivers.hotplates.ika_rct.options import Options
from drivers.hotplates.ika_rct.wire import HEAT, STIR, Quantity

REPLY_S = 1.0
#: How often a target is moved, and a temperature looked at.
STEP_S = 5.0
HELD = 2.0  # tolerances by which a hold may be left: the first overshoot of a controller is within, our estimate
TRIES = 3


class IkaRct(Hotplate[Options]):
    """Heats by moving its target along a ramp; nothing of it goes on without this driver but what `stir` began."""

    def __init__(self, name: str, port: Port, options: Options, limits: Limits) -> None:
        super().__init__(name, port, options, limits)
        self._wire = Exchange(name, port.transport, wire.Replies, reply_s=REPLY_S)
        self._sensor = Quantity.PLATE if options.sensor == "plate" else Quantity.PROBE

    async def open(self) -> None:
        """Dial, and see that it answers; what it does, it goes on doing."""
        self._wire.halt()
        async with self._lock:
            self._wire.resume()
            await self._wire.close()
            await self._temperature()

    async def close(self) -> None:
        """Give the line back."""
        await self._wire.close()

    async def stop(self, success: bool = True) -> None:
        """Heating and stirring off, now; `heat` ends with `CommandStopped`."""
        self._wire.halt()
        await self._off(always=True)

    async def recall(self, command: Command) -> Recall:
        """By its targets, for nothing else is kept: a `heat` that was begun cannot be told from one that ended."""
        async with self._lock:
            heat, stir = await self._read("IN_SP", HEAT), await self._read("IN_SP", STIR)
        told = f"its targets are {heat:g} degC and {stir:g} rpm"
        if command.verb == "stir" and stir != round(command.args["speed_rpm"]):
            return Recall("not_done", told)
        return Recall("unknown", told)

    async def make_safe(self) -> None:
        """Heating and stirring off, and the device says so."""
        async with self._lock:
            await self.deactivate()

    async def heat(self, temperature_c: float, ramp_c_min: float | None = None, duration_s: float = 0.0) -> Readings:
        """Along a ramp from where it is, in steps of some seconds; then hold, then off."""
        self.check("temperature", temperature_c)
        self.check("duration", duration_s)
        if ramp_c_min is not None:
            self.check("ramp", ramp_c_min)
        self._wire.resume()
        try:
            await self._guard()
            await self._ramp(temperature_c, ramp_c_min)
            await self._reach(temperature_c)
            reached = await self._hold(temperature_c, duration_s)
        except BaseException:
            if not self._wire.stopped.is_set():  # a stop has switched it off already
                with contextlib.suppress(DeviceError):
                    await self._off(always=True)
            raise
        await self._off()
        return (Reading("temperature", "degC", reached),)

    async def stir(self, speed_rpm: float) -> None:
        """Stir from now on, also when nobody is there."""
        self.check("speed", speed_rpm)
        self._wire.resume()
        await self._set(STIR, round(speed_rpm))
        await self._wire.tell(wire.encode_request(f"START_{STIR}" if speed_rpm else f"STOP_{STIR}"))

    async def deactivate(self) -> None:
        """Heating and stirring off."""
        self._wire.resume()
        await self._off()

    async def measure(self) -> Readings:
        """Temperature of the chosen sensor, and speed."""
        self._wire.resume()
        temperature, speed = await self._temperature(), await self._read("IN_PV", Quantity.SPEED)
        return (Reading("temperature", "degC", temperature), Reading("speed", "rpm", speed))

    async def _ramp(self, temperature_c: float, ramp_c_min: float | None) -> None:
        """Move the target; at the end it stands at `temperature_c`."""
        loop = asyncio.get_running_loop()
        began_s, from_c = loop.time(), await self._temperature()
        lasts_s = abs(temperature_c - from_c) / ramp_c_min * 60 if ramp_c_min else 0.0
        until_s = began_s + lasts_s  # what is left is told by it: a difference of differences may be too short to pass
        while (left_s := until_s - loop.time()) > 0:
            await self._aim(temperature_c - (temperature_c - from_c) * left_s / lasts_s)
            await self._wire.rest(min(STEP_S, left_s))
        await self._aim(temperature_c)

    async def _reach(self, temperature_c: float) -> None:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + self.options.reach_s
        while abs((at := await self._temperature()) - temperature_c) > self.options.tolerance_c:
            if loop.time() > until_s:
                raise CommandFailed(
                    f"it is at {at:g} degC, not at {temperature_c:g}, after {self.options.reach_s:g} s.",
                    device=self.name,
                    hint="Is the vessel too large, or its safety temperature set too low? It cools by the air only.",
                )
            await self._aim(temperature_c)
            await self._wire.rest(STEP_S)

    async def _temperature(self) -> float:
        temperature_c = await self._read("IN_PV", self._sensor)
        self.note(Reading("temperature", "degC", temperature_c))
        return temperature_c

    async def _hold(self, temperature_c: float, duration_s: float) -> float:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + duration_s
        while (left_s := until_s - loop.time()) > 0:
            await self._aim(temperature_c)
            self._require_held(await self._temperature(), temperature_c)
            await self._wire.rest(min(STEP_S, left_s))
        reached_c = await self._temperature()
        self._require_held(reached_c, temperature_c)
        return reached_c

    def _require_held(self, shown_c: float, temperature_c: float) -> None:
        """A plate that leaves its hold, upwards or downwards, does not do what was asked."""
        if abs(shown_c - temperature_c) > HELD * self.options.tolerance_c:
            hint = "Let it cool, and look at its sensor and its heater."
            message = f"it left its hold: it is at {shown_c:g} degC, not at {temperature_c:g}."
            raise CommandFailed(message, device=self.name, hint=hint)

    async def _aim(self, temperature_c: float) -> None:
        """Set the target and heat; said again and again, since nobody answers, and so that the watchdog sleeps."""
        await self._set(HEAT, round(min(310.0, max(0.0, temperature_c)), 1))
        await self._wire.tell(wire.encode_request(f"START_{HEAT}"))
        await self._echo("OUT_WD2", self.options.watchdog_s)

    async def _guard(self) -> None:
        """What the device goes to when it hears nothing for a while: cold and at rest."""
        await self._echo("OUT_SP_12", 0)
        await self._echo("OUT_SP_42", 0)
        await self._echo("OUT_WD2", self.options.watchdog_s)

    async def _off(self, *, always: bool = False) -> None:
        """Off, with the targets at 0: should the word to stop be lost, nothing goes on all the same."""
        for number in (HEAT, STIR):
            await self._wire.tell(wire.encode_request(f"STOP_{number}"), always=always)
        for number in (HEAT, STIR):
            await self._set(number, 0.0, always=always)
        await self._echo("OUT_WD2", 0, always=always)

    async def _set(self, number: int, value: float, *, always: bool = False) -> None:
        """Set a target and read it back, more than once where it did not arrive."""
        for _ in range(TRIES):
            await self._wire.tell(wire.encode_request(f"OUT_SP_{number}", f"{value:.1f}"), always=always)
            if await self._read("IN_SP", number, always=always) == value:
                return
        raise CommandFailed(f"it does not take the target {value:g}.", device=self.name)

    async def _read(self, word: str, number: int, *, always: bool = False) -> float:
        value, told = await self._wire.ask(wire.encode_request(f"{word}_{number}"), always=always)
        if told != number:
            raise ProtocolViolation(f"asked for quantity {number} it tells {told}.", device=self.name)
        return value

    async def _echo(self, word: str, value: int, *, always: bool = False) -> None:
        told, number = await self._wire.ask(wire.encode_request(f"{word}@{value}"), always=always)
        if (told, number) != (value, None):
            raise ProtocolViolation(f"told {word} {value} it repeats {told:g}.", device=self.name)
