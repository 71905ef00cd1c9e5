"""An MT-SICS balance through PyLabRobot's backend; a stop cancels what it waits for.

PyLabRobot 0.2.2 takes the next line for the answer, whole or not, to this command or to an earlier one: the line here
gives it whole answers to its own command only.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from pylabrobot.scales.mettler_toledo_backend import MettlerToledoError, MettlerToledoWXS205SDUBackend

from drivers.balances.mettler_sics import wire
from drivers.balances.mettler_sics.options import Options
from drivers.core.errors import CommandFailed, CommandRefused, CommandStopped, DeviceError, ProtocolViolation
from drivers.core.instrument import Command, Identity, Reading, Readings, Recall
from drivers.core.limits import Limits
from drivers.core.plr import TransportSerial, fenced
from drivers.core.roles import Balance
from drivers.core.transport import Port

T = TypeVar("T")
REPLY_S = 1.0
#: How long a line must be silent after an answer that never came, or came garbled.
QUIET_S = 0.2
UNSTEADY = "not executable at present"
TEST_S = 120.0  # how long a test with the internal weight may take


class _Line(TransportSerial):
    """Answers are whole, and of the command that was sent last; what came before it is thrown away."""

    def __init__(self, port: Port) -> None:
        super().__init__(port.transport, timeout=REPLY_S)
        self._asked = b""

    async def write(self, data: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - PyLabRobot's name
        """Send a command on a line that has nothing left to say."""
        await self.reset_input_buffer()
        self._asked = data
        await super().write(data, timeout)

    async def readline(self) -> bytes:
        """The answer, or nothing within the timeout; raises `ProtocolViolation` for a line that cannot be one."""
        line = await super().readline()
        if self.barred:
            raise CommandStopped("it was stopped.")
        if line and not wire.answers(self._asked, line):
            raise ProtocolViolation(f"{line!r} is no answer to {self._asked!r}.")
        return line


class SicsBalance(Balance[Options]):
    """Weighs what stands on its pan, in g."""

    verbs = Balance.verbs | {"self_test"}

    def __init__(self, name: str, port: Port, options: Options, limits: Limits) -> None:
        super().__init__(name, port, options, limits)
        self._backend = MettlerToledoWXS205SDUBackend(port=port.address)
        self._backend.io = self._line = _Line(port)
        self._stopped = asyncio.Event()
        self.serial_number = ""

    async def open(self) -> None:
        """Dial, set grams, and ask who it is; the load, its tare and its zero stay."""
        self._forbid()
        await self._line.stop()
        async with self._lock:
            await self._attach()

    async def _attach(self) -> None:
        self._stopped.clear()
        self._line.barred = False
        await self._do(self._line.setup())
        try:
            await self._do(self._line.write(wire.CANCEL))  # ends what an earlier client may have begun
            await asyncio.sleep(QUIET_S)
            await self._do(self._backend.send_command("M21 0 0"))
            self.serial_number = await self._do(self._backend.request_serial_number())
        except BaseException:
            await self._line.stop()
            raise

    async def close(self) -> None:
        """Give the line back."""
        await self._line.stop()

    async def stop(self, success: bool = True) -> None:
        """Cancel what it waits for, now; nothing of a balance moves."""
        self._forbid()
        if self._line.connected:
            with fenced(self.name, _explain):
                await self._line.write_past(wire.CANCEL)

    async def identify(self) -> Identity:
        """Serial number (`I4`), and software with its material number (`I3`)."""
        async with self._lock:
            told = await self._do(self._backend.send_command("I3"))
        return Identity(self.serial_number, " ".join(told[2:]).strip('"'))

    async def recall(self, command: Command) -> Recall:
        """Nothing of it changes the world: whatever it was, it may be done again."""
        return Recall("unknown", "it keeps no record of commands; each may be repeated while the load stays")

    async def make_safe(self) -> None:
        """Nothing: it only looks. Waits for a command that runs."""
        async with self._lock:
            pass

    async def zero(self) -> None:
        """Make the present load, at rest, the zero; only near to that of an empty pan. Clears the tare."""
        await self._steady(self._backend.zero_stable)

    async def tare(self) -> None:
        """Make the present load, at rest, the tare."""
        await self._steady(self._backend.tare_stable)

    async def weigh(self) -> Readings:
        """The net weight at rest: `mass` in g, as the display shows it (not corrected for the buoyancy of air)."""
        return (Reading("mass", "g", await self._steady(self._mass)),)

    async def self_test(self) -> Readings:
        """Put the internal weight on, the pan being empty: one `Reading` of `deviation` from its value, in g."""
        return (Reading("deviation", "g", await self._steady(self._tested)),)

    async def _tested(self) -> float:
        """The test is answered twice: when it has begun, and when it is done."""
        begun = await self._backend.send_command(wire.TEST)
        if begun[1] == "B":
            async with asyncio.timeout(TEST_S):
                while not (line := await self._line.readline()):
                    pass
            begun = line.decode("latin-1").split()
            self._backend._parse_basic_errors(begun)  # noqa: SLF001 - PyLabRobot reads one answer only
        return wire.deviation_g(begun)

    async def _mass(self) -> float:
        return wire.mass_g(await self._backend.send_command("S"))

    async def _steady(self, command: Callable[[], Awaitable[T]]) -> T:
        """What a command gives that waits for rest; given again while the load has none."""
        if self._stopped.is_set() or not self._line.connected:
            await self._attach()  # what a stop was answered with is thrown away
        for left in reversed(range(self.options.tries)):
            try:
                return await self._do(command())
            except CommandRefused as error:
                if not left or UNSTEADY not in error.message:
                    raise
        raise AssertionError("the last try raises")

    def _forbid(self) -> None:
        """What runs shall send nothing more, and its answer counts no more."""
        self._stopped.set()
        self._line.barred = True

    async def _do(self, call: Awaitable[T]) -> T:
        """The result of one exchange; one that did not end well leaves no line behind, so the next one dials anew."""
        try:
            with fenced(self.name, _explain):
                result = await call
        except BaseException as error:
            if not isinstance(error, CommandRefused | CommandFailed):
                await self._line.stop()
            if self._stopped.is_set() and isinstance(error, DeviceError):
                raise CommandStopped("it was stopped.", device=self.name) from error
            raise
        if self._stopped.is_set():
            raise CommandStopped("it was stopped.", device=self.name)
        return result


def _explain(error: BaseException) -> DeviceError | None:
    """What PyLabRobot's one kind of error means."""
    if not isinstance(error, MettlerToledoError):
        return None
    text = f"{error.title}: {error.message}" if error.message else error.title
    if UNSTEADY in error.title:
        return CommandRefused(f"{text}", hint="Shield it from draught, and look whether something touches the pan.")
    if "overload" in text or "underload" in text:
        return CommandFailed(f"{text}", hint="Look at what stands on the pan.")
    return CommandRefused(f"{text}.")
