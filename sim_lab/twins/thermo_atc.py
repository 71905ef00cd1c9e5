"""The twin of an ATC: a block that ramps, a lid that moves and heats, runs by name.

Ramps and times are those of the driver's package. A PCR plate on the block follows it within seconds (`PLATE_TAU_S`,
our estimate); a method begins when the lid is hot.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

from drivers.core.errors import ConnectionLost
from drivers.core.transport import Transport
from drivers.thermocyclers.thermo_atc import wire
from drivers.thermocyclers.thermo_atc.timing import BLOCK_C_S, LID_C_S, SECONDS
from drivers.thermocyclers.thermo_atc.wire import Hold, Request, Stage
from sim_lab.twin import StreamTwin
from sim_lab.world.model import World

PLATE_TAU_S = 5.0
#: Between `NEXT` and `OK` of what is quickly done.
BRIEF_S = 0.05
CHALLENGE = "8d2f1c"
SENSOR_BREAK = 7  # its number is ours


class Refused(Exception):
    """`ERRor`."""


class Twin(StreamTwin):
    """One cycler; its block is the site `<name>.block`, out of reach while the lid is closed."""

    def __init__(self, name: str, options: Any, world: World) -> None:
        super().__init__(name, options, world)
        self.block = self.site("block")
        self.world.closed.add(self.block)
        self.lid_is_open = False
        self.block_c = self.lid_c = world.air.temperature_c
        self.is_on = False
        self.runs: list[str] = []
        self.methods: dict[str, tuple[Stage, ...]] = {}
        self.run = wire.NO_RUN
        self.completed: list[str] = []
        self.error = 0
        self._ends_s = self._begun_s = 0.0
        self._running: asyncio.Task[None] | None = None
        self._work: set[asyncio.Task[None]] = set()

    async def serve(self, link: Transport) -> None:
        """Greet one client, and answer it once it has proved that it knows the secret."""
        messages, known = wire.Messages(), False
        with contextlib.suppress(ConnectionLost):
            await link.send(wire.encode("OK", "HELLO", self.name))
            while data := await link.receive():
                for message in messages.feed(data):
                    request = wire.read_request(message)
                    if not known and request.verb not in ("CHAL?", "AUTH"):
                        await link.send(wire.encode("ERRor", "NotAuthorized"))
                        continue
                    known = known or (request.verb == "AUTH" and request.args == (wire.proof(CHALLENGE),))
                    try:
                        await self._answer(link, request, known=known)
                    except Refused as refused:
                        await link.send(wire.encode("ERRor", str(refused)))

    async def _answer(self, link: Transport, request: Request, *, known: bool) -> None:
        verb = request.verb.removeprefix("TBC1:")
        if verb == "AUTH" and not known:
            raise Refused("AuthenticationFailed")
        if values := self._told(verb, request):
            await link.send(wire.encode("OK", request.text.replace("\n", "\r\n"), *values))
            return
        match verb:
            case "BLOCK" | "COVER":
                await self._set(verb, float(request.args[0]) > 0, float(request.args[1]))
                await link.send(wire.encode("NEXT", request.text))
                await asyncio.sleep(BRIEF_S)
            case "RunProtocol":
                task = asyncio.get_running_loop().create_task(self._carry_out(link, request, *request.args))
                self._work.add(task)
                task.add_done_callback(self._work.discard)
                await link.send(wire.encode("NEXT", request.text))
                return
            case "AbortRun":
                if self._running is not None:
                    self._running.cancel()
                self._end()
            case "lidopen" | "lidclose":
                await self._move_lid(is_open=verb == "lidopen")
            case "Protocol":
                self.methods[request.args[0]] = _method(request)
            case "RUNS:NEW":
                self.runs.append(request.args[0])
            case "AUTH" | "ACCess" | "POWER" | "FILe:WRITe" | "BUZZer+" | "BUZZer-" | "SYST:SETT:NICK":
                pass
            case _:
                raise Refused(f"UnknownCommand {request.verb}")
        await link.send(wire.encode("OK", request.text.replace("\n", "\r\n")))

    def _told(self, verb: str, request: Request) -> tuple[object, ...]:
        """The values of a question; none for what is none."""
        now = self.world.now()
        zones = f"{self.block_c:.1f}"
        match verb:
            case "CHAL?":
                return (CHALLENGE,)
            case "TBC:BID?":
                return (wire.BLOCK_TYPE,)
            case "TBC:BlockPresence?":
                return (1,)
            case "ERROR?":
                return (self.error,)
            case "RUNTitle?":
                return (self.run,)
            case "RUNS:EXISTS?":
                return (request.args[0] in self.runs,)
            case "ESTimatedTime?":
                return (round(self._ends_s - self._begun_s),)
            case "ELAPsedTime?":
                return (round(now - self._begun_s),)
            case "REMainingTime?":
                return (max(0, round(self._ends_s - now)),)
            case "RUNProgress?":
                at = 1 if self.run != wire.NO_RUN else "-"
                return (f"-RunTitle={self.run}", f"-Stage={at}", f"-Step={at}")
            case "TBC:BlockTemperatures?" | "TBC:SampleTemperatures?":
                return (zones,) * wire.ZONES
            case "TBC:CoverTemperatures?":
                return (f"{self.lid_c:.1f}",)
        return ()

    # What it does

    async def _set(self, verb: str, is_on: bool, target_c: float) -> None:
        air_c = self.world.air.temperature_c
        if verb == "COVER":
            self.lid_c = target_c if is_on else air_c
            return
        self.is_on = is_on
        self._hold(target_c if is_on else None)

    def _hold(self, target_c: float | None) -> None:
        """The block is at a temperature, or left alone."""
        self.block_c = self.world.air.temperature_c if target_c is None else target_c
        self.world.warm(self.block, target_c, PLATE_TAU_S)

    async def _move_lid(self, *, is_open: bool) -> None:
        if self.run != wire.NO_RUN:
            raise Refused("BlockIsRunning")
        self.world.closed.add(self.block)
        if is_open and self.fails("lid_stuck") is not None:
            raise Refused("LidDoesNotMove")
        if self.lid_is_open != is_open:
            await asyncio.sleep(SECONDS["open_lid" if is_open else "close_lid"])
        self.lid_is_open = is_open
        if is_open:
            self.world.closed.discard(self.block)

    async def _carry_out(self, link: Transport, request: Request, method: str, run: str) -> None:
        stages = self.methods.get(method)
        if stages is None or run not in self.runs or self.run != wire.NO_RUN or self.lid_is_open:
            with contextlib.suppress(ConnectionLost):
                await link.send(wire.encode("ERRor", "CannotStart"))
            return
        lid_c = float(request.params.get("CoverTemperature", 105))
        self._begun_s = self.world.now()
        self._ends_s = self._begun_s + self._takes_s(stages, lid_c)
        self.run = run
        running = self._running = asyncio.get_running_loop().create_task(self._cycle(stages, lid_c))
        await asyncio.wait((running,))
        with contextlib.suppress(ConnectionLost):
            await link.send(wire.encode("ERRor" if running.cancelled() else "OK", request.text))

    async def _cycle(self, stages: tuple[Stage, ...], lid_c: float) -> None:
        await asyncio.sleep(max(0.0, lid_c - self.lid_c) / LID_C_S)
        self.lid_c = lid_c
        for hold in _holds(stages):
            if self.fails("sensor_break") is not None:  # it heats no block of which it does not know how hot it is
                self.error = SENSOR_BREAK
                self._end()
                return
            await asyncio.sleep(abs(hold.temperature_c - self.block_c) / BLOCK_C_S)
            self._hold(hold.temperature_c + (self.fails("block_too_hot") or 0.0))
            await asyncio.sleep(hold.hold_s or 0.0)
        self.completed.append(self.run)
        self._end()

    def _end(self) -> None:
        self.run = wire.NO_RUN
        self.lid_c = self.world.air.temperature_c
        self._hold(None)

    def _takes_s(self, stages: tuple[Stage, ...], lid_c: float) -> float:
        total_s, at_c = max(0.0, lid_c - self.lid_c) / LID_C_S, self.block_c
        for hold in _holds(stages):
            total_s += abs(hold.temperature_c - at_c) / BLOCK_C_S + (hold.hold_s or 0.0)
            at_c = hold.temperature_c
        return total_s


def _method(request: Request) -> tuple[Stage, ...]:
    try:
        return wire.read_method(request.body)
    except (ValueError, KeyError, IndexError):
        raise Refused("IllegalProtocol") from None


def _holds(stages: tuple[Stage, ...]) -> Iterator[Hold]:
    for stage in stages:
        for _ in range(stage.times):
            yield from stage.holds
