"""What a person did on a balance's pan, when the person cannot be asked: proved by its mass, or left to a person."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from drivers.core.instrument import Command, Recall
from drivers.core.world import WorldSettings
from labfile import Lab
from orchestrator.cell import Cell
from orchestrator.conductor import Conductor
from orchestrator.journal import MemoryLog
from orchestrator.labview import view
from orchestrator.service import Service
from orchestrator.state import records as r
from orchestrator.state.cell import RunState, fold
from orchestrator.witness import witness_of
from protocols.check import check
from protocols.parse import from_document
from protocols.program import Action, Program

DOSE: dict[str, Any] = {
    "format": "lab-protocol/1", "name": "dose", "author": {"kind": "human", "name": "tests"},
    "materials": {"water": {"cas": "7732-18-5"}},
    "labware": {"beaker": {"type": "reservoir_1", "holds": {}}},
    "steps": [{"id": "dose", "do": "dose", "material": "water", "into": "beaker/A1", "mass": "10 g"}],
}  # fmt: skip


async def nobody(_: Command) -> Recall:
    return Recall("unknown", "nobody is there to be asked")


class Bench:
    """A lab whose worker dies while a person doses, and whose person has gone when the next one asks."""

    def __init__(self, lab: Lab, away_s: float) -> None:
        program = check(from_document(DOSE), view(lab)).program
        assert program is not None
        self.program: Program = program
        self.cell = Cell(lab, "twin", WorldSettings(seed=1, epoch_s=0.0))
        self.cell.load(program.devices)
        self.away_s = away_s
        self.records: list[r.Record] = []
        self.cell.world.run(self.main)

    async def main(self) -> None:
        first = self.start()
        await first.submit("r", self.program, about={})
        await self.until(lambda: any(isinstance(x, r.Begun) and self.verb(x.action) == "fill" for x in self.records))
        await first.close()
        await asyncio.sleep(self.away_s)
        self.cell.devices["operator"].recall = nobody  # type: ignore[method-assign]
        second = self.start()
        state = second.conductor.state
        second.conductor.record(r.Claimed(at=second.conductor.now(), holder="heir", epoch=state.epoch + 1, world="t"))
        second.take_up()
        await self.until(lambda: any(isinstance(x, r.Finished | r.Alarmed) for x in self.records))
        await second.close()
        await self.cell.close()

    def start(self) -> Service:
        conductor = Conductor(MemoryLog(), asyncio.get_running_loop().time, fold(self.records))
        conductor.listeners.append(self.records.append)
        return Service(conductor, self.cell)

    async def until(self, condition: Any) -> None:
        async with asyncio.timeout(100_000):
            while not condition():
                await asyncio.sleep(0.5)

    def verb(self, action: str) -> str:
        return next(one.verb for one in self.program.actions if one.id == action)


@pytest.fixture(params=[False, True], ids=["in the middle", "when it was done"])
def done(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_a_balance_proves_what_was_done_and_no_more(lab: Lab, done: bool) -> None:
    bench = Bench(lab, away_s=100.0 if done else 0.0)
    settled = [x for x in bench.records if isinstance(x, r.Settled)]
    if done:
        (one,) = settled
        assert (one.verdict, one.by) == ("done", "measurement")
        assert "balance shows 10" in one.evidence or "balance shows 9.9" in one.evidence
        assert isinstance(bench.records[-1], r.Finished)
        assert bench.records[-1].outcome == "completed"
        fills = [x for x in bench.records if isinstance(x, r.Begun) and bench.verb(x.action) == "fill"]
        assert len(fills) == 1, "nothing was filled twice"
    else:
        assert not settled
        (alarm,) = [x for x in bench.records if isinstance(x, r.Alarmed)]
        assert "nobody is there" in alarm.message
        assert "balance shows" in alarm.message


def test_only_a_pan_that_showed_zero_is_a_witness() -> None:
    zero, weigh = (
        Action(f"{verb}.1", verb, "balance", verb, {}, needs=("balance", "balance.pan")) for verb in ("zero", "weigh")
    )
    bring = Action("b.1", "b", "operator", "remove", {"labware": "x", "site": "bench.x", "destination": "balance.pan"},
                   needs=("balance.pan", "operator"))  # fmt: skip
    elsewhere = replace(bring, id="e.1", args={**bring.args, "destination": "hotel.1"}, needs=("hotel.1", "operator"))
    roles = {"balance": "Balance", "operator": "Operator"}

    def after(*done: Action) -> RunState:
        program = Program("p", (*done, bring, elsewhere), {}, {})
        story: list[r.Record] = [r.Submitted(at=0.0, run_id="r", program=program, about={})]
        for one in done:
            story += [r.Begun(at=0.0, run_id="r", action=one.id), r.Done(at=0.0, run_id="r", action=one.id)]
        return fold(story).run("r")

    witness = witness_of(after(zero), bring, roles)
    assert witness is not None
    assert (witness.proves(0.01), witness.proves(40.0)) == (False, True)
    assert witness_of(after(zero), elsewhere, roles) is None
    assert witness_of(after(zero, weigh), bring, roles) is None
    assert witness_of(after(), bring, roles) is None
    assert witness_of(after(zero), replace(bring, device="arm"), {**roles, "arm": "PlateMover"}) is None
