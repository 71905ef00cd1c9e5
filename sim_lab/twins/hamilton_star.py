"""The twin of a Hamilton STARlet: its firmware's text in front of the world.

Questions are answered at once, what moves one after the other, as the master's stack of commands does. As the real one,
it knows of tips what its sensors feel, and nothing of what stands on its deck.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from drivers.core.errors import ConnectionLost, ProtocolViolation
from drivers.core.transport import Transport
from drivers.liquid_handlers.hamilton_star import wire
from drivers.liquid_handlers.hamilton_star.deck import Deck
from drivers.liquid_handlers.hamilton_star.timing import INITIALISE_S, RAISE_S
from drivers.liquid_handlers.hamilton_star.wire import AUTOLOAD, Refused, Request, Trouble
from sim_lab.twin import StreamTwin
from sim_lab.twins import star_body, star_facts, star_rules
from sim_lab.twins.star_body import Body, TipEntry
from sim_lab.twins.star_channels import Channels
from sim_lab.twins.star_head96 import Head96
from sim_lab.twins.star_iswap import Iswap
from sim_lab.twins.star_tips import Floor
from sim_lab.world.liquids import Vessel
from sim_lab.world.model import World

#: Rails that the carriers end on are felt by a sensor each: carriers are six rails wide.
CARRIER_RAILS = 6
EMPTY_DECK_DATA = "0" * 12


class Twin(StreamTwin):
    """One STARlet; its state outlives every connection, what is switched off with it does not matter here."""

    def __init__(self, name: str, options: Any, world: World) -> None:
        super().__init__(name, options, world)
        deck = Deck(options.tip_carrier_rail, options.plate_carrier_rail)
        self.floor = Floor(name, deck, world)
        self.body = Body(self.floor, self.rng, self.fails)
        self.channels = Channels(self.body)
        self.head96 = Head96(self.body)
        self.iswap = Iswap(self.body)
        self.ready: set[str] = set()  # of the master and the auto load
        self.deck_data = [EMPTY_DECK_DATA] * 10
        self.faulty = ""
        self.last: tuple[Trouble, ...] = ()
        self._work: set[asyncio.Task[None]] = set()

    @property
    def tips(self) -> list[Vessel]:
        """What its tips hold, for the balance of the world."""
        return [nozzle.held for nozzle in (*self.channels.nozzles, *self.head96.nozzles)]

    async def serve(self, link: Transport) -> None:
        """Answer one client; what it began goes on when it is gone."""
        messages = wire.Messages()
        with contextlib.suppress(ConnectionLost):
            while data := await link.receive():
                for text in messages.feed(data):
                    task = asyncio.ensure_future(self._one(text, link))
                    self._work.add(task)
                    task.add_done_callback(self._work.discard)

    async def _one(self, text: str, link: Transport) -> None:
        """One message: what cannot be read at all is not answered."""
        try:
            request = wire.parse(text)
        except ProtocolViolation:
            return
        answer = await self._answer(request)
        with contextlib.suppress(ConnectionLost):
            await link.send(wire.encode(answer))

    async def _answer(self, request: Request) -> str:
        try:
            star_rules.check(request)
            data = await self._do(request)
        except star_rules.Syntax as wrong:
            self.faulty, self.last = wrong.parameter, wrong.troubles
            return wire.answer(request, wrong.troubles)
        except Refused as refused:
            if request.node == wire.MASTER:
                self.last = refused.troubles
            return wire.answer(request, refused.troubles)
        if request.node == wire.MASTER and request.verb not in ("RE", "VP"):
            self.last = ()
        return wire.answer(request, data=data)

    async def _do(self, request: Request) -> str:
        if (fixed := star_facts.FIXED.get(request.name)) is not None:
            return fixed
        if motion := MOTIONS.get(request.name):
            await motion(self, request)
            return ""
        if request.node in wire.CHANNELS:
            return self._of_channel(request)
        return QUESTIONS[request.name](self, request)

    def _of_channel(self, request: Request) -> str:
        """`QC`: the largest volume of the tip and the present one, 0.1 uL."""
        nozzle = self.channels.nozzles[wire.CHANNELS.index(request.node)]
        most = nozzle.tip.capacity_ul if nozzle.tip else 0.0
        return f"qc{most * 10:05.0f} {nozzle.piston_ul * 10:05.0f}"

    # What moves

    async def initialise(self, _: Request) -> None:
        """`VI`: everything up and to its zero."""
        async with self.body.job("X0") as job:
            await job.spend(INITIALISE_S["C0VI"])
            self.ready.add(wire.MASTER)

    async def raise_all(self, request: Request) -> None:
        """`ZA`, `EV`: up."""
        async with self.body.job(wire.HEAD96 if request.verb == "EV" else "P1") as job:
            await job.spend(RAISE_S)

    async def autoload(self, request: Request) -> None:
        """`II`, `IV`, `XP`: the auto load has a drive of its own."""
        if request.name == "C0II":
            await star_body.lapse(INITIALISE_S["C0II"])
            self.ready.add(AUTOLOAD)
        else:
            await star_body.lapse(RAISE_S)

    async def head_drive(self, _: Request) -> None:
        """`DQ`: the head's pistons to a place."""
        async with self.body.job(wire.HEAD96) as job:
            await job.spend(0.5)

    async def define_tip(self, request: Request) -> None:
        """`TT`: one line of the table of tips."""
        self.body.tips[request.number("tt")] = TipEntry(request.number("tl") / 10, request.number("tv") / 10)

    async def halt(self, _: Request) -> None:
        """`AJ`: the sequence in process is completed, all that would follow is discarded."""
        self.body.halts += 1

    # What is only asked, or noted

    def note_deck(self, request: Request) -> str:
        """`DD`: twelve characters that it keeps."""
        text = request.params["vj"]
        if len(text) != len(EMPTY_DECK_DATA):
            raise star_rules.Syntax(wire.MASTER, star_rules.OUT_OF_RANGE, "vj")
        self.deck_data[request.number("vi")] = text
        return ""

    def memory(self, request: Request) -> str:
        """`RA`: a parameter by its name."""
        known = star_facts.MEMORY[request.node]
        if request.params["ra"] not in known:
            raise star_rules.Syntax(request.node, star_rules.UNKNOWN_PARAMETER, "ra")
        return known[request.params["ra"]]

    def carriers(self) -> str:
        """`RC`: rails on whose rear sensor a carrier ends, as bits."""
        rails = [self.options.tip_carrier_rail, self.options.plate_carrier_rail]
        if self.fails("carrier_missing") is not None:
            rails = rails[:1]
        return f"ce{sum(1 << rail + CARRIER_RAILS - 2 for rail in rails):014X}"

    def errors(self) -> str:
        """`RE`: what went wrong last."""
        return "".join(f" {t.node}{t.error:02}/{t.trace:02}" for t in self.last)

    def head_position(self) -> str:
        """`QI`: where nozzle A1 is."""
        x, y = self.head96.at
        return f"xs{abs(x) * 10:05.0f}xd{int(x < 0)}yh{y * 10:04.0f}za3425"


