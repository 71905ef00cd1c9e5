"""The twin of a Cytomat: a warm chamber, a shuttle that carries plates between its slots and the transfer station.

Its times are those of the driver's package (our estimates). The chamber's air follows its set-point with a first-order
lag, and what stands in a slot follows the air. Set-points are kept over power cycles; a new twin stands at 37 degC.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

from drivers.core.errors import ConnectionLost
from drivers.core.transport import Transport
from drivers.incubators.thermo_cytomat import SLOTS, wire
from drivers.incubators.thermo_cytomat.timing import SECONDS
from drivers.incubators.thermo_cytomat.wire import Fault, Refusal, Request, Status
from sim_lab.twins.chamber import ChamberTwin
from sim_lab.world.heat import Body
from sim_lab.world.model import Labware, PhysicalError, World

SET_C = 37.0
TEMPERATURE_C = (4.0, 70.0)
#: Moves by their two letters: where a plate comes from and where it goes: station, slot, or waiting on the shovel.
MOVES = {
    "mv:ts": ("station", "slot"), "mv:st": ("slot", "station"), "mv:sw": ("slot", "shovel"),
    "mv:ws": ("shovel", "slot"), "mv:tw": ("station", "shovel"), "mv:wt": ("shovel", "station"),
}  # fmt: skip


class Refused(Exception):
    """The device does not begin an action."""

    def __init__(self, code: Refusal) -> None:
        super().__init__(code)
        self.code = code


class Twin(ChamberTwin):
    """One incubator; what it does, it goes on doing when its client is gone."""

    baud = wire.BAUD

    def __init__(self, name: str, options: Any, world: World) -> None:
        super().__init__(name, options, world)
        self.station = self.site("transfer")
        self.held: Labware | None = None
        self.fault = Fault.NONE
        self.is_ready = self.gate_open = False
        self.set_c = SET_C  # what it was told, and tells
        self.chamber = Body(SET_C, SET_C, SECONDS["settle"], world.now())
        self.gate_s, self.slots = SECONDS["gate"], [str(slot) for slot in range(1, SLOTS + 1)]
        self._motion: asyncio.Task[None] | None = None
        self._warm()

    async def serve(self, link: Transport) -> None:
        """Answer whoever holds the line; an action is answered when it has begun."""
        requests = wire.Requests()
        with contextlib.suppress(ConnectionLost):
            while data := await link.receive():
                for request in requests.feed(data):
                    await link.send(self._answer(request))

    def status(self) -> Status:
        """The overview register."""
        bits = {
            Status.BUSY: self.is_busy,
            Status.READY: self.is_ready and not self.is_busy,
            Status.ERROR: self.fault is not Fault.NONE,
            Status.SHOVEL: self.held is not None,
            Status.GATE: self.gate_open,
            Status.STATION: self.world.on(self.station) is not None,
        }
        return Status(sum(bit for bit, is_set in bits.items() if is_set))

    @property
    def is_busy(self) -> bool:
        """Whether an action is under way."""
        return self._motion is not None and not self._motion.done()

    def _answer(self, request: Request) -> bytes:
        if question := QUESTIONS.get(request.verb):
            return wire.encode_value(request.verb, question(self))
        try:
            self._act(request)
        except Refused as refused:
            return wire.encode_refusal(refused.code)
        return wire.encode_ok(self.status())

    def _act(self, request: Request) -> None:
        if request.verb == "rs:be":
            self.fault = Fault.NONE
        elif request.verb == "ll:it":
            self._set(request.parameter)
        elif self.is_busy:
            raise Refused(Refusal.BUSY)
        elif request.verb == "ll:in":
            self._begin(self._initialise())
        elif request.verb == "ll:gp":
            if request.parameter not in ("001", "002"):
                raise Refused(Refusal.PARAMETER)
            self._begin(self._gate(is_open=request.parameter == "002"))
        elif request.verb in MOVES:
            self._begin(self._carry(*self._places(request)))
        else:
            raise Refused(Refusal.UNKNOWN_COMMAND)

    def _begin(self, motion: Coroutine[Any, Any, None]) -> None:
        self._motion = asyncio.get_running_loop().create_task(motion)

    def _places(self, request: Request) -> tuple[str | None, str | None]:
        """The sites that a move goes from and to, None for the shovel."""
        slot = request.slot
        names = MOVES[request.verb]
        if "slot" in names and (slot is None or not 1 <= slot <= SLOTS):
            raise Refused(Refusal.PARAMETER if slot is None else Refusal.LOCATION)
        if (names[0] == "shovel") != (self.held is not None):
            raise Refused(Refusal.SHOVEL_EMPTY if self.held is None else Refusal.SHOVEL_FULL)
        is_full = self.world.on(self.station) is not None
        if names[0] == "station" and not is_full:
            raise Refused(Refusal.STATION_EMPTY)
        if names[1] == "station" and is_full:
            raise Refused(Refusal.STATION_FULL)
        sites = {"station": self.station, "slot": self.site(str(slot)), "shovel": None}
        return sites[names[0]], sites[names[1]]

    async def _carry(self, source: str | None, destination: str | None) -> None:
        await asyncio.sleep(SECONDS["move_labware"] / 2)
        try:
            if self.fails("shuttle_stuck") is not None:
                raise PhysicalError("the shovel does not come under the plate")
            if source is not None:
                self.held = self.world.lift(source)
        except PhysicalError:
            self.fault = Fault.NOT_LOADED
            return
        await asyncio.sleep(SECONDS["move_labware"] / 2)
        self._disturb()
        try:
            if self.fails("slot_taken") is not None:
                raise PhysicalError("something stands there already")
            if destination is not None and self.held is not None:
                self.world.put(self.held, destination)
                self.held = None
        except PhysicalError:
            self.fault = Fault.NOT_UNLOADED

    async def _initialise(self) -> None:
        await asyncio.sleep(SECONDS["initialise"])
        self.is_ready, self.gate_open = True, False

    # The climate

    def _set(self, parameter: str) -> None:
        try:
            target_c = float(parameter)
        except ValueError:
            raise Refused(Refusal.PARAMETER) from None
        if not TEMPERATURE_C[0] <= target_c <= TEMPERATURE_C[1]:
            raise Refused(Refusal.PARAMETER)
        self.set_c = target_c
        self._aim(target_c)

    def climate(self) -> str:
        """`ch:it`: set-point and temperature."""
        return f"{self.set_c:+05.1f} {self.chamber.at(self.world.now()):+05.1f}"


QUESTIONS: dict[str, Callable[[Twin], str]] = {
    "ch:bs": lambda twin: f"{twin.status():02X}",
    "ch:be": lambda twin: f"{twin.fault:02X}",
    "ch:bw": lambda twin: "00",
    "ch:sw": lambda twin: f"1{int(twin.world.on(twin.station) is not None)}0",
    "ch:it": Twin.climate,
}
