"""Run one program on a cell: connect, command, listen; what came of it is the fold of its journal."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bluesky.utils import FailedStatus

from drivers.core.errors import DeviceError
from orchestrator.cell import Cell
from orchestrator.engine import Engine
from orchestrator.journal import Entry
from orchestrator.plan import program_plan
from orchestrator.station import Station, clock_station
from protocols.ledger import Ledger
from protocols.program import CLOCK, Program

Outcome = Literal["completed", "failed", "aborted"]
Listener = Callable[[Entry], None]
DocumentSink = Callable[[str, Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Span:
    """When an action ran, in seconds since the run began."""

    action: str
    step: str
    device: str
    verb: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a run."""

    outcome: Outcome
    error: str
    duration_s: float
    spans: tuple[Span, ...]
    readings: tuple[dict[str, Any], ...]
    end_state: dict[str, Any]
    stock: dict[str, Any]


@dataclass(slots=True)
class _Story:
    """Collects the journal of a run as it is written."""

    began_s: float
    begun: dict[str, float] = field(default_factory=dict)
    spans: list[Span] = field(default_factory=list)
    readings: list[dict[str, Any]] = field(default_factory=list)
    ledger: Ledger = field(default_factory=Ledger)
    error: str = ""

    def hear(self, entry: Entry) -> None:
        action, at_s = entry.action, entry.at_s - self.began_s
        if entry.event == "begun":
            self.begun[action.id] = at_s
            return
        self.spans.append(Span(action.id, action.step, action.device, action.verb, self.begun[action.id], at_s))
        if entry.event == "failed":
            self.error = self.error or f"step {action.step}: {action.verb}: {entry.error}"
            return
        self.ledger.apply(action)
        for reading in entry.readings:
            values = {"value": reading.value} if reading.wells is None else {"wells": dict(reading.wells)}
            about = {
                "step": action.step,
                "device": action.device,
                "quantity": reading.quantity,
                "unit": reading.unit,
            }
            self.readings.append({**about, "at_s": at_s, **values})


async def execute(
    program: Program,
    cell: Cell,
    metadata: dict[str, Any],
    *,
    listeners: Sequence[Listener] = (),
    sinks: Sequence[DocumentSink] = (),
) -> Result:
    """Run a program to its end; a device that fails ends it, and the engine brings every device it used to rest."""
    loop = asyncio.get_running_loop()
    story = _Story(loop.time())
    heard = (*listeners, story.hear)

    def write(entry: Entry) -> None:
        for listener in heard:
            listener(entry)

    outcome: Outcome = "completed"
    try:
        await cell.connect(program.devices)
        stations = {name: Station(name, cell.devices[name], write) for name in program.devices}
        stations[CLOCK] = clock_station(write)
        engine = Engine(metadata)
        for sink in sinks:
            engine.subscribe(sink)
        await engine.run(program_plan(program, stations))
    except (FailedStatus, DeviceError) as error:
        outcome = "failed"
        cause = error.__cause__ if isinstance(error, FailedStatus) else error
        story.error = story.error or str(cause or error)
    except asyncio.CancelledError:
        outcome, story.error = "aborted", "stopped by a person"
    return Result(
        outcome, story.error, loop.time() - story.began_s, tuple(story.spans), tuple(story.readings),
        story.ledger.end_state(program), story.ledger.stock(),
    )  # fmt: skip
