"""The cells as they are now: folded from the journal as it grows, and told to whoever listens."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson
from sqlalchemy import Engine

from api.untrusted import untrusted
from drivers.core.command import Readings
from orchestrator.journal import plain
from orchestrator.maintenance import MAINTENANCE
from orchestrator.state import records as r
from orchestrator.state.cell import CellState, reduce
from orchestrator.state.records import Codec
from orchestrator.store.instruments import Shown, shown
from orchestrator.store.log import LEASE_S, read_journal
from orchestrator.store.plans import NOTHING_PLANNED, Planned, plan_of
from orchestrator.store.requests import alive

LOOK_S = 0.05  # between looks at the journal
ALIVE_S = 0.5  # between looks at the leases and the plan
KEPT_EVENTS = 5000  # in memory; older ones are read from the store
#: What an event leaves out of a record: it is large, and has a place of its own in the API.
_LARGE = ("predicted", "durations_s", "actions", "holds", "about")
#: Text of instruments in records.
_FOREIGN = ("error", "message", "evidence")


@dataclass(frozen=True, slots=True)
class Event:
    """A record of the journal as listeners get it; `seq` counts from 1 in each cell."""

    seq: int
    text: bytes


@dataclass(slots=True)
class DeviceNow:
    """What the journal knows of a device: what it does, and what it last said."""

    action: str = ""
    run_id: str = ""
    since: float | None = None
    readings: Readings = ()
    read_at: float | None = None
    error: str = ""
    failed_at: float | None = None


@dataclass(slots=True)
class RunRecord:
    """One run, from its submission to its end."""

    run_id: str
    by: str
    protocol: str
    submitted_at: float
    submitted_seq: int
    priority: int
    hashes: Mapping[str, Any]
    outcome: r.RunOutcome | Literal[""] = ""
    error: str = ""
    begun_at: float | None = None
    ended_at: float | None = None


@dataclass(slots=True)
class PlanNow:
    """A plan of Bluesky's that has, or had, its devices."""

    begun_at: float
    outcome: r.RunOutcome | Literal[""] = ""
    error: str = ""
    ended_at: float | None = None


@dataclass(slots=True)
class Live:
    """One cell."""

    cell: str
    world: str
    state: CellState = field(default_factory=CellState)
    seq: int = 0
    runs: dict[str, RunRecord] = field(default_factory=dict)
    plans: dict[str, PlanNow] = field(default_factory=dict)
    devices: dict[str, DeviceNow] = field(default_factory=dict)
    alarms: deque[tuple[int, r.Alarmed]] = field(default_factory=lambda: deque(maxlen=500))
    events: deque[Event] = field(default_factory=lambda: deque(maxlen=KEPT_EVENTS))
    holder: str = ""
    silent_s: float | None = None
    plan: Planned = NOTHING_PLANNED
    shown: Shown | None = None  # what the worker last showed of its devices, at the last look
    looked_at: float = 0.0  # monotonic

    @property
    def up(self) -> bool:
        """Whether a worker has it and lives."""
        return bool(self.holder) and self.silent_s is not None and self.silent_s < LEASE_S

    def outcome(self, run_id: str) -> str:
        """How a run, or a plan, ended; empty while it has not."""
        found = self.runs.get(run_id) or self.plans.get(run_id)
        return found.outcome if found else ""

    def take(self, seq: int, record: r.Record) -> Event:
        """Fold one more record in."""
        self._note(seq, record)
        self.state, self.seq = reduce(self.state, record), seq
        event = Event(seq, event_text(self.cell, self.world, seq, record))
        self.events.append(event)
        return event

    def _note(self, seq: int, record: r.Record) -> None:
        run = self.runs.get(record.run_id)
        match record:
            case r.Submitted():
                hashes = {key: record.about.get(key) for key in ("protocol_hash", "program_hash", "config_hash")}
                self.runs[record.run_id] = RunRecord(
                    record.run_id, record.by, str(record.about.get("protocol", "")), record.at, seq, record.priority,
                    hashes,
                )  # fmt: skip
            case r.Begun() if run is not None:
                run.begun_at = run.begun_at or record.at
                device = self._device(record)
                device.action, device.run_id, device.since = record.action, record.run_id, record.at
            case r.Done() | r.Settled():
                device = self._device(record)
                device.action, device.run_id, device.since = "", "", None
                if record.readings:
                    device.readings, device.read_at = record.readings, record.at
            case r.Failed():
                device = self._device(record)
                device.action, device.run_id, device.since = "", "", None
                device.error, device.failed_at = record.error, record.at
            case r.Alarmed():
                self.alarms.append((seq, record))
            case r.Reserved() if not record.holder.startswith(MAINTENANCE):
                self.plans.setdefault(record.holder, PlanNow(record.at))
            case r.Released() if record.holder in self.plans:
                plan = self.plans[record.holder]
                plan.outcome, plan.error, plan.ended_at = record.outcome, record.error, record.at
            case r.Finished() if run is not None:
                run.outcome, run.error, run.ended_at = record.outcome, record.error, record.at

    def _device(self, record: r.Begun | r.Done | r.Settled | r.Failed) -> DeviceNow:
        run = self.state.runs.get(record.run_id)
        action = None if run is None else run.order.get(record.action)
        return self.devices.setdefault(action.device if action else "", DeviceNow())


