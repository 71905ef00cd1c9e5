"""Bluesky's own plans that may be asked for by name: a closed list, with arguments that are checked against a lab.

Names and signatures are those of `bluesky.plans`; what takes code there (`per_step`, `per_shot`) is not offered. A
plate reader is told what to read by two more arguments, `wells` and `wavelengths_nm`.
"""

import inspect
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from drivers.core.errors import LimitError
from drivers.core.timing import Timing
from protocols.labview import LabView

MAX_POINTS = 10_000
MAX_DELAY_S = 86_400.0
MAX_WELLS = 1536
#: Role -> the verb that a plan reads it by.
READS: Mapping[str, str] = {
    "AreaDetector": "expose", "Arm": "position", "Axis": "position", "Balance": "weigh",
    "Diffractometer": "measure", "Furnace": "measure", "GasFlow": "measure",
    "Hotplate": "measure", "Incubator": "measure", "OphydDevice": "measure",
    "PlateReader": "read_absorbance", "Sensor": "measure",
}  # fmt: skip


class Move(NamedTuple):
    """How a plan moves a role: verb, its argument, the limit that bounds it and names its unit, what tells where."""

    verb: str
    argument: str
    limit: str
    quantity: str
    dimension: str  # where the lab has no such limit


MOVES: Mapping[str, Move] = {
    "Axis": Move("move", "position_mm", "position", "position", "length"),
    "Diffractometer": Move("drive", "two_theta_deg", "two_theta", "two_theta", "angle"),
    "Incubator": Move("set_temperature", "temperature_c", "temperature", "temperature", "temperature"),
}
_WELL = re.compile(r"[A-P][1-9][0-9]?")


