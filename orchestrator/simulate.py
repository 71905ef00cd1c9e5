"""The dry run: the same orchestrator and drivers on a fresh twin, in virtual time. It predicts what a run will do."""

import hashlib
import time
from dataclasses import dataclass, replace
from typing import Any

import rfc8785

from drivers.core.world import WorldSettings
from labfile.lab import Lab
from orchestrator.cell import Cell
from orchestrator.execute import execute
from orchestrator.limits import late
from orchestrator.result import Result
from protocols.program import Program

#: Where the time of every dry run begins, so that equal runs give equal traces: 2026-01-01T00:00:00Z.
EPOCH_S = 1767225600.0


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a dry run predicts, the hash of its whole trace, and what it cost (without importing code)."""

    result: Result
    trace_hash: str
    wall_s: float


def simulate(
    lab: Lab, program: Program, *, seed: int = 1, speed: float | None = None, wire: bool = False, faults: Any = None
) -> Prediction:
    """Dry-run a program; raises `RealTimeOnly` for devices that need `speed=1`.

    `faults` is a plan of faults for the twin. A run that by itself is too slow for its own limits (`within`) fails.
    """
    settings = WorldSettings(seed=seed, speed=speed, wire=wire, epoch_s=EPOCH_S, faults=faults)
    cell = Cell(lab, "twin", settings)
    cell.load(program.devices)
    began = time.perf_counter()

    async def main() -> tuple[Result, str]:
        try:
            result = await execute(program, cell, {"world": "twin", "dry_run": True})
            return result, cell.world.fingerprint()
        finally:
            await cell.close()

    result, bytes_hash = cell.world.run(main)
    slow = late(program, {span.action: span.end_s for span in result.spans})
    if slow and result.outcome == "completed":
        hint = "shorten what lies between, or allow more"
        result = replace(result, outcome="failed", error=f"{'; '.join(slow)} - {hint}")
    trace = trace_of(program, result) | {"seed": seed, "bytes": bytes_hash}
    digest = hashlib.sha256(rfc8785.dumps(trace)).hexdigest()
    return Prediction(result, digest, time.perf_counter() - began)


def trace_of(program: Program, result: Result) -> dict[str, Any]:
    """Everything that can be seen of a run, as plain data: times, readings, end state."""
    return {
        "program": program.hash,
        "outcome": result.outcome,
        "spans": [[s.action, s.device, s.verb, s.start_s, s.end_s] for s in result.spans],
        "readings": list(result.readings),
        "end_state": result.end_state,
    }
