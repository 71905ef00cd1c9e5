"""An Alicat mass flow controller. It has no watchdog: what flows when its client dies goes on until it is made safe."""

import asyncio
import contextlib

from drivers.core.errors import CommandFailed, CommandRefused, DeviceError, ProtocolViolation
from drivers.core.exchange import Exchange
from drivers.core.instrument import Command, Identity, Reading, Readings, Recall
from drivers.core.limits import Limits
from drivers.core.roles import GasFlow
from drivers.core.transport import Port
from drivers.gas.alicat_mc import wire
from drivers.gas.alicat_mc.options import Options
from drivers.gas.alicat_mc.wire import CALM, GASES, STATES, Frame, Made

REPLY_S = 0.5
POLL_S = 2.0
PSI_KPA = 6.894757  # BIPM, SI Brochure, by the definition of the pound-force per square inch
#: How far a set-point may be from the one that was told: its display has two decimals.
ECHO = 0.006


class AlicatMc(GasFlow[Options]):
    """Lets a gas flow for a time, and watches that it does."""

    def __init__(self, name: str, port: Port, options: Options, limits: Limits) -> None:
        super().__init__(name, port, options, limits)
        self._wire = Exchange(name, port.transport, wire.Replies, reply_s=REPLY_S)

    async def open(self) -> None:
        """Dial, and see that it answers; what flows, goes on flowing."""
        self._wire.halt()
        async with self._lock:
            self._wire.resume()
            await self._wire.close()
            await self._ask()

    async def close(self) -> None:
        """Give the line back."""
        await self._wire.close()

    async def stop(self, success: bool = True) -> None:
        """No flow, now; `flow` ends with `CommandStopped`."""
        self._wire.halt()
        await self._wire.tell(wire.encode_request(self.options.unit, "S 0.00"), always=True, answered=True)
        await self._set(0.0, always=True)

    async def identify(self) -> Identity:
        """By its manufacturing info (`??M*`), which it has from firmware 8v28 on; raises `ProtocolViolation` before."""
        async with self._lock:
            self._wire.resume()
            made = await self._wire.ask(wire.encode_request(self.options.unit, "??M*"))
            self._wire.distrust()  # a line may follow
        if not isinstance(made, Made):
            raise ProtocolViolation("it answers by a data frame.", device=self.name)
        return Identity(made.serial, made.software)

    async def recall(self, command: Command) -> Recall:
        """By what flows now: how long a gas has flowed it does not keep."""
        async with self._lock:
            frame = await self._ask()
        return Recall("unknown", f"{frame.mass:g} sccm of {frame.gas} flow, {frame.setpoint:g} are set")

    async def make_safe(self) -> None:
        """No flow, and the device says so."""
        async with self._lock:
            await self.deactivate()

    async def flow(self, rate_sccm: float, duration_s: float, gas: str | None = None) -> Readings:
        """For `duration_s` from the moment that it is settled; then no flow. Gives the mean of the settled flow."""
        self.check("flow", rate_sccm)
        self.check("duration", duration_s)
        if rate_sccm > self.options.full_scale_sccm:
            raise CommandRefused(
                f"{rate_sccm:g} sccm are above its {self.options.full_scale_sccm:g}.", device=self.name
            )
        if gas is not None and gas not in GASES:
            raise CommandRefused(
                f"it does not know the gas {gas}.", device=self.name, hint=f"There are {', '.join(GASES)}."
            )
        self._wire.resume()
        try:
            if gas is not None:
                await self._select(gas)
            await self._set(rate_sccm)
            await self._settle(rate_sccm)
            mean = await self._watch(rate_sccm, duration_s)
        except BaseException:
            if not self._wire.stopped.is_set():  # a stop has ended it already
                with contextlib.suppress(DeviceError):
                    await self._set(0.0, always=True)
            raise
        await self._set(0.0)
        return (Reading("mass_flow", "sccm", mean),)

    async def measure(self) -> Readings:
        """Mass flow, absolute pressure and temperature of the gas, of now."""
        self._wire.resume()
        frame = await self._ask()
        return (
            Reading("mass_flow", "sccm", frame.mass),
            Reading("pressure", "kPa", round(frame.pressure_psia * PSI_KPA, 2)),
            Reading("temperature", "degC", frame.temperature_c),
        )

    async def deactivate(self) -> None:
        """No flow."""
        self._wire.resume()
        await self._set(0.0)

    async def _select(self, gas: str) -> None:
        frame = await self._ask(f"G {GASES.index(gas)}")
        if frame.gas != gas:
            raise CommandFailed(f"it measures {frame.gas}, not {gas}.", device=self.name)

    async def _set(self, rate_sccm: float, *, always: bool = False) -> None:
        """The set-point, as its answer repeats it."""
        frame = await self._ask(f"S {rate_sccm:.2f}", always=always, is_calm=not always and rate_sccm > 0)
        if abs(frame.setpoint - rate_sccm) > ECHO:
            hint = "Is its set-point source set to serial?"
            raise CommandFailed(f"told {rate_sccm:g} sccm it has {frame.setpoint:g} set.", device=self.name, hint=hint)

    async def _settle(self, rate_sccm: float) -> None:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + self.options.settle_s
        while not self._is_near((frame := await self._ask()), rate_sccm):
            if loop.time() > until_s:
                hint = "Is the gas on, and its pressure high enough?"
                message = f"{frame.mass:g} sccm flow, not {rate_sccm:g}, after {self.options.settle_s:g} s."
                raise CommandFailed(message, device=self.name, hint=hint)
            await self._wire.rest(0.1)

    async def _watch(self, rate_sccm: float, duration_s: float) -> float:
        """Let it flow, and see every now and then that it does; gives the mean."""
        loop = asyncio.get_running_loop()
        until_s, seen = loop.time() + duration_s, []
        while True:
            frame = await self._ask()
            if not self._is_near(frame, rate_sccm):
                raise CommandFailed(f"the flow has become {frame.mass:g} sccm, not {rate_sccm:g}.", device=self.name)
            seen.append(frame.mass)
            left_s = until_s - loop.time()
            if left_s <= 0:
                return sum(seen) / len(seen)
            await self._wire.rest(min(POLL_S, left_s))

    def _is_near(self, frame: Frame, rate_sccm: float) -> bool:
        return abs(frame.mass - rate_sccm) <= self.options.tolerance * self.options.full_scale_sccm

    async def _ask(self, word: str = "", *, always: bool = False, is_calm: bool = False) -> Frame:
        """One frame of this unit; with `is_calm` its states of trouble are errors."""
        frame = await self._wire.ask(wire.encode_request(self.options.unit, word), always=always)
        if isinstance(frame, Made):
            raise ProtocolViolation("it answers by what its maker says.", device=self.name)
        if frame.unit != self.options.unit:
            raise ProtocolViolation(f"unit {frame.unit} answers.", device=self.name)
        trouble = [STATES[state] for state in frame.states if state not in CALM]
        if is_calm and trouble:
            raise CommandFailed(f"{', '.join(trouble)}.", device=self.name)
        self.note(Reading("mass_flow", "sccm", frame.mass), Reading("setpoint", "sccm", frame.setpoint))
        return frame
