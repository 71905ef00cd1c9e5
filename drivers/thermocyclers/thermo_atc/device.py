"""An ATC through PyLabRobot's backend.

A run bears a name that is its command's alone, so that another process can tell what became of it: the device keeps a
folder for each run, and says which one is under way.

What is kept out of PyLabRobot 0.2.2 here: it swallows every error while it reads, takes whatever comes next for the
answer, and sets block and lid to a temperature when it connects.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from pylabrobot.thermocycling.standard import Protocol, Stage, Step
from pylabrobot.thermocycling.thermo_fisher.atc import ATCBackend

from drivers.core.backed import Backed
from drivers.core.errors import CommandFailed, CommandRefused, CommandStopped, ConnectionLost, DeviceError, ReplyTimeout
from drivers.core.instrument import Command, Recall
from drivers.core.limits import Limits
from drivers.core.plr import TransportSocket, fenced
from drivers.core.roles import Thermocycler
from drivers.core.transport import Port
from drivers.thermocyclers.thermo_atc import wire
from drivers.thermocyclers.thermo_atc.options import Options
from drivers.thermocyclers.thermo_atc.timing import POLL_S

BLOCK = 0
RUN = "TBC1:RunProtocol"
REPLY_S = 5.0
#: How much longer than the device's own estimate a run may take.
LATE = 1.5
LATE_S = 600.0


class _Line(TransportSocket):
    """Hands over whole answers to what was asked last, and remembers an error that PyLabRobot would swallow."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._messages, self._whole = wire.Messages(), list[str]()
        self._asked = ""
        self.failure: DeviceError | None = None
        self.run_end = ""  # the first word of what the device said when the last run ended

    async def setup(self) -> None:
        """Dial, leaving an earlier connection."""
        await super().setup()
        self._messages, self._whole, self._asked, self.failure = wire.Messages(), [], "", None

    async def write(self, data: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - PyLabRobot's name
        """Send one message."""
        self._asked = data.split(None, 1)[0].decode("ascii")
        if self._asked == RUN:
            self.run_end = ""
        await super().write(data, timeout)

    async def read(self, num_bytes: int = 128, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        """One answer, with its body."""
        try:
            if self.barred:
                raise CommandStopped("it was stopped.")
            async with asyncio.timeout(max(timeout or 0.0, REPLY_S)):
                return (await self._answer()).encode("ascii", "replace")
        except DeviceError as error:
            self.failure = error
            raise
        except TimeoutError:
            self.failure = ReplyTimeout(f"no answer to {self._asked or 'the call'}.", hint="Connect it again.")
            raise

    async def read_until_eof(self, chunk_size: int = 1024, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        """One answer, with its body."""
        return await self.read(timeout=timeout)

    async def _answer(self) -> str:
        while True:
            while self._whole:
                message = self._whole.pop(0)
                self.run_end = wire.end_of(message, RUN) or self.run_end
                if not self._asked or wire.answers(message, self._asked):
                    return message
            data = await self._open().receive()
            if not data:
                raise ConnectionLost("the device closed the connection before it had answered.")
            self._whole += self._messages.feed(data)


class ATC(Backed[Options], Thermocycler[Options]):
    """Cycles the plate on its block; block and lid are off between runs."""

    _line: _Line

    def __init__(self, name: str, port: Port, options: Options, limits: Limits) -> None:
        super().__init__(name, port, options, limits)
        self._backend = ATCBackend(ip=port.address)
        self._backend.io = self._line = _Line(port.transport)
        self._run_name = wire.NO_RUN

    async def open(self) -> None:
        """Connect and prove who we are; a run that is under way goes on."""
        with self._running():
            await self._do(self._backend.setup(blocks_to_setup=[]))
            if self._backend.bid != wire.BLOCK_TYPE:
                hint = "Only the ATC can be served by an arm."
                raise CommandRefused(f"its block is of type {self._backend.bid}.", device=self.name, hint=hint)
            self._backend.available_blocks = [BLOCK]
            self._run_name = await self._do(self._backend.get_run_name(BLOCK))

    async def stop(self, success: bool = True) -> None:
        """Abort the run; block and lid off. A running verb ends with `CommandStopped`."""
        self._forbid()
        if not self._line.connected:
            await self.open()
            self._forbid()
        off = ("TBC1:BLOCK 0 25", "TBC1:COVER 0 105")
        abort = () if self._run_name == wire.NO_RUN else (f"TBC1:AbortRun {self._run_name}",)
        with fenced(self.name, self._explain):
            for text in (*abort, *off):
                await self._line.write_past(wire.encode_request(text))

    async def recall(self, command: Command) -> Recall:
        """A run by its name: waited for while it is under way; of one that has ended, only that it began."""
        async with self._lock:
            with self._running():
                if command.verb != "run_profile":
                    return Recall("unknown", "it does not tell the state of its lid")
                name = _name(command.action)
                if not await self._do(self._backend.check_run_exists(name)):
                    return Recall("not_done", f"it has no run {name}")
                if await self._do(self._backend.get_run_name(BLOCK)) != name:
                    return Recall("unknown", f"run {name} is not under way, and whether it was whole it does not tell")
                await self._until_over(name)
                await self._off()
        return Recall("done", f"run {name} was found under way, and has ended")

    async def make_safe(self) -> None:
        """A run is aborted; block and lid are off, and the lid stays as it is."""
        async with self._lock:
            if not self._line.connected:
                await self.open()
            with self._running():
                await self._do(self._backend.abort_run(BLOCK))
                await self._off()

    async def open_lid(self) -> None:
        """Open the lid."""
        with self._running():
            await self._do(self._backend.open_lid())

    async def close_lid(self) -> None:
        """Close the lid."""
        with self._running():
            await self._do(self._backend.close_lid())

    async def run_profile(self, cycles: Sequence[Mapping[str, Any]], lid_c: float | None = None) -> None:
        """Close the lid, heat it, and hold each temperature (0.1 degC) for its time (whole seconds)."""
        lid = self.options.lid_c if lid_c is None else lid_c
        self.check("lid_temperature", lid)
        for temperature_c, duration_s in (hold for cycle in cycles for hold in cycle["holds"]):
            self.check("temperature", temperature_c)
            self.check("duration", duration_s)
        method = Protocol(stages=[_stage(cycle) for cycle in cycles])
        name = self._run_name = _name(self.action)
        with self._running():
            await self._do(self._backend.close_lid())
            await self._do(
                self._backend.run_protocol(
                    method, self.options.volume_ul, BLOCK, name,
                    run_mode=self.options.mode, cover_temp=lid, protocol_name=name,
                )
            )  # fmt: skip
            await self._until_over(name)
            await self._off()
            error = await self._do(self._backend.get_error(BLOCK))
        if error != "0":
            raise CommandFailed(f"it tells of error {error}.", device=self.name)
        if self._line.run_end != "OK":  # nothing runs: that it was whole, only this word tells
            kind = CommandFailed if self._line.run_end else ReplyTimeout
            told = f"'{self._line.run_end}'" if self._line.run_end else "nothing"
            raise kind(f"its run is over, and it said {told} of its end.", device=self.name, hint="See its log.")

    async def _until_over(self, name: str) -> None:
        loop = asyncio.get_running_loop()
        expected_s = float(await self._do(self._backend.get_estimated_run_time(BLOCK)))
        until_s = loop.time() + expected_s * LATE + LATE_S
        while await self._do(self._backend.get_run_name(BLOCK)) == name:
            if loop.time() > until_s:
                raise CommandFailed(f"its run should have taken {expected_s:.0f} s, and goes on.", device=self.name)
            await self._wait(POLL_S)
        self._run_name = wire.NO_RUN

    async def _off(self) -> None:
        await self._do(self._backend.deactivate_lid(BLOCK))
        await self._do(self._backend.deactivate_block(BLOCK))

    def _explain(self, error: BaseException) -> DeviceError | None:
        """What was swallowed, or what the device says of an error."""
        swallowed, self._line.failure = self._line.failure, None
        if swallowed is not None:
            return swallowed
        if isinstance(error, ValueError) and str(error).startswith("Error response: ERRor"):
            return CommandRefused(f"it answers: {str(error).partition('ERRor')[2].strip()}.")
        if isinstance(error, ValueError) and str(error).startswith(("Failed", "Protocol failed", "Auth", "Access")):
            return CommandFailed(f"{error}.")
        return None


def _stage(cycle: Mapping[str, Any]) -> Stage:
    """One cycle as PyLabRobot has it; the zones of the block are all at one temperature."""
    steps = [Step([round(at_c, 1)] * wire.ZONES, round(for_s)) for at_c, for_s in cycle["holds"]]
    return Stage(steps=steps, repeats=int(cycle.get("times", 1)))


def _name(action: str) -> str:
    """The name of a command's run: short, and only its own."""
    return f"lab{hashlib.sha256(action.encode()).hexdigest()[:16]}"
