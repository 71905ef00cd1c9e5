"""Lanes side by side: written in the order in which they come to their steps, where that is sooner done."""

from itertools import pairwise
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from labfile import Lab
from orchestrator.labview import view
from orchestrator.simulate import simulate
from protocols.check import Checked, check
from protocols.flow import side_by_side
from protocols.forecast import Forecast
from protocols.lanes import in_time
from protocols.parse import loads
from protocols.program import Action, Program

HEAD = """
format: lab-protocol/1
name: Side by side
purpose: Lanes.
author: { kind: human, name: a test }
materials: { dye: { cas: "25956-17-6", concentration: 0.1 mmol/L } }
labware:
  stock: { type: reservoir_12, holds: { A1: dye, A2: water } }
  warm: { type: plate_96_flat }
  other: { type: plate_96_flat }
"""
FILL = {"id": "fill", "do": "transfer", "source": "stock/A1", "to": "warm/A1:A4", "volume": "100 uL"}
WARM = {"id": "warm", "do": "incubate", "labware": "warm", "at": "37 degC", "for": "20 min"}
READ = {
    "id": "read", "do": "measure", "kind": "absorbance", "labware": "warm", "wells": "A1:A4", "wavelengths": ["504 nm"],
    "within": "3 min",
}  # fmt: skip
DYE = {"id": "dye", "do": "transfer", "source": "stock/A1", "to": "other/A1:A6", "volume": "50 uL"}
SHAKE = {"id": "shake", "do": "shake", "labware": "other", "speed": "600 rpm", "for": "1 min"}


def checked(lab: Lab, *steps: dict[str, Any]) -> Checked:
    return check(loads((HEAD + yaml.safe_dump({"steps": list(steps)})).encode()), view(lab))


def test_short_steps_are_done_while_a_long_one_lasts(lab: Lab) -> None:
    """As an agent expected it, who had read of lanes in the guide only."""
    water = {**DYE, "id": "water", "source": "stock/A2"}
    found = checked(lab, FILL, {"id": "p", "do": "parallel", "lanes": [[WARM, READ], [DYE, water, SHAKE]]})
    assert not found.problems
    assert [step.id for step in found.source.steps] == ["fill", "warm", "dye", "water", "shake", "read"]
    assert found.program is not None
    result = simulate(lab, found.program).result
    assert result.outcome == "completed"
    ends = {span.step: span.end_s for span in result.spans}
    assert ends["shake"] < ends["read"] - 600, "not after the plate came out of its warmth"


def test_what_would_not_be_sooner_stays_as_it_is_written(lab: Lab) -> None:
    one, two = {**SHAKE, "id": "one", "labware": "warm"}, {**SHAKE, "id": "two"}
    found = checked(lab, FILL, DYE, {"id": "p", "do": "parallel", "lanes": [[one], [two]]})
    assert [step.id for step in found.source.steps] == ["fill", "dye", "one", "two"]


def test_rounds_of_lanes_keep_a_minute(lab: Lab) -> None:
    """A reading and a minute side by side, again and again, as an agent wrote it: the minute is the round's own."""
    read = {key: value for key, value in READ.items() if key != "within"}
    minute = {"id": "minute", "do": "parallel", "lanes": [[read], [{"id": "pause", "do": "wait", "for": "1 min"}]]}
    found = checked(lab, FILL, {"id": "course", "do": "repeat", "times": 4, "steps": [minute]})
    assert found.program is not None
    result = simulate(lab, found.program).result
    reads = [reading["at_s"] for reading in result.readings]
    filled_s = max(span.end_s for span in result.spans if span.step == "fill")
    rests = [(span.start_s, span.end_s) for span in result.spans if span.step.startswith("pause")]
    assert rests[0][0] >= filled_s - 1e-6, "not from the beginning of the run"
    assert [later - sooner for sooner, later in pairwise(reads[1:])] == pytest.approx([60, 60])


def test_lanes_after_lanes_wait_for_them(lab: Lab) -> None:
    one, two = ({"id": f"rest{n}", "do": "wait", "for": f"{n} min"} for n in (1, 2))
    first = {"id": "p", "do": "parallel", "lanes": [[one], [two]]}
    then = {"id": "q", "do": "parallel", "lanes": [[SHAKE], [{"id": "rest3", "do": "wait", "for": "3 min"}]]}
    found = checked(lab, FILL, DYE, first, then)
    assert found.program is not None
    after = {action.id: set(action.after) for action in found.program.actions}
    for name in ("shake.1", "rest3.1"):
        assert {"rest1.1", "rest2.1"} <= after[name]
    late = {"id": "q", "do": "parallel", "lanes": [[{**SHAKE, "within": "5 min"}], [two | {"id": "rest4"}]]}
    assert [problem.rule for problem in checked(lab, FILL, DYE, first, late).problems] == ["TIME-002"]


_LANES = st.recursive(
    st.lists(st.integers(0, 5), max_size=4),
    lambda inner: st.lists(st.lists(inner, min_size=1, max_size=3), min_size=2, max_size=3),
    max_leaves=6,
)


@settings(max_examples=100)
@given(tree=_LANES, data=st.data())
def test_no_step_comes_before_one_of_its_lane_or_around_it(tree: Any, data: st.DataObject) -> None:
    names = (f"s{n}" for n in range(1000))

    def steps(part: Any) -> list[dict[str, Any]]:
        if not isinstance(part, list):
            return [{"id": next(names), "do": "wait", "for": "1 s"}]
        if part and all(isinstance(lane, list) for lane in part):
            lanes = [[step for inner in lane for step in steps(inner)] for lane in part]
            lanes = [lane for lane in lanes if lane]
            return [{"id": next(names), "do": "parallel", "lanes": lanes}] if len(lanes) > 1 else []
        return [step for inner in part for step in steps(inner)]

    source = loads((HEAD + yaml.safe_dump({"steps": [*steps(tree), *steps(1)]})).encode())
    program = Program("", [Action(step.id, step.id, "clock", "wait", {}, ()) for step in source.steps], {}, {})
    lasts_s = {step.id: data.draw(st.floats(0, 1000)) for step in source.steps}
    found = in_time(source, program, Forecast({}, 0.0, lasts_s=lasts_s))
    place = {step.id: number for number, step in enumerate(found.steps)}
    assert sorted(place) == sorted(step.id for step in source.steps)
    for number, later in enumerate(source.steps):
        for earlier in source.steps[:number]:
            if not side_by_side(source.frames[earlier.id].lane, source.frames[later.id].lane):
                assert place[earlier.id] < place[later.id]
