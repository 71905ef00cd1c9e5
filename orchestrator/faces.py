"""Instruments as Bluesky's own plans see them, and these plans over them."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from bluesky import plan_stubs as bps
from bluesky import plans as bp
from bluesky import preprocessors as bpp
from bluesky.utils import Msg
from ophyd_async.core import AsyncStatus

from drivers.core.command import Command
from drivers.core.instrument import Instrument
from orchestrator.engine import Plan
from orchestrator.readings import StepReading
from protocols.scans import MOVES, READS, Scan


class Face:
    """An instrument that a plan triggers and reads: one command a reading, under an id that no other command has."""

    parent = None

    def __init__(self, role: str, device: Instrument[Any], args: Mapping[str, Any], next_id: Callable[[], str]) -> None:
        self.name = device.name
        self._role, self._device, self._args, self._next_id = role, device, args, next_id
        self._seen = StepReading(self.name, (), 0.0)

    def __repr__(self) -> str:
        return self.name

    def trigger(self) -> AsyncStatus[None]:
        """Measure once."""
        return AsyncStatus(self._measure())

    async def _measure(self) -> None:
        readings = await self._device.perform(Command(self._next_id(), READS[self._role], self._args))
        self._seen = StepReading(self.name, readings, time.time())

    def read(self) -> dict[str, Any]:
        """What it measured last."""
        return self._seen.read()

    def describe(self) -> dict[str, Any]:
        """Units and shapes of that."""
        return self._seen.describe()

    def read_configuration(self) -> dict[str, Any]:
        """The wells that were read."""
        return self._seen.read_configuration()

    def describe_configuration(self) -> dict[str, Any]:
        """Shape of their list."""
        return self._seen.describe_configuration()


class MovableFace(Face):
    """One that a plan also moves."""

    def set(self, value: float) -> AsyncStatus[Any]:
        """Go there; outside the limits nothing moves."""
        self.check_value(value)
        move = MOVES[self._role]
        return AsyncStatus(self._device.perform(Command(self._next_id(), move.verb, {move.argument: float(value)})))

    async def stop(self, success: bool = True) -> None:
        """Come to rest."""
        await self._device.stop(success)

    def check_value(self, value: float) -> None:
        """Raises `LimitError`."""
        self._device.check(MOVES[self._role].limit, float(value))

    async def locate(self) -> dict[str, float]:
        """Where it is."""
        await self._measure()
        name = f"{self.name}_{MOVES[self._role].quantity}"
        place = self.read()[name]["value"]
        return {"setpoint": place, "readback": place}


def faces(
    scan: Scan, roles: Mapping[str, str], devices: Mapping[str, Instrument[Any]], run_id: str
) -> Mapping[str, Face]:
    """The devices of a plan, to be made anew for each run of one."""
    count = 0

    def next_id() -> str:
        nonlocal count
        count += 1
        return f"{run_id}.{count}"

    kinds = {name: MovableFace if roles[name] in MOVES else Face for name in scan.devices}
    return {name: kind(roles[name], devices[name], scan.reads.get(name, {}), next_id) for name, kind in kinds.items()}


def plan_of(scan: Scan, seen: Mapping[str, Any], gate: asyncio.Event) -> Plan:
    """Bluesky's plan; it stands still at its next checkpoint for as long as the gate is closed."""
    paused: Plan = bpp.plan_mutator(_PLANS[scan.plan](scan, seen), lambda msg: _before(msg, gate))
    return paused


def _before(msg: Msg, gate: asyncio.Event) -> tuple[Plan | None, None]:
    if msg.command != "checkpoint" or gate.is_set():
        return None, None

    def waiting() -> Plan:
        yield from bps.wait_for([gate.wait])
        return (yield msg)

    return waiting(), None


def _count(scan: Scan, seen: Mapping[str, Any]) -> Plan:
    return (yield from bp.count([seen[name] for name in scan.detectors], scan.points, scan.delay_s))


def _scan(scan: Scan, seen: Mapping[str, Any]) -> Plan:
    return (yield from bp.scan(_detectors(scan, seen), *_flat(scan.ways, seen), num=scan.points))


def _rel_scan(scan: Scan, seen: Mapping[str, Any]) -> Plan:
    """Bluesky's own goes back also after a stop or an abort; here whatever was ended stays where it is."""
    stand = yield Msg("locate", *(seen[axis] for axis in scan.ways), squeeze=False)
    home = {axis: place["readback"] for axis, place in zip(scan.ways, stand, strict=True)}
    ways = scan.begun_at(home).ways
    for axis, way in ways.items():
        for place in way:
            seen[axis].check_value(place)
    md = {"plan_name": "rel_scan", "relative_to": home}
    result = yield from bp.scan(_detectors(scan, seen), *_flat(ways, seen), num=scan.points, md=md)
    yield from bps.mv(*(part for axis, place in home.items() for part in (seen[axis], place)))
    return result


def _list_scan(scan: Scan, seen: Mapping[str, Any]) -> Plan:
    ways: Any = [part for axis, way in scan.ways.items() for part in (seen[axis], list(way))]
    return (yield from bp.list_scan(_detectors(scan, seen), *ways))


def _grid_scan(scan: Scan, seen: Mapping[str, Any]) -> Plan:
    ways: Any = [part for (axis, way), num in zip(scan.ways.items(), scan.grid, strict=True)
                 for part in (seen[axis], *way, num)]  # fmt: skip
    return (yield from bp.grid_scan(_detectors(scan, seen), *ways, snake_axes=scan.snake))


def _detectors(scan: Scan, seen: Mapping[str, Any]) -> list[Any]:
    """Without the axes that move: Bluesky reads those by itself."""
    return [seen[name] for name in scan.detectors if name not in scan.ways]


def _flat(ways: Mapping[str, tuple[float, ...]], seen: Mapping[str, Any]) -> list[Any]:
    return [part for axis, way in ways.items() for part in (seen[axis], *way)]


_PLANS: Mapping[str, Callable[[Scan, Mapping[str, Any]], Plan]] = {
    "count": _count, "scan": _scan, "rel_scan": _rel_scan, "list_scan": _list_scan,
    "grid_scan": _grid_scan,
}  # fmt: skip
