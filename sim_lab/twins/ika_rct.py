"""The twin of an IKA RCT: a plate that heats quickly and cools by the air, and a stirrer, behind a watchdog.

What stands on it follows the plate (`sim_lab.world.heat`).
"""

import asyncio
import contextlib
import math
from collections.abc import Callable
from typing import Any

from drivers.core.errors import ConnectionLost
from drivers.core.transport import Transport
from drivers.hotplates.ika_rct import wire
from drivers.hotplates.ika_rct.timing import COOL_TAU_S, HEAT_TAU_S
from drivers.hotplates.ika_rct.wire import HEAT, STIR, Quantity, Request
from sim_lab.twin import StreamTwin
from sim_lab.twins.heater import Heater
from sim_lab.world.heat import Body
from sim_lab.world.model import World

NAME = "RCT digital"
STIR_TAU_S = 1.5
SAFETY_C = 320.0
RANGES = {HEAT: (0.0, 310.0), STIR: (0.0, 1500.0)}
WATCHDOG_S = (20, 1500)


class Twin(StreamTwin):
    """One hotplate; what is heated stands on the site `<name>.plate`."""

    baud = wire.BAUD

    def __init__(self, name: str, options: Any, world: World) -> None:
        super().__init__(name, options, world)
        self.top = self.site("plate")
        self.plate = Heater(world, self.top, HEAT_TAU_S, COOL_TAU_S)
        self.spin = Body(0.0, 0.0, STIR_TAU_S)
        self.targets = {HEAT: 0.0, STIR: 0.0}
        self.safe = {HEAT: 0.0, STIR: 0.0}  # what the watchdog sets
        self.on: set[int] = set()
        self.is_cut = False  # by its safety circuit, which a person resets with a screwdriver
        self.is_loose = False  # the stirring bar does not follow the magnet
        self.is_down = False  # after the watchdog's first mode: only a restart or RESET helps
        self.runaway_c: float | None = None  # where a triac that does not open any more takes it: a fault
        self.stops = 0
        self._dog: asyncio.TimerHandle | None = None

    async def serve(self, link: Transport) -> None:
        """Answer whoever holds the line."""
        requests = wire.Requests()
        with contextlib.suppress(ConnectionLost):
            while data := await link.receive():
                for request in requests.feed(data):
                    answer = COMMANDS[request.word](self, request) if request.word in COMMANDS else None
                    if answer is not None:
                        await link.send(answer)

    def _aim(self) -> None:
        target_c = self.runaway_c or (self.targets[HEAT] if HEAT in self.on else None)
        self.plate.aim(None if target_c is None or self.is_cut else min(target_c, SAFETY_C))
        self.spin.aim(self.targets[STIR] if STIR in self.on and not self.is_loose else 0.0, self.world.now())

    # Commands

    def start(self, request: Request) -> None:
        """`START_1` and `START_4`."""
        if request.number in self.targets and not self.is_down:
            self.on.add(request.number)
            self._suffer(request.number)
            self._aim()

    def _suffer(self, number: int) -> None:
        """What may happen to it when it begins to heat or to stir."""
        if number == STIR:
            self.is_loose = self.fails("stir_stalls") is not None
        elif (hotter_c := self.fails("heat_runaway")) is not None:
            self.runaway_c = self.plate.temperature_c() + hotter_c
        elif self.fails("safety_cut") is not None:
            self.is_cut = True

    def stop(self, request: Request) -> None:
        """`STOP_1` and `STOP_4`."""
        if request.number in self.targets:
            self.stops += 1
            self.on.discard(request.number)
            self._aim()

    def set(self, request: Request) -> bytes | None:
        """`OUT_SP_1`, `OUT_SP_4`; with an echo the targets of the watchdog, `OUT_SP_12@n` and `OUT_SP_42@n`."""
        value, number = request.value, request.number or 0
        if value is None:
            return None
        if number in (12, 42):
            self.safe[number // 10] = value
            return wire.encode_echo(value)
        low, high = RANGES.get(number, (math.inf, -math.inf))
        if low <= value <= high:
            self.targets[number] = value
            self._aim()
        return None

    def actual(self, request: Request) -> bytes | None:
        """`IN_PV_n`."""
        now, there = self.world.now(), self.world.on(self.top)
        read: dict[int | None, Callable[[], float]] = {
            Quantity.PROBE: lambda: there.body.at(now) if there else self.world.air.temperature_c,
            Quantity.PLATE: self.plate.temperature_c,
            Quantity.SAFETY: self.plate.temperature_c,
            Quantity.SPEED: lambda: self.spin.at(now),
        }
        return wire.encode_value(read[request.number](), request.number or 0) if request.number in read else None

    def wanted(self, request: Request) -> bytes | None:
        """`IN_SP_n`."""
        number = request.number or 0
        told = {**self.targets, Quantity.SAFETY: SAFETY_C}
        return wire.encode_value(told[number], number) if number in told else None

    def watch(self, request: Request) -> bytes | None:
        """`OUT_WD1@m` and `OUT_WD2@m`; 0 ends the second."""
        seconds = request.value or 0.0
        if self._dog is not None:
            self._dog.cancel()
        if WATCHDOG_S[0] <= seconds <= WATCHDOG_S[1]:
            self._dog = asyncio.get_running_loop().call_later(seconds, self._bite, request.number == 1)
        return wire.encode_echo(seconds)

    def _bite(self, off: bool) -> None:
        """Nobody has been heard of for too long."""
        if off:
            self.on.clear()
            self.is_down = True
        else:
            self.targets = dict(self.safe)
        self._aim()

    def reset(self, request: Request) -> None:
        """`RESET`: the knobs count again, and the watchdog sleeps."""
        self.is_down = False
        if self._dog is not None:
            self._dog.cancel()

    def name_(self, request: Request) -> bytes:
        """`IN_NAME`."""
        return f"{NAME} \r\n".encode("ascii")

    def nothing(self, request: Request) -> None:
        """`SET_MODE_n`: the modes of the keys."""


COMMANDS: dict[str, Callable[[Twin, Request], bytes | None]] = {
    "START": Twin.start,
    "STOP": Twin.stop,
    "OUT_SP": Twin.set,
    "IN_PV": Twin.actual,
    "IN_SP": Twin.wanted,
    "OUT_WD": Twin.watch,
    "IN_NAME": Twin.name_,
    "RESET": Twin.reset,
    "SET_MODE_A": Twin.nothing,
    "SET_MODE_B": Twin.nothing,
    "SET_MODE_D": Twin.nothing,
}
