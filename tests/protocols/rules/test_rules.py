"""Every rule: once where it speaks, and once, as like as can be, where it is silent."""

from dataclasses import replace
from typing import Any

import pytest

from labfile import Lab
from orchestrator.labview import view
from protocols.check import Checked, check
from protocols.parse import from_document
from protocols.rules import RULES, planning

Document = dict[str, Any]
WATER = {"cas": "7732-18-5"}
DYE = {"cas": "25956-17-6", "concentration": "0.1 mmol/L"}
ACID = {"cas": "7647-01-0", "concentration": "1 mol/L"}  # hydrochloric
BLEACH = {"cas": "7681-52-9", "concentration": "0.7 mol/L"}
CYANIDE = {"cas": "143-33-9", "concentration": "0.1 mol/L"}
ETHANOL = {"cas": "64-17-5", "concentration": "12 mol/L"}


def transfer(source: str, to: str, volume: str = "50 uL", **more: Any) -> dict[str, Any]:
    return {"id": f"{source}-{to}".translate(str.maketrans("/:", "..")), "do": "transfer", "source": source, "to": to,
            "volume": volume, **more}  # fmt: skip


def document(materials: dict[str, Any], *steps: Any, sealed: bool = False) -> Document:
    holds = dict(zip(("A1", "A2", "A3"), ({"material": name, "volume": "5 mL"} for name in materials), strict=False))
    return {
        "format": "lab-protocol/1", "name": "t", "author": {"kind": "agent", "name": "tests"}, "materials": materials,
        "labware": {"stock": {"type": "reservoir_12", "holds": holds}, "plate": {"type": "plate_96_flat", "sealed": sealed},
                    "other": {"type": "plate_96_flat"}},
        "steps": list(steps),
    }  # fmt: skip


ONE, TWO = transfer("stock/A1", "plate/A1"), transfer("stock/A2", "plate/A1")
APART = transfer("stock/A2", "plate/B1")
INCUBATE = {"id": "warm", "do": "incubate", "labware": "plate", "at": "60 degC", "for": "10 min"}
SPIN = {"id": "spin", "do": "centrifuge", "labware": "plate", "force": "500 xg", "for": "1 min"}
SEAL = {"id": "seal", "do": "seal", "labware": "plate"}
CYCLE = {"id": "pcr", "do": "thermocycle", "labware": "plate",
         "cycles": [{"holds": [{"at": "95 degC", "for": "10 s"}], "times": 5}]}  # fmt: skip
HEAT = {"id": "heat", "do": "heat", "labware": "plate"}
FLOW = {"id": "flow", "do": "flow", "rate": "100 sccm", "for": "1 min"}
READ = {
    "id": "read",
    "do": "measure",
    "kind": "absorbance",
    "labware": "plate",
    "wells": "A1",
    "wavelengths": ["500 nm"],
}
CALL = {"id": "call", "do": "call", "device": "peeler"}


def with_tall_rack(slot: str) -> Document:
    """A plate that the arm takes from slot 3, and a rack of tubes (124 mm high) on another slot."""
    found = document({"dye": DYE}, ONE, READ)
    found["labware"] |= {"plate": {"type": "plate_96_flat", "slot": "3"}, "other": {
        "type": "opentrons_10_tuberack_nest_4x50ml_6x15ml_conical", "slot": slot}}  # fmt: skip
    return found


CELLS = {"cas": None, "biosafety_level": 2}