def _yes(truth: bool) -> int:
    return int(truth)


MOTIONS: dict[str, Callable[[Twin, Request], Awaitable[None]]] = {
    "C0VI": Twin.initialise, "C0ZA": Twin.raise_all, "C0EV": Twin.raise_all,
    "C0II": Twin.autoload, "C0IV": Twin.autoload, "I0XP": Twin.autoload, "H0DQ": Twin.head_drive,
    "C0TT": Twin.define_tip, "C0AJ": Twin.halt,
    "C0DI": lambda twin, request: twin.channels.initialise(request, INITIALISE_S["C0DI"]),
    "C0TP": lambda twin, request: twin.channels.take(request),
    "C0TR": lambda twin, request: twin.channels.drop(request),
    "C0AS": lambda twin, request: twin.channels.aspirate(request),
    "C0DS": lambda twin, request: twin.channels.dispense(request),
    "C0JM": lambda twin, request: twin.channels.move(request),
    "C0EI": lambda twin, request: twin.head96.initialise(request, INITIALISE_S["C0EI"]),
    "C0EP": lambda twin, request: twin.head96.take(request),
    "C0ER": lambda twin, request: twin.head96.drop(request),
    "C0EA": lambda twin, request: twin.head96.aspirate(request),
    "C0ED": lambda twin, request: twin.head96.dispense(request),
    "C0FI": lambda twin, request: twin.iswap.initialise(INITIALISE_S["C0FI"]),
    "C0PG": lambda twin, request: twin.iswap.park(),
    "C0PP": lambda twin, request: twin.iswap.get(request),
    "C0PR": lambda twin, request: twin.iswap.put(request),
    "C0PM": lambda twin, request: twin.iswap.move(request),
}  # fmt: skip
QUESTIONS: dict[str, Callable[[Twin, Request], str]] = {
    "C0QW": lambda twin, _: f"qw{_yes(wire.MASTER in twin.ready)}",
    "I0QW": lambda twin, _: f"qw{_yes(AUTOLOAD in twin.ready)}",
    "R0QW": lambda twin, _: f"qw{_yes(twin.iswap.ready)}",
    "H0QW": lambda twin, _: f"qw{_yes(twin.head96.ready)}",
    "C0RT": lambda twin, _: "rt" + " ".join(str(_yes(n.tip is not None)) for n in twin.channels.nozzles),
    "C0RX": lambda twin, _: f"rx{max(twin.body.arm.x_mm, 0.0) * 10:05.0f}",
    "C0RY": lambda twin, _: "ry" + " ".join(f"+{4050 - 268 * n:04}" for n in range(8)),
    "C0RL": lambda twin, _: "lh" + " ".join(["0000"] * 8),
    "C0QH": lambda twin, _: f"qh{_yes(twin.head96.has_tips)}",
    "C0QI": lambda twin, _: twin.head_position(),
    "C0QP": lambda twin, _: f"ph{_yes(twin.iswap.held is not None)}",
    "C0RG": lambda twin, _: f"rg{_yes(twin.iswap.parked)}",
    "C0QG": lambda twin, _: twin.iswap.position(),
    "C0QC": lambda twin, _: "qc0",
    "C0RC": lambda twin, _: twin.carriers(),
    "C0RE": lambda twin, _: twin.errors(),
    "C0VP": lambda twin, _: f"vp{twin.faulty}",
    "C0RQ": lambda twin, _: "rq0",
    "C0DD": lambda twin, request: twin.note_deck(request),
    "C0VD": lambda twin, _: "vj" + " ".join(twin.deck_data),
    "C0RA": lambda twin, request: twin.memory(request),
    "H0RA": lambda twin, request: twin.memory(request),
    "R0RA": lambda twin, request: twin.memory(request),
    "H0RD": lambda twin, _: "rd000000",
}  # fmt: skip
