"""A Cytomat through PyLabRobot's backend."""

from pylabrobot.storage.cytomat.cytomat import CytomatBackend
from pylabrobot.storage.cytomat.errors import error_map, error_register_map

from drivers.core.errors import CommandFailed, CommandRefused, DeviceError, ProtocolViolation, ReplyTimeout
from drivers.core.limits import Limits
from drivers.core.plr import QuestionSerial
from drivers.core.transport import Port
from drivers.incubators.shuttle import AtRest, Climate, ShuttleIncubator
from drivers.incubators.thermo_cytomat import wire
from drivers.incubators.thermo_cytomat.options import Options

REPLY_S = 1.0
#: So many refusals in a row are none any more: after each one the error register is reset, which is not refused.
REFUSALS = 2
MOVE_S = 120


class _Line(QuestionSerial):
    """Hands a reply over when it has come whole: PyLabRobot asks for 128 bytes and would wait for the timeout.

    After a reply that it cannot read, or a refusal, PyLabRobot resets the error register, and so again for the reply to
    that, without end: what is no reply, and one refusal after the other, is an error here.
    """

    _refusals = 0

    def _is_question(self, request: bytes) -> bool:
        return wire.is_question(request)

    async def _reply(self) -> bytes:
        """One reply with its CR."""
        reply = await self._whole()
        if not reply:
            raise ReplyTimeout(f"no answer within {REPLY_S:g} s.", hint="Is it on, and is the line right?")
        if not wire.answers(reply, self._asked):
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


class Cytomat(ShuttleIncubator[Options]):
    """One Cytomat whose slots have one number each."""

    _line: _Line

    def __init__(self, name: str, port: Port, options: Options, limits: Limits) -> None:
        super().__init__(name, port, options, limits)
        self._backend = CytomatBackend(model=options.model, port=port.address)
        self._backend.io = self._line = _Line(port.transport, timeout=REPLY_S)

    async def open(self) -> None:
        """Open the line and wait for a motion that is under way; initialise it where it does not say that it is ready.

        PyLabRobot's own set-up always does; plates in their slots stay where they are.
        """
        with self._running():
            await self._do(self._line.setup())
            await self._do(self._line.synchronise())
            if not (await self._do(self._backend.wait_for_task_completion(MOVE_S))).ready_bit_set:
                await self._do(self._backend.initialize())

    async def _rest(self, *, close: bool = False) -> AtRest:
        state = await self._do(self._backend.wait_for_task_completion(MOVE_S))
        if close and state.automatic_gate_open:
            state = await self._do(self._backend.close_door())
        return AtRest(state.transfer_station_occupied, state.handler_occupied)

    async def _transfer(self, slot: int, *, inwards: bool) -> None:
        way = "ts" if inwards else "st"
        await self._do(self._backend.send_action("mv", way, wire.slot_parameter(slot), timeout=MOVE_S))

    async def _climate(self) -> Climate:
        told = await self._do(self._backend.get_incubation_query("it"))
        return Climate(told.nominal_value, told.actual_value)

    async def _set_climate(self, temperature_c: float) -> None:
        await self._do(self._backend.send_command("ll", "it", wire.temperature_parameter(temperature_c)))

    def _explain(self, error: BaseException) -> DeviceError | None:
        """PyLabRobot keeps one exception for each code, of a refusal and of a failure."""
        if error in error_map.values():
            return CommandRefused(f"{error}.")
        if error in error_register_map.values():
            return CommandFailed(f"{error}.", hint="Look into it, then connect it again.")
        return None
