"""The iSWAP of the twin's STAR: it grips the plate below the point it is sent to, and puts it where it is told."""

import math
from typing import NoReturn

from drivers.liquid_handlers.hamilton_star.deck import SITES
from drivers.liquid_handlers.hamilton_star.timing import GRIP_S, PARK_S
from drivers.liquid_handlers.hamilton_star.wire import ISWAP, Refused, Request, Trouble
from sim_lab.twins.star_body import Body
from sim_lab.world.model import Labware, PhysicalError

NOT_INITIALISED, NOT_FOUND, HAS_NONE, IN_THE_WAY = (2, 91), (21, 94), (23, 96), (22, 97)
HOLDS_ONE, GRIP_LOST, CANNOT_RELEASE = (22, 97), (23, 89), (2, 92)
NEAR_MM, HEIGHT_MM = 3.0, 2.5
#: The plate is that much wider than where the fingers must stop, as PyLabRobot asks for it.
SQUEEZE_MM = 3.3


class Iswap:
    """The gripper; `held` is the plate in it, `grip_mm` how high over its floor it is gripped."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self.ready = False
        self.parked = False
        self.held: Labware | None = None
        self.grip_mm = 0.0
        self.at = (0.0, 0.0, 0.0)

    async def initialise(self, seconds: float) -> None:
        """`FI`."""
        async with self._body.job(ISWAP) as job:
            await job.spend(seconds)
            self.ready = True

    async def park(self) -> None:
        """`PG`: fold up."""
        self._need_ready()
        async with self._body.job(ISWAP) as job:
            if not self.parked:
                await job.spend(PARK_S)
            self.parked = True

    async def get(self, request: Request) -> None:
        """`PP`: open, go down over a plate, close on it, and lift it."""
        self._need_ready()
        if self.held is not None:
            _fail(HOLDS_ONE)
        async with self._body.job(ISWAP) as job:
            x, y, z = _point(request)
            self.parked = False
            await job.go(x, GRIP_S)
            site = self._site(x, y)
            plate = self._body.floor.world.on(self._whole(site)) if site else None
            if site is None or plate is None or self._body.fails("iswap_plate_missing") is not None:
                _fail(NOT_FOUND)
            self._fits(request, plate)
            over = z - self._body.floor.deck.corner(site)[2]
            if not 0.0 < over <= plate.kind.height_mm + 0.5:
                _fail(NOT_FOUND)
            try:
                self.held = self._body.floor.world.lift(self._whole(site))
            except PhysicalError:
                _fail(GRIP_LOST)
            self.grip_mm, self.at = over, (x, y, z)
            if self._body.fails("iswap_grip_lost") is not None:
                self._body.floor.fallen.append(self.held.name if self.held else "")
                self.held = None
                _fail(GRIP_LOST)

    async def put(self, request: Request) -> None:
        """`PR`: go down, open, and leave it."""
        self._need_ready()
        if self.held is None:
            _fail(HAS_NONE)
        async with self._body.job(ISWAP) as job:
            x, y, z = _point(request)
            await job.go(x, GRIP_S)
            site = self._site(x, y)
            plate = self.held
            if site is None or plate is None:
                raise Refused(Trouble(ISWAP, *IN_THE_WAY))
            if abs(z - self.grip_mm - self._body.floor.deck.corner(site)[2]) > HEIGHT_MM:
                _fail(IN_THE_WAY)
            if self._body.fails("iswap_site_occupied") is not None:
                _fail(IN_THE_WAY)
            try:
                self._body.floor.world.put(plate, self._whole(site))
            except PhysicalError:
                _fail(IN_THE_WAY)
            self.held, self.at = None, (x, y, z)

    async def move(self, request: Request) -> None:
        """`PM`: hold it somewhere else."""
        self._need_ready()
        if self.held is None:
            _fail(HAS_NONE)
        async with self._body.job(ISWAP) as job:
            x, y, z = _point(request)
            await job.go(x, GRIP_S / 2)
            self.at, self.parked = (x, y, z), False

    def position(self) -> str:
        """The answer to `QG`."""
        x, y, z = self.at
        return f"xs{abs(x) * 10:05.0f}xd{int(x < 0)}yj{abs(y) * 10:04.0f}yd{int(y < 0)}zj{z * 10:04.0f}zd0"

    def _need_ready(self) -> None:
        if not self.ready:
            _fail(NOT_INITIALISED)

    def _whole(self, site: str) -> str:
        return f"{self._body.floor.name}.{site}"

    def _site(self, x: float, y: float) -> str | None:
        """The site over whose middle the gripper stands."""
        for site in SITES:
            if math.dist((x, y), self._body.floor.deck.middle(site)) <= NEAR_MM:
                return site
        return None

    @staticmethod
    def _fits(request: Request, plate: Labware) -> None:
        """The fingers must open wider than the plate, and feel it where they were told that it is."""
        size = plate.kind.definition["dimensions"]
        width = size["xDimension"] if request.number("gr") in (1, 3) else size["yDimension"]
        opened, closed, tolerance = (request.number(name) / 10 for name in ("go", "gb", "gt"))
        if opened <= width:
            _fail(CANNOT_RELEASE)
        if abs(width - SQUEEZE_MM - closed) > tolerance + 0.1:
            _fail(NOT_FOUND)


def _fail(code: tuple[int, int]) -> NoReturn:
    raise Refused(Trouble(ISWAP, *code))


def _point(request: Request) -> tuple[float, float, float]:
    x, y, z = (
        request.number(name) / (-10 if request.number(sign, 0) else 10)
        for name, sign in (("xs", "xd"), ("yj", "yd"), ("zj", "zd"))
    )
    return x, y, z
