"""A plan is made anew when the lab is far from it, and left alone while it is not."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.many.shift import jobs
from drivers.core.world import WorldSettings
from labfile import Lab
from orchestrator.cell import Cell
from orchestrator.conductor import Conductor
from orchestrator.dispatch import DEVIATION_S
from orchestrator.journal import MemoryLog
from orchestrator.scheduling.greedy import greedy
from orchestrator.scheduling.model import Problem, Schedule
from orchestrator.scheduling.process import SolverProcess
from orchestrator.service import Service

ROOT = Path(__file__).resolve().parents[2]


class Counting(SolverProcess):
    """Plans at once, in this process."""

    asked = 0

    async def solve(self, problem: Problem, seconds: float, hint: Schedule | None = None) -> AsyncGenerator[Schedule]:
        self.asked += 1
        yield greedy(problem, 0.0)


def plans(lab: Lab, **changed: Any) -> int:
    """How many plans two incubations take when their durations were told as they are, or otherwise."""
    work = jobs(lab, [(ROOT / "benchmarks/many/incubation.yaml", {"rest": "10 min"})] * 2)
    cell, solver = Cell(lab, "twin", WorldSettings(seed=1, epoch_s=0.0)), Counting()
    cell.load(work[0].program.devices)

    async def main() -> None:
        service = Service(Conductor(MemoryLog(), asyncio.get_running_loop().time), cell, solver=solver)
        for number, job in enumerate(replace(one, **changed) for one in work):
            await service.submit(f"r{number}", job.program, about={}, durations_s=job.durations_s)
        await service.idle()
        await service.close()
        await cell.close()

    cell.world.run(main)
    return solver.asked


def test_a_lab_that_keeps_to_its_plan_plans_little(lab: Lab) -> None:
    assert DEVIATION_S > 0
    told, mistold = plans(lab), plans(lab, durations_s={})
    assert told <= 4, "two came, one ended; perhaps once more, since set-up takes longer when two want the person"
    assert mistold > told, "shaking and resting took minutes longer than anybody had told"
