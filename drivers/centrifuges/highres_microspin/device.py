"""A MicroSpin through PyLabRobot's backend; a stop goes over a connection of its own, at once.

A connection of it is busy until a spin has ended, so `abort` comes on another. It answers `status` only when its rotor
is at rest: that tells a spin that is still under way. It keeps no record of spins.
"""

import asyncio

from pylabrobot.centrifuge.highres import (
    MicroSpinAbortedError,
    MicroSpinBackend,
    MicroSpinError,
    MicroSpinProtocolError,
)

from drivers.centrifuges.highres_microspin import wire
from drivers.centrifuges.highres_microspin.options import Options
from drivers.centrifuges.highres_microspin.timing import MAX_G, SECONDS, ramps_s
from drivers.core.backed import Backed
from drivers.core.errors import CommandFailed, CommandRefused, DeviceError, ProtocolViolation, ReplyTimeout
from drivers.core.instrument import Command, Identity, Recall
from drivers.core.limits import Limits
from drivers.core.plr import TransportSocket, fenced
from drivers.core.roles import Centrifuge
from drivers.core.transport import Port

REPLY_S = 10.0
#: `status` takes longer than this only when it waits for the rotor.
AT_ONCE_S = 1.0
ABORT_S = 5.0
LATE_S = 30.0  # over the time that braking takes


class MicroSpin(Backed[Options], Centrifuge[Options]):
    """Spins the plate in bucket 1 against the balance plate in bucket 2."""

    _line: TransportSocket

    def __init__(self, name: str, port: Port, options: Options, limits: Limits) -> None:
        super().__init__(name, port, options, limits)
        self._line = TransportSocket(port.transport, read_timeout=REPLY_S)
        self._backend = self._new_backend()
        self._latched = False  # whether our own stop has to be taken back before the next motion

    async def open(self) -> None:
        """Connect, and take back an abort. A spin that is under way goes on; a rotor that lost its place is homed."""
        with self._running():
            await self._dial()
            await self._do(self._backend.clear_button_abort())
            self._latched = False
            await self._have_homed()

    async def stop(self, success: bool = True) -> None:
        """Abort: the rotor is braked. A running verb ends with `CommandStopped`."""
        self._forbid()
        self._latched = True
        line = TransportSocket(self.port.transport, read_timeout=ABORT_S)
        with fenced(self.name, self._explain):
            await line.setup()
            try:
                await line.write(wire.encode_request("abort"))
                await line.readline()  # its ACK!
            finally:
                await line.stop()

    async def identify(self) -> Identity:
        """What its `version` tells."""
        async with self._lock:
            with self._running():
                told = await self._do(self._backend.request_version())
        return Identity(told.get("Serial Number", ""), told.get("Version", ""))

    async def recall(self, command: Command) -> Recall:
        """A spin that is under way is waited for; of the door, what `status` tells."""
        async with self._lock:
            with self._running():
                began_s = asyncio.get_running_loop().time()
                status = await self._do(self._backend.wait_for_spindle_stopped())
                waited_s = asyncio.get_running_loop().time() - began_s
                is_open = int(status["Door Position"]) > 0
        if command.verb == "open_door":
            return Recall("done" if is_open else "not_done", f"its door is {'open' if is_open else 'closed'}")
        if waited_s > AT_ONCE_S:
            return Recall("done", f"it was found spinning, and came to rest {waited_s:.0f} s later")
        if is_open:
            return Recall("not_done", "its door is open: a spin begins with closing it")
        return Recall("unknown", "it is at rest, and keeps no record of spins")

    async def make_safe(self) -> None:
        """The rotor is braked, and at rest; the door stays as it is."""
        async with self._lock:
            if not self._line.connected:
                await self.open()
            with self._running():
                await self._reset()

    async def open_door(self) -> None:
        """Open the door, with bucket 1 in it."""
        with self._running():
            await self._take_back()
            await self._have_homed()
            await self._do(self._backend.go_to_bucket1())

    async def spin(self, force_g: float, duration_s: float) -> None:
        """Close the door, spin with whole `force_g` for whole seconds, and come to rest."""
        self.check("force", force_g)
        self.check("duration", duration_s)
        with self._running():
            await self._take_back()
            up, down = self.options.acceleration, self.options.deceleration
            await self._do(self._backend.spin(force_g, duration_s, acceleration=up, deceleration=down))

    def _new_backend(self) -> MicroSpinBackend:
        """One for each connection: it counts the answers that are owed to it."""
        backend = MicroSpinBackend(host=self.port.address, timeout=REPLY_S)
        backend.io = self._line
        return backend

    async def _dial(self) -> None:
        await self._do(self._line.setup())
        self._backend = self._new_backend()

    async def _have_homed(self) -> None:
        """It loses its place with the power, and when it tripped out of balance."""
        if not await self._do(self._backend.is_homed()):
            await self._do(self._backend.home())

    async def _take_back(self) -> None:
        """Our own stop forbids motion until it is taken back; a stop at the device's button is for a person."""
        if self._latched:
            await self._reset()

    async def _reset(self) -> None:
        """The rotor braked and at rest, and an abort taken back; raises `ReplyTimeout` where it does not come to rest.

        An answer that was lost is owed to a connection of PyLabRobot's for ever, which asks nothing before it has come:
        then a new one asks once more.
        """
        _, brake_s = ramps_s(MAX_G, 1.0, self.options.deceleration, SECONDS)
        try:
            await self._do(self._backend.reset(settle_timeout=brake_s + LATE_S))
        except ReplyTimeout:
            await self._dial()
            await self._do(self._backend.reset(settle_timeout=brake_s + LATE_S))
        self._latched = False

    def _explain(self, error: BaseException) -> DeviceError | None:
        """What PyLabRobot's errors mean."""
        match error:
            case MicroSpinAbortedError():
                return CommandFailed("it was aborted.", hint="If not from here, then at its button: look why.")
            case MicroSpinError():
                told = wire.last_error(error.error_lines)
                kind = CommandRefused if "not homed" in told or "parameters" in told else CommandFailed
                return kind(f"{told}.")
            case MicroSpinProtocolError():
                return ProtocolViolation(f"the answer cannot be read: {error}.")
            case TimeoutError() | asyncio.CancelledError():  # of `asyncio.wait_for`, without a text
                return ReplyTimeout("no answer within the time it may take.", hint="Connect it again.")
        return None
