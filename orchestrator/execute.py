"""Run one program on a cell of its own, from connecting to the end; what came of it is told by its records."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from drivers.core.errors import DeviceError
from orchestrator import limits
from orchestrator.cell import Cell
from orchestrator.conductor import Conductor, Listener
from orchestrator.engine import Engine
from orchestrator.frames import Frames
from orchestrator.journal import Log, MemoryLog
from orchestrator.plan import program_plan
from orchestrator.recovery import BY_POLICY
from orchestrator.result import Result, result_of
from orchestrator.state import records as r
from orchestrator.state.cell import RunState
from orchestrator.station import Station
from protocols.program import CLOCK, Program

DocumentSink = Callable[[str, Mapping[str, Any]], None]


async def execute(
    program: Program,
    cell: Cell,
    metadata: dict[str, Any],
    *,
    log: Log | None = None,
    listeners: Sequence[Listener] = (),
    sinks: Sequence[DocumentSink] = (),
    frames: Frames | None = None,
) -> Result:
    """Run a program to its end. A device that fails ends it when what runs beside has ended; cancelling stops all.

    Images are kept by `frames`, or else not at all.
    """
    loop = asyncio.get_running_loop()
    conductor = Conductor(log or MemoryLog(), loop.time)
    run_id = str(metadata.get("run_id", "run"))
    story: list[r.Record] = []
    conductor.listeners += [*listeners, story.append, _ends_at_a_failure(conductor)]
    conductor.rules.append(limits.watch)
    began = loop.time()
    conductor.record(r.Submitted(at=began, run_id=run_id, program=program, about=metadata))
    conductor.turns.enter(run_id, program.holds)
    try:
        await cell.connect(program.devices)
        await perform(run_id, conductor, cell, metadata, sinks, frames=frames)
        outcome, error = how_it_ended(conductor.state.run(run_id))
        conductor.record(r.Finished(at=loop.time(), run_id=run_id, outcome=outcome, error=error))
    except DeviceError as lost:  # no connection: nothing was commanded
        conductor.record(r.Finished(at=loop.time(), run_id=run_id, outcome="failed", error=str(lost)))
    except asyncio.CancelledError:
        conductor.record(r.Finished(at=loop.time(), run_id=run_id, outcome="aborted", error="stopped by a person"))
    return result_of(program, story, began)


def _ends_at_a_failure(conductor: Conductor) -> Listener:
    def hear(record: r.Record) -> None:
        if isinstance(record, r.Failed) and record.kind != "Cancelled":
            conductor.record(
                r.Chosen(at=record.at, run_id=record.run_id, action=record.action, choice="abort", by=BY_POLICY)
            )

    return hear


async def perform(
    run_id: str,
    conductor: Conductor,
    cell: Cell,
    about: Mapping[str, Any],
    sinks: Sequence[DocumentSink],
    *,
    shared: bool = False,
    frames: Frames | None = None,
) -> None:
    """Carry a submitted program out on connected devices, as one Bluesky run, until it is over or asked to end.

    When this is cancelled, devices that are `shared` go on with what they do: whoever takes the run up asks them.
    """
    stations = _Stations(
        lambda name: Station(name, None if name == CLOCK else cell, conductor, run_id, shared=shared, frames=frames)
    )
    engine = Engine(dict(about), leaves_devices=shared)
    for sink in sinks:
        engine.subscribe(sink)
    try:
        await engine.run(program_plan(run_id, conductor, stations, frames))
    finally:
        for station in stations.values():
            await station.give_up()


class _Stations(dict[str, Station]):
    """Made when they are asked for: a visit may go to a device that was not meant at the begin."""

    def __init__(self, make: Callable[[str], Station]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, name: str) -> Station:
        station = self[name] = self._make(name)
        return station


def how_it_ended(run: RunState) -> tuple[r.RunOutcome, str]:
    """Completed when all was done and nobody asked it to end; failed when a failure ended it, else aborted."""
    asked = run.abort_asked
    if asked is None:
        return "completed", ""
    return ("failed" if asked.by == BY_POLICY else "aborted"), asked.reason
