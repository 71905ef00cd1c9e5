"""Checks and dry runs in processes of their own: long ones delay nobody, and none lasts for ever."""

import asyncio
import functools
import multiprocessing
from collections.abc import Mapping
from concurrent.futures import TimeoutError as TooLong
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from pebble import ProcessExpired, ProcessPool

from protocols.hazard import Hazard
from protocols.program import Program

PROCESSES = 2
LIMIT_S = 120.0  # of one check or dry run
#: Dry runs after which a process is replaced: what they leave behind ends with it.
_TASKS = 200


@dataclass(frozen=True, slots=True)
class Job:
    """What to look at; `program` where one was approved, which is looked at instead of binding the document anew."""

    document: Mapping[str, Any]
    parameters: Mapping[str, str]
    busy: Mapping[str, int] = field(default_factory=dict)
    dry_run: bool = True
    seed: int = 1
    program: Program | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What came of it. `error` says why a dry run did not complete; without one the last fields are empty."""

    name: str = ""
    protocol_hash: str = ""
    steps: int = 0
    program: Program | None = None
    problems: tuple[Mapping[str, Any], ...] = ()
    hazard: Hazard = "low"
    stock: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    trace_hash: str = ""
    duration_s: float = 0.0
    wall_s: float = 0.0
    durations_s: Mapping[str, float] = field(default_factory=dict)
    readings: tuple[Mapping[str, Any], ...] = ()
    predicted: tuple[Mapping[str, Any], ...] = ()
    end_state: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether nothing forbids the run, and the dry run, if there was one, completed."""
        return self.program is not None and not self.error and not self.blocking

    @property
    def blocking(self) -> tuple[Mapping[str, Any], ...]:
        """The findings that forbid the run."""
        return tuple(problem for problem in self.problems if problem["severity"] == "block")

    @property
    def program_hash(self) -> str:
        """Of the program; empty where there is none."""
        return "" if self.program is None else self.program.hash


class DryRuns:
    """Looks at protocols for one lab file, `PROCESSES` at a time."""

    def __init__(self, lab_file: Path) -> None:
        self._lab_file = str(lab_file)
        self._pool = ProcessPool(
            max_workers=PROCESSES, max_tasks=_TASKS, context=multiprocessing.get_context("spawn")
        )  # fmt: skip

    async def find(self, job: Job) -> Found:
        """What can be said of it; what takes too long is told as an error."""
        future = self._pool.schedule(look, args=(self._lab_file, job), timeout=LIMIT_S)
        try:
            found: Found = await asyncio.wrap_future(future)
        except TooLong:
            return Found(error=f"it took more than {LIMIT_S:g} s to look at it: make the protocol smaller")
        except ProcessExpired as error:
            return Found(error=f"looking at it needed more than this machine has ({error}): make the protocol smaller")
        return found

    def close(self) -> None:
        """End the processes."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()


def look(lab_file: str, job: Job) -> Found:
    """What a process does with a job."""
    from orchestrator.bands import predict
    from orchestrator.cell import RealTimeOnly
    from orchestrator.labview import view
    from orchestrator.simulate import simulate
    from protocols.check import check, everything
    from protocols.hazard import hazard
    from protocols.parse import from_document
    from protocols.problems import ProtocolError

    lab = _lab(lab_file)
    seen = replace(view(lab), busy=dict(job.busy))
    try:
        source = from_document(job.document, job.parameters)
    except ProtocolError as error:
        return Found(problems=tuple(map(asdict, everything(error, seen))))
    checked = check(source, seen, clear=True)
    program = checked.program if job.program is None else job.program
    found = Found(
        name=source.protocol.name, protocol_hash=source.hash, steps=len(source.steps), program=program,
        problems=tuple(map(asdict, checked.problems)), hazard=hazard(checked.problems), stock=checked.stock,
    )  # fmt: skip
    if program is None or found.blocking or not job.dry_run:
        return found
    try:
        run = simulate(lab, program, seed=job.seed)
    except RealTimeOnly as error:
        return replace(found, error=str(error))
    result = run.result
    return replace(
        found,
        error="" if result.outcome == "completed" else f"the dry run did not succeed: {result.error}",
        trace_hash=run.trace_hash, duration_s=result.duration_s, wall_s=run.wall_s, stock=result.stock,
        durations_s={span.action: span.end_s - span.start_s for span in result.spans},
        readings=result.readings, predicted=tuple(predict(program, result.readings)), end_state=result.end_state,
    )  # fmt: skip


@functools.cache
def _lab(lab_file: str) -> Any:
    from labfile import read

    return read(Path(lab_file))
