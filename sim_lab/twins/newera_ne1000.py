"""The twin of a New Era NE-1000: a plunger that moves at a rate, and a line that dips into what stands at its site.

The syringe is empty at the start; at either end of it the motor stalls. What is drawn where nothing is left is air.
Rates that a syringe allows follow from the speed of the plunger, 5.1 cm/min at most (the manual's specifications).
"""

import asyncio
import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from drivers.core.errors import ConnectionLost
from drivers.core.transport import Transport
from drivers.pumps.newera_ne1000 import wire
from drivers.pumps.newera_ne1000.wire import INFUSING, PAUSED, RUNNING, STOPPED, WITHDRAWING, Reply
from sim_lab.twin import StreamTwin
from sim_lab.twins.syringe import Syringe
from sim_lab.world.model import World

VERSION = "NE1000V3.923"
PLUNGER_MM_MIN = 51.0
PHASES = 41
UNITS = {"UM": 1 / 60, "MM": 1e3 / 60, "UH": 1 / 3600, "MH": 1e3 / 3600}  # to uL/s


class Refused(Exception):
    """A command that the pump answers with an error."""


@dataclass(slots=True)
class Phase:
    """One step of the pump's program, as numbers in their units."""

    function: str = "RAT"
    rate: str = "0.000"
    rate_unit: str = "MH"
    volume: str = "0.000"
    direction: str = "INF"


@dataclass(slots=True)
class Run:
    """A plunger on its way: how much it shall move in all, and what it has moved."""

    volume_ul: float
    rate_ul_s: float
    moved_ul: float = 0.0


