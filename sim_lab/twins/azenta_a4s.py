"""The twin of an a4S: a shuttle that takes the plate in, a press that heats up, a film for every plate it closes.

Its times are those of the driver's package. A film holds only where the press was hot enough; an empty shuttle is
sealed as readily as a full one, for the device does not see plates.
"""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any

from drivers.core.errors import ConnectionLost
from drivers.core.transport import Transport
from drivers.sealers.azenta_a4s import wire
from drivers.sealers.azenta_a4s.timing import READY_C, SECONDS
from drivers.sealers.azenta_a4s.wire import Code, Command, Heater, Sensor, State, System
from sim_lab.twin import StreamTwin
from sim_lab.world.heat import Body
from sim_lab.world.model import World

#: Below this a film does not melt: our estimate.
MELTS_C = 120.0
NEVER_S = 1e9  # the time constant of a press whose heater is dead
TEMPERATURE_C = (50, 200)
NO_FILM = 1  # its code is ours: the maker's list was not at hand


class Twin(StreamTwin):
    """One sealer; its tray is the site `<name>.tray`, out of reach while it is in."""

    baud = wire.BAUD

    def __init__(self, name: str, options: Any, world: World) -> None:
        super().__init__(name, options, world)
        self.tray = self.site("tray")
        self.is_open: bool | None = True  # None between in and out
        self.is_heating = False
        self.press = Body(world.air.temperature_c, world.air.temperature_c, SECONDS["heat"], world.now())
        self.press_s = 3.0
        self.error = 0
        self.seals = 0
        self.has_film = True
        self._cycle = False
        self._motion: asyncio.Task[None] | None = None

    async def serve(self, link: Transport) -> None:
        """Tell the state every second, and take commands."""
        telling = asyncio.get_running_loop().create_task(self._tell(link))
        commands = wire.Commands()
        try:
            with contextlib.suppress(ConnectionLost):
                while data := await link.receive():
                    for command in commands.feed(data):
                        await link.send(self._answer(command))
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)

    async def _tell(self, link: Transport) -> None:
        with contextlib.suppress(ConnectionLost):
            while True:
                await link.send(self.state().encode(self.world.now()))
                await asyncio.sleep(wire.EVERY_S)

    def state(self) -> State:
        """What it tells of itself."""
        now_c = self.press.at(self.world.now())
        off_c = self.press.target_c - now_c
        heater = Heater.READY if abs(off_c) <= READY_C else Heater.HEATING if off_c > 0 else Heater.COOLING
        system = System.ERROR if self.error else System.SEALING if self._cycle else System.IDLE
        where = {None: Sensor.MIDDLE, True: Sensor.OPEN, False: Sensor.CLOSED}[self.is_open]
        sensors = where | Sensor.CLEAN_DOOR | Sensor.HEATER_UP | (Sensor.ROLL if self.has_film else Sensor(0))
        return State(now_c, system, heater if self.is_heating else Heater.OFF, self.error, sensors)

    def _answer(self, command: Command) -> bytes:
        code = command.code or self._act(command)
        return wire.ACCEPTED if code is None else wire.encode_refusal(code)

    def _act(self, command: Command) -> Code | None:
        match command:
            case Command("SR"):
                self._reset()
            case Command("H0" | "H1" as verb):
                self._heat(self.press.target_c if verb == "H1" else None)
            case Command("DH", int(value)) if TEMPERATURE_C[0] <= value <= TEMPERATURE_C[1]:
                self._heat(float(value))
            case Command("DT", int(value)):
                self.press_s = value / 10
            case Command("GS" | "MO" | "MC") if self._cycle or self.error:
                return Code.BUSY
            case Command("GS"):
                self._cycle = True
                self._begin(self._seal())
            case Command("MO" | "MC" as verb):
                self._begin(self._shuttle(is_open=verb == "MO"))
            case Command("DH" | "DT"):
                return Code.FORM
            case _:
                return Code.UNKNOWN
        return None

    def _begin(self, motion: Coroutine[Any, Any, None]) -> None:
        """A new motion; it takes over from one that is under way."""
        if self._motion is not None:
            self._motion.cancel()
        self._motion = asyncio.get_running_loop().create_task(motion)

    def _heat(self, target_c: float | None) -> None:
        now = self.world.now()
        self.is_heating = target_c is not None
        tau_s = SECONDS["heat" if self.is_heating else "cool"]
        if self.is_heating and self.fails("press_cold") is not None:
            tau_s = NEVER_S
        self.press.aim(self.world.air.temperature_c if target_c is None else target_c, now, tau_s=tau_s)

    def _reset(self) -> None:
        """End whatever runs; the shuttle comes out."""
        self.error, self._cycle, self.has_film = 0, False, True  # whoever resets it has looked after the film
        self._begin(self._shuttle(is_open=True))

    async def _shuttle(self, *, is_open: bool) -> None:
        self.world.closed.add(self.tray)
        if self.is_open is not is_open:
            self.is_open = None
            await asyncio.sleep(SECONDS["shuttle"])
        self.is_open = is_open
        if is_open:
            self.world.closed.discard(self.tray)

    async def _seal(self) -> None:
        await self._shuttle(is_open=False)
        if self.fails("film_missing") is not None:
            self.has_film, self.error, self._cycle = False, NO_FILM, False
            return
        await asyncio.sleep(SECONDS["seal"] + self.press_s)
        plate = self.world.on(self.tray)
        if self.fails("film_torn") is None and plate is not None and self.press.at(self.world.now()) >= MELTS_C:
            plate.sealed = True
        self.seals += 1
        await self._shuttle(is_open=True)
        self._cycle = False
