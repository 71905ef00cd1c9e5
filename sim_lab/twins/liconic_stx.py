"""The twin of a Liconic STX44: relays and memories of a PLC in front of a warm or cold chamber and a shuttle.

Its times are those of the driver's package. The chamber's air follows its set-point with a first-order lag, and what
stands in a slot follows the air. A new cooler (HC) stands at 4 degC, every other model at 37 degC.
"""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any

from drivers.core.errors import ConnectionLost
from drivers.core.transport import Transport
from drivers.incubators.liconic_stx import CASSETTES, POSITIONS, wire
from drivers.incubators.liconic_stx.timing import SECONDS, WARM_C, begins_c
from drivers.incubators.liconic_stx.wire import Failure, Memory, Relay, Request
from sim_lab.twins.chamber import ChamberTwin
from sim_lab.world.heat import Body
from sim_lab.world.model import Labware, PhysicalError, World


class Twin(ChamberTwin):
    """One incubator; what it does, it goes on doing when its client is gone."""

    baud = wire.BAUD

    def __init__(self, name: str, options: Any, world: World) -> None:
        super().__init__(name, options, world)
        self.station = self.site("transfer")
        self.held: Labware | None = None
        self.failure = Failure.NONE
        self.gate_open = False
        self.memory: dict[int, int] = dict.fromkeys(Memory, 0)
        at_c = WARM_C if options is None else begins_c(options.model)
        self.set_c = at_c  # what it was told, and tells
        self.chamber = Body(at_c, at_c, SECONDS["settle"], world.now())
        self.gate_s, self.slots = SECONDS["gate"], [str(slot) for slot in range(1, CASSETTES * POSITIONS + 1)]
        self._is_open = False
        self._motion: asyncio.Task[None] | None = None
        self._warm()

    async def serve(self, link: Transport) -> None:
        """Answer whoever holds the line."""
        requests = wire.Requests()
        with contextlib.suppress(ConnectionLost):
            while data := await link.receive():
                for request in requests.feed(data):
                    await link.send(wire.encode_reply(self._answer(request)))

    @property
    def is_busy(self) -> bool:
        """Whether a motion is under way."""
        return self._motion is not None and not self._motion.done()

    def _answer(self, request: Request) -> str:
        if request.verb == wire.OPEN:
            self._is_open = True
            return wire.OPENED
        if not self._is_open or not request.verb:
            return wire.NO_COMMAND
        if request.is_memory:
            return self._remember(request)
        if request.number not in set(Relay):
            return wire.NO_RELAY
        relay = Relay(request.number)
        if request.verb == "RD":
            return str(int(self._relay(relay)))
        return self._set(relay) if request.verb == "ST" else wire.OK

    def _relay(self, relay: Relay) -> bool:
        match relay:
            case Relay.READY:
                return not self.is_busy and self.failure is Failure.NONE
            case Relay.FAILED:
                return self.failure is not Failure.NONE
            case Relay.STATION:
                return self.world.on(self.station) is not None
            case Relay.SHOVEL:
                return self.held is not None
            case _:
                return False

    def _remember(self, request: Request) -> str:
        if request.number not in self.memory:
            return wire.NO_RELAY
        if request.verb == "WR":
            self.memory[request.number] = request.value or 0
            if request.number == Memory.SET_TEMPERATURE:
                self.set_c = (request.value or 0) / 10
                self._aim(self.set_c)
            return wire.OK
        values = {
            Memory.SET_TEMPERATURE: round(self.set_c * 10),
            Memory.TEMPERATURE: round(self.chamber.at(self.world.now()) * 10),
            Memory.FAILURE: int(self.failure),
        }
        return wire.number(values.get(Memory(request.number), self.memory[request.number]))

    def _set(self, relay: Relay) -> str:
        if relay is Relay.ACTIVATE:
            self.failure = Failure.NONE
        elif relay in (Relay.TAKE_IN, Relay.GIVE_OUT, Relay.INITIALISE, Relay.OPEN_GATE, Relay.CLOSE_GATE):
            if self.is_busy:
                return wire.NO_COMMAND
            self._begin(relay)
        return wire.OK

    def _begin(self, relay: Relay) -> None:
        motion: Coroutine[Any, Any, None]
        if relay in (Relay.TAKE_IN, Relay.GIVE_OUT):
            motion = self._carry(inwards=relay is Relay.TAKE_IN)
        elif relay is Relay.INITIALISE:
            motion = self._initialise()
        else:
            motion = self._gate(is_open=relay is Relay.OPEN_GATE)
        self._motion = asyncio.get_running_loop().create_task(motion)

    async def _carry(self, *, inwards: bool) -> None:
        slot = (self.memory[Memory.CASSETTE] - 1) * POSITIONS + self.memory[Memory.POSITION]
        stack = self.site(str(slot)) if 1 <= slot <= CASSETTES * POSITIONS else ""
        full = self.world.on(self.station) is not None
        if full != inwards or self.held is not None:
            self.failure = Failure.TRANSFER
            return
        source, destination = (self.station, stack) if inwards else (stack, self.station)
        await asyncio.sleep(SECONDS["move_labware"] / 2)
        self._disturb()
        try:
            if self.fails("shuttle_stuck") is not None:
                raise PhysicalError("the shovel does not come under the plate")
            self.held = self.world.lift(source)
            await asyncio.sleep(SECONDS["move_labware"] / 2)
            if self.fails("slot_taken") is not None:
                raise PhysicalError("something stands there already")
            self.world.put(self.held, destination)
            self.held = None
        except PhysicalError:
            self.failure = Failure.OUT_OF_STACKER if self.held is None else Failure.IN_STACKER

    async def _initialise(self) -> None:
        self.failure = Failure.NONE
        await asyncio.sleep(SECONDS["initialise"])
        self.gate_open = False