class Twin(StreamTwin):
    """One pump; its line ends in the first well of what stands on the site `<name>.line`."""

    baud = wire.BAUD

    def __init__(self, name: str, options: Any, world: World) -> None:
        super().__init__(name, options, world)
        self.mouth = self.site("line")
        self.syringe = Syringe(world, (options.syringe_ml if options else 10.0) * 1e3, self.fails)
        self.diameter_mm, self.volume_unit = 14.43, "ML"
        self.status, self.alarm, self.silence_s = STOPPED, "R", 0
        self.phases = [Phase() for _ in range(PHASES)]
        self.phase = 1
        self.counted = {"INF": 0.0, "WDR": 0.0}
        self.is_blocked = False  # the plunger does not move: a fault
        self.stops = 0
        self._run: Run | None = None
        self._link: Transport | None = None
        self._telling: asyncio.Task[None] | None = None
        self._seen_s = 0.0
        self._timers: dict[str, asyncio.TimerHandle] = {}

    async def serve(self, link: Transport) -> None:
        """Answer whoever holds the line, in the frame that is set; commands are taken in either."""
        requests = wire.Requests()
        with contextlib.suppress(ConnectionLost):
            while data := await link.receive():
                for command, _ in requests.feed(data):
                    self._advance()
                    self._link = link
                    reply = self._answer(command)
                    if reply is not None:
                        await link.send(wire.encode_reply(reply, safe=self.silence_s > 0))
                        self._listen()

    def _answer(self, text: str | None) -> Reply | None:
        address = self.options.address if self.options else 0
        if text is None:
            return Reply(address, self.status, error="COM")
        command = text.lstrip("0123456789")
        if int(text[: len(text) - len(command)] or 0) != address:
            return None  # another pump on the line is meant
        if self.alarm:
            told, self.alarm = self.alarm, ""
            if command.startswith("SAF"):
                self.safe(command[3:])  # the frame of the answer is the new one, whatever it says
            return Reply(address, self.status, alarm=told)
        word, args = command[:3], command[3:]
        if word and word not in COMMANDS:
            return Reply(address, self.status, error="")
        try:
            data = COMMANDS[word](self, args) if word else ""
        except Refused as why:
            return Reply(address, self.status, error=str(why))
        return Reply(address, self.status, data=data)

    def _listen(self) -> None:
        """The safe mode's time begins anew with each packet."""
        self._set_timer("silence", self.silence_s or math.inf, self._unheard)

    def _set_timer(self, name: str, delay_s: float, then: Callable[[], None]) -> None:
        if name in self._timers:
            self._timers.pop(name).cancel()
        if delay_s < math.inf:
            self._timers[name] = asyncio.get_running_loop().call_later(delay_s, then)

    def _unheard(self) -> None:
        self._advance()
        if self.status in RUNNING:
            self._halt(STOPPED)
        self._alert("T")

    def _alert(self, alarm: str) -> None:
        """An alarm waits for the next command; in the safe mode it is told at once as well."""
        self.alarm = alarm
        if self.silence_s and self._link is not None:
            told = Reply(self.options.address if self.options else 0, self.status, alarm=alarm)
            self._telling = asyncio.get_running_loop().create_task(self._tell(self._link, told))

    async def _tell(self, link: Transport, reply: Reply) -> None:
        with contextlib.suppress(ConnectionLost):
            await link.send(wire.encode_reply(reply, safe=True))

    # The plunger

    def _now(self) -> Phase:
        return self.phases[self.phase - 1]

    def _advance(self) -> None:
        """Move what has moved since the last look."""
        now, run = self.world.now(), self._run
        passed_s, self._seen_s = now - self._seen_s, now
        if run is None or self.status not in RUNNING:
            return
        step_ul = min(run.rate_ul_s * passed_s, run.volume_ul - run.moved_ul)
        moved_ul = min(step_ul, self._room_ul(self.status == WITHDRAWING))
        (self.syringe.draw if self.status == WITHDRAWING else self.syringe.give)(moved_ul, self.mouth)
        self.counted["WDR" if self.status == WITHDRAWING else "INF"] += moved_ul
        run.moved_ul += moved_ul
        if moved_ul < step_ul - 1e-6:
            self._halt(STOPPED)
            self._alert("S")
        elif run.volume_ul - run.moved_ul < 1e-6:
            self._halt(STOPPED)

    def _room_ul(self, draws: bool) -> float:
        """How far the plunger can go."""
        if self.is_blocked:
            return 0.0
        return self.syringe.capacity_ul - self.syringe.held_ul if draws else self.syringe.held_ul

    def _halt(self, status: str) -> None:
        self.status = status
        self._set_timer("end", math.inf, self._advance)
        if status == STOPPED:
            self._run = None

    # Commands

    def run(self, args: str) -> str:
        """`RUN`: the program from its first phase, or on from a pause."""
        phase = self._now()
        if self.status in RUNNING:
            raise Refused("NA")
        if self._run is None:
            volume_ul = float(phase.volume) * (1e3 if self.volume_unit == "ML" else 1.0)
            self._run = Run(volume_ul or math.inf, float(phase.rate) * UNITS[phase.rate_unit])
        if not self._run.rate_ul_s:
            raise Refused("NA")
        if (
            self.fails("pump_reset") is not None
        ):  # it was off for a moment: what it was told is as it was, the run is not
            self._run, self.status = None, STOPPED
            self._alert("R")
            return ""
        if self.fails("plunger_blocked") is not None:
            self.is_blocked = True
        self.status = INFUSING if phase.direction == "INF" else WITHDRAWING
        lasts_s = (self._run.volume_ul - self._run.moved_ul) / self._run.rate_ul_s
        room_s = self._room_ul(self.status == WITHDRAWING) / self._run.rate_ul_s
        self._seen_s = self.world.now()
        self._set_timer("end", min(lasts_s, room_s + 0.01) + 1e-6, self._advance)
        return ""

    def stop(self, args: str) -> str:
        """`STP`: pause, and the second time stop."""
        self.stops += 1
        if self.status in RUNNING:
            self._halt(PAUSED)
        elif self.status == PAUSED:
            self._halt(STOPPED)
        return ""

    def safe(self, args: str) -> str:
        """`SAF n`: the safe frame with a time-out of so many seconds; 0 is the basic one."""
        if not args:
            return f"{self.silence_s:03}"
        self.silence_s = int(args) if args.isdigit() and int(args) <= 255 else self.silence_s
        return ""

    def diameter(self, args: str) -> str:
        """`DIA`: in mm; sets the unit of volumes as well."""
        if not args:
            return _shown(wire.number(self.diameter_mm))
        self._require_rest()
        self.diameter_mm = _number(args, 0.1, 50.0)
        self.volume_unit = "ML" if self.diameter_mm > 14.0 else "UL"
        return ""

    def rate(self, args: str) -> str:
        """`RAT`: a number with its unit."""
        phase = self._now()
        if not args:
            return _shown(phase.rate) + phase.rate_unit
        text, unit = (args[:-2], args[-2:]) if args[-2:] in UNITS else (args, phase.rate_unit)
        most_ul_s = math.pi / 4 * self.diameter_mm**2 * PLUNGER_MM_MIN / 60
        value = _number(text, 0.0, most_ul_s / UNITS[unit])
        phase.rate, phase.rate_unit = wire.number(value), unit
        return ""

    def volume(self, args: str) -> str:
        """`VOL`: a number, or its unit."""
        phase = self._now()
        if not args:
            return _shown(phase.volume) + self.volume_unit
        self._require_rest()
        if args in ("UL", "ML"):
            self.volume_unit = args
        else:
            phase.volume = wire.number(_number(args, 0.0, 9999.0))
        return ""

    def direction(self, args: str) -> str:
        """`DIR`: `INF`, `WDR` or `REV` for the other one."""
        phase = self._now()
        if not args:
            return phase.direction
        if args not in ("INF", "WDR", "REV"):
            raise Refused("OOR")
        phase.direction = {"INF": "WDR", "WDR": "INF"}[phase.direction] if args == "REV" else args
        return ""

    def dispensed(self, args: str) -> str:
        """`DIS`: what was moved each way since it was cleared."""
        share = 1e-3 if self.volume_unit == "ML" else 1.0
        infused, drawn = (_shown(wire.number(self.counted[way] * share)) for way in ("INF", "WDR"))
        return f"I{infused}W{drawn}{self.volume_unit}"

    def clear(self, args: str) -> str:
        """`CLD`: count one way from 0."""
        self._require_rest()
        if args not in self.counted:
            raise Refused("OOR")
        self.counted[args] = 0.0
        return ""

    def phase_number(self, args: str) -> str:
        """`PHN`: which phase of the program is spoken of."""
        if not args:
            return f"{self.phase:02}"
        self._require_rest()
        self.phase = int(_number(args, 1, PHASES))
        return ""

    def function(self, args: str) -> str:
        """`FUN`: only pumping at a rate is offered."""
        if args not in ("", "RAT"):
            raise Refused("NA")
        return "RAT" if not args else ""

    def version(self, args: str) -> str:
        """`VER`."""
        return VERSION

    def _require_rest(self) -> None:
        if self.status in RUNNING:
            raise Refused("NA")


def _shown(number: str) -> str:
    return number if "." in number else f"{number}."


def _number(text: str, low: float, high: float) -> float:
    try:
        value = float(text)
    except ValueError:
        raise Refused("OOR") from None
    if not low <= value <= high or len(text.replace(".", "")) > 4:
        raise Refused("OOR")
    return value


COMMANDS: dict[str, Callable[[Twin, str], str]] = {
    "RUN": Twin.run,
    "STP": Twin.stop,
    "SAF": Twin.safe,
    "DIA": Twin.diameter,
    "RAT": Twin.rate,
    "VOL": Twin.volume,
    "DIR": Twin.direction,
    "DIS": Twin.dispensed,
    "CLD": Twin.clear,
    "PHN": Twin.phase_number,
    "FUN": Twin.function,
    "VER": Twin.version,
}
