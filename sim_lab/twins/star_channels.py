"""The eight channels of the twin's STAR: tips, and liquid with or without a look for its surface."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from drivers.liquid_handlers.hamilton_star.timing import DIP_S, DROP_TIPS_S, SETTLE_S, TAKE_TIPS_S
from drivers.liquid_handlers.hamilton_star.wire import CHANNELS, Refused, Request, Trouble
from sim_lab.twins.star_body import NOT_REACHABLE, Body
from sim_lab.twins.star_tips import (
    CLOT,
    CRASH,
    NO_LEVEL,
    NO_TIP,
    NOT_ASPIRATED,
    NOT_DROPPED,
    WRONG_TIP,
    Dip,
    NodeFails,
    Nozzle,
)  # fmt: skip

PITCH_MM = 9.0
FRONT_MM, BACK_MM = 6.0, 606.5  # of the frontmost and the backmost channel
GAMMA = 1  # what PyLabRobot calls capacitive; pressure and both at once find it here just as well
EMPTY = 4
#: Faults that a channel reports, each with its code, by the command in which they happen.
TAKE_FAULTS = {"tip_not_taken": NO_TIP, "wrong_tip": WRONG_TIP}
DRAW_FAULTS = {"no_level": NO_LEVEL, "clot_detected": CLOT, "not_aspirated": NOT_ASPIRATED, "channel_crash": CRASH}


@dataclass(frozen=True, slots=True)
class Place:
    """One channel of a command and where it goes."""

    number: int
    x: float
    y: float


def plan(places: Iterable[Place]) -> list[list[Place]]:
    """The firmware's own plan: what cannot be done at once (other columns, too near, crossed) is done one by one.

    >>> [len(group) for group in plan([Place(0, 100, 300), Place(2, 100, 291), Place(3, 100, 200)])]
    [1, 2]
    """
    groups: list[list[Place]] = []
    for place in places:
        if groups and all(_together(behind, place) for behind in groups[-1]):
            groups[-1].append(place)
        else:
            groups.append([place])
    return groups


def _together(behind: Place, before: Place) -> bool:
    room = PITCH_MM * (before.number - behind.number)
    return behind.x == before.x and behind.y - before.y >= room - 0.2


class Channels:
    """Eight nozzles on one arm; the first is the backmost."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self.nozzles = [Nozzle(body.floor, body.rng) for _ in CHANNELS]
        self.ready = False

    async def initialise(self, request: Request, seconds: float) -> None:
        """`DI`: to the waste, where every tip falls off."""
        xs = request.numbers("xp", 8)
        async with self._body.job("P1") as job:
            await job.go(xs[0] / 10, seconds)
            for nozzle in self.nozzles:
                if nozzle.tip is not None:
                    nozzle.drop_tip(self._body.floor.below(xs[0] / 10, 300.0))
            self.ready = True

    async def take(self, request: Request) -> None:
        """`TP`: each channel presses onto the tip below it."""
        tip, seat = self._body.tip(request.number("tt")), request.number("tz") / 10

        def one(place: Place) -> None:
            self._faulty(TAKE_FAULTS)
            below = self._body.floor.below(place.x, place.y)
            self.nozzles[place.number].take_tip(below, tip.reach_mm, seat)

        await self._each(request, lambda _: DIP_S + TAKE_TIPS_S, one)

    async def drop(self, request: Request) -> None:
        """`TR`: each channel throws its tip off."""

        def one(place: Place) -> None:
            self._faulty({"tip_stays": NOT_DROPPED})
            self.nozzles[place.number].drop_tip(self._body.floor.below(place.x, place.y))

        await self._each(request, lambda _: DIP_S + DROP_TIPS_S, one)

    async def aspirate(self, request: Request) -> None:
        """`AS`: down, perhaps until liquid is felt; draw; up."""
        volumes, rates = _tenths(request, "av"), _tenths(request, "as")

        def check(place: Place) -> None:
            self.nozzles[place.number].may_draw(volumes[place.number])

        def one(place: Place) -> None:
            self._faulty(DRAW_FAULTS)
            share = 1.0
            for fault, sign in (("silent_short_aspirate", -1), ("silent_over_aspirate", 1)):
                share *= 1.0 + sign * (self._body.fails(fault) or 0.0)
            below = self._body.floor.below(place.x, place.y)
            self.nozzles[place.number].draw(below, _dip(request, place.number), volumes[place.number], share)

        def seconds(places: list[Place]) -> float:
            return DIP_S + SETTLE_S + max(volumes[p.number] / rates[p.number] for p in places)

        await self._each(request, seconds, one, check)

    async def dispense(self, request: Request) -> None:
        """`DS`: down; give, and blow out where the mode says so; up."""
        volumes, rates, air = _tenths(request, "dv"), _tenths(request, "ds"), _tenths(request, "ba")
        modes = request.numbers("dm", 8)

        def check(place: Place) -> None:
            self.nozzles[place.number].may_give(
                0.0 if modes[place.number] == EMPTY else volumes[place.number], air[place.number]
            )

        def one(place: Place) -> None:
            nozzle = self.nozzles[place.number]
            self._faulty({"channel_crash": CRASH})
            nozzle.drip(self._body.fails("drip") or 0.0)
            kept = self._body.fails("silent_short_dispense") or 0.0
            empty = modes[place.number] in (1, 3, EMPTY)
            below = self._body.floor.below(place.x, place.y)
            nozzle.give(below, _dip(request, place.number), volumes[place.number], empty, kept)

        def seconds(places: list[Place]) -> float:
            return DIP_S + SETTLE_S + max(volumes[p.number] / rates[p.number] for p in places)

        await self._each(request, seconds, one, check)

    async def move(self, request: Request) -> None:
        """`JM`: over a place."""
        await self._each(request, lambda _: DIP_S + SETTLE_S, lambda _: None)

    async def _each(
        self,
        request: Request,
        seconds: Callable[[list[Place]], float],
        one: Callable[[Place], None],
        check: Callable[[Place], None] = lambda _: None,
    ) -> None:
        """Pass by pass: check, go there, let the time go by, then do it with each channel; failures at the end."""
        if not self.ready:
            raise Refused(Trouble("P1", 2, 51))
        places = self._places(request)
        troubles: list[Trouble] = []
        async with self._body.job(CHANNELS[places[0].number] if places else "P1") as job:
            for column in plan(places):
                able = list(self._try(column, check, troubles))
                if able:
                    await job.go(able[0].x)
                    await job.spend(seconds(able))
                    list(self._try(able, one, troubles))
        if troubles:
            raise Refused(*troubles)

    @staticmethod
    def _try(places: Iterable[Place], do: Callable[[Place], None], troubles: list[Trouble]) -> Iterable[Place]:
        for place in places:
            try:
                do(place)
            except NodeFails as failed:
                troubles.append(Trouble(CHANNELS[place.number], *failed.code))
            else:
                yield place

    @staticmethod
    def _places(request: Request) -> list[Place]:
        """The channels of a command; each must leave room for those before and behind it."""
        used, xs, ys = (request.numbers(name, 8) for name in ("tm", "xp", "yp"))
        places = [Place(n, xs[n] / 10, ys[n] / 10) for n in range(8) if used[n]]
        for place in places:
            if not FRONT_MM + PITCH_MM * (7 - place.number) <= place.y <= BACK_MM - PITCH_MM * place.number:
                raise Refused(NOT_REACHABLE)
        return places

    def _faulty(self, faults: dict[str, tuple[int, int]]) -> None:
        for fault, code in faults.items():
            if self._body.fails(fault) is not None:
                raise NodeFails(code)


def _tenths(request: Request, name: str) -> list[float]:
    return [value / 10 for value in request.numbers(name, 8)]


def _dip(request: Request, number: int) -> Dip:
    def mm(name: str) -> float:
        return request.numbers(name, 8)[number] / 10

    deeper = mm("ip") * (-1 if request.numbers("it", 8)[number] else 1)
    return Dip(mm("zl"), mm("zx"), deeper, mm("fp"), request.numbers("lm", 8)[number] >= GAMMA)
