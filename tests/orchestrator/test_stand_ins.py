"""Devices that take one another's place: a plan sends visits to them, and nothing of a run is lost on the way."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.many.shift import Job, jobs, shift
from labfile import Lab, read
from orchestrator.planner import moves, outlook
from orchestrator.result import result_of
from orchestrator.scheduling.greedy import greedy
from orchestrator.stand_ins import choices, rebound, visit
from orchestrator.state import records as r
from orchestrator.state.cell import CellState, Impossible, fold, reduce
from protocols.program import Program

ROOT = Path(__file__).resolve().parents[2]
SECOND = """
[devices.second]
driver = "qinstruments.bioshake"
real = "serial:///dev/ttyUSB99"
twin = "sim:"
stands_in_for = "shaker"
[sites."second.nest"]
arm = "arm"
at_mm = [420.0, 260.0, 70.0]
yaw_deg = 0.0
"""


@pytest.fixture(scope="module")
def two_shakers(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    path = tmp_path_factory.mktemp("two") / "lab.toml"
    path.write_text((ROOT / "lab.toml").read_text() + SECOND)
    return read(path)


@pytest.fixture(scope="module")
def work(two_shakers: Lab) -> list[Job]:
    """Four plates that are shaken for longer than anything else takes."""
    shaken = ROOT / "tests/orchestrator/shaken.yaml"
    return jobs(two_shakers, [(shaken, {})] * 4)


def begin(program: Program, *records: r.Record) -> CellState:
    return fold([r.Submitted(at=0.0, run_id="a", program=program, about={}), *records])


def test_a_lab_knows_who_may_take_whose_place(two_shakers: Lab, lab: Lab) -> None:
    assert two_shakers.stand_ins == {"shaker": ("second",), "second": ("shaker",)}
    assert lab.stand_ins == {}


def test_a_visit_goes_with_all_its_places(two_shakers: Lab, work: list[Job]) -> None:
    program = work[0].program
    (hold,) = [hold for hold in program.holds if hold.thing == "shaker"]
    (way,) = choices(program.actions, hold, two_shakers.stand_ins)
    assert way == {"shaker": "second", "shaker.nest": "second.nest"}
    there = rebound(program, hold.first, way)
    assert not [thing for action in there.actions for thing in action.needs if thing.startswith("shaker")]
    assert {action.verb for action in there.actions if action.device == "second"} == {"shake"}
    arm = [action.args for action in there.actions if action.device == "arm"]
    assert [args["destination"] for args in arm].count("second.nest") == 1
    assert [args["source"] for args in arm].count("second.nest") == 1
    assert len(visit(there.actions, replace(hold, thing="second"))) == len(visit(program.actions, hold))
    back = {new: old for old, new in way.items()}
    assert rebound(there, hold.first, back) == program


def test_a_visit_that_has_begun_stays_where_it_is(work: list[Job]) -> None:
    program = work[0].program
    (hold,) = [hold for hold in program.holds if hold.thing == "shaker"]
    go = r.Rebound(at=9.0, run_id="a", first=hold.first, places={"shaker": "second", "shaker.nest": "second.nest"})
    state = begin(program)
    for action in program.actions:
        state = reduce(state, r.Begun(at=1.0, run_id="a", action=action.id))
        if action.id == hold.first:
            break
        state = reduce(state, r.Done(at=2.0, run_id="a", action=action.id))
    with pytest.raises(Impossible, match="has begun"):
        reduce(state, go)
    with pytest.raises(Impossible, match="no visit"):
        reduce(begin(program), replace(go, first="nothing.1"))
    assert reduce(begin(program), go).run("a").order[hold.first].needs != program.actions[0].needs


def test_a_plan_chooses_among_them(two_shakers: Lab, work: list[Job]) -> None:
    state = fold(
        r.Submitted(at=0.0, run_id=f"r{n}", program=job.program, about={}, durations_s=job.durations_s)
        for n, job in enumerate(work)
    )
    alone, both = (
        outlook(state, 0.0, lambda run: run.program.holds, {}, stand_ins) for stand_ins in ({}, two_shakers.stand_ins)
    )
    one, two = greedy(alone.problem, 0.05), greedy(both.problem, 0.05)
    assert not moves(alone, one)
    assert len(moves(both, two)) == 2
    assert two.objective < 0.6 * one.objective


def test_two_shakers_do_in_half_the_time_what_one_does(two_shakers: Lab, work: list[Job]) -> None:
    came = shift(two_shakers, work, 1.0)
    assert len(came.ends_s) == 4
    went = [record for record in came.records if isinstance(record, r.Rebound)]
    assert len({record.run_id for record in went}) >= 2
    one = next(n for n in range(4) if f"r{n}" == went[-1].run_id)
    told = result_of(work[one].program, [x for x in came.records if x.run_id == f"r{one}"], 0.0)
    assert told.outcome == "completed"
    assert {span.device for span in told.spans if span.verb == "shake"} == {"second"}
    alone = shift(two_shakers, work, 0.0)
    assert came.took_s < 0.6 * alone.took_s
    assert not came.state.held
    assert not came.state.left
    assert came.imbalance < 1e-9
    assert fold(came.records) == came.state
