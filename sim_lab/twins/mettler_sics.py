"""The twin of an MT-SICS balance: it shows what really stands on its pan, once that has come to rest.

Range, readability and repeatability are those of the weigh module WXS205SDU as its maker gives them (220 g; 0.01 mg to
81 g, 0.1 mg above; 0.015 mg), from memory of the data sheet.
"""

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable
from typing import Any

from drivers.balances.mettler_sics import wire
from drivers.balances.mettler_sics.timing import TAU_S, TEST_S
from drivers.balances.mettler_sics.wire import Request
from drivers.core.errors import ConnectionLost
from drivers.core.transport import Transport
from sim_lab.twin import StreamTwin
from sim_lab.world.mass import apparent_g
from sim_lab.world.model import World

CAPACITY_G = 220.009
FINE_G = 81.0
REPEATABILITY_G = 1.5e-5
POLL_S = 0.1
DRAUGHT_G = 0.005  # our estimate, with the doors of the draught shield open
#: How long `S`, `T` and `Z` wait for rest.
PATIENCE_S = 40.0
#: How far from the zero of switching on a new zero may be, as a share of the range (OIML R 76-1: 4 %).
ZERO_SHARE = 0.04
SOFTWARE = '"2.10 10.28.0.493.142"'
SERIAL = '"B021002593"'


