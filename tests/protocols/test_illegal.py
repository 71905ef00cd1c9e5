"""Every illegal program is refused with rule, step and hint, before anything moves."""

from dataclasses import replace
from typing import Any

import pytest

from drivers.core.limits import Limits, between
from protocols.check import check
from protocols.labview import LabView
from protocols.parse import from_document
from protocols.problems import Problem, ProtocolError

PLATE = {"plate": {"type": "plate_96_flat"}, "stock": {"type": "reservoir_12", "holds": {"A1": "dye", "A2": "water"}}}


def problems(lab: LabView, steps: list[dict[str, Any]], **parts: Any) -> list[Problem]:
    document: dict[str, Any] = {
        "format": "lab-protocol/1", "name": "test", "author": {"kind": "human", "name": "tests"},
        "materials": {"dye": {"cas": "25956-17-6", "concentration": "0.1 mmol/L"}}, "labware": PLATE, "steps": steps,
    }  # fmt: skip
    try:
        return list(check(from_document(document | parts), lab).problems)
    except ProtocolError as error:
        return list(error.problems)


def moves(*acts: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"id": "s1", "do": "pipette", "moves": list(acts)}]


def transfer(**change: Any) -> list[dict[str, Any]]:
    return [{"id": "s1", "do": "transfer", "source": "stock/A1", "to": "plate/A1", "volume": "50 uL"} | change]


PICK, DROP = {"act": "pick_up"}, {"act": "drop"}
DRAW = {"act": "aspirate", "well": "stock/A1", "volume": "50 uL"}
ILLEGAL: dict[str, tuple[str, list[dict[str, Any]], dict[str, Any]]] = {
    "wrong unit": ("UNIT-001", transfer(volume="50 s"), {}),
    "unknown unit": ("UNIT-001", transfer(volume="50 ul"), {}),
    "no unit": ("UNIT-001", transfer(volume=50), {}),
    "negative": ("UNIT-001", transfer(volume="-5 uL"), {}),
    "zero": ("UNIT-001", transfer(volume="0 uL"), {}),
    "NaN": ("UNIT-001", transfer(volume="nan uL"), {}),
    "infinite": ("UNIT-001", transfer(volume="1e999 uL"), {}),
    "overflow of a well": ("LIQ-003", transfer(volume="400 uL"), {}),
    "empty well": ("LIQ-001", transfer(source="stock/A3"), {}),
    "too little in a well": (
        "LIQ-001",
        transfer(),
        {"labware": PLATE | {"stock": {"type": "reservoir_12", "holds": {"A1": {"material": "dye", "volume": "20 uL"}}}}},
    ),
    "missing tip": ("TIP-001", moves(DRAW), {}),
    "tip taken twice": ("TIP-003", moves(PICK, PICK, DROP), {}),
    "tip that is gone": (
        "TIP-002",
        moves({"act": "pick_up", "tip": "rack/A1"}, DROP, {"act": "pick_up", "tip": "rack/A1"}, DROP),
        {"labware": PLATE | {"rack": {"type": "tips_300"}}},
    ),
    "tips from a plate": ("TIP-004", moves({"act": "pick_up", "tip": "plate/A1"}, DROP), {}),
    "overfull tip": ("LIQ-004", moves(PICK, *[DRAW] * 7, DROP), {}),
    "more given than drawn": (
        "LIQ-005",
        moves(PICK, DRAW, {"act": "dispense", "well": "plate/A1", "volume": "60 uL"}, DROP),
        {},
    ),
    "unknown labware": ("LAB-001", transfer(to="plat/A1"), {}),
    "unknown labware to shake": ("LAB-001", [{"id": "s1", "do": "shake", "labware": "dish", "speed": "300 rpm", "for": "5 s"}], {}),
    "unknown kind of labware": ("LAB-001", transfer(), {"labware": PLATE | {"x": {"type": "plate_97"}}}),
    "unknown well": ("LAB-002", transfer(to="plate/Z1"), {}),
    "unknown well to read": (
        "LAB-002",
        [{"id": "s1", "do": "measure", "kind": "absorbance", "labware": "plate", "wells": "A13", "wavelengths": ["500 nm"]}],
        {},
    ),
    "sealed plate": ("LAB-003", transfer(), {"labware": PLATE | {"plate": {"type": "plate_96_flat", "sealed": True}}}),
    "plate sealed on the way": ("LAB-003", [{"id": "s0", "do": "seal", "labware": "plate"}, *transfer()], {}),
    "nozzles that do not fit": ("LAB-004", transfer(channels=8, to="plate/B1"), {}),
    "liquid in a tip rack": (
        "LAB-005",
        moves(PICK, {"act": "aspirate", "well": "rack/A1", "volume": "50 uL"}, DROP),
        {"labware": PLATE | {"rack": {"type": "tips_300"}}},
    ),
    "unreachable site": ("REACH-001", [{"id": "s1", "do": "move", "labware": "stock", "to": "8"}], {}),
    "unreachable start": (
        "REACH-001",
        [{"id": "s1", "do": "shake", "labware": "plate", "speed": "300 rpm", "for": "5 s"}],
        {"labware": {"plate": {"type": "plate_96_flat", "slot": "1"}}},
    ),
    "unknown site": ("REACH-002", [{"id": "s1", "do": "move", "labware": "plate", "to": "moon"}], {}),
    "two things on one slot": (
        "LAB-007",
        transfer(),
        {"labware": {"plate": {"type": "plate_96_flat", "slot": "3"}, "stock": {"type": "reservoir_12", "slot": "3"}}},
    ),
    "wells that are none": ("UNIT-001", transfer(), {"labware": PLATE | {"stock": {"type": "reservoir_12", "holds": {"kind": "dye", "A1": "dye"}}}}),
    "unknown material": ("MAT-001", transfer(), {"labware": PLATE | {"stock": {"type": "reservoir_12", "holds": {"A1": "die"}}}}),
    "no pipette for it": ("PIP-002", transfer(volume="0.2 uL"), {}),
    "unknown pipette": ("PIP-003", transfer(), {"pipettes": {"a": {"model": "p42", "mount": "left"}}}),
    "unequal wells": ("LIQ-006", transfer(source="stock/A1,A2", to="plate/A1:A3"), {}),
    "unknown step": ("FMT-003", [{"id": "s1", "do": "explode"}], {}),
    "unknown key": ("FMT-001", transfer(volumee="5 uL"), {}),
    "missing key": ("FMT-001", [{"id": "s1", "do": "wait"}], {}),
    "one id twice": ("FMT-005", transfer() + transfer(), {}),
    "a number for a step": ("FMT-001", [7], {}),  # type: ignore[list-item]
}  # fmt: skip


