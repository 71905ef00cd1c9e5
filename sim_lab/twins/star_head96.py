"""The 96 head of the twin's STAR: all nozzles do the same, 9 mm apart, from A1 in the back left corner."""

from collections.abc import Callable

from drivers.liquid_handlers.hamilton_star.timing import DIP_S, DROP_TIPS_S, SETTLE_S, TAKE_TIPS_S
from drivers.liquid_handlers.hamilton_star.wire import HEAD96, Refused, Request, Trouble
from sim_lab.twins.star_body import Body
from sim_lab.twins.star_rules import OUT_OF_RANGE, Syntax
from sim_lab.twins.star_tips import NO_TIP, Below, Dip, NodeFails, Nozzle

ROWS, PITCH_MM = 8, 9.0
EMPTY = 4


class Head96:
    """96 nozzles; the firmware only believes that they have tips, it cannot feel them."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self.nozzles = [Nozzle(body.floor, body.rng, head96=True) for _ in range(96)]  # column by column
        self.ready = False
        self.at = (0.0, 108.0)

    @property
    def has_tips(self) -> bool:
        """What the firmware believes (`QH`)."""
        return any(nozzle.tip is not None for nozzle in self.nozzles)

    async def initialise(self, request: Request, seconds: float) -> None:
        """`EI`: over its waste, where every tip falls off."""
        async with self._body.job(HEAD96) as job:
            x, y = _place(request)
            await job.go(x, seconds)
            for nozzle in self.nozzles:
                if nozzle.tip is not None:
                    nozzle.drop_tip(Below(waste=True))
            self.ready, self.at = True, (x, y)

    async def take(self, request: Request) -> None:
        """`EP`: press onto a whole rack; places without a tip stay without."""
        tip = self._body.tip(request.number("tt"))

        def all_of_them(below: list[Below]) -> None:
            if self.has_tips:
                raise NodeFails((7, 76))
            failures = self._try(below, lambda nozzle, under: nozzle.take_tip(under, tip.reach_mm, None))
            wrong = next((code for code in failures if code != NO_TIP), None)
            if wrong is not None:
                raise NodeFails(wrong)
            if not self.has_tips:
                raise NodeFails(NO_TIP)

        await self._go(request, DIP_S + TAKE_TIPS_S, all_of_them)

    async def drop(self, request: Request) -> None:
        """`ER`: throw them off; over the waste all of them fall into it."""

        def all_of_them(below: list[Below]) -> None:
            if not self.has_tips:
                raise NodeFails(NO_TIP)
            if below[0].waste:
                below = [Below(waste=True)] * len(below)
            self._try(below, lambda nozzle, under: nozzle.drop_tip(under) if nozzle.tip else None)

        await self._go(request, DIP_S + DROP_TIPS_S, all_of_them)

    async def aspirate(self, request: Request) -> None:
        """`EA`."""
        volume, dip, used = request.number("af") / 10, _dip(request), _pattern(request)

        def all_of_them(below: list[Below]) -> None:
            self._try_all(below, used, lambda nozzle, under: nozzle.draw(under, dip, volume))

        self._may(used, lambda nozzle: nozzle.may_draw(volume))
        await self._go(request, DIP_S + SETTLE_S + volume / (request.number("ag") / 10), all_of_them)

    async def dispense(self, request: Request) -> None:
        """`ED`."""
        volume, dip, used = request.number("df") / 10, _dip(request), _pattern(request)
        mode, air = request.number("da"), request.number("bv", 0) / 10

        def all_of_them(below: list[Below]) -> None:
            self._try_all(below, used, lambda nozzle, under: nozzle.give(under, dip, volume, mode in (1, 3, EMPTY)))

        self._may(used, lambda nozzle: nozzle.may_give(0.0 if mode == EMPTY else volume, air))
        await self._go(request, DIP_S + SETTLE_S + volume / (request.number("dg") / 10), all_of_them)

    async def _go(self, request: Request, seconds: float, do: Callable[[list[Below]], None]) -> None:
        if not self.ready:
            raise Refused(Trouble(HEAD96, 2, 51))
        async with self._body.job(HEAD96) as job:
            x, y = _place(request)
            await job.go(x)
            await job.spend(seconds)
            self.at = (x, y)
            under = [
                self._body.floor.below(x + PITCH_MM * (n // ROWS), y - PITCH_MM * (n % ROWS))
                for n in range(len(self.nozzles))
            ]
            try:
                do(under)
            except NodeFails as failed:
                raise Refused(Trouble(HEAD96, *failed.code)) from None

    def _may(self, used: list[bool], look: Callable[[Nozzle], None]) -> None:
        if not self.has_tips:
            raise Refused(Trouble(HEAD96, *NO_TIP))
        for nozzle, wanted in zip(self.nozzles, used, strict=True):
            if wanted and nozzle.tip is not None:
                try:
                    look(nozzle)
                except NodeFails as failed:
                    raise Refused(Trouble(HEAD96, *failed.code)) from None

    def _try_all(self, below: list[Below], used: list[bool], do: Callable[[Nozzle, Below], None]) -> None:
        def if_used(nozzle: Nozzle, under: Below) -> None:
            if used[self.nozzles.index(nozzle)] and nozzle.tip is not None:
                do(nozzle, under)

        failures = self._try(below, if_used)
        if failures:
            raise NodeFails(failures[0])

    def _try(self, below: list[Below], do: Callable[[Nozzle, Below], None]) -> list[tuple[int, int]]:
        failures = []
        for nozzle, under in zip(self.nozzles, below, strict=True):
            try:
                do(nozzle, under)
            except NodeFails as failed:
                failures.append(failed.code)
        return failures


def _place(request: Request) -> tuple[float, float]:
    return request.number("xs") / (-10 if request.number("xd", 0) else 10), request.number("yh") / 10


def _pattern(request: Request) -> list[bool]:
    """`cw`: 96 bits as hexadecimal digits, the lowest one of nozzle A1, then down its column."""
    try:
        bits = int(request.params["cw"], 16)
    except ValueError:
        raise Syntax("C0", OUT_OF_RANGE, "cw") from None
    if bits >= 1 << 96:
        raise Syntax("C0", OUT_OF_RANGE, "cw")
    return [bool(bits >> n & 1) for n in range(96)]


def _dip(request: Request) -> Dip:
    deeper = request.number("iw", 0) / (-10 if request.number("ix", 0) else 10)
    follow = request.number("fh", 0) / 10
    return Dip(request.number("zt") / 10, request.number("zm") / 10, deeper, follow, request.number("cm", 0) > 0)
