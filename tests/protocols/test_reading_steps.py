"""Steps that read: kinds of `measure`, Bluesky's plans as `scan`, and what drivers declare as `call`."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from drivers.core.capability import NUMBER, Argument, Capability
from drivers.core.limits import Limits, Range, between
from labfile import Lab
from orchestrator.labview import view
from protocols import schema
from protocols.check import Checked, check
from protocols.labview import LabView
from protocols.parse import from_document
from protocols.problems import Problem, ProtocolError, blocking
from protocols.program import Action, Program
from protocols.sop import sop

PLATE = {"plate": {"type": "plate_96_flat", "holds": {"A1:A12": {"material": "water", "volume": "100 uL"}}}}
SCAN = {"id": "s", "do": "scan", "plan": "scan", "detectors": ["environment"], "num": 3,
        "axes": [{"from": "0 mm", "to": "1 mm"}]}  # fmt: skip
GO = {"id": "go", "do": "position", "to": "5 mm"}
LIGHT = {"labware": "plate", "wells": "A1:A2", "wavelengths": ["500 nm"]}


def checked(lab: LabView, *steps: Mapping[str, Any], **parts: Any) -> Checked:
    document = {"format": "lab-protocol/1", "name": "t", "author": {"kind": "human", "name": "tests"},
                "labware": PLATE, "steps": list(steps)} | parts  # fmt: skip
    jsonschema.Draft202012Validator(schema.generate()).validate(document)
    found = check(from_document(document), lab)
    assert not found.ok or "None" not in sop(found)
    return found


def told(lab: LabView, *steps: Mapping[str, Any]) -> list[Problem]:
    return blocking(checked(lab, *steps).problems)


def places(found: Checked, step: str = "s") -> list[tuple[str, float]]:
    assert found.program is not None, found.problems
    return [(one.device, one.args["position_mm"]) for one in found.program.actions
            if one.step == step and one.verb == "move"]  # fmt: skip


@pytest.fixture(scope="module")
def here(lab: Lab) -> LabView:
    return view(lab)


@pytest.fixture(scope="module")
def beamline(here: LabView) -> LabView:
    """With a second axis."""
    axes = {"axis_y": "Axis"}
    limits = {"axis_y": Limits({"position": between("-5 mm", "5 mm", "length")})}
    return replace(here, roles={**here.roles, **axes}, limits={**here.limits, **limits}, timings=None)


# Plans of Bluesky's


def test_a_scan_goes_to_each_point_and_then_reads_everything(here: LabView) -> None:
    found = checked(here, SCAN, labware={})
    assert found.program is not None
    done = [(one.device, one.verb, one.point) for one in found.program.actions]
    assert done == [
        (device, verb, point) for point in range(3)
        for device, verb in (("axis", "move"), ("axis", "position"), ("environment", "measure"))
    ]  # fmt: skip
    assert [place for _, place in places(found)] == pytest.approx([0, 0.5, 1])
    assert all(
        two.after == (one.id,) for one, two in zip(found.program.actions, found.program.actions[1:], strict=False)
    )
    assert {(hold.thing, hold.first, hold.last) for hold in found.program.holds} == {
        ("axis", "s.1", "s.9"), ("environment", "s.1", "s.9"),
    }, "nobody comes between two points"  # fmt: skip
    assert Program.from_json(found.program.as_json()) == found.program
    (forecast,) = found.forecasts
    assert forecast.duration_s is not None
    assert forecast.busy_s["axis"] == pytest.approx(2 * 2 * (0.5 / 25) ** 0.5), "two ways of 0.5 mm at 25 mm/s2"


def test_a_count_with_a_delay_waits_between_its_readings(here: LabView) -> None:
    step = {
        "id": "s",
        "do": "scan",
        "plan": "count",
        "num": 3,
        "delay": "10 s",
        "detectors": ["environment", "absorbance"],
    }
    found = checked(here, step | LIGHT)
    assert found.program is not None
    verbs = [one.verb for one in found.program.actions if one.point is not None]
    assert verbs == ["measure", "read_absorbance", *["wait", "measure", "read_absorbance"] * 2]


def test_a_relative_scan_counts_from_where_the_protocol_left_the_axis(here: LabView) -> None:
    step = {**SCAN, "plan": "rel_scan", "axes": [{"from": "-1 mm", "to": "1 mm"}]}
    found = checked(here, GO, step)
    assert [place for _, place in places(found)] == pytest.approx([4, 5, 6, 5]), "and goes back"
    again = checked(here, GO, step, {**step, "id": "t"})
    assert [place for _, place in places(again, "t")] == pytest.approx([4, 5, 6, 5])
    after = checked(here, SCAN, {**step, "id": "t"})
    assert [place for _, place in places(after, "t")] == pytest.approx([0, 1, 2, 1])
    (lost,) = told(here, step)
    assert (lost.rule, lost.step) == ("SCAN-003", "s")
    read = {"id": "m", "do": "measure", "kind": "environment"}
    branch = {"id": "c", "do": "if", "reading": "m", "quantity": "temperature", "above": 20.0, "then": [GO]}
    assert [one.rule for one in told(here, read, branch, step)] == ["SCAN-003"]
    inside = {**branch, "then": [GO, step]}
    assert not told(here, read, inside)


def test_lists_and_grids_over_named_axes(beamline: LabView) -> None:
    plain = {key: value for key, value in SCAN.items() if key != "num"}
    lists = checked(beamline, plain | {"plan": "list_scan", "axes": [{"places": ["1 mm", "3 mm", "2 mm"]}]})
    assert [place for _, place in places(lists)] == [1, 3, 2]
    grid = plain | {
        "plan": "grid_scan", "snake_axes": True, "axes": [
            {"axis": "axis_y", "from": "0 mm", "to": "1 mm", "num": 2}, {"axis": "axis", "from": "0 mm", "to": "2 mm", "num": 3},
        ],
    }  # fmt: skip
    assert places(checked(beamline, grid)) == [
        ("axis_y", 0), ("axis", 0), ("axis", 1), ("axis", 2), ("axis_y", 1), ("axis", 1), ("axis", 0),
    ]  # fmt: skip
    both = {**SCAN, "axes": [{"from": "0 mm", "to": "1 mm"}, {"from": "0 mm", "to": "9 mm"}]}
    assert [(one.rule, one.step) for one in told(beamline, both)] == [("LIM-001", "s")], "the second axis ends at 5 mm"


@pytest.mark.parametrize(
    ("change", "rule", "says"),
    [
        ({"num": 0}, "SCAN-001", "whole number from 1"),
        ({"num": 1001}, "SCAN-002", "a scan may have 1,000"),
        ({"axes": [{"from": "0 mm"}]}, "SCAN-001", "`from` and `to`"),
        ({"axes": [{"places": ["1 mm"]}]}, "SCAN-001", "`from` and `to`"),
        ({"axes": []}, "SCAN-001", "axis, start, stop"),
        ({"axes": [{"axis": "theta", "from": "0 mm", "to": "1 mm"}]}, "SCAN-004", "no axis 'theta'"),
        ({"axes": [{"from": "0 mm", "to": "1 mm"}] * 2}, "SCAN-004", "1 such axes, not 2"),
        ({"axes": [{"from": "0 mm", "to": "100 m"}]}, "LIM-001", "outside what axis may do"),
        ({"snake_axes": True}, "SCAN-001", "snake_axes"),
        ({"delay": "1 s"}, "SCAN-001", "delay"),
        ({"plan": "count"}, "SCAN-001", "moves no `axes`"),
        ({"plan": "count", "axes": [], "detectors": []}, "SCAN-001", "at least one"),
        ({"detectors": ["absorbance"]}, "MEAS-001", "needs `labware` and `wavelengths`"),
        ({"detectors": ["environment"], **LIGHT}, "MEAS-001", "takes no `labware`"),
        ({"detectors": ["absorbance", "mass"], **LIGHT}, "MEAS-005", "at once"),
    ],
)  # fmt: skip
def test_what_a_scan_may_not_is_said_before_anything_moves(
    here: LabView, change: dict[str, Any], rule: str, says: str
) -> None:
    found = told(here, {**SCAN, **change})
    assert rule in {problem.rule for problem in found}, found
    assert any(says in problem.message for problem in found if problem.rule == rule), found
    assert all(problem.step == "s" for problem in found)


def test_all_scans_of_a_protocol_are_bounded_together(here: LabView) -> None:
    loop = {"id": "r", "do": "repeat", "times": 6, "steps": [{**SCAN, "num": 1000}]}
    assert {problem.rule for problem in told(here, loop)} == {"SCAN-002"}


# Kinds of measure


def test_a_spectrum_is_read_at_each_of_its_wavelengths(here: LabView) -> None:
    step = {"id": "m", "do": "measure", "kind": "spectrum", "labware": "plate", "wells": "A1",
            "wavelengths": ["400 nm", "700 nm"], "by": "100 nm"}  # fmt: skip
    found = checked(here, step)
    assert found.program is not None
    (args,) = [one.args for one in found.program.actions if one.verb == "read_absorbance"]
    assert args == {"wells": ["A1"], "wavelengths_nm": [400, 500, 600, 700]}
    for wrong in ({"by": "1 nm"}, {"wavelengths": ["700 nm", "400 nm"]}, {"wavelengths": ["400 nm"]}):
        assert {problem.rule for problem in told(here, {**step, **wrong})} == {"MEAS-003"}


def test_the_temperature_of_where_labware_stands_or_of_the_room(here: LabView) -> None:
    heat = {"id": "h", "do": "heat", "labware": "plate", "to": "50 degC"}
    read = {"id": "m", "do": "measure", "kind": "temperature"}
    found = checked(here, heat, {**read, "labware": "plate"}, {**read, "id": "n"})
    assert found.program is not None
    assert [(one.device, one.verb) for one in found.program.actions if one.step in "mn"] == [
        ("hotplate", "measure"), ("environment", "measure"),
    ]  # fmt: skip
    (nowhere,) = told(here, {**read, "labware": "plate"})
    assert (nowhere.rule, "hotplate or furnace" in nowhere.hint) == ("MEAS-004", True)


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("fluorescence", {**LIGHT, "excitation": "480 nm"}),
        ("image", {"labware": "plate", "exposure": "10 ms"}),
        ("diffraction", {"exposure": "30 s"}),
    ],
)
def test_what_no_device_can_read_is_in_the_format_and_refused_by_name(
    here: LabView, kind: str, more: dict[str, Any]
) -> None:
    roles = {name: role for name, role in here.roles.items() if role not in ("AreaDetector", "Diffractometer")}
    (found,) = told(replace(here, roles=roles), {"id": "m", "do": "measure", "kind": kind, **more})
    assert (found.rule, found.step) == ("MEAS-002", "m")
    assert found.message == f"no device of this lab measures {kind}"
    assert "absorbance, spectrum, mass, temperature, environment" in found.hint


def test_diffraction_and_images_go_to_the_beamline(here: LabView) -> None:
    look = {"id": "m", "do": "measure", "kind": "diffraction", "exposure": "2 s"}
    image = {"id": "n", "do": "measure", "kind": "image", "exposure": "3 s"}
    ways = {"first": "28 deg", "last": "29 deg"}
    pattern = {"id": "p", "do": "call", "name": "pattern", "args": {
        "from": ways["first"], "to": ways["last"], "step": "0.1 deg", "exposure": "500 ms"}}  # fmt: skip
    found = checked(here, look, image, pattern)
    assert found.program is not None, found.problems
    assert [(one.device, one.verb, dict(one.args)) for one in found.program.actions if one.step in "mnp"] == [
        ("diffractometer", "measure", {"exposure_s": 2.0}), ("camera", "expose", {"exposure_s": 3.0}),
        ("diffractometer", "pattern", {"first_deg": 28.0, "last_deg": 29.0, "step_deg": 0.1, "exposure_s": 0.5}),
    ]  # fmt: skip
    (refused,) = told(here, {**image, "labware": "plate"})
    assert refused.rule == "MEAS-004"


def test_a_kind_has_its_own_keys(here: LabView) -> None:
    mass = {"id": "m", "do": "measure", "kind": "mass", "labware": "plate"}
    (found,) = told(here, {**mass, "exposure": "1 s"})
    assert (found.rule, found.hint) == ("MEAS-001", "Labware is weighed as a whole.")
    assert not told(here, mass)


# What drivers declare


def call(name: str, **more: Any) -> dict[str, Any]:
    return {"id": "c", "do": "call", "name": name, **more}


def test_a_call_goes_to_whoever_declares_it_with_its_arguments_in_our_units(here: LabView) -> None:
    found = checked(here, call("blink", args={"duration": "0.1 min"}), labware={})
    assert found.program is not None
    (action,) = found.program.actions
    assert (action.device, action.verb, action.args, action.harmless) == ("ot2", "blink", {"duration_s": 6.0}, True)
    assert found.forecasts[0].busy_s["ot2"] == pytest.approx(6)
    usual = checked(here, call("blink"), labware={}).program
    assert usual is not None
    assert usual.actions[0].args == {"duration_s": 5.0}


def test_what_changes_something_is_not_repeated_and_needs_a_person(here: LabView) -> None:
    found = checked(here, call("advance_tape"))
    assert found.program is not None
    assert not found.program.actions[0].harmless
    assert [problem.rule for problem in found.approvals] == ["CALL-004"]


def test_a_pan_that_must_be_empty_is_emptied(here: LabView) -> None:
    mass = {"id": "m", "do": "measure", "kind": "mass", "labware": "plate"}
    found = checked(here, mass, call("self_test"))
    assert found.program is not None
    assert [one.verb for one in found.program.actions if one.step == "c"] == [
        "move_labware", "load_labware", "self_test",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("step", "rule", "says"),
    [
        (call("self_tests"), "CALL-001", "Did you mean 'self_test'?"),
        (call("explode"), "CALL-001", "ot2: blink, lights"),
        (call("self_test", device="ot2"), "CALL-001", "device ot2 of this lab does not declare"),
        (call("weigh", device="balance"), "CALL-001", "balance"),
        (call("blink", args={"times": "3 s"}), "CALL-002", "`duration`, 1 to 60 s"),
        (call("lights"), "CALL-002", "needs the argument 'state'"),
        (call("lights", args={"state": "dim"}), "CALL-003", "on, off"),
        (call("blink", args={"duration": "1 h"}), "CALL-003", "outside 1 to 60 s"),
        (call("blink", args={"duration": "5 mL"}), "CALL-003", "a time is wanted"),
        (call("blink", args={"duration": 5}), "CALL-003", "has no unit"),
    ],
)
def test_what_nobody_declares_is_not_called(here: LabView, step: dict[str, Any], rule: str, says: str) -> None:
    (found,) = told(here, step)
    assert (found.rule, found.step) == (rule, "c")
    assert says in f"{found.message} {found.hint}"


def test_plain_numbers_are_numbers() -> None:
    times = Argument("times", Range(1, 9, NUMBER))
    assert times.read(3) == 3.0
    assert str(times) == "1 to 9"
    assert str(Capability("beeps", True, {"times": times})) == "beeps (times: 1 to 9)"
    for wrong in ("3", True, 10, float("nan")):
        with pytest.raises(ValueError, match=r"not a number|outside"):
            times.read(wrong)


def bound(here: LabView, *steps: Mapping[str, Any]) -> list[Action]:
    """The actions of the steps, without the set-up."""
    program = checked(here, *steps).program
    assert program is not None, told(here, *steps)
    return [action for action in program.actions if action.step != "setup"]


def test_a_scan_goes_in_the_unit_of_its_axis(here: LabView) -> None:
    """Angles along 2 theta, a chamber through temperatures, lengths along a stage: as their drivers declare it."""
    way = {"id": "s", "do": "scan", "plan": "scan", "num": 3, "detectors": ["diffraction"], "exposure": "0.5 s"}
    angles = bound(here, way | {"axes": [{"axis": "diffractometer", "from": "28 deg", "to": "29 deg"}]})
    assert [(a.verb, dict(a.args)) for a in angles] == [
        step for place in (28.0, 28.5, 29.0)
        for step in (("drive", {"two_theta_deg": place}), ("measure", {"exposure_s": 0.5}))
    ]  # fmt: skip
    unnamed = bound(here, way | {"axes": [{"from": "28 deg", "to": "29 deg"}]})
    assert [a.device for a in unnamed] == ["diffractometer"] * 6, "the first axis that moves in degrees"
    warm = {
        "id": "w",
        "do": "scan",
        "plan": "list_scan",
        "axes": [{"axis": "incubator", "places": ["30 degC", "310.15 K"]}],
    }
    assert [(a.verb, dict(a.args)) for a in bound(here, warm)] == [
        ("set_temperature", {"temperature_c": 30.0}), ("measure", {}),
        ("set_temperature", {"temperature_c": 37.0}), ("measure", {}),
    ]  # fmt: skip
    there = bound(here, {"id": "p", "do": "position", "axis": "diffractometer", "to": "30 deg"})
    assert [(a.verb, dict(a.args)) for a in there] == [("drive", {"two_theta_deg": 30.0}), ("measure", {})]


@pytest.mark.parametrize(
    ("axis", "to", "rule", "says"),
    [
        ("diffractometer", "5 mm", "SCAN-005", "moves in deg, and '5 mm' is a length"),
        ("axis", "5 deg", "SCAN-005", "moves in mm, and '5 deg' is an angle"),
        ("incubator", "5 mm", "SCAN-005", "moves in degC"),
        ("diffractometer", "170 deg", "LIM-001", "two_theta 170 deg is outside"),
        ("reader", "5 deg", "SCAN-004", "there is no axis 'reader'"),
    ],
)
def test_a_place_in_another_unit_is_refused_by_name(here: LabView, axis: str, to: str, rule: str, says: str) -> None:
    step = {"id": "s", "do": "scan", "plan": "list_scan", "axes": [{"axis": axis, "places": [to]}]}
    problems = told(here, step)
    assert [problem.rule for problem in problems] == [rule], problems
    assert says in problems[0].message


def test_what_is_no_place_at_all_is_told_with_every_unit_that_is(here: LabView) -> None:
    step = {"id": "s", "do": "scan", "plan": "list_scan", "axes": [{"places": ["5 s"]}]}
    with pytest.raises(ProtocolError, match=r"a length is wanted, such as '20 mm' \(or '20 deg' or '20 degC'\)"):
        checked(here, step)
