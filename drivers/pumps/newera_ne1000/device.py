"""A New Era syringe pump. It stops by itself when it hears nothing for a while, and keeps a mark of the last command.

The mark stands in the volumes of the pump's last two program phases, which nothing else uses: eight digits made of the
action's id. With the volume that the pump counts from every beginning it tells a next process what became of a command.
"""

import asyncio
from hashlib import sha256

from drivers.core.errors import CommandFailed, CommandRefused, ProtocolViolation, ReplyTimeout
from drivers.core.exchange import Exchange
from drivers.core.instrument import Command, Identity, Recall
from drivers.core.limits import Limits
from drivers.core.roles import Pump
from drivers.core.transport import Port
from drivers.pumps.newera_ne1000 import wire
from drivers.pumps.newera_ne1000.options import Options
from drivers.pumps.newera_ne1000.wire import RUNNING, STOPPED, Reply

REPLY_S = 0.5
POLL_S = 0.5
#: By how much the counted volume may miss the one that was set: the last digit of four.
TOLERANCE = 0.002
#: By how much a run may last longer than volume and rate tell.
LATE_S, LATE = 5.0, 0.05
MARK_PHASES = (40, 41)
#: Commands that are answered by data; all others only by the status.
QUESTIONS = ("VOL", "DIS", "VER")
#: What changes nothing, the question for the status included, and how often it is asked at most.
HARMLESS, TRIES = ("", *QUESTIONS), 3
DIRECTIONS = {"infuse": "INF", "withdraw": "WDR"}


