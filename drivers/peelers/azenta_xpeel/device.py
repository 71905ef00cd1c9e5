"""An XPeel through PyLabRobot's backend.

It keeps the codes of its last motion, but not which motion that was: nothing can be recalled, and a person looks.

What is kept out of PyLabRobot 0.2.2 here: it sends the adhere time in seconds, where the device takes a digit; it
raises nothing for a motion that failed or never ended; its `get_status` cannot read an answer; and it prints.
"""

import contextlib
from collections.abc import AsyncIterator

from pylabrobot.peeling import xpeel_backend

from drivers.core.backed import Backed
from drivers.core.errors import CommandFailed, CommandRefused, CommandStopped, ReplyTimeout
from drivers.core.instrument import Command, Reading, Readings, Recall
from drivers.core.limits import Limits
from drivers.core.plr import TransportSerial, fenced
from drivers.core.roles import Peeler
from drivers.core.transport import Port
from drivers.peelers.azenta_xpeel import wire
from drivers.peelers.azenta_xpeel.options import Options

LINE_S = 1.0
#: The longest motion: a peel with the longest adhere time.
MOTION_S = 60

# Standard output belongs to whoever runs us (`--json`): in that module `print` says nothing.
xpeel_backend.print = lambda *_: None


class _Line(TransportSerial):
    """Sends peels as the device takes them, and gives nothing more to a verb that was stopped.

    The end of a motion is told in the same words as that of any other. So until this one was acknowledged, a good end
    is that of an earlier one (told twice, or late), and goes nowhere; a refusal comes without `*ack`.
    """

    _is_unheard = False  # whether a motion waits for its acknowledgement

    async def write(self, data: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - PyLabRobot's name
        """Send one line."""
        self._is_unheard = data not in (wire.STATUS, wire.SYNC, wire.TAPE)
        await super().write(wire.mended(data), timeout)

    async def readline(self) -> bytes:
        """One line, or what came of it within the timeout."""
        while True:
            if self.barred:
                raise CommandStopped("it was stopped.")
            line = await super().readline()
            if line.startswith(wire.ACK.strip()):
                self._is_unheard = False
            if not self._is_unheard or not wire.is_success(line):
                return line


class XPeel(Backed[Options], Peeler[Options]):
    """Takes the film off the plate on its tray, and brings the tray out again."""

    verbs = Peeler.verbs | {"tape_left", "advance_tape"}
    _line: _Line

    def __init__(self, name: str, port: Port, options: Options, limits: Limits) -> None:
        super().__init__(name, port, options, limits)
        self._backend = xpeel_backend.XPeelBackend(port=port.address, timeout=MOTION_S)
        self._backend.io = self._line = _Line(port.transport, timeout=LINE_S)
        self._is_owed = False  # whether answers may come that nobody waits for any more

    async def open(self) -> None:
        """Open the line; a motion that is under way is waited for, and nothing is moved."""
        with self._running():
            await self._do(self._line.setup())
            await self._do(self._line.write(wire.SYNC))
            while await self._do(self._line.readline()):
                pass
            await self._codes()
            self._is_owed = False

    async def stop(self, success: bool = True) -> None:
        """Reset: what it does, it ends. A running verb ends with `CommandStopped`."""
        self._forbid()
        self._is_owed = True
        with fenced(self.name, self._explain):
            if not self._line.connected:
                await self._line.setup()
            await self._line.write_past(wire.RESET)

    async def recall(self, command: Command) -> Recall:
        """What its last motion left behind; whether that was this command it does not tell."""
        async with self._lock, self._on_time():
            told = "; ".join(wire.CODES.get(code, f"code {code}") for code in await self._codes())
        return Recall("unknown", f"its last motion left: {told or 'no error'}; which motion that was, it does not tell")

    async def make_safe(self) -> None:
        """At rest, and the tray out."""
        async with self._lock:
            if not self._line.connected:
                await self.open()
            async with self._on_time():
                self._require(await self._do(self._backend.move_conveyor_out()))

    async def peel(self, labware: str) -> None:
        """Take the film off the plate on the tray, with the parameters of the options."""
        options = self.options
        async with self._on_time():
            peeling = self._backend.peel(options.begin_mm, options.fast, options.adhere_s)
            self._require(await self._do(peeling))

    async def advance_tape(self) -> None:
        """Wind the tape on."""
        async with self._on_time():
            self._require(await self._do(self._backend.advance_tape()))

    async def tape_left(self) -> Readings:
        """How many seals the supply spool takes off yet, and for how many the take-up spool has room; in tens."""
        async with self._on_time():
            question = wire.TAPE.decode()
            asking = self._backend._send_command(question, wait_for_ready=True)  # noqa: SLF001 - its own reads `*ready`
            lines = await self._do(asking)
        with fenced(self.name, self._explain):
            left, room = wire.tape(lines)
        return Reading("seals_left", "", float(left)), Reading("spool_room", "", float(room))

    @contextlib.asynccontextmanager
    async def _on_time(self) -> AsyncIterator[None]:
        """A command whose answer is its own: after one that was broken off, what is still to come comes first."""
        with self._running():
            if self._is_owed:
                await self._let_come()
            self._is_owed = True
            yield
            self._is_owed = False

    async def _let_come(self) -> None:
        """Until the end of a motion was told and nothing follows, or so long as a motion takes."""
        has_ended = False
        for _ in range(round(MOTION_S / LINE_S)):
            line = await self._do(self._line.readline())
            has_ended = has_ended or line.startswith(b"*ready")
            if has_ended and not line:
                return

    async def _codes(self) -> tuple[int, ...]:
        """The codes of its last motion; waits for one that is under way."""
        await self._do(self._line.reset_input_buffer())
        await self._do(self._line.write(wire.STATUS))
        for _ in range(round(MOTION_S / LINE_S)):
            line = (await self._do(self._line.readline())).decode("ascii", "replace").strip()
            with fenced(self.name, self._explain):
                codes = wire.ready(line)
            if codes is not None:
                return codes
        raise ReplyTimeout(f"no answer within {MOTION_S} s.", device=self.name, hint="Is it on, and is the line right?")

    def _require(self, lines: list[str]) -> None:
        """Raise for a motion that did not end, or not well."""
        with fenced(self.name, self._explain):
            codes = wire.ready(lines[-1]) if lines else None
        if codes is None:
            hint = "Look at it, then connect it again."
            raise ReplyTimeout(f"the motion did not end within {MOTION_S} s.", device=self.name, hint=hint)
        self._is_owed = False
        failed = [code for code in codes if code not in wire.WARNINGS]
        if failed:
            kind = CommandRefused if wire.ILLEGAL in failed else CommandFailed
            raise kind("; ".join(wire.CODES.get(code, f"code {code}") for code in failed) + ".", device=self.name)