@pytest.mark.parametrize("name", ILLEGAL)
def test_is_refused_with_rule_step_and_hint(name: str, lab_view: LabView) -> None:
    rule, steps, parts = ILLEGAL[name]
    found = problems(lab_view, steps, **parts)
    blocking = [problem for problem in found if problem.severity == "block"]
    assert rule in {problem.rule for problem in blocking}, found
    told = next(problem for problem in blocking if problem.rule == rule)
    assert told.message
    in_a_step = not parts or name in (
        "missing tip",
        "overfull tip",
        "sealed plate",
        "too little in a well",
        "tip that is gone",
    )
    if in_a_step and isinstance(steps[0], dict):
        assert told.step == steps[-1]["id"]


def test_the_same_steps_are_legal_when_mended(lab_view: LabView) -> None:
    assert not problems(lab_view, transfer())
    assert not problems(lab_view, [{"id": "s0", "do": "peel", "labware": "plate"}, *transfer()],
                        labware=PLATE | {"plate": {"type": "plate_96_flat", "sealed": True}})  # fmt: skip
    assert not problems(lab_view, [{"id": "s1", "do": "move", "labware": "stock", "to": "8", "by": "person"}])
    assert not problems(lab_view, transfer(channels=8, volume="30 uL"))


def test_all_problems_come_at_once(lab_view: LabView) -> None:
    steps = [*transfer(volume="5 s"), *transfer(id="s2", volume="-1 uL"), {"id": "s3", "do": "wait"}]
    assert {problem.step for problem in problems(lab_view, steps)} == {"s1", "s2", "s3"}
    steps = [
        *transfer(to="plat/A1"),
        *transfer(id="s2", to="plate/Z9"),
        {"id": "s3", "do": "move", "labware": "x", "to": "1"},
    ]
    found = problems(lab_view, steps)
    assert {"s1", "s3"} <= {problem.step for problem in found}


def test_a_small_volume_is_a_warning_not_a_refusal(lab_view: LabView) -> None:
    parts = {"pipettes": {"big": {"model": "p300_single_gen2", "mount": "left"}}}
    steps = [{"id": "s1", "do": "pipette", "pipette": "big", "moves": [
        PICK, {"act": "aspirate", "well": "stock/A1", "volume": "5 uL"}, {"act": "dispense", "well": "plate/A1", "volume": "5 uL"}, DROP,
    ]}]  # fmt: skip
    found = problems(lab_view, steps, **parts)
    assert [(problem.rule, problem.severity) for problem in found] == [("PIP-005", "warn")]


def test_a_value_beyond_the_devices_limits_is_refused(lab_view: LabView) -> None:
    narrow = replace(lab_view, limits={"ot2": Limits({"volume": between("1 uL", "40 uL", "volume")})})
    (found,) = [problem for problem in problems(narrow, transfer()) if problem.severity == "block"]
    assert (found.rule, found.step) == ("LIM-001", "s1")
    assert "volume 50 uL is outside what ot2 may do (1 to 40 uL)" in found.message