class Twin(StreamTwin):
    """One balance; its pan is the site `<name>.pan`."""

    baud = wire.BAUD

    def __init__(self, name: str, options: Any, world: World) -> None:
        super().__init__(name, options, world)
        self.pan = self.site("pan")
        self.zero_g = self.tare_g = 0.0
        self.foreign_g = 0.0  # what else weighs on its pan, or what is missing of it: a fault
        self.drift = 0.0  # by which share it shows too much: a fault
        self.disturbed_g = 0.0  # amplitude of a draught or a shaking bench: a fault
        self._load = self._from_g = 0.0  # what the cell bears, and what it showed when that last changed
        self._since_s = -math.inf
        self.cancels = 0

    async def serve(self, link: Transport) -> None:
        """Answer whoever holds the line; only `@` is heard while a command waits for rest."""
        requests = wire.Requests()
        waiting: asyncio.Task[None] | None = None
        try:
            with contextlib.suppress(ConnectionLost):
                while data := await link.receive():
                    for request in requests.feed(data):
                        if waiting is not None and not waiting.done():
                            if request.word != "@":
                                continue  # the manual: commands sent before the answer may be ignored
                            waiting.cancel()
                            self.cancels += 1
                        waiting = asyncio.get_running_loop().create_task(self._reply(link, request))
        finally:
            if waiting is not None:
                waiting.cancel()
                await asyncio.gather(waiting, return_exceptions=True)

    async def _reply(self, link: Transport, request: Request) -> None:
        command = COMMANDS.get(request.word)
        with contextlib.suppress(ConnectionLost):
            if request.word == wire.TEST and not self._pan_is_loaded():
                await link.send(wire.encode_reply(wire.TEST, "B"))
            await link.send(wire.encode_reply("ES") if command is None else await command(self, request))

    # The load

    def _load_g(self) -> float:
        there = self.world.on(self.pan)
        load_g = 0.0 if there is None else apparent_g(self.world.mass_g(there))
        return (load_g + self.foreign_g) * (1 + self.drift)

    def _suffer(self) -> None:
        """What may happen to it when it is asked for a weight."""
        if self.fails("draught") is not None:
            self.disturbed_g = DRAUGHT_G
        if self.fails("overload") is not None:
            self.foreign_g = 2 * CAPACITY_G
        if self.fails("underload") is not None:
            self.foreign_g = -CAPACITY_G
        self.drift += self.fails("mass_drift") or 0.0

    def _gross(self) -> tuple[float, bool]:
        """What the cell shows now, without zero and tare, and whether it is at rest."""
        now, load = self.world.now(), self._load_g()
        touched = self.world.touched_s.get(self.pan, -math.inf)
        if touched > self._since_s:  # it goes on from what it showed then
            self._from_g = self._load + self._gap(touched)
            self._since_s = touched
        self._load = load
        gap = self._gap(now)
        noise = self.rng.gauss(0.0, REPEATABILITY_G) + self.disturbed_g * self.rng.uniform(-1.0, 1.0)
        return load + gap + noise, abs(gap) < REPEATABILITY_G and not self.disturbed_g

    def _gap(self, at_s: float) -> float:
        return (self._from_g - self._load) * math.exp(-(at_s - self._since_s) / TAU_S)

    def _net(self) -> tuple[float, bool, str]:
        """Net weight, whether it is at rest, and `+` or `-` where it is out of range."""
        gross, steady = self._gross()
        beyond = "+" if gross > CAPACITY_G else "-" if gross - self.zero_g < -ZERO_SHARE * CAPACITY_G else ""
        return gross - self.zero_g - self.tare_g, steady, beyond

    async def _rest(self) -> tuple[float, str]:
        """Net weight at rest; or the state that says why there is none."""
        self._suffer()
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE_S
        while True:
            net, steady, beyond = self._net()
            if steady:
                return net, beyond
            if loop.time() >= until:
                return net, "I"
            await asyncio.sleep(POLL_S)

    def _weight(self, word: str, state: str, mass_g: float) -> bytes:
        places = 5 if abs(mass_g) <= FINE_G else 4
        return wire.encode_weight(word, state, mass_g, places)

    # Commands

    async def stable(self, request: Request) -> bytes:
        """`S`."""
        net, why = await self._rest()
        return wire.encode_reply("S", why) if why else self._weight("S", "S", net)

    async def at_once(self, request: Request) -> bytes:
        """`SI`."""
        net, steady, beyond = self._net()
        return wire.encode_reply("S", beyond) if beyond else self._weight("S", "S" if steady else "D", net)

    async def tare_stable(self, request: Request) -> bytes:
        """`T`."""
        net, why = await self._rest()
        return wire.encode_reply("T", why) if why else self._tare("T", "S", net)

    async def tare_at_once(self, request: Request) -> bytes:
        """`TI`."""
        net, steady, beyond = self._net()
        return wire.encode_reply("TI", beyond) if beyond else self._tare("TI", "S" if steady else "D", net)

    def _tare(self, word: str, state: str, net: float) -> bytes:
        self.tare_g += net
        return self._weight(word, state, self.tare_g)

    async def tare_value(self, request: Request) -> bytes:
        """`TA`: what the tare is."""
        return wire.encode_reply("TA", "L") if request.args else self._weight("TA", "A", self.tare_g)

    async def clear_tare(self, request: Request) -> bytes:
        """`TAC`."""
        self.tare_g = 0.0
        return wire.encode_reply("TAC", "A")

    async def zero_stable(self, request: Request) -> bytes:
        """`Z`."""
        net, why = await self._rest()
        return wire.encode_reply("Z", why or self._zero(net) or "A")

    async def zero_at_once(self, request: Request) -> bytes:
        """`ZI`."""
        net, steady, beyond = self._net()
        return wire.encode_reply("ZI", beyond or self._zero(net) or ("S" if steady else "D"))

    def _zero(self, net: float) -> str:
        gross = net + self.tare_g + self.zero_g
        if abs(gross) > ZERO_SHARE * CAPACITY_G:
            return "+" if gross > 0 else "-"
        self.zero_g, self.tare_g = gross, 0.0
        return ""

    async def unit(self, request: Request) -> bytes:
        """`M21`: only grams are offered."""
        return wire.encode_reply("M21", "A" if request.args in ((), ("0", "0")) else "L")

    def _pan_is_loaded(self) -> bool:
        return self.world.on(self.pan) is not None

    async def test(self, request: Request) -> bytes:
        """`TST3`: what the internal weight shows, beside its value; not with a load on the pan."""
        if self._pan_is_loaded():
            return wire.encode_reply(wire.TEST, "I")
        await asyncio.sleep(TEST_S)
        return wire.encode_deviation(self.rng.gauss(0.0, REPEATABILITY_G))

    async def display(self, request: Request) -> bytes:
        """`D` and `DW`."""
        return wire.encode_reply(request.word, "A")

    async def identity(self, request: Request) -> bytes:
        """`I4`, and `@`."""
        return wire.encode_reply("I4", "A", SERIAL)

    async def software(self, request: Request) -> bytes:
        """`I3`: software version and its material number; the twin's are ours."""
        return wire.encode_reply("I3", "A", SOFTWARE)

    async def model(self, request: Request) -> bytes:
        """`I2`."""
        return wire.encode_reply("I2", "A", f'"WXS205SDU WXA-Bridge {CAPACITY_G:.4f} g"')


COMMANDS: dict[str, Callable[[Twin, Request], Awaitable[bytes]]] = {
    "S": Twin.stable,
    "SI": Twin.at_once,
    "T": Twin.tare_stable,
    "TI": Twin.tare_at_once,
    "TA": Twin.tare_value,
    "TAC": Twin.clear_tare,
    "Z": Twin.zero_stable,
    "ZI": Twin.zero_at_once,
    "M21": Twin.unit,
    "D": Twin.display,
    "DW": Twin.display,
    "I2": Twin.model,
    "I3": Twin.software,
    "I4": Twin.identity,
    "@": Twin.identity,
    wire.TEST: Twin.test,
}
