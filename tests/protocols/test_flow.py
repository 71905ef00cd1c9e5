"""Control flow: what is written out, what is refused, and what both ways through an `if` have in common."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labfile import Lab
from orchestrator.labview import view
from protocols import flow, schema
from protocols.check import Checked, check
from protocols.drafts import Draft, sequence
from protocols.parse import Source, from_document
from protocols.problems import ProtocolError
from protocols.program import Program

Steps = list[dict[str, Any]]
WAIT = {"id": "w", "do": "wait", "for": "1 s"}
FILL = {"id": "fill", "do": "transfer", "source": "stock/A1", "to": "plate/A1", "volume": "50 uL"}
READ = {
    "id": "read",
    "do": "measure",
    "kind": "absorbance",
    "labware": "plate",
    "wells": "A1",
    "wavelengths": ["504 nm"],
}
SEAL = {"id": "seal", "do": "seal", "labware": "plate"}
ABOVE = {"id": "strong", "do": "if", "reading": "read", "above": 0.5}


def document(*steps: Any, **more: Any) -> dict[str, Any]:
    return {
        "format": "lab-protocol/1", "name": "t", "author": {"kind": "human", "name": "tests"},
        "materials": {"dye": {"cas": "25956-17-6", "concentration": "0.1 mmol/L"}},
        "labware": {"stock": {"type": "reservoir_12", "holds": {"A1": "dye", "A2": "water"}},
                    "plate": {"type": "plate_96_flat"}, "other": {"type": "plate_96_flat"}},
        "steps": list(steps), **more,
    }  # fmt: skip


def source(*steps: Any, **more: Any) -> Source:
    return from_document(document(*steps, **more))


def rules(*steps: Any, **more: Any) -> set[str]:
    with pytest.raises(ProtocolError) as caught:
        source(*steps, **more)
    return {problem.rule for problem in caught.value.problems}


def checked(lab: Lab, *steps: Any) -> Checked:
    return check(source(*steps), view(lab))


def program(lab: Lab, *steps: Any) -> Program:
    found = checked(lab, *steps)
    assert found.program is not None, found.problems
    return found.program


def ids(found: Source) -> list[str]:
    return [step.id for step in found.steps]


def test_loops_are_written_out_with_numbers() -> None:
    inner = {
        "id": "in",
        "do": "for_each",
        "items": [{"v": "1 s"}, {"v": "2 s"}],
        "steps": [{**WAIT, "for": {"param": "v"}}],
    }
    found = source({"id": "out", "do": "repeat", "times": 2, "steps": [inner]})
    assert ids(found) == ["w.1.1", "w.1.2", "w.2.1", "w.2.2"]
    assert [step.for_ for step in found.steps] == [1.0, 2.0, 1.0, 2.0]  # type: ignore[union-attr]
    assert {frame.origin for frame in found.frames.values()} == {"w"}


def test_a_number_of_turns_may_be_a_parameter() -> None:
    found = from_document(document({"id": "r", "do": "repeat", "times": {"param": "n"}, "steps": [WAIT]},
                                   parameters={"n": {"kind": "number", "default": 3}}))  # fmt: skip
    assert len(found.steps) == 3


@pytest.mark.parametrize(
    ("step", "rule"),
    [
        ({"id": "r", "do": "repeat", "times": 0, "steps": [WAIT]}, "FMT-001"),
        ({"id": "r", "do": "repeat", "times": 10**9, "steps": [WAIT]}, "FMT-001"),
        ({"id": "r", "do": "repeat", "times": 2}, "FMT-001"),
        ({"id": "r", "do": "repeat", "times": 2, "steps": []}, "FMT-001"),
        ({"id": "r", "do": "repeat", "times": 2, "steps": [WAIT], "until": "x"}, "FMT-001"),
        ({"id": "r", "do": "repeat", "times": 1000, "steps": [{"id": "q", "do": "repeat", "times": 1000, "steps": [WAIT]}]},
         "FLOW-001"),
        ({"id": "r", "do": "for_each", "items": [{"v": "1 s"}], "steps": [{**WAIT, "for": {"param": "u"}}]}, "PAR-003"),
        ({"id": "p", "do": "parallel", "lanes": [[WAIT]]}, "FMT-001"),
        ({**ABOVE, "below": 1.0, "then": [WAIT]}, "FLOW-005"),
        ({"id": "i", "do": "if", "reading": "read", "then": [WAIT]}, "FLOW-005"),
    ],
)  # fmt: skip
def test_flow_that_is_wrong_is_refused(step: dict[str, Any], rule: str) -> None:
    assert rule in rules(READ, step)


def test_ids_that_meet_when_written_out_are_refused() -> None:
    assert rules({**WAIT, "id": "w.2"}, {"id": "r", "do": "repeat", "times": 2, "steps": [WAIT]}) == {"FMT-005"}


def test_depth_has_a_bound() -> None:
    step: dict[str, Any] = WAIT
    for number in range(flow.MAX_DEPTH + 1):
        step = {"id": f"r{number}", "do": "repeat", "times": 1, "steps": [step]}
    assert rules(step) == {"FLOW-002", "FMT-001"}


def test_loops_of_nothing_end_soon() -> None:
    step: dict[str, Any] = {
        "id": "r",
        "do": "repeat",
        "times": 1000,
        "steps": [{"id": "x", "do": "repeat", "times": 1000}],
    }
    for number in range(5):
        step = {"id": f"r{number}", "do": "repeat", "times": 1000, "steps": [step]}
    assert "FLOW-001" in rules(step)


def test_what_is_wrong_in_a_loop_is_told_once(lab: Lab) -> None:
    far = {**FILL, "to": "plate/Z9"}
    loop = {"id": "r", "do": "repeat", "times": 50, "steps": [far]}
    found = checked(lab, loop)
    assert [problem.rule for problem in found.problems] == ["LAB-002"]
    with pytest.raises(ProtocolError) as caught:
        source({"id": "r", "do": "repeat", "times": 50, "steps": [{**FILL, "volume": "5 s"}]})
    assert len(caught.value.problems) == 1


def test_lanes_wait_for_themselves_only(lab: Lab) -> None:
    one = [{"id": "rest", "do": "wait", "for": "1 h"}, {"id": "note", "do": "operator", "message": "Look."}]
    two = [{**FILL, "id": "a"}, {**FILL, "id": "b", "to": "other/A1"}]
    found = program(lab, {"id": "p", "do": "parallel", "lanes": [one, two]}, {**WAIT, "id": "after"})
    after = {action.id: action.after for action in found.actions}
    assert "rest.1" in after["note.1"]
    assert not any("rest" in name or "note" in name for name in after["b.1"])
    assert not any(name.startswith(("a.", "b.")) for name in after["note.1"])
    assert {"note.1", "b.4"} <= set(after["after.1"])


@given(st.integers(1, 4), st.integers(1, 4))
@settings(max_examples=10)
def test_what_follows_lanes_waits_for_all_of_them(lanes: int, steps: int) -> None:
    drafts = [
        Draft(f"s{lane}.{n}", f"d{lane}", "do", {}, lane=(f"p.{lane}",), barrier=n % 2 == 1)
        for n in range(steps) for lane in range(lanes + 1)
    ]  # fmt: skip
    actions = {action.id: action for action in sequence([*drafts, Draft("end", "z", "do", {})], {})}
    behind, todo = set[str](), ["end.1"]
    while todo:
        name = todo.pop()
        behind.add(name)
        todo += actions[name].after
    last_barrier = steps - 1 if (steps - 1) % 2 else steps - 2
    if last_barrier > 0:
        assert {f"s{lane}.{last_barrier}.1" for lane in range(lanes + 1)} <= behind


def test_both_ways_end_as_they_began(lab: Lab) -> None:
    away = {"id": "shake", "do": "shake", "labware": "plate", "speed": "300 rpm", "for": "5 s"}
    found = program(lab, FILL, READ, {**ABOVE, "then": [away]}, {**READ, "id": "again"})
    back = [action for action in found.actions if action.step == "strong"]
    assert back
    assert all(action.when == (("strong", True),) for action in back)
    moves = [action.args["destination"] for action in found.actions if action.verb == "move_labware"]
    assert moves == ["reader.tray", "shaker.nest", "reader.tray"]


def test_a_tip_is_not_kept_in_one_way_only(lab: Lab) -> None:
    tip = {"id": "t", "do": "pipette", "moves": [{"act": "pick_up"}]}
    found = checked(lab, FILL, READ, {**ABOVE, "then": [tip]})
    assert "FLOW-007" in {problem.rule for problem in found.problems}


@pytest.mark.parametrize(
    "step", [{**ABOVE, "reading": "fill", "then": [WAIT]}, {**ABOVE, "reading": "x", "then": [WAIT]}]
)
def test_a_condition_needs_a_reading_before_it(lab: Lab, step: dict[str, Any]) -> None:
    assert [problem.rule for problem in checked(lab, FILL, READ, step).problems] == ["FLOW-008"]
    late = checked(lab, FILL, {**ABOVE, "then": [WAIT]}, READ)
    assert [problem.rule for problem in late.problems] == ["FLOW-008"]


def test_every_way_is_checked(lab: Lab) -> None:
    """The second way draws from a well that only the first one fills."""
    fill = {**FILL, "id": "only", "to": "other/A1"}
    draw = {**FILL, "id": "draw", "source": "other/A1", "to": "plate/B1"}
    found = checked(lab, FILL, READ, {**ABOVE, "then": [fill]}, draw)
    assert "LIQ-001" in {problem.rule for problem in found.problems}
    assert checked(lab, FILL, READ, {**ABOVE, "then": [fill], "otherwise": [{**fill, "id": "o"}]}, draw).ok


def test_a_condition_in_a_loop_looks_at_its_own_turn(lab: Lab) -> None:
    loop = {"id": "r", "do": "repeat", "times": 2, "steps": [READ, {**ABOVE, "then": [{**FILL, "id": "more"}]}]}
    found = program(lab, FILL, loop)
    assert {name: part.reading for name, part in found.conditions.items()} == {
        "strong.1": "read.1",
        "strong.2": "read.2",
    }


def test_a_program_with_conditions_is_read_back(lab: Lab) -> None:
    found = program(lab, FILL, READ, {**ABOVE, "wells": "plate/A1", "at": "504 nm", "then": [{**FILL, "id": "more"}]})
    assert Program.from_json(found.as_json()) == found


def test_a_device_that_is_not_there_is_a_persons_work(small_lab: Lab) -> None:
    spin = {"id": "spin", "do": "centrifuge", "labware": "plate", "force": "1000 xg", "for": "5 min"}
    cycle = {"id": "pcr", "do": "thermocycle", "labware": "plate", "lid": "105 degC",
             "cycles": [{"holds": [{"at": "95 degC", "for": "30 s"}], "times": 30}]}  # fmt: skip
    found = checked(small_lab, FILL, SEAL, spin, cycle, {"id": "lid", "do": "lid", "labware": "plate", "put": "on"})
    assert found.ok
    assert [problem.rule for problem in found.problems] == ["HAND-001"] * 3, found.problems
    assert found.program is not None
    said = [action.args["message"] for action in found.program.actions if action.verb == "confirm"]
    assert "1000 x g" in said[0]
    assert "30 x (95 degC 30 s)" in said[2]
    assert sum(action.args["duration_s"] for action in found.program.actions if action.verb == "wait") == 300 + 900


def test_distribute_takes_one_tip_and_gives_back_what_is_extra(lab: Lab) -> None:
    step = {
        "id": "d",
        "do": "distribute",
        "source": "stock/A1",
        "to": "plate/A1:H2",
        "volume": "50 uL",
        "extra": "20 uL",
    }
    found = program(lab, step)
    verbs = [action.verb for action in found.actions if action.step == "d"]
    assert verbs.count("pick_up_tip") == 1
    drawn = [action.args["volume_ul"] for action in found.actions if action.step == "d" and action.verb == "aspirate"]
    assert drawn == [270.0, 270.0, 270.0, 70.0]
    too_much = {**step, "volume": "290 uL"}
    assert [problem.rule for problem in checked(lab, too_much).problems] == ["LIQ-008"]


def test_the_schema_is_small_and_takes_what_the_models_take() -> None:
    """Under 16 kB, to fit into an agent's context."""
    written = schema.text()
    assert len(written.encode()) < 16_384
    assert written == schema.FILE.read_text("utf-8")
    validator = jsonschema.Draft202012Validator(schema.generate())
    loop = {"id": "r", "do": "for_each", "items": [{"v": "50 uL"}], "steps": [{**FILL, "volume": {"param": "v"}}]}
    good = document(
        FILL, READ, loop, {**ABOVE, "then": [WAIT]}, {"id": "p", "do": "parallel", "lanes": [[WAIT], [WAIT]]}
    )
    validator.validate(good)
    for bad in ({**FILL, "volum": "1 uL"}, {**FILL, "do": "transfers"}, {"id": "r", "do": "repeat", "times": 2}):
        assert list(validator.iter_errors(document(bad)))


def test_the_readings_of_a_document_are_not_an_authors_path(tmp_path: Path) -> None:
    assert "FMT-001" in rules({**WAIT, "id": "../../etc"})
