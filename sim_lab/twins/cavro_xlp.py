"""The twin of a Cavro XLP 6000: a plunger, a valve with ports, and lines into what stands at its sites.

It begins without power, as it were: not initialised. The time of a stroke follows from its speed; ramps are left out.
Liquid is counted at the end of each stroke.
"""

import asyncio
import contextlib
import re
from typing import Any

from drivers.core.errors import ConnectionLost
from drivers.core.transport import Transport
from drivers.pumps.cavro_xlp import wire
from drivers.pumps.cavro_xlp.options import Options
from drivers.pumps.cavro_xlp.timing import INITIALISE_SPEED, VALVE_S
from drivers.pumps.cavro_xlp.wire import FINE_STROKE, NOT_INITIALISED, OVERFLOW, PLUNGER, SPEED, STROKE, Reply, Request
from sim_lab.twin import StreamTwin
from sim_lab.twins.syringe import Syringe
from sim_lab.world.model import World

PORTS = 9
FIRMWARE = "P/N: 30038165 Rev: E"
_WORDS = re.compile(r"([A-Za-z])(\d+(?:,\d+)*)?")
RANGES = {"V": SPEED, "v": (50, 1000), "c": (50, 2700), "L": (1, 20), "K": (0, 248), "k": (0, 1000), "N": (0, 2)}
INVALID, OPERAND = 2, 3
ROUNDING = 1e-3  # of a half step