class Ne1000(Pump[Options]):
    """Moves liquid between its syringe and what its line dips into."""

    def __init__(self, name: str, port: Port, options: Options, limits: Limits) -> None:
        super().__init__(name, port, options, limits)
        self._wire = Exchange(name, port.transport, wire.Replies, reply_s=REPLY_S)
        self._lost = False  # whether it was without power since its last command, so that its count says nothing

    async def open(self) -> None:
        """Dial and set the frame; a pump that runs is let run, an alarm of before is taken note of."""
        self._wire.halt()
        async with self._lock:
            self._wire.resume()
            await self._wire.close()
            frame = f"SAF{self.options.silence_s}"
            for _ in range(2):  # the first may be answered by an alarm: it has been without power
                self._note(await self._wire.ask(wire.encode_request(self.options.address, frame, safe=True)))
            await self._ask("", alarms=True)

    async def close(self) -> None:
        """Give the line back."""
        await self._wire.close()

    async def stop(self, success: bool = True) -> None:
        """Stop the plunger, now; a running command ends with `CommandStopped`."""
        self._wire.halt()
        await self._wire.tell(self._encode("STP"), always=True, answered=True)
        await self._rest(always=True)

    async def make_safe(self) -> None:
        """At rest; what is in the syringe stays there."""
        async with self._lock:
            self._wire.resume()
            await self._rest()

    async def identify(self) -> Identity:
        """Its firmware (`VER`); it has no word for its serial number."""
        async with self._lock:
            self._wire.resume()
            return Identity(firmware=(await self._ask("VER", alarms=True)).data)

    async def recall(self, command: Command) -> Recall:
        """By the pump's mark and the volume that it has counted; waits for the end of what still runs."""
        async with self._lock:
            self._wire.resume()
            while (await self._ask("", alarms=True)).status in RUNNING:
                await self._wire.rest(POLL_S)
            if self._lost:
                return Recall("unknown", wire.ALARMS["R"])
            if await self._mark() != _mark(command.action):
                return Recall("not_done", "the pump has the mark of another command")
            counted_ul, volume_ul = await self._counted(command.verb), command.args["volume_ul"]
        told = f"it counted {counted_ul:g} of {volume_ul:g} uL"
        if counted_ul == 0:
            return Recall("not_done", told)
        return Recall("done" if _same(counted_ul, volume_ul) else "unknown", told)

    async def withdraw(
        self, volume_ul: float, rate_ul_s: float | None = None, labware: str = "", well: str = ""
    ) -> None:
        """Draw into the syringe."""
        await self._move("withdraw", volume_ul, rate_ul_s)

    async def infuse(self, volume_ul: float, rate_ul_s: float | None = None, labware: str = "", well: str = "") -> None:
        """Give out of the syringe."""
        await self._move("infuse", volume_ul, rate_ul_s)

    async def _move(self, verb: str, volume_ul: float, rate_ul_s: float | None) -> None:
        rate_ul_s = self.options.rate_ul_s if rate_ul_s is None else rate_ul_s
        self.check("volume", volume_ul)
        self.check("rate", rate_ul_s)
        if volume_ul > self.options.syringe_ml * 1e3:
            raise CommandRefused(f"{volume_ul:g} uL are more than its syringe holds.", device=self.name)
        self._wire.resume()
        if (await self._ask("", alarms=True)).status in RUNNING:
            raise CommandRefused("it runs already.", device=self.name, hint="Wait for its end, or make it safe.")
        await self._rest()
        await self._prepare(verb, volume_ul, rate_ul_s)
        await self._ask("RUN")
        await self._watch(volume_ul / rate_ul_s)
        counted_ul = await self._counted(verb)
        if not _same(counted_ul, volume_ul):
            raise CommandFailed(f"it moved {counted_ul:g} uL, not {volume_ul:g}.", device=self.name)

    async def _prepare(self, verb: str, volume_ul: float, rate_ul_s: float) -> None:
        """The count at 0, then the mark, then what to do: each is answered before the next."""
        for direction in DIRECTIONS.values():
            await self._ask(f"CLD{direction}")
        self._lost = False
        for phase, digits in zip(MARK_PHASES, _mark(self.action), strict=True):
            await self._ask(f"PHN{phase}")
            await self._ask(f"VOL{digits}")
        await self._ask("PHN1")
        large = volume_ul >= 9999.5
        per_min = rate_ul_s * 60
        quick = per_min >= 9999.5
        for command in (
            f"DIA{wire.number(self.options.diameter_mm)}",
            "FUNRAT",
            f"VOL{'ML' if large else 'UL'}",
            f"VOL{wire.number(volume_ul / 1e3 if large else volume_ul)}",
            f"RAT{wire.number(per_min / 1e3 if quick else per_min)}{'MM' if quick else 'UM'}",
            f"DIR{DIRECTIONS[verb]}",
        ):
            await self._ask(command)

    async def _watch(self, lasts_s: float) -> None:
        """Until it stands; each look is also the word that keeps it going."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + lasts_s
        look_s = min(POLL_S, self.options.silence_s / 3) if self.options.silence_s else POLL_S
        while (await self._ask("")).status in RUNNING:
            if loop.time() > until_s + LATE_S + LATE * lasts_s:
                await self._rest(always=True)
                raise CommandFailed("it runs for longer than its volume and rate allow.", device=self.name)
            await self._wire.rest(max(0.05, min(look_s, until_s - loop.time())))

    async def _rest(self, *, always: bool = False) -> None:
        """Stopped: the first `STP` of a running program pauses it, the second ends it."""
        for _ in range(3):
            if (await self._ask("", always=always, alarms=True)).status == STOPPED:
                return
            await self._ask("STP", always=always, alarms=True)
        raise CommandFailed("it does not stop.", device=self.name, hint="Switch it off.")

    async def _mark(self) -> tuple[str, str]:
        found = []
        for phase in MARK_PHASES:
            await self._ask(f"PHN{phase}")
            found.append((await self._ask("VOL")).data[:-2].rstrip("."))
        await self._ask("PHN1")
        return found[0], found[1]

    async def _counted(self, verb: str) -> float:
        """The volume in uL that was moved since the count was set to 0."""
        data = (await self._ask("DIS")).data
        try:
            infused, rest = data.removeprefix("I").split("W")
            value, unit = float(infused if verb == "infuse" else rest[:-2]), rest[-2:]
            return value * {"UL": 1.0, "ML": 1e3}[unit]
        except (ValueError, KeyError):
            raise ProtocolViolation(f"{data!r} tells no volume.", device=self.name) from None

    async def _ask(self, command: str, *, always: bool = False, alarms: bool = False) -> Reply:
        """One command; a question, which changes nothing, again where its reply is lost or cannot be read.

        `alarms`: one that is told is taken note of, and the pump asked again.
        """
        tries = TRIES if command in HARMLESS else 1
        for tried in range(1, tries + 1):
            try:
                reply = await self._once(command, always, alarms)
            except (ReplyTimeout, ProtocolViolation):
                if tried == tries:
                    raise
            else:
                if tried > 1:  # the answer to the question before may still come
                    self._wire.distrust()
                return reply
        raise AssertionError("the last try raises")

    async def _once(self, command: str, always: bool, alarms: bool) -> Reply:
        reply = await self._wire.ask(self._encode(command), always=always)
        self._note(reply)
        if reply.alarm and alarms:
            reply = await self._wire.ask(self._encode(command), always=always)
        if reply.address != self.options.address:
            self._wire.distrust()
            raise ProtocolViolation(f"pump {reply.address} answers.", device=self.name)
        if reply.alarm:
            raise CommandFailed(f"{wire.ALARMS[reply.alarm]}.", device=self.name)
        if reply.error is not None:
            raise CommandRefused(f"{command}: {wire.ERRORS.get(reply.error, reply.error)}.", device=self.name)
        if bool(reply.data) != (command in QUESTIONS):
            self._wire.distrust()
            raise ProtocolViolation(f"{command} is answered by {reply.data!r}.", device=self.name)
        return reply

    def _note(self, reply: Reply) -> None:
        self._lost = self._lost or reply.alarm == "R"

    def _encode(self, command: str) -> bytes:
        return wire.encode_request(self.options.address, command, safe=self.options.silence_s > 0)


def _mark(action: str) -> tuple[str, str]:
    """Two numbers of four digits that stand for an action's id.

    >>> _mark("run/7")
    ('3604', '9555')
    """
    digest = int.from_bytes(sha256(action.encode()).digest()[:8], "big")
    return str(1000 + digest % 9000), str(1000 + digest // 9000 % 9000)


def _same(counted_ul: float, volume_ul: float) -> bool:
    return abs(counted_ul - volume_ul) <= max(TOLERANCE * volume_ul, 1e-3)
