"""A Liconic STX44 through PyLabRobot's backend.

What is kept out of PyLabRobot 0.2.2 here: it waits a second for each reply to be over, cuts a tenth of a degree off
some temperatures, and takes a late reply for the next one.
"""

import asyncio
import warnings
from types import SimpleNamespace
from typing import Any

from pylabrobot.resources import PlateHolder
from pylabrobot.storage.liconic.liconic_backend import ExperimentalLiconicBackend
from pylabrobot.storage.liconic.racks import liconic_rack_17mm_22

from drivers.core.errors import CommandFailed, CommandRefused, DeviceError, ProtocolViolation, ReplyTimeout
from drivers.core.limits import Limits
from drivers.core.plr import QuestionSerial
from drivers.core.transport import Port
from drivers.incubators.liconic_stx import CASSETTES, POSITIONS, wire
from drivers.incubators.liconic_stx.options import Options
from drivers.incubators.liconic_stx.wire import Relay
from drivers.incubators.shuttle import AtRest, Climate, ShuttleIncubator

REPLY_S = 1.0
MOVE_S = 120.0
POLL_S = 0.5


class _Line(QuestionSerial):
    """Hands a reply over when it has come whole, and nothing that is none.

    Where no reply can be read after all, that is an error at once: PyLabRobot would ask on while it waits for a motion,
    and take a late reply for the next one. Only the opening of the line may go without.
    """

    def _is_question(self, request: bytes) -> bool:
        return wire.is_question(request)

    async def readline(self) -> bytes:
        """As `read`, but that a reply to the opening of the line may be none."""
        return await super().readline() if self._asked.startswith(wire.OPEN.encode()) else await self.read()

    async def _reply(self) -> bytes:
        line = await super().readline()
        if not line.endswith(b"\n"):
            raise ReplyTimeout(f"no answer within {REPLY_S:g} s.", hint="Is it on, and is the line right?")
        if not wire.answers(self._asked, line):
            raise ProtocolViolation(f"the answer cannot be read: {line!r} to {self._asked!r}.")
        if wire.is_question(self._asked) and line.strip() == wire.NO_COMMAND.encode():
            raise ProtocolViolation(f"it did not understand {self._asked!r}: was it noise when it came?")
        return line


class STX(ShuttleIncubator[Options]):
    """One STX44 with two cassettes of 22 positions, 23 mm apart."""

    _line: _Line

    def __init__(self, name: str, port: Port, options: Options, limits: Limits) -> None:
        super().__init__(name, port, options, limits)
        self._backend = ExperimentalLiconicBackend(model=options.model, port=port.address)
        self._backend.start_timeout = MOVE_S
        self._backend.io = self._line = _Line(port.transport, timeout=REPLY_S)
        self._racks = [liconic_rack_17mm_22(f"{name}-{number}") for number in range(1, CASSETTES + 1)]

    async def open(self) -> None:
        """Open the line, after a break, and activate handling: a motion that is under way is waited for."""
        with self._running():
            await self._do(self._backend.setup())
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # that cassettes are to be told: they are, here
                await self._do(self._backend.set_racks(self._racks))

    async def _rest(self, *, close: bool = False) -> AtRest:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + MOVE_S
        while not await self._is_up(Relay.READY):
            if await self._is_up(Relay.FAILED):
                hint = "Look into it, then connect it again."
                raise CommandFailed("its last motion failed.", device=self.name, hint=hint)
            if loop.time() > until_s:
                raise CommandFailed(f"it is not at rest after {MOVE_S:g} s.", device=self.name)
            await self._wait(POLL_S)
        if close:
            await self._do(self._backend.close_door())
        shovel = await self._do(self._backend.check_shovel_sensor())
        return AtRest(await self._do(self._backend.check_transfer_sensor()), shovel)

    async def _transfer(self, slot: int, *, inwards: bool) -> None:
        site = self._site(slot)
        backend = self._backend
        call = backend.take_in_plate(None, site) if inwards else backend.fetch_plate_to_loading_tray(_plate_on(site))
        await self._do(call)

    def _site(self, slot: int) -> PlateHolder:
        cassette, position = divmod(slot - 1, POSITIONS)
        if not 0 <= cassette < CASSETTES:
            raise CommandRefused(f"it has slots 1 to {CASSETTES * POSITIONS}, not {slot}.", device=self.name)
        return self._racks[cassette].sites[position]

    async def _climate(self) -> Climate:
        set_c = await self._do(self._backend.get_target_temperature())
        return Climate(set_c, await self._do(self._backend.get_temperature()))

    async def _set_climate(self, temperature_c: float) -> None:
        await self._do(self._backend.set_temperature(temperature_c + 0.01))  # it cuts 372.999 down to 372

    async def _is_up(self, relay: Relay) -> bool:
        """A relay that PyLabRobot has no verb for."""
        await self._do(self._line.write(f"RD {relay:d}\r".encode("ascii")))
        return (await self._do(self._line.read())).strip() == b"1"

    def _explain(self, error: BaseException) -> DeviceError | None:
        """PyLabRobot has exceptions of its own for the PLC's errors, and for failed motions."""
        text = f"{error}."
        if isinstance(error, TimeoutError) or text.startswith("No response"):
            return ReplyTimeout(text, hint="Is it on, and is the line right?")
        if type(error).__module__ == "pylabrobot.storage.liconic.errors":
            is_refusal = type(error).__name__.startswith("LiconicController")
            return CommandRefused(text) if is_refusal else CommandFailed(text, hint="Look, then connect it again.")
        if isinstance(error, RuntimeError) and text.startswith(("Unexpected", "Invalid")):
            return ProtocolViolation(text)
        return None


def _plate_on(site: PlateHolder) -> Any:
    """A plate in a site, as far as PyLabRobot asks for one."""
    return SimpleNamespace(parent=site)