def event_text(cell: str, world: str, seq: int, record: r.Record) -> bytes:
    """An event as JSON: the record without its large parts, texts of instruments marked as such."""
    body: dict[str, Any] = {}
    for name in type(record).__dataclass_fields__:
        value = getattr(record, name)
        if name in _FOREIGN:
            body[name] = untrusted(value).model_dump()
        elif name == "program":
            body["program_hash"] = value.hash
        elif name == "world":  # of a worker's claim: which twin it is
            body["world_id"] = value
        elif name not in (*_LARGE, "at", "run_id"):
            body[name] = value
    told = {"seq": seq, "world": world, "cell": cell, "at": record.at, "run_id": record.run_id,
            "kind": Codec.kind(record), **body}  # fmt: skip
    return orjson.dumps(told, default=plain, option=orjson.OPT_SERIALIZE_NUMPY)


class Follower:
    """Keeps the cells of a lab up to date. `follow` runs until it is cancelled; listeners are called on the loop."""

    def __init__(self, engine: Engine, cells: Mapping[str, str]) -> None:
        """`cells`: world -> the cell's name."""
        self._engine = engine
        self.cells = {world: Live(name, world) for world, name in cells.items()}
        self.listeners: list[Callable[[Live, Event, r.Record], None]] = []
        self.failed = ""  #: why the store cannot be read, while it cannot

    def catch_up(self) -> None:
        """Read all there is; blocks."""
        for live in self.cells.values():
            for seq, record in read_journal(self._engine, live.cell, after=live.seq):
                live.take(seq, record)
        self._look_who_lives()

    async def follow(self) -> None:
        """Read what comes, for ever; a store that is away is asked again."""
        since = 0.0
        while True:
            try:
                for live in self.cells.values():
                    for seq, record in await asyncio.to_thread(self._read, live):
                        event = live.take(seq, record)
                        for listener in self.listeners:
                            listener(live, event, record)
                since += LOOK_S
                if since >= ALIVE_S:
                    since = 0.0
                    await asyncio.to_thread(self._look_who_lives)
                self.failed = ""
            except Exception as error:
                self.failed = f"{type(error).__name__}: {error}"
                await asyncio.sleep(ALIVE_S)
            await asyncio.sleep(LOOK_S)

    def _read(self, live: Live) -> list[tuple[int, r.Record]]:
        return list(read_journal(self._engine, live.cell, after=live.seq))

    def _look_who_lives(self) -> None:
        known = alive(self._engine)
        for live in self.cells.values():
            told = known.get(live.cell, {})
            live.holder, live.silent_s = told.get("holder", ""), told.get("silent_s")
            live.plan = plan_of(self._engine, live.cell, live.plan)
            live.shown, live.looked_at = shown(self._engine, live.cell), time.monotonic()

    def events_after(self, world: str, seq: int) -> Iterator[Event]:
        """Events of a cell after `seq`, as far as it has come; from memory where they are there. May block."""
        live = self.cells[world]
        kept = list(live.events)
        until = kept[0].seq if kept else live.seq + 1
        if seq + 1 < until:
            for number, record in read_journal(self._engine, live.cell, after=seq):
                if number >= until:
                    break
                yield Event(number, event_text(live.cell, world, number, record))
        yield from (event for event in kept if event.seq > seq)


@contextlib.contextmanager
def listening(follower: Follower, listener: Callable[[Live, Event, r.Record], None]) -> Iterator[None]:
    """Have a listener called for as long as the block lasts."""
    follower.listeners.append(listener)
    try:
        yield
    finally:
        follower.listeners.remove(listener)
