"""Maintenance: no run has the device meanwhile, plans go round it, and a new worker keeps it as well."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from drivers.core.world import WorldSettings
from labfile import Lab
from labfile.lab import Window
from orchestrator.cell import Cell
from orchestrator.conductor import Conductor
from orchestrator.journal import MemoryLog
from orchestrator.maintenance import closed
from orchestrator.planner import outlook
from orchestrator.scheduling.greedy import greedy
from orchestrator.service import Service
from orchestrator.state import records as r
from orchestrator.state.cell import CellState, fold
from protocols.check import Checked
from protocols.program import Program

LAMP = Window("lamp", "environment", 100.0, 1000.0, "new lamp")


@pytest.fixture(scope="module")
def looks(lab: Lab, checked_on: Callable[[Lab, dict[str, Any]], Checked]) -> Program:
    """Looks at the room ten times, a minute between."""
    steps: list[dict[str, Any]] = []
    for number in range(10):
        steps += [{"id": f"look{number}", "do": "measure", "kind": "environment"},
                  {"id": f"wait{number}", "do": "wait", "for": "1 min"}]  # fmt: skip
    author = {"kind": "human", "name": "tests"}
    program = checked_on(lab, {"format": "lab-protocol/1", "name": "room", "author": author, "steps": steps}).program
    assert program is not None
    return program


def at_work(lab: Lab, work: Callable[[Service], Awaitable[None]], story: list[r.Record]) -> None:
    cell = Cell(replace(lab, maintenance=(LAMP,)), "twin", WorldSettings(seed=1, epoch_s=0.0))
    cell.load(("environment",))

    async def main() -> None:
        conductor = Conductor(MemoryLog(), asyncio.get_running_loop().time)
        conductor.listeners.append(story.append)
        service = Service(conductor, cell)
        service.take_up()
        await work(service)
        await service.close()
        await cell.close()

    cell.world.run(main)


def test_no_run_has_a_device_while_it_is_taken_care_of(lab: Lab, looks: Program) -> None:
    story: list[r.Record] = []

    async def work(service: Service) -> None:
        await service.submit("r", looks, about={})
        await service.idle()

    at_work(lab, work, story)
    state = CellState()
    for record in story:
        state = fold([record], state)
        if isinstance(record, r.Begun) and record.action.startswith("look"):
            assert not LAMP.begins + 1 < record.at < LAMP.ends, "the sensor was taken care of"
    released = [record for record in story if isinstance(record, r.Released)]
    assert [record.holder for record in released] == ["maintenance:lamp:0"]
    assert released[0].at == pytest.approx(1000, abs=1)
    (ended,) = [record for record in story if isinstance(record, r.Finished)]
    assert ended.outcome == "completed"
    assert ended.at > 1400, "some looks were before, the others after"
    assert not state.held


def test_the_next_worker_keeps_it_too(lab: Lab, looks: Program) -> None:
    """The lease of the worker that died runs out; then the device is reserved again, up to the same end."""
    story: list[r.Record] = []

    async def work(service: Service) -> None:
        await asyncio.sleep(200)
        conductor = Conductor(MemoryLog(), asyncio.get_running_loop().time, fold(story))
        conductor.listeners.append(story.append)
        service.conductor.broken = ConnectionError("the worker before is dead: it says nothing more")
        conductor.record(r.Claimed(at=200.0, holder="heir", epoch=1, world="twin"))
        heir = Service(conductor, service.cell)
        heir.take_up()
        await heir.submit("r", looks, about={})
        await heir.idle()
        await heir.close()

    at_work(lab, work, story)
    assert all(not 250 < x.at < 1000 for x in story if isinstance(x, r.Begun) and x.action.startswith("look"))
    assert story[-1].at > 1000


def test_plans_go_round_it_unless_somebody_has_the_device(lab: Lab, looks: Program) -> None:
    state = fold([r.Submitted(at=0.0, run_id="one", program=looks, by="me", about={})])
    told = closed((LAMP,), state, 0.0)
    looked = outlook(state, 0.0, lambda run: run.submitted.program.holds, told)
    plan = greedy(looked.problem, 0.0)
    for place in plan.placements:
        if "environment" in looked.chains[place.task].needs:
            assert place.end <= 100_000 or place.start >= 1_000_000
    assert closed((LAMP,), state, 1001.0) == {}
    busy = fold([r.Begun(at=99.0, run_id="one", action=looks.actions[0].id)], state)
    assert closed((LAMP,), busy, 100.0) == {}, "an impossible plan is none"
    assert closed((LAMP,), busy, 50.0) == {"environment": ((100.0, 1000.0),)}
