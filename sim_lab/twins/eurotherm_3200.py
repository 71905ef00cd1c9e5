"""The twin of a furnace behind a Eurotherm 3200: registers in front of a chamber that heats, and cools by itself.

It follows a set-point within minutes, and loses its heat over hours; what stands in the chamber follows the chamber
(`sim_lab.world.heat`).
"""

import asyncio
import contextlib
from typing import Any

from drivers.core.errors import ConnectionLost
from drivers.core.transport import Transport
from drivers.furnaces.eurotherm_3200 import wire
from drivers.furnaces.eurotherm_3200.options import Options
from drivers.furnaces.eurotherm_3200.timing import COOL_TAU_S, HEAT_TAU_S
from drivers.furnaces.eurotherm_3200.wire import REMOTE_S, Answer, Register, Request, Status
from sim_lab.twin import StreamTwin
from sim_lab.twins.heater import Heater
from sim_lab.world.model import World

RANGE_C = (0.0, 1200.0)
TICK_S = 1.0
GAIN = 2.0  # % of output a kelvin below the set-point: for the display only
ILLEGAL_ADDRESS, ILLEGAL_VALUE, ILLEGAL_FUNCTION = 2, 3, 1
LAST_ADDRESS = 300
VERSION = 0x0111


class Twin(StreamTwin):
    """One furnace; its sample stands on the site `<name>.chamber`."""

    def __init__(self, name: str, options: Any, world: World) -> None:
        super().__init__(name, options, world)
        self.given = options or Options()
        self.chamber = Heater(world, self.site("chamber"), HEAT_TAU_S, COOL_TAU_S)
        self.registers = {Register.SP1: self._raw(20.0), Register.RATE: 0, Register.USE_REMOTE: 0, Register.SELECT: 0,
                          Register.REMOTE: 0}  # fmt: skip
        self.working_c = 20.0
        self.is_remote_lost = True  # none was ever given
        self.is_broken = False  # the thermocouple: a fault
        self.rests = 0
        self.runaway_c: float | None = None  # where a contactor that does not open any more takes it: a fault
        self._lapse: asyncio.TimerHandle | None = None
        self._tick: asyncio.TimerHandle | None = None

    async def serve(self, link: Transport) -> None:
        """Answer whoever holds the line, in the frame that it asks in."""
        requests = wire.Requests()
        with contextlib.suppress(ConnectionLost):
            while data := await link.receive():
                for request in requests.feed(data):
                    if request.unit in (self.given.unit, 0):
                        await link.send(wire.encode_answer(request, self._answer(request)))

    def _answer(self, request: Request) -> Answer:
        if not request.count:
            return Answer(refused=ILLEGAL_FUNCTION)
        if request.address + request.count > LAST_ADDRESS:
            return Answer(refused=ILLEGAL_ADDRESS)
        if request.values is None:
            return Answer(tuple(self._told(request.address + n) for n in range(request.count)))
        for address, value in enumerate(request.values, request.address):
            refused = self._set(address, value)
            if refused:
                return Answer(refused=refused)
        return Answer(request.values, request.address)

    def _told(self, address: int) -> int:
        at_c = self.chamber.temperature_c()
        match address:
            case Register.PV:
                return self._raw(RANGE_C[1] if self.is_broken else round(at_c, self.given.decimals))
            case Register.TARGET:
                return self._raw(self._target_c())
            case Register.OUTPUT:
                return round(10 * min(100.0, max(0.0, GAIN * (self.working_c - at_c)))) * (not self.is_broken)
            case Register.WORKING:
                return self._raw(self.working_c)
            case Register.VERSION:
                return VERSION
            case Register.STATUS:
                broken = Status.SENSOR_BREAK | Status.OVER_RANGE if self.is_broken else 0
                lost = Status.REMOTE_LOST if self.is_remote_lost and self.registers[Register.USE_REMOTE] else 0
                return wire.signed(int(broken | lost))
            case _:
                return self.registers.get(Register(address), 0) if address in set(Register) else 0

    def _set(self, address: int, value: int) -> int:
        """Write one register; gives the exception with which it is refused, or 0."""
        if address == Register.TARGET:
            address = Register.SP1
        if address not in self.registers:
            return ILLEGAL_ADDRESS
        is_setpoint = address in (Register.SP1, Register.REMOTE)
        if is_setpoint and not RANGE_C[0] <= self._shown(value) <= RANGE_C[1]:
            return ILLEGAL_VALUE
        self.registers[Register(address)] = value
        self.rests += address == Register.USE_REMOTE and value == 0
        if address == Register.REMOTE:
            self._suffer()
            self.is_remote_lost = False
            if self._lapse is not None:
                self._lapse.cancel()
            self._lapse = asyncio.get_running_loop().call_later(REMOTE_S, self._lost)
        self.control()
        return 0

    def _suffer(self) -> None:
        """What may happen to it while a program is under way."""
        if not self.registers[Register.USE_REMOTE]:
            return
        if self.fails("sensor_break") is not None:
            self.is_broken = True
        if (hotter_c := self.fails("heat_runaway")) is not None:
            self.runaway_c = self.chamber.temperature_c() + hotter_c
        if self.fails("setpoints_lost") is not None:  # it was off for a moment: as it is switched on
            self.registers.update({Register.SP1: self._raw(20.0), Register.RATE: 0, Register.USE_REMOTE: 0})

    def _lost(self) -> None:
        self.is_remote_lost = True
        self.control()

    def _target_c(self) -> float:
        is_remote = self.registers[Register.USE_REMOTE] == 1 and not self.is_remote_lost
        return self._shown(self.registers[Register.REMOTE if is_remote else Register.SP1])

    def control(self) -> None:
        """The working set-point goes to its target, at once or at the rate that is set; the chamber follows it."""
        if self._tick is not None:
            self._tick.cancel()
        target_c, rate = self._target_c(), self._shown(self.registers[Register.RATE])
        step_c = rate / 60 * TICK_S if rate > 0 else abs(target_c - self.working_c)
        self.working_c += max(-step_c, min(step_c, target_c - self.working_c))
        self.chamber.aim(self.runaway_c or (None if self.is_broken else self.working_c))
        if self.working_c != target_c:
            self._tick = asyncio.get_running_loop().call_later(TICK_S, self.control)

    def _raw(self, value: float) -> int:
        return round(value * float(10**self.given.decimals))

    def _shown(self, raw: int) -> float:
        return float(raw / 10**self.given.decimals)
