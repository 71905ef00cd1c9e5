"""What incubators with a shuttle have in common: moves between a transfer site and slots, and a climate to wait for.

Such a device has no halt: a stop keeps it from being sent anything more, and the plate that is on its way arrives. It
keeps no record of commands, but where its plates stand, and its set-point, tell of the last one.
"""

import asyncio
from abc import abstractmethod
from dataclasses import dataclass

from drivers.core.backed import Backed
from drivers.core.errors import CommandFailed, CommandRefused
from drivers.core.instrument import Command, OptionsT, Reading, Readings, Recall
from drivers.core.roles import Incubator
from drivers.incubators.timing import POLL_S, TOLERANCE_C

#: The chamber must be at its temperature after so long.
SETTLE_S = 4 * 3600.0


@dataclass(frozen=True, slots=True)
class AtRest:
    """What its sensors tell when nothing moves: plates on station and shovel."""

    station: bool
    shovel: bool


@dataclass(frozen=True, slots=True)
class Climate:
    """Set-point and temperature of the chamber, in degC."""

    set_c: float
    is_c: float


class ShuttleIncubator(Backed[OptionsT], Incubator[OptionsT]):
    """Keeps plates at a temperature; sites are `<name>.transfer` and `<name>.1` and so on."""

    @abstractmethod
    async def _rest(self, *, close: bool = False) -> AtRest:
        """Wait for what moves, and close the gate if asked; raises `CommandFailed` where the last motion failed."""

    @abstractmethod
    async def _transfer(self, slot: int, *, inwards: bool) -> None:
        """Carry a plate between the station and a slot; returns when it is there."""

    @abstractmethod
    async def _climate(self) -> Climate:
        """Ask for the climate."""

    @abstractmethod
    async def _set_climate(self, temperature_c: float) -> None:
        """Change the set-point."""

    async def stop(self, success: bool = True) -> None:
        """Nothing more is begun; the motion under way ends by itself. A running verb ends with `CommandStopped`."""
        self._forbid()

    async def recall(self, command: Command) -> Recall:
        """By where the plate stands, and by the set-point; waits for what still moves, or warms up."""
        async with self._lock:
            with self._running():
                if command.verb == "set_temperature":
                    return await self._recall_temperature(round(command.args["temperature_c"], 1))
                if command.verb != "move_labware":
                    return Recall("not_done", "measuring changes nothing")
                try:
                    rest = await self._rest()
                except CommandFailed as error:
                    return Recall("unknown", str(error))
                inwards, _ = self._way(command.args["source"], command.args["destination"])
        if rest.shovel:
            return Recall("unknown", "a plate is on its shovel")
        where = "on" if rest.station else "off"
        return Recall("done" if rest.station != inwards else "not_done", f"the plate is {where} its transfer station")

    async def _recall_temperature(self, temperature_c: float) -> Recall:
        climate = await self._climate()
        if climate.set_c != temperature_c:
            return Recall("not_done", f"its set-point is {climate.set_c:g} degC")
        await self._settle(temperature_c)
        return Recall("done", f"its set-point is {climate.set_c:g} degC, and it is there")

    async def make_safe(self) -> None:
        """At rest, gate closed; raises where a plate is left on the shovel, which is for a person to take."""
        async with self._lock:
            if not self._line.connected:
                await self.open()
            with self._running():
                rest = await self._rest(close=True)
                if rest.shovel:
                    hint = "Bring it to a slot by hand (door for people), then connect it again."
                    raise CommandFailed("a plate is on its shovel.", device=self.name, hint=hint)

    async def move_labware(self, labware: str, source: str, destination: str) -> None:
        """Take a plate in from the transfer site to a slot, or give it out."""
        inwards, slot = self._way(source, destination)
        with self._running():
            await self._transfer(slot, inwards=inwards)

    async def set_temperature(self, temperature_c: float) -> None:
        """Set the chamber to 0.1 degC, and wait until it is within 0.5 degC."""
        self.check("temperature", temperature_c)
        with self._running():
            await self._set_climate(round(temperature_c, 1))
            await self._settle(round(temperature_c, 1))

    async def measure(self) -> Readings:
        """The temperature of the chamber."""
        with self._running():
            return (Reading("temperature", "degC", (await self._climate()).is_c),)

    async def _settle(self, temperature_c: float) -> None:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + SETTLE_S
        while abs((climate := await self._climate()).is_c - temperature_c) > TOLERANCE_C:
            self.note(Reading("temperature", "degC", climate.is_c), Reading("setpoint", "degC", climate.set_c))
            if climate.set_c != temperature_c:
                raise CommandFailed(
                    f"its set-point is {climate.set_c:g} degC, not {temperature_c:g}.", device=self.name
                )
            if loop.time() > until_s:
                raise CommandFailed(
                    f"it is at {climate.is_c:g} degC after {SETTLE_S / 3600:g} h, not at {temperature_c:g}.",
                    device=self.name,
                    hint="Is a door open?",
                )
            await self._wait(POLL_S)

    def _way(self, source: str, destination: str) -> tuple[bool, int]:
        """Whether a move is inwards, and its slot; raises `CommandRefused` for one that is neither in nor out."""
        places = [site.removeprefix(f"{self.name}.") for site in (source, destination)]
        inwards = places[0] == "transfer"
        slot = places[1 if inwards else 0]
        if "transfer" not in places or not slot.isdecimal():
            raise CommandRefused(
                f"it moves plates between {self.name}.transfer and its slots, not from {source} to {destination}.",
                device=self.name,
            )
        return inwards, int(slot)
