"""A shift of a lab's twin: programs submitted at once, carried out by the service as in a real lab."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from drivers.core.world import WorldSettings
from labfile import Lab
from orchestrator.cell import Cell
from orchestrator.conductor import Conductor
from orchestrator.journal import MemoryLog
from orchestrator.labview import view
from orchestrator.scheduling.process import SolverProcess
from orchestrator.service import Service
from orchestrator.simulate import simulate
from orchestrator.state import records as r
from orchestrator.state.cell import CellState, is_site
from protocols.check import check
from protocols.parse import read
from protocols.program import Program


@dataclass(frozen=True, slots=True)
class Job:
    """A program with what its dry run said."""

    program: Program
    alone_s: float
    durations_s: Mapping[str, float]


@dataclass(slots=True)
class Outcome:
    """What came of a shift."""

    took_s: float = 0.0  # simulated
    wall_s: float = 0.0
    records: list[r.Record] = field(default_factory=list)
    state: CellState = field(default_factory=CellState)
    imbalance: float = 0.0

    @property
    def actions(self) -> int:
        """How many were done."""
        return sum(isinstance(record, r.Done) for record in self.records)

    @property
    def ends_s(self) -> dict[str, float]:
        """When each run ended that completed."""
        return {x.run_id: x.at for x in self.records if isinstance(x, r.Finished) and x.outcome == "completed"}


def jobs(lab: Lab, files: Sequence[tuple[Path, Mapping[str, str]]]) -> list[Job]:
    """Protocols as programs, each on sites that the others want least, as `lab submit` does it."""
    busy: Counter[str] = Counter()
    found = []
    for file, parameters in files:
        checked = check(read(file, dict(parameters)), replace(view(lab), busy=dict(busy)), clear=True)
        if checked.program is None:
            raise SystemExit(f"{file}: {checked.problems}")
        busy.update({t for action in checked.program.actions for t in action.needs if is_site(t)})
        alone = simulate(lab, checked.program).result
        found.append(Job(checked.program, alone.duration_s, {s.action: s.end_s - s.start_s for s in alone.spans}))
    return found


def shift(lab: Lab, work: Sequence[Job], plan_s: float, *, seed: int = 1) -> Outcome:
    """Submit everything at once on a fresh twin, and wait until all has ended.

    With `plan_s` seconds (real ones; simulated time stands still meanwhile) for each plan, else in the order of coming.
    """
    cell = Cell(lab, "twin", WorldSettings(seed=seed, epoch_s=0.0))
    cell.load({device for job in work for device in job.program.devices})
    came = Outcome()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        conductor = Conductor(MemoryLog(), loop.time)
        conductor.listeners.append(came.records.append)
        service = Service(conductor, cell, solver=SolverProcess() if plan_s else None, plan_s=plan_s)
        for number, job in enumerate(work):
            await service.submit(f"r{number}", job.program, about={"run_id": f"r{number}"}, durations_s=job.durations_s)
        await asyncio.wait_for(service.idle(), 10 * sum(job.alone_s for job in work))
        came.took_s, came.state = loop.time(), conductor.state
        truth = getattr(cell.world, "truth")  # noqa: B009 - a benchmark may look; the world's type does not show it
        came.imbalance = max(map(abs, truth.imbalance().values()))
        await service.close()
        await cell.close()

    began = time.perf_counter()
    cell.world.run(main)
    came.wall_s = time.perf_counter() - began
    return came