#: rule -> (severity, a document at which it speaks, one at which it is silent)
CASES: dict[str, list[tuple[str, Document, Document]]] = {
    "CHEM-001": [
        ("block", document({"acid": ACID, "cyanide": CYANIDE}, ONE, TWO), document({"acid": ACID, "cyanide": CYANIDE}, ONE)),
        ("block", document({"bleach": BLEACH, "acid": ACID}, ONE, TWO), document({"dye": DYE, "acid": ACID}, ONE, TWO)),
        ("approve", document({"acid": {**ACID, "solvent": None}, "water": WATER}, ONE, TWO),
         document({"acid": ACID, "water": WATER}, ONE, TWO)),
    ],
    "CHEM-002": [
        ("approve", document({"brew": {"name": "brew"}}, ONE), document({"dye": DYE}, ONE)),
        ("approve", document({"x": {"cas": "58-08-2", "concentration": "1 mmol/L"}, "y": {"cas": "6359-98-4"}}, ONE, APART),
         document({"salt": {"cas": "7647-14-5", "concentration": "1 mol/L"}}, ONE)),
    ],
    "CHEM-003": [
        ("block", document({"agent": {"cas": "107-44-8", "concentration": "1 mmol/L"}}, ONE), document({"dye": DYE}, ONE)),
    ],
    "CHEM-004": [
        ("block", document({"ethanol": ETHANOL}, ONE, INCUBATE),
         document({"ethanol": {**ETHANOL, "concentration": "0.5 mol/L"}}, ONE, INCUBATE)),
    ],
    "CHEM-005": [
        ("block", document({"ethanol": ETHANOL}, ONE, SEAL, CYCLE), document({"dye": DYE}, ONE, SEAL, {**CYCLE, "cycles": [
            {"holds": [{"at": "80 degC", "for": "10 s"}]}]})),
    ],
    "CHEM-006": [
        ("approve", document({"acid": ACID, "sulfide": {"cas": "1313-82-2", "concentration": "0.1 mol/L"}},
                             transfer("stock/A1", "trash/A1"), transfer("stock/A2", "trash/A1")),
         document({"acid": ACID, "dye": DYE}, transfer("stock/A1", "trash/A1"), transfer("stock/A2", "trash/A1"))),
    ],
    "VOL-001": [
        ("warn", document({"dye": DYE}, ONE, transfer("plate/A1", "other/A1", "45 uL")),
         document({"dye": DYE}, ONE, transfer("plate/A1", "other/A1", "10 uL"))),
    ],
    "TIP-005": [
        ("warn", document({"dye": DYE, "water": WATER}, ONE, transfer("stock/A2", "plate/A1:A2", tips="once")),
         document({"dye": DYE, "water": WATER}, ONE, transfer("stock/A2", "plate/A1:A2"))),
    ],
    "WASTE-001": [
        ("block", document({"dye": DYE}, *({**transfer("stock/A1", "trash/A1", "300 uL", tips="once"), "id": f"w{n}"}
                                           for n in range(5))),
         document({"dye": DYE}, transfer("stock/A1", "trash/A1", "300 uL"))),
    ],
    "SEAL-001": [
        ("block", document({"dye": DYE}, ONE, CYCLE), document({"dye": DYE}, ONE, SEAL, CYCLE)),
        ("warn", document({"dye": DYE}, ONE, SPIN), document({"dye": DYE}, ONE, SEAL, SPIN)),
        ("warn", document({"dye": DYE}, ONE, SEAL, READ), document({"dye": DYE}, ONE, READ)),
    ],
    "HEAT-001": [
        ("approve", document({"dye": DYE}, {**HEAT, "to": "120 degC"}), document({"dye": DYE}, {**HEAT, "to": "90 degC"})),
    ],
    "GAS-001": [
        ("approve", document({"dye": DYE}, {**FLOW, "gas": "H2"}), document({"dye": DYE}, {**FLOW, "gas": "N2"})),
    ],
    "CALL-004": [
        ("approve", document({"dye": DYE}, ONE, {**CALL, "name": "advance_tape"}),
         document({"dye": DYE}, ONE, {**CALL, "name": "tape_left"})),
    ],
    "COLL-001": [
        ("block", with_tall_rack("6"), with_tall_rack("10")),
    ],
    "BIO-001": [
        ("block", document({"cells": {**CELLS, "biosafety_level": 3}}, ONE), document({"cells": CELLS}, ONE)),
    ],
    "BIO-002": [
        ("approve", document({"cells": CELLS}, transfer("stock/A1", "trash/A1")),
         document({"cells": {**CELLS, "biosafety_level": 1}}, transfer("stock/A1", "trash/A1"))),
    ],
    "CHEM-007": [
        ("block", document({"brom": {"cas": "1239-45-8", "concentration": "1 mmol/L"}}, ONE), document({"dye": DYE}, ONE)),
    ],
}  # fmt: skip


def checked(lab: Lab, found: Document) -> Checked:
    """On a lab fit for level 2, with 1 mL of room for waste, that refuses ethidium bromide."""
    here = view(lab)
    policy = replace(here.policy, max_biosafety_level=2, waste_capacity_ul=1000.0, refused=("1239-45-8",))
    return check(from_document(found), replace(here, policy=policy))


@pytest.mark.parametrize(
    ("rule", "severity", "speaks", "silent"),
    [pytest.param(rule, *case, id=f"{rule}.{n}") for rule, cases in CASES.items() for n, case in enumerate(cases)],
)
def test_a_rule_speaks_and_is_silent(lab: Lab, rule: str, severity: str, speaks: Document, silent: Document) -> None:
    found = [problem for problem in checked(lab, speaks).problems if problem.rule == rule]
    assert found, checked(lab, speaks).problems
    assert {problem.severity for problem in found} == {severity}
    assert all(problem.message and problem.hint for problem in found)
    assert not [problem for problem in checked(lab, silent).problems if problem.rule == rule]


def test_every_rule_is_shown() -> None:
    elsewhere = {rule.id for rule in planning.RULES}  # test_planning.py: they need other labs
    assert CASES.keys() | elsewhere == RULES.keys()
    assert all(rule.citation and rule.title for rule in RULES.values())


def test_a_policy_makes_rules_graver_and_never_milder(lab: Lab) -> None:
    here = view(lab)
    grave = replace(here, policy=replace(here.policy, rules={"TIP-005": "block", "CHEM-001": "approve"}))
    soiled, poison = CASES["TIP-005"][0][1], CASES["CHEM-001"][0][1]
    assert not check(from_document(soiled), grave).ok
    assert check(from_document(soiled), here).ok
    assert not check(from_document(poison), grave).ok


def test_what_is_dilute_is_let_be_unless_it_may_explode_or_poison(lab: Lab) -> None:
    def severities(acid: str, other: dict[str, Any]) -> set[str]:
        materials = {"acid": {**ACID, "concentration": acid}, "other": other}
        found = checked(lab, document(materials, ONE, TWO)).problems
        return {problem.severity for problem in found if problem.rule == "CHEM-001"}

    base = {"cas": "1310-73-2", "concentration": "1 mol/L"}
    assert severities("1 mol/L", base) == {"approve"}
    assert severities("50 mmol/L", base) == set()
    assert severities("50 mmol/L", CYANIDE) == {"block"}
    assert severities("1 mmol/L", CYANIDE) == {"approve"}


def test_each_way_through_a_condition_is_examined(lab: Lab) -> None:
    branch = {"id": "c", "do": "if", "reading": "read", "above": 0.5, "then": [{**TWO, "id": "mix"}]}
    here = {**document({"acid": ACID, "cyanide": CYANIDE}, ONE, READ, branch)}
    assert "CHEM-001" in {problem.rule for problem in checked(lab, here).problems}
