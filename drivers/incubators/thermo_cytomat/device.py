"""A Cytomat through PyLabRobot's backend.

It has no halt: a stop keeps it from being sent anything more, and the plate that is on its way arrives. It keeps no
record of commands, but where its plates stand, and its set-point, tell of the last one.
"""

import asyncio

from pylabrobot.storage.cytomat.constants import CytomatIncupationResponse
from pylabrobot.storage.cytomat.cytomat import CytomatBackend
from pylabrobot.storage.cytomat.errors import error_map, error_register_map
from pylabrobot.storage.cytomat.schemas import OverviewRegisterState

from drivers.core.backed import Backed
from drivers.core.errors import CommandFailed, CommandRefused, DeviceError, ProtocolViolation, ReplyTimeout
from drivers.core.instrument import Command, Reading, Readings, Recall
from drivers.core.limits import Limits
from drivers.core.plr import TransportSerial
from drivers.core.roles import Incubator
from drivers.core.transport import Port
from drivers.incubators.thermo_cytomat import wire
from drivers.incubators.thermo_cytomat.options import Options

REPLY_S = 1.0
#: So many refusals in a row are none any more: after each one the error register is reset, which is not refused.
REFUSALS = 2
MOVE_S = 120
INITIALISE_S = 300
#: The chamber is at its temperature when it is so near to it, and must be there after so long.
TOLERANCE_C = 0.5
SETTLE_S = 4 * 3600.0
POLL_S = 15.0


class _Line(TransportSerial):
    """Hands a reply over when it has come whole: PyLabRobot asks for 128 bytes and would wait for the timeout.

    After a reply that it cannot read, or a refusal, PyLabRobot resets the error register, and so again for the reply to
    that, without end: what is no reply, and one refusal after the other, is an error here.
    """

    _refusals = 0
    _asked = b""

    async def write(self, data: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - PyLabRobot's name
        """Send all of `data`, after forgetting a reply that came too late for its question."""
        await self.reset_input_buffer()
        self._asked = data
        await super().write(data, timeout)

    async def read(self, num_bytes: int = 1) -> bytes:
        """One reply with its CR; b"" when none came whole within the timeout."""
        reply = await self._whole()
        if reply and not wire.answers(reply, self._asked):
            raise ProtocolViolation(f"the answer cannot be read: {reply!r}.")
        self._refusals = self._refusals + 1 if wire.is_refusal(reply) else 0
        if self._refusals > REFUSALS:
            self._refusals = 0
            raise ProtocolViolation(f"it refuses everything, at last with {reply!r}.")
        return reply

    async def synchronise(self) -> None:
        """Until the device has answered what an earlier client has asked, and forgotten half a word of it."""
        await self.write(wire.SYNC)
        while (reply := await self._whole()) and not wire.is_refusal(reply):
            pass

    async def _whole(self) -> bytes:
        await self._await(lambda: b"\r" in self._buffer)
        return self._take(self._buffer.find(b"\r") + 1)


class Cytomat(Backed[Options], Incubator[Options]):
    """Keeps plates at a temperature; sites are `<name>.transfer` and `<name>.1` and so on."""

    _line: _Line

    def __init__(self, name: str, port: Port, options: Options, limits: Limits) -> None:
        super().__init__(name, port, options, limits)
        self._backend = CytomatBackend(model=options.model, port=port.address)
        self._backend.io = self._line = _Line(port.transport, timeout=REPLY_S)

    async def open(self) -> None:
        """Open the line and wait for a motion that is under way; one that has not been initialised since is."""
        with self._running():
            await self._do(self._line.setup())
            await self._do(self._line.synchronise())
            if not (await self._do(self._backend.wait_for_task_completion(MOVE_S))).ready_bit_set:
                await self._do(self._backend.initialize())

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
                    state = await self._do(self._backend.wait_for_task_completion(MOVE_S))
                except CommandFailed as error:
                    return Recall("unknown", str(error))
                return self._told(state, inwards=self._way(command.args["source"], command.args["destination"])[0])

    async def _recall_temperature(self, temperature_c: float) -> Recall:
        set_c = (await self._climate()).nominal_value
        if set_c != temperature_c:
            return Recall("not_done", f"its set-point is {set_c:g} degC")
        await self._settle(temperature_c)
        return Recall("done", f"its set-point is {set_c:g} degC, and it is there")

    def _told(self, state: OverviewRegisterState, *, inwards: bool) -> Recall:
        if state.handler_occupied:
            return Recall("unknown", "a plate is on its shovel")
        where = "on" if state.transfer_station_occupied else "off"
        done = state.transfer_station_occupied != inwards
        return Recall("done" if done else "not_done", f"the plate is {where} its transfer station")

    async def make_safe(self) -> None:
        """At rest, gate closed; raises where a plate is left on the shovel, which is for a person to take."""
        async with self._lock:
            if not self._line.connected:
                await self.open()
            with self._running():
                state = await self._do(self._backend.wait_for_task_completion(MOVE_S))
                if state.automatic_gate_open:
                    state = await self._do(self._backend.close_door())
                if state.handler_occupied:
                    hint = "Bring it to a slot by hand (door for people), then connect it again."
                    raise CommandFailed("a plate is on its shovel.", device=self.name, hint=hint)

    async def move_labware(self, labware: str, source: str, destination: str) -> None:
        """Take a plate in from the transfer site to a slot, or give it out."""
        inwards, slot = self._way(source, destination)
        with self._running():
            await self._do(
                self._backend.send_action("mv", "ts" if inwards else "st", wire.slot_parameter(slot), timeout=MOVE_S)
            )

    async def set_temperature(self, temperature_c: float) -> None:
        """Set the chamber to 0.1 degC, and wait until it is within 0.5 degC."""
        self.check("temperature", temperature_c)
        with self._running():
            await self._do(self._backend.send_command("ll", "it", wire.temperature_parameter(temperature_c)))
            await self._settle(round(temperature_c, 1))

    async def measure(self) -> Readings:
        """The temperature of the chamber."""
        with self._running():
            return (Reading("temperature", "degC", (await self._climate()).actual_value),)

    async def _settle(self, temperature_c: float) -> None:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + SETTLE_S
        while abs((climate := await self._climate()).actual_value - temperature_c) > TOLERANCE_C:
            if climate.nominal_value != temperature_c:
                raise CommandFailed(
                    f"its set-point is {climate.nominal_value:g} degC, not {temperature_c:g}.", device=self.name
                )
            if loop.time() > until_s:
                raise CommandFailed(
                    f"it is at {climate.actual_value:g} degC after {SETTLE_S / 3600:g} h, not at {temperature_c:g}.",
                    device=self.name,
                    hint="Is a door open?",
                )
            await self._wait(POLL_S)

    async def _climate(self) -> CytomatIncupationResponse:
        """Set-point and temperature of the chamber."""
        return await self._do(self._backend.get_incubation_query("it"))

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

    def _explain(self, error: BaseException) -> DeviceError | None:
        """PyLabRobot keeps one exception for each code, of a refusal and of a failure."""
        if error in error_map.values():
            return CommandRefused(f"{error}.")
        if error in error_register_map.values():
            return CommandFailed(f"{error}.", hint="Look into it, then connect it again.")
        return ReplyTimeout(f"{error}.") if "did not respond" in str(error) else None
