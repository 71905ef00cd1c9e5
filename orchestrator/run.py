"""A run that counts: its own folder, written before anything else happens, and a report at its end."""

import functools
import hashlib
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from drivers.core.world import WorldSettings
from labfile.lab import Lab
from orchestrator.cell import Cell
from orchestrator.execute import execute
from orchestrator.folder import write_whole
from orchestrator.frames import Frames
from orchestrator.journal import FileLog
from orchestrator.names import new_run_id
from orchestrator.result import Result
from orchestrator.sinks.configured import far_sinks, listener, run_sinks
from orchestrator.spans import RunSpans
from orchestrator.state.records import Record
from orchestrator.telemetry import traces_of
from protocols.check import Checked

Progress = Callable[[Record], None]
_TOLD = ("bluesky", "ophyd-async", "pylabrobot", "asyncua", "numpy")


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run and where its record lies."""

    run_id: str
    folder: Path
    world: str
    seed: int | None
    result: Result
    not_taken: tuple[str, ...] = ()  # what a sink does not have, and why


def run(
    lab: Lab, checked: Checked, world: str, *, runs: Path, seed: int, speed: float | None, progress: Progress
) -> Run:
    """Run a checked program in a world; everything is on disk when this returns, whatever the outcome.

    Raises `TiledMissing`, `TelemetryMissing` before anything else where the lab names what is not installed.
    """
    program = checked.program
    if program is None:
        raise ValueError("a protocol that cannot be bound cannot be run")
    far, traces = far_sinks(lab), traces_of(lab, "run")
    run_id = new_run_id()
    folder = runs / run_id
    folder.mkdir(parents=True)
    write_whole(
        folder / "protocol.json",
        {"document": checked.source.document, "parameters": checked.source.parameters},
    )
    write_whole(folder / "program.json", program.as_json())
    metadata = {
        "run_id": run_id, "protocol": checked.source.protocol.name, "protocol_hash": program.protocol_hash,
        "program_hash": program.hash, **circumstances(lab, world, seed),
    }  # fmt: skip
    write_whole(folder / "run.json", metadata | {"outcome": "running", "began": time.time()})
    sinks = (*run_sinks(lab, folder), *far)
    journal = FileLog(folder / "journal.jsonl")
    cell = Cell(lab, world, WorldSettings(seed=seed, speed=speed))
    cell.load(program.devices)

    listeners = (progress, listener(far), *((RunSpans(traces).hear,) if traces is not None else ()))

    async def main() -> Result:
        try:
            return await execute(
                program, cell, metadata, log=journal, listeners=listeners, sinks=sinks, frames=Frames(folder)
            )
        finally:
            await cell.close()
            for sink in sinks:
                await sink.close()

    try:
        result = cell.world.run(main)
    finally:
        journal.close()
        if traces is not None:
            traces.close()
    problems = tuple(sink.problem for sink in sinks if sink.problem)
    write_whole(
        folder / "run.json",
        metadata | {"outcome": result.outcome, "error": result.error, "duration_s": result.duration_s}
        | ({"not_taken": problems} if problems else {}),
    )  # fmt: skip
    write_whole(folder / "result.json", asdict(result))
    return Run(run_id, folder, world, seed if world == "twin" else None, result, problems)


def circumstances(lab: Lab, world: str, seed: int) -> dict[str, Any]:
    """What every run of a lab says of itself: where it was made, with which configuration and versions."""
    known = {"facility": lab.facility} | ({"ror": lab.ror} if lab.ror else {})
    return known | {
        "world": world, "lab": lab.name, "config_hash": lab.config_hash, "versions": versions(),
        "seed": seed if world == "twin" else None,
    }  # fmt: skip


@functools.cache
def versions() -> dict[str, str]:
    """What the run was made with."""
    return {"genesislab": version("genesislab"), "python": sys.version.split()[0]} | {n: version(n) for n in _TOLD}


def digest(path: Path) -> str:
    """sha256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