class Twin(StreamTwin):
    """One pump; its lines end in the first wells of what stands on `<name>.inlet` and `<name>.outlet`."""

    baud = wire.BAUD

    def __init__(self, name: str, options: Any, world: World) -> None:
        super().__init__(name, options, world)
        self.given = options or Options()
        self.ends = {self.given.inlet: self.site("inlet"), self.given.outlet: self.site("outlet")}
        self.syringe = Syringe(world, self.given.syringe_ml * 1e3, self.fails)
        self.settings = {"V": 1400, "v": 900, "c": 900, "L": 14, "K": 12, "k": 50, "N": 0}
        self.position = 0.0  # in half steps
        self.valve = 1
        self.is_ready_for_moves = False  # initialised
        self.is_blocked = False  # a fault: the plunger does not move
        self.error = NOT_INITIALISED
        self.stops = self.strokes = 0
        self._loaded = ""
        self._task: asyncio.Task[None] | None = None
        self._stroke: tuple[float, float, float] | None = None  # from where, to where, since when
        self._last: tuple[Request, Reply] | None = None

    async def serve(self, link: Transport) -> None:
        """Answer whoever holds the line."""
        requests = wire.Requests()
        with contextlib.suppress(ConnectionLost):
            while data := await link.receive():
                for request in requests.feed(data):
                    if request.address == self.given.address:
                        await link.send(wire.encode_reply(self._once(request), oem=request.sequence > 0))

    def _once(self, request: Request) -> Reply:
        """A command that is repeated with its number is answered as before, and not done again."""
        if request.is_repeated and self._last and self._last[0].sequence == request.sequence:
            return self._last[1]
        reply = self._answer(request.words)
        if request.sequence:
            self._last = request, reply
        return reply

    def _answer(self, words: str) -> Reply:
        if words in ("Q", "?29"):
            error, self.error = self.error, 0
            lost = not self.is_ready_for_moves and not self._is_busy()
            return Reply(not self._is_busy(), error or (NOT_INITIALISED if lost else 0))
        if words.startswith("?") or words in ("F", "&"):
            told = self._report(words)
            return Reply(not self._is_busy(), 0 if told else INVALID, told)
        if words == "T":
            self.stops += 1
            self._loaded = ""
            if self._task is not None:
                self._task.cancel()
                self._rest()
            return Reply(True)
        if self._is_busy():
            return Reply(False, OVERFLOW)
        runs, text = words.endswith("R"), words.removesuffix("R")
        program = text if text else self._loaded
        error = self._check(program)
        if error:
            self.error = error  # until the next `Q`
            return Reply(True, error)
        self._loaded = "" if runs else program
        if runs and program and _moves(program) and self.is_ready_for_moves and self.fails("pump_reset") is not None:
            self.is_ready_for_moves, self.error = False, NOT_INITIALISED  # it was off for a moment
            return Reply(True, NOT_INITIALISED)
        if runs and program:
            self._task = asyncio.get_running_loop().create_task(self._run(program))
            return Reply(not _moves(program))
        return Reply(True)

    def _is_busy(self) -> bool:
        return self._task is not None and not self._task.done()

    def _check(self, program: str) -> int:
        if "".join(match[0] for match in _WORDS.finditer(program)) != program:
            return INVALID
        for word, operand in _WORDS.findall(program):
            number = int(operand.split(",")[0]) if operand else 0
            if word in "IOAPDapd" and not self.is_ready_for_moves:
                return NOT_INITIALISED
            if word in "IO" and not 1 <= number <= PORTS:
                return OPERAND
            if word in RANGES and not RANGES[word][0] <= number <= RANGES[word][1]:
                return OPERAND
            if word not in "IOAPDapdZYWw" and word not in RANGES:
                return INVALID
        return 0

    def _report(self, words: str) -> str:
        scale = FINE_STROKE // STROKE if self.settings["N"] else 1
        told = {
            "?": round(self._at() * scale),
            "?1": self.settings["v"], "?2": self.settings["V"], "?3": self.settings["c"],
            "?4": round(self._at()), "?6": self.valve, "?10": int(bool(self._loaded)), "F": int(bool(self._loaded)),
            "?12": self.settings["K"], "?16": self.strokes, "?23": FIRMWARE, "&": FIRMWARE, "?24": self.settings["k"],
        }  # fmt: skip
        return str(told.get(words, ""))

    # Motion

    async def _run(self, program: str) -> None:
        for word, operand in _WORDS.findall(program):
            numbers = [int(each) for each in operand.split(",")] if operand else [0]
            if word in RANGES:
                self.settings[word] = numbers[0]
            elif word in "IO":
                await self._turn(numbers[0])
            elif word in "ZY":
                await self._initialise(*([*numbers, 1, 1])[1:3])
            elif word in "AaPpDd":
                await self._move(word.upper(), numbers[0] / (FINE_STROKE // STROKE if self.settings["N"] else 1))
            if self.error:
                return

    async def _turn(self, port: int) -> None:
        await asyncio.sleep(VALVE_S if port != self.valve else 0)
        self.valve = port

    async def _initialise(self, _: int, out: int) -> None:
        """What is in the syringe goes out of the port `out`."""
        self.error, self.is_ready_for_moves = 0, False
        await self._turn(out)
        await self._stroke_to(0.0, INITIALISE_SPEED)
        self.is_ready_for_moves = not self.error

    async def _move(self, word: str, steps: float) -> None:
        to = {"A": steps, "P": self.position + steps, "D": self.position - steps}[word]
        if not 0 <= to <= STROKE + 1e-6:
            self.error = OPERAND
            return
        await self._stroke_to(to, self.settings["V"])

    async def _stroke_to(self, to: float, speed: float) -> None:
        if self.is_ready_for_moves and self.fails("plunger_blocked") is not None:
            self.is_blocked = True
        if self.is_blocked:
            self.error, self.is_ready_for_moves = PLUNGER, False
            return
        self.strokes += 1
        self._stroke = self.position, to, self.world.now()
        self._speed = speed
        try:
            await asyncio.sleep(abs(to - self.position) / speed)
        finally:
            self._rest()

    def _at(self) -> float:
        """Where the plunger is now."""
        if self._stroke is None:
            return self.position
        begin, end, since_s = self._stroke
        moved = min(abs(end - begin), (self.world.now() - since_s) * self._speed)
        return begin + (moved if end > begin else -moved)

    def _rest(self) -> None:
        """The stroke has ended: its liquid is moved."""
        if self._stroke is None:
            return
        begin, end, _ = self._stroke
        at = self._at()
        if abs(at - end) < ROUNDING:  # the clock's sums are not exact, and a plunger beyond its end is an error
            at = end
        self.position, self._stroke = at, None
        volume_ul = abs(at - begin) / STROKE * self.given.syringe_ml * 1e3
        move = self.syringe.draw if at > begin else self.syringe.give
        move(volume_ul, self.ends.get(self.valve))


def _moves(program: str) -> bool:
    return any(word in "IOAPDZYW" for word, _ in _WORDS.findall(program))
