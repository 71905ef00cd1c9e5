"""Bluesky's own plans that may be asked for by name: a closed list, with arguments that are checked against a lab.

Names and signatures are those of `bluesky.plans`; what takes code there (`per_step`, `per_shot`) is not offered. A
plate reader is told what to read by two more arguments, `wells` and `wavelengths_nm`.
"""

import inspect
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from drivers.core.build import timing
from drivers.core.errors import LimitError
from drivers.core.limits import Limits
from labfile.lab import Lab

MAX_POINTS = 10_000
MAX_DELAY_S = 86_400.0
MAX_WELLS = 1536
#: Role -> the verb that a plan reads it by.
READS: Mapping[str, str] = {
    "Arm": "position", "Axis": "position", "Balance": "weigh", "Furnace": "measure", "GasFlow": "measure",
    "Hotplate": "measure", "PlateReader": "read_absorbance", "Sensor": "measure",
}  # fmt: skip
#: Role -> verb, argument and limit of a plan's moves.
MOVES: Mapping[str, tuple[str, str, str]] = {"Axis": ("move", "position_mm", "position")}
_WELL = re.compile(r"[A-P][1-9][0-9]?")


class BadPlan(Exception):
    """A plan that this lab does not run as it was asked for; `problems` has all that is wrong."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Scan:
    """A plan whose arguments are good. `ways`: axis -> start and stop, or all points of a `list_scan`, in mm."""

    plan: str
    detectors: tuple[str, ...]
    points: int
    delay_s: float = 0.0
    ways: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    reads: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # detector -> what its verb is told

    @property
    def devices(self) -> tuple[str, ...]:
        """All that it has to itself."""
        return tuple(dict.fromkeys((*self.ways, *self.detectors)))

    def targets(self, axis: str) -> tuple[float, ...]:
        """Where an axis goes, in order."""
        way = self.ways[axis]
        if self.plan == "list_scan" or self.points == 1:
            return way[: self.points]
        step = (way[1] - way[0]) / (self.points - 1)
        return tuple(way[0] + step * number for number in range(self.points))


def _count(detectors: Any, num: Any = 1, delay: Any = 0.0, *, wells: Any = None, wavelengths_nm: Any = None) -> None:
    """Take readings of detectors, `num` times, `delay` seconds from one to the next."""


def _scan(detectors: Any, *args: Any, num: Any = None, wells: Any = None, wavelengths_nm: Any = None) -> None:
    """Move axes together to `num` points and read at each: axis, start, stop, axis, start, stop, ... (mm)."""


def _rel_scan(detectors: Any, *args: Any, num: Any = None, wells: Any = None, wavelengths_nm: Any = None) -> None:
    """As `scan`, counted from where the axes stand; when all went well they go back there."""


def _list_scan(detectors: Any, *args: Any, wells: Any = None, wavelengths_nm: Any = None) -> None:
    """Move one or more axes together through lists of points and read at each: axis, [points], ... (mm)."""


#: The closed list.
PLANS: Mapping[str, Callable[..., None]] = {
    "count": _count, "scan": _scan, "rel_scan": _rel_scan, "list_scan": _list_scan,
}  # fmt: skip


def bind(lab: Lab, plan: str, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None) -> Scan:
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

    def __init__(self, lab: Lab, plan: str, told: Mapping[str, Any]) -> None:
        self._lab, self._plan, self._told = lab, plan, told
        self.problems: list[str] = []

    def scan(self) -> Scan:
        detectors = self._detectors(self._told["detectors"])
        reads = self._reads(detectors)
        if self._plan == "count":
            points = self._whole("num", self._told["num"])
            delay_s = self._number("delay", self._told["delay"], 0.0, MAX_DELAY_S)
            return Scan(self._plan, detectors, points, delay_s, {}, reads)
        ways, points = self._ways()
        for axis, way in ways.items() if self._plan != "rel_scan" else ():
            self._within(axis, way)
        return Scan(self._plan, detectors, points, 0.0, ways, reads)

    def _detectors(self, said: Any) -> tuple[str, ...]:
        if not isinstance(said, list | tuple) or not said or not all(isinstance(name, str) for name in said):
            self.problems.append("detectors: give a list of names of devices, at least one")
            return ()
        return tuple(dict.fromkeys(name for name in said if self._is(name, READS, "be read by a plan")))

    def _is(self, name: Any, roles: Mapping[str, Any], what: str) -> bool:
        able = [device.name for device in self._lab.devices.values() if device.role in roles]
        if name not in able:
            self.problems.append(f"{str(name)[:64]!r} cannot {what}; what can: {', '.join(able) or 'nothing here'}")
        return name in able

    def _reads(self, detectors: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        readers = [name for name in detectors if self._lab.devices[name].role == "PlateReader"]
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

    def _ways(self) -> tuple[dict[str, tuple[float, ...]], int]:
        args, num, width = list(self._told["args"]), self._told.get("num"), 2 if self._plan == "list_scan" else 3
        if width == 3 and num is None and len(args) % 3 == 1:
            num = args.pop()  # as `scan(detectors, axis, start, stop, num)`, which Bluesky takes as well
        if not args or len(args) % width:
            shape = "axis, [points]" if width == 2 else "axis, start, stop"
            self.problems.append(f"after the detectors come one or more times: {shape}")
            return {}, 1
        ways: dict[str, tuple[float, ...]] = {}
        for begin in range(0, len(args), width):
            axis, *rest = args[begin : begin + width]
            if not self._is(axis, MOVES, "be moved by a plan"):
                continue
            if axis in ways:
                self.problems.append(f"{axis}: an axis may be named once")
            places = rest[0] if width == 2 else rest
            if not isinstance(places, list | tuple) or not 0 < len(places) <= MAX_POINTS:
                self.problems.append(f"{axis}: give a list of 1 to {MAX_POINTS} points")
                continue
            ways[axis] = tuple(self._number(axis, place) for place in places)
        if width == 3:
            return ways, self._whole("num", num)
        lengths = {len(way) for way in ways.values()}
        if len(lengths) > 1:
            self.problems.append("every axis of a list_scan needs as many points as the others")
        return ways, min(lengths, default=1)

    def _within(self, axis: str, way: Sequence[float]) -> None:
        for place in dict.fromkeys((min(way), max(way))):
            self._limit(axis, MOVES[self._lab.devices[axis].role][2], place)

    def _limit(self, device: str, limit: str, value: float) -> None:
        entry = self._lab.devices[device]
        try:
            if limit in entry.limits.ranges:
                Limits(entry.limits.ranges).check(limit, value, device=device)
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


def duration_s(lab: Lab, scan: Scan) -> tuple[float, float]:
    """(how long it takes, how many seconds of instruments that is), by the drivers' figures; an estimate from below.

    A driver without figures counts nothing, and neither does the way of an axis to the first point.
    """
    timings = {name: timing(lab.devices[name], lab.sites) for name in scan.devices}
    whole_s = busy_s = 0.0
    targets = {axis: scan.targets(axis) for axis in scan.ways}
    for point in range(scan.points):
        moves = [_seconds(timings[axis], *_move(lab, axis, way[point])) for axis, way in targets.items()]
        reads = [_seconds(timings[name], *_read(lab, scan, name)) for name in scan.devices]
        whole_s += max(scan.delay_s, max(moves, default=0.0) + max(reads, default=0.0))
        busy_s += sum(moves) + sum(reads)
    return whole_s, busy_s


def _move(lab: Lab, axis: str, place: float) -> tuple[str, Mapping[str, Any]]:
    verb, argument, _ = MOVES[lab.devices[axis].role]
    return verb, {argument: place}


def _read(lab: Lab, scan: Scan, name: str) -> tuple[str, Mapping[str, Any]]:
    return READS[lab.devices[name].role], scan.reads.get(name, {})


def _seconds(timed: Any, verb: str, args: Mapping[str, Any]) -> float:
    try:
        return 0.0 if timed is None else float(timed.seconds(verb, args))
    except KeyError:
        return 0.0
