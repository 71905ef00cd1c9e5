"""The twin of an Alicat MC: a valve that follows its set-point, behind a supply of gas that may fail.

Accuracy is the maker's for the MC series, from memory of the data sheet: 0.6 % of reading (here the bias of one device,
drawn once). Standard conditions are 25 degC and 14.696 psia.
"""

import contextlib
from typing import Any

from drivers.core.errors import ConnectionLost
from drivers.core.transport import Transport
from drivers.gas.alicat_mc import wire
from drivers.gas.alicat_mc.options import Options
from drivers.gas.alicat_mc.timing import TAU_S
from drivers.gas.alicat_mc.wire import GASES, MASS_FLOW_LOOP, REGISTER_GAS, REGISTER_LOOP, Frame
from sim_lab.twin import StreamTwin
from sim_lab.world.heat import Body
from sim_lab.world.model import World

BIAS_SD = 0.003
NOISE = 2e-4  # of full scale, one standard deviation: our estimate
STANDARD_PSIA, STANDARD_K = 14.696, 298.15
FIRMWARE = "10v05.0-R24 Mar 14 2023,16:20:10"
MADE = (
    "Alicat Scientific", "www.alicat.com", "+1 888-290-6060", "MC-500SCCM-D", "TWIN01", "2023-03-20", "2023-03-21",
    "TWIN", "10v05.0-R24", "",
)  # fmt: skip


class Twin(StreamTwin):
    """One controller; its gas goes where its line leads, which nothing here minds."""

    baud = wire.BAUD

    def __init__(self, name: str, options: Any, world: World) -> None:
        super().__init__(name, options, world)
        self.given = options or Options()
        self.valve = Body(0.0, 0.0, TAU_S)  # first order, as heat is: here of a flow in sccm
        self.setpoint = 0.0
        self.gas = GASES.index("Air")
        self.registers = {REGISTER_LOOP: MASS_FLOW_LOOP}
        self.supply = 1.0  # share of the flow that the supply can give: a fault
        self.is_locked = False
        self.bias = 1 + BIAS_SD * self.rng.gauss(0.0, 1.0)
        self.zeroings = 0

    async def serve(self, link: Transport) -> None:
        """Answer whoever holds the line; what is meant for another unit is passed over."""
        requests = wire.Requests()
        with contextlib.suppress(ConnectionLost):
            while data := await link.receive():
                for unit, word in requests.feed(data):
                    if unit == self.given.unit:
                        await link.send(self._answer(word.removeprefix("$$")))

    def _answer(self, word: str) -> bytes:
        if word.startswith("S") and _is_number(word[1:]):
            return self._set(float(word[1:]))
        if word.startswith("G") and word[1:].isdigit():
            return self._select(int(word[1:]))
        if word[:1] in ("R", "W") and word[1:4].strip("="):
            return self._register(word)
        match word:
            case "":
                return wire.encode_frame(self._frame())
            case "VE":
                return f"{self.given.unit} {FIRMWARE}\r".encode("ascii")
            case "??M*":
                return wire.encode_made(self.given.unit, MADE)
            case "L" | "U":
                self.is_locked = word == "L"
                return wire.encode_frame(self._frame())
            case _:
                return b"?\r"

    def _set(self, value: float) -> bytes:
        if not 0 <= value <= self.given.full_scale_sccm * 1.024:
            return b"?\r"
        self.setpoint = value
        self.zeroings += value == 0
        if value and (lost := self.fails("supply_lost")) is not None:
            self.supply = 1 - lost
        self.follow()
        return wire.encode_frame(self._frame())

    def follow(self) -> None:
        """The valve goes where the set-point and the supply let it."""
        self.valve.aim(min(self.setpoint, self.supply * self.given.full_scale_sccm), self.world.now())

    def _select(self, number: int) -> bytes:
        if number >= len(GASES):
            return b"?\r"
        self.gas = number
        return wire.encode_frame(self._frame())

    def _register(self, word: str) -> bytes:
        name, _, value = word[1:].partition("=")
        if not name.isdigit() or (word[0] == "W" and not value.isdigit()):
            return b"?\r"
        number = int(name)
        if word[0] == "W":
            if number == REGISTER_GAS and int(value) >= len(GASES):
                return b"?\r"
            self.registers[number] = int(value)
            self.gas = int(value) if number == REGISTER_GAS else self.gas
        told = self.gas if number == REGISTER_GAS else self.registers.get(number, 0)
        return wire.encode_register(self.given.unit, number, told)

    def _frame(self) -> Frame:
        noise = NOISE * self.given.full_scale_sccm * self.rng.gauss(0.0, 1.0)
        true_sccm = self.valve.at(self.world.now())
        mass = max(0.0, true_sccm / self.bias + noise) if true_sccm > 0.01 else 0.0
        air_c = self.world.air.temperature_c
        pressure = STANDARD_PSIA * (1 + 0.02 * true_sccm / self.given.full_scale_sccm)
        volumetric = mass * STANDARD_PSIA / pressure * (air_c + 273.15) / STANDARD_K
        states = ("LCK",) if self.is_locked else ()
        return Frame(self.given.unit, pressure, air_c, volumetric, mass, self.setpoint, GASES[self.gas], states)


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).replace("-", "", 1).isdigit()