class BadPlan(Exception):
    """A plan that this lab does not run as it was asked for; `problems` has all that is wrong."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Scan:
    """A plan whose arguments are good. `ways`: axis -> start and stop, or all points of a `list_scan`, in the unit of
    the axis."""

    plan: str
    detectors: tuple[str, ...]
    points: int
    delay_s: float = 0.0
    ways: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    reads: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # detector -> what its verb is told
    grid: tuple[int, ...] = ()  # of a `grid_scan`: points along each axis, the slowest first
    snake: bool = False  # every other line of a grid is gone backwards

    @property
    def devices(self) -> tuple[str, ...]:
        """All that it has to itself."""
        return tuple(dict.fromkeys((*self.ways, *self.detectors)))

    def targets(self, axis: str) -> tuple[float, ...]:
        """Where an axis goes, in order."""
        way, places = self.ways[axis], range(self.points)
        if self.plan == "list_scan":
            return way[: self.points]
        if not self.grid:
            return _evenly(way, self.points, places)
        number = list(self.ways).index(axis)
        return _evenly(way, self.grid[number], [self._place(number, point) for point in places])

    def _place(self, axis: int, point: int) -> int:
        """How many steps along its line the n-th axis of a grid is at a point, counted as Bluesky does."""
        passes, place = divmod(point // math.prod(self.grid[axis + 1 :]), self.grid[axis])
        return self.grid[axis] - 1 - place if self.snake and axis and passes % 2 else place

    def path(self) -> Iterator[Mapping[str, float]]:
        """Point by point, the axes that go somewhere, and where; as Bluesky, which leaves the others where they are."""
        targets = {axis: self.targets(axis) for axis in self.ways}
        for point in range(self.points):
            yield {axis: way[point] for axis, way in targets.items() if not point or way[point] != way[point - 1]}

    def begun_at(self, home: Mapping[str, float]) -> "Scan":
        """A `rel_scan` whose axes stand there, as the `scan` that it then is."""
        ways = {axis: tuple(home[axis] + place for place in way) for axis, way in self.ways.items()}
        return replace(self, plan="scan", ways=ways)


def _evenly(way: Sequence[float], points: int, places: Iterable[int]) -> tuple[float, ...]:
    step = (way[1] - way[0]) / (points - 1) if points > 1 else 0.0
    return tuple(way[0] + step * place for place in places)


def _count(detectors: Any, num: Any = 1, delay: Any = 0.0, *, wells: Any = None, wavelengths_nm: Any = None) -> None:
    """Take readings of detectors, `num` times, `delay` seconds from one to the next."""


def _scan(detectors: Any, *args: Any, num: Any = None, wells: Any = None, wavelengths_nm: Any = None) -> None:
    """Move axes together to `num` points and read at each: axis, start, stop, axis, start, stop, ... (mm or deg)."""


def _rel_scan(detectors: Any, *args: Any, num: Any = None, wells: Any = None, wavelengths_nm: Any = None) -> None:
    """As `scan`, counted from where the axes stand; when all went well they go back there."""


def _list_scan(detectors: Any, *args: Any, wells: Any = None, wavelengths_nm: Any = None) -> None:
    """Move one or more axes together through lists of points and read at each: axis, [points], ... (mm)."""


def _grid_scan(
    detectors: Any, *args: Any, snake_axes: Any = False, wells: Any = None, wavelengths_nm: Any = None
) -> None:
    """Move axes over a grid, the first one slowest, and read at each point: axis, start, stop, num, axis, ... (mm)."""


#: The closed list.
PLANS: Mapping[str, Callable[..., None]] = {
    "count": _count, "scan": _scan, "rel_scan": _rel_scan, "list_scan": _list_scan, "grid_scan": _grid_scan,
}  # fmt: skip
_SHAPES = {"list_scan": "axis, [points]", "grid_scan": "axis, start, stop, num"}


def bind(lab: LabView, plan: str, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None) -> Scan:
    """The plan with its arguments, held against the lab; raises `BadPlan` with everything that is wrong.

    Every target of `scan` and `list_scan` is inside the limits of its axis. Those of `rel_scan` are known once the
    axes are the plan's own, and are checked then, before anything moves.
    """
    if plan not in PLANS:
        raise BadPlan([f"there is no plan {plan!r}; there are {', '.join(PLANS)}"])
    try:
        told = inspect.signature(PLANS[plan]).bind(*args, **(kwargs or {}))
    except TypeError as error:
        raise BadPlan([f"{plan}: {error}"]) from None
    told.apply_defaults()
    found = _Binder(lab, plan, told.arguments)
    scan = found.scan()
    if found.problems:
        raise BadPlan(found.problems)
    return scan


class _Binder:
    """Collects what is wrong on the way."""

    def __init__(self, lab: LabView, plan: str, told: Mapping[str, Any]) -> None:
        self._lab, self._plan, self._told = lab, plan, told
        self.problems: list[str] = []

    def scan(self) -> Scan:
        detectors = self._detectors(self._told["detectors"])
        reads = self._reads(detectors)
        if self._plan == "count":
            points = self._whole("num", self._told["num"])
            delay_s = self._number("delay", self._told["delay"], 0.0, MAX_DELAY_S)
            return Scan(self._plan, detectors, points, delay_s, {}, reads)
        ways, grid = self._ways()
        for axis, way in ways.items() if self._plan != "rel_scan" else ():
            self._within(axis, way)
        if self._plan != "grid_scan":
            return Scan(self._plan, detectors, grid[0], 0.0, ways, reads)
        snake = self._told["snake_axes"]
        if not isinstance(snake, bool):
            self.problems.append(f"snake_axes: say true or false, not {str(snake)[:40]!r}")
        points = self._whole("num of all axes together", math.prod(grid))
        return Scan(self._plan, detectors, points, 0.0, ways, reads, grid, snake is True)

    def _detectors(self, said: Any) -> tuple[str, ...]:
        if not isinstance(said, list | tuple) or not said or not all(isinstance(name, str) for name in said):
            self.problems.append("detectors: give a list of names of devices, at least one")
            return ()
        return tuple(dict.fromkeys(name for name in said if self._is(name, READS, "be read by a plan")))

    def _is(self, name: Any, roles: Mapping[str, Any], what: str) -> bool:
        able = [device for device, role in self._lab.roles.items() if role in roles]
        if name not in able:
            self.problems.append(f"{str(name)[:64]!r} cannot {what}; what can: {', '.join(able) or 'nothing here'}")
        return name in able

    def _reads(self, detectors: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        readers = [name for name in detectors if self._lab.roles[name] == "PlateReader"]
        wells, waves = self._told["wells"], self._told["wavelengths_nm"]
        if not readers:
            if wells is not None or waves is not None:
                self.problems.append("wells and wavelengths_nm are for plate readers, and none is among the detectors")
            return {}
        if not (isinstance(wells, list) and 0 < len(wells) <= MAX_WELLS
                and all(isinstance(well, str) and _WELL.fullmatch(well) for well in wells)):  # fmt: skip
            self.problems.append('wells: say which wells to read, such as ["A1", "A2"]')
            return {}
        if not isinstance(waves, list) or not 0 < len(waves) <= 100:
            self.problems.append("wavelengths_nm: say at which wavelengths to read, such as [520]")
            return {}
        told = {"wells": list(wells), "wavelengths_nm": [self._number("wavelengths_nm", wave) for wave in waves]}
        for reader in readers:
            for wave in told["wavelengths_nm"]:
                self._limit(reader, "wavelength", wave)
        return dict.fromkeys(readers, told)

    def _ways(self) -> tuple[dict[str, tuple[float, ...]], tuple[int, ...]]:
        """The way of each axis, and how many points there are: along each axis of a grid, else of all together."""
        args, num = list(self._told["args"]), self._told.get("num")
        shape = _SHAPES.get(self._plan, "axis, start, stop")
        width = shape.count(",") + 1
        if width == 3 and num is None and len(args) % 3 == 1:
            num = args.pop()  # as `scan(detectors, axis, start, stop, num)`, which Bluesky takes as well
        if not args or len(args) % width:
            self.problems.append(f"after the detectors come one or more times: {shape}")
            return {}, (1,)
        ways: dict[str, tuple[float, ...]] = {}
        counts: list[int] = []
        for begin in range(0, len(args), width):
            axis, *rest = args[begin : begin + width]
            if not self._is(axis, MOVES, "be moved by a plan"):
                continue
            if axis in ways:
                self.problems.append(f"{axis}: an axis may be named once")
            if width == 4:
                counts.append(self._whole(f"num of {axis}", rest.pop()))
            places = rest[0] if width == 2 else rest
            if not isinstance(places, list | tuple) or not 0 < len(places) <= MAX_POINTS:
                self.problems.append(f"{axis}: give a list of 1 to {MAX_POINTS} points")
                continue
            ways[axis] = tuple(self._number(axis, place) for place in places)
        if width == 4:
            return ways, tuple(counts)
        if width == 3:
            return ways, (self._whole("num", num),)
        lengths = {len(way) for way in ways.values()}
        if len(lengths) > 1:
            self.problems.append("every axis of a list_scan needs as many points as the others")
        return ways, (min(lengths, default=1),)

    def _within(self, axis: str, way: Sequence[float]) -> None:
        for place in dict.fromkeys((min(way), max(way))):
            self._limit(axis, MOVES[self._lab.roles[axis]].limit, place)

    def _limit(self, device: str, limit: str, value: float) -> None:
        limits = self._lab.limits.get(device)
        try:
            if limits is not None and limit in limits.ranges:
                limits.check(limit, value, device=device)
        except LimitError as error:
            self.problems.append(str(error))

    def _number(self, name: str, said: Any, low: float = -math.inf, high: float = math.inf) -> float:
        number = isinstance(said, int | float) and not isinstance(said, bool)
        if not number or not abs(said) < 1e12 or not low <= said <= high:
            bounds = f" from {low:g} to {high:g}" if math.isfinite(low) else ""
            self.problems.append(f"{name}: give a finite number{bounds}, not {str(said)[:40]!r}")
            return max(low, 0.0)
        return float(said)

    def _whole(self, name: str, said: Any) -> int:
        if isinstance(said, bool) or not isinstance(said, int) or not 1 <= said <= MAX_POINTS:
            self.problems.append(f"{name}: give a whole number from 1 to {MAX_POINTS}, not {str(said)[:40]!r}")
            return 1
        return said


def duration_s(lab: LabView, scan: Scan) -> tuple[float, float]:
    """(how long it takes, how many seconds of instruments that is), by the drivers' figures; an estimate from below.

    A driver without figures counts nothing, and neither does the way of an axis to the first point.
    """
    timings = lab.timings(scan.devices) if lab.timings is not None else {}
    whole_s = busy_s = 0.0
    for point in scan.path():
        moves = [_seconds(timings, axis, *move_to(lab.roles, axis, place)) for axis, place in point.items()]
        reads = [_seconds(timings, name, *reading_of(lab.roles, scan, name)) for name in scan.devices]
        whole_s += max(scan.delay_s, max(moves, default=0.0) + max(reads, default=0.0))
        busy_s += sum(moves) + sum(reads)
    return whole_s, busy_s


def move_to(roles: Mapping[str, str], axis: str, place: float) -> tuple[str, Mapping[str, Any]]:
    """The verb that brings an axis to a place, and its arguments."""
    move = MOVES[roles[axis]]
    return move.verb, {move.argument: place}


def dimension_of(lab: LabView, axis: str) -> str:
    """In what an axis moves, as its driver declares by the limit of its moves."""
    move, limits = MOVES[lab.roles[axis]], lab.limits.get(axis)
    allowed = limits.ranges.get(move.limit) if limits is not None else None
    return move.dimension if allowed is None else allowed.dimension


def reading_of(roles: Mapping[str, str], scan: Scan, name: str) -> tuple[str, Mapping[str, Any]]:
    """The verb by which a device of a scan is read, and its arguments."""
    return READS[roles[name]], scan.reads.get(name, {})


def _seconds(timings: Mapping[str, Timing | None], device: str, verb: str, args: Mapping[str, Any]) -> float:
    timed = timings.get(device)
    try:
        return 0.0 if timed is None else float(timed.seconds(verb, args))
    except KeyError:
        return 0.0
