"""Steps of the bench devices: what they become on the default lab, and that they run on its twin."""

from typing import Any

import jsonschema
import pytest

from labfile import Lab
from orchestrator.labview import view
from orchestrator.simulate import simulate
from protocols import schema
from protocols.check import Checked, check
from protocols.forecast import forecasts
from protocols.parse import from_document
from protocols.sop import sop

PLATE = {"plate": {"type": "plate_96_flat", "holds": {"A1:A12": {"material": "water", "volume": "100 uL"}}}}


def checked(lab: Lab, *steps: dict[str, Any], labware: Any = PLATE, materials: Any = None) -> Checked:
    document = {
        "format": "lab-protocol/1", "name": "bench", "author": {"kind": "human", "name": "tests"}, "labware": labware, "materials": materials or {},
        "steps": [{"id": f"s{number}"} | step for number, step in enumerate(steps)],
    }  # fmt: skip
    jsonschema.Draft202012Validator(schema.generate()).validate(document)
    found = check(from_document(document), view(lab))
    assert not found.ok or "None" not in sop(found)
    return found


def rules(found: Checked) -> list[str]:
    return [problem.rule for problem in found.problems]


def verbs(found: Checked, *devices: str) -> list[str]:
    assert found.program is not None, found.problems
    return [f"{one.device}.{one.verb}" for one in found.program.actions if one.device in devices]


def readings(lab: Lab, found: Checked) -> dict[str, float]:
    """Of a dry run, whose duration is the one that was predicted within 5 %."""
    assert found.ok, found.problems
    assert found.program is not None
    predicted = simulate(lab, found.program)
    assert predicted.result.outcome == "completed", predicted.result.error
    assert forecasts(found.program, view(lab))[0].duration_s == pytest.approx(predicted.result.duration_s, rel=0.05)
    return {f"{one['step']}.{one['quantity']}": one["value"] for one in predicted.result.readings}


WEIGH = {"do": "measure", "kind": "mass", "labware": "plate"}


def test_labware_is_carried_to_the_balance_and_weighed_over_its_zero(lab: Lab) -> None:
    found = checked(lab, WEIGH, {"do": "move", "labware": "plate", "to": "hotel"}, WEIGH)
    assert verbs(found, "balance", "arm") == [
        "balance.zero", "arm.move_labware", "balance.weigh", "arm.move_labware", "balance.zero", "arm.move_labware",
        "balance.weigh",
    ]  # fmt: skip
    told = readings(lab, found)
    assert told["s0.mass"] == pytest.approx(45 + 1.2, abs=1)
    assert -0.05 < told["s2.mass"] - told["s0.mass"] < 0  # it dries


def test_a_person_carries_what_no_arm_reaches(lab: Lab) -> None:
    plate = {"plate": PLATE["plate"] | {"slot": "1"}}
    assert "operator.remove" in verbs(checked(lab, WEIGH, labware=plate), "operator")


def test_labware_is_heated_and_cooled_with_a_ramp(lab: Lab) -> None:
    heat = {"do": "heat", "labware": "plate", "to": "60 degC", "ramp": "5 K/min", "for": "2 min"}
    found = checked(
        lab, heat, {"do": "cool", "labware": "plate", "to": "40 degC"}, {"do": "measure", "kind": "environment"}
    )
    assert verbs(found, "hotplate") == ["hotplate.heat", "hotplate.heat"]
    told = readings(lab, found)
    assert told["s0.temperature"] == pytest.approx(60, abs=1.1)
    assert told["s1.temperature"] == pytest.approx(40, abs=1.1)
    assert rules(checked(lab, heat | {"to": "311 degC"})) == ["LIM-001", "CHEM-005", "HEAT-001"]
    assert rules(checked(lab, heat | {"ramp": "1000 K/min"})) == ["LIM-001"]


VESSELS = {
    "stock": {"type": "reservoir_1", "holds": {"A1": "water"}},
    "flask": {"type": "reservoir_1", "holds": {"A1": {"material": "water", "volume": "1 mL"}}},
}
PUMP = {"do": "pump", "source": "stock/A1", "to": "flask/A1", "volume": "25 mL", "rate": "6 mL/min"}


def test_liquid_is_pumped_in_as_few_strokes_as_the_syringe_allows(lab: Lab) -> None:
    found = checked(lab, PUMP, labware=VESSELS)
    assert verbs(found, "syringe") == ["syringe.withdraw", "syringe.infuse"] * 3
    assert found.stock["liquids_ul"]["water"] > 26_000
    assert found.end_state["labware"]["flask"]["wells"]["A1"]["volume_ul"] == pytest.approx(26_000)
    assert found.program is not None
    predicted = simulate(lab, found.program).result
    assert predicted.outcome == "completed", predicted.error
    assert predicted.end_state["labware"]["flask"]["wells"]["A1"]["volume_ul"] == pytest.approx(26_000)
    quick = checked(lab, PUMP | {"volume": "9 mL", "rate": "1 mL/s"}, labware=VESSELS)
    assert verbs(quick, "syringe", "dispenser") == ["dispenser.withdraw", "dispenser.infuse"] * 2
    assert readings(lab, quick) == {}
    assert rules(checked(lab, PUMP | {"volume": "25 L"}, labware=VESSELS)) == ["PUMP-002"]
    assert rules(checked(lab, PUMP | {"volume": "250 mL"}, labware=VESSELS)) == ["LIQ-001", "LIQ-005"]
    assert rules(checked(lab, PUMP | {"rate": "500 mL/min"}, labware=VESSELS)) == ["LIM-001"]
    wells = VESSELS | {"flask": {"type": "plate_6_flat"}}
    assert rules(checked(lab, PUMP | {"to": "flask/B1", "volume": "1 mL"}, labware=wells)) == ["PUMP-001"]


def test_what_a_syringe_has_touched_meets_what_comes(lab: Lab) -> None:
    steps = [PUMP | {"id": "a", "volume": "1 mL"}, PUMP | {"id": "b", "source": "other/A1", "volume": "1 mL"}]
    vessels = VESSELS | {"other": {"type": "reservoir_1", "holds": {"A1": "acid"}}}
    document = {
        "format": "lab-protocol/1", "name": "t", "author": {"kind": "human", "name": "tests"}, "labware": vessels,
        "materials": {"acid": {"cas": "7664-93-9", "concentration": "18 mol/L", "solvent": None}}, "steps": steps,
    }  # fmt: skip
    assert "CHEM-001" in rules(check(from_document(document), view(lab)))


def test_a_gas_flows_beside_what_it_is_for(lab: Lab) -> None:
    flow = {"do": "flow", "gas": "N2", "rate": "0.25 slm", "for": "10 min"}
    heat = {"id": "heat", "do": "heat", "labware": "plate", "to": "40 degC", "for": "5 min"}
    found = checked(lab, {"do": "parallel", "lanes": [[flow | {"id": "n2"}], [heat]]})
    assert readings(lab, found)["n2.mass_flow"] == pytest.approx(250, rel=0.02)
    assert rules(checked(lab, flow | {"rate": "2 slm"})) == ["LIM-001"]


CRUCIBLE = {
    "version": 1, "schemaVersion": 2, "namespace": "tests", "metadata": {"displayName": "Crucible"},
    "parameters": {"loadName": "crucible", "isTiprack": False}, "ordering": [["A1"]],
    "dimensions": {"xDimension": 40, "yDimension": 40, "zDimension": 30},
    "wells": {"A1": {"shape": "circular", "diameter": 30, "depth": 25, "totalLiquidVolume": 15000, "x": 0, "y": 0, "z": 5}},
}  # fmt: skip


def test_a_sample_goes_through_a_furnace_under_gas(lab: Lab) -> None:
    program = [{"to": "600 degC", "ramp": "10 K/min", "for": "30 min"}, {"to": "400 degC", "ramp": "2 K/min"}]
    fire = {"do": "furnace", "id": "fire", "labware": "crucible", "program": program}
    gas = {"do": "flow", "id": "gas", "gas": "Ar", "rate": "100 sccm", "for": "3 h"}
    crucible = {"crucible": {"definition": CRUCIBLE, "slot": "off"}}
    weigh = {"do": "measure", "kind": "mass", "labware": "crucible"}
    steps = [weigh | {"id": "before"}, {"do": "parallel", "lanes": [[fire], [gas]]}, weigh | {"id": "after"}]
    found = checked(lab, *steps, labware=crucible)
    assert "operator.remove" in verbs(found, "operator")
    told = readings(lab, found)
    assert told["fire.temperature"] == pytest.approx(400, abs=2.5)
    assert told["after.mass"] == pytest.approx(told["before.mass"], abs=1e-3)
    too_hot = fire | {"program": [{"to": "1150 degC"}]}
    assert rules(checked(lab, too_hot, labware=crucible)) == ["LIM-001"]
    assert rules(checked(lab, fire | {"labware": "plate"})) == ["CHEM-005", "HEAT-001"]
    assert rules(checked(lab, {"do": "furnace", "program": [{"to": "300 degC", "for": "1 min"}]})) == []


def test_a_liquid_is_weighed_in_by_a_person(lab: Lab) -> None:
    dose = {"do": "dose", "material": "water", "into": "plate/B1", "mass": "250 mg"}
    found = checked(lab, dose)
    assert verbs(found, "balance", "operator")[-4:] == [
        "balance.zero",
        "balance.tare",
        "operator.fill",
        "balance.weigh",
    ]
    assert found.end_state["labware"]["plate"]["wells"]["B1"]["volume_ul"] == pytest.approx(250.45, abs=0.1)
    assert readings(lab, found)["s0.mass"] == pytest.approx(0.25, rel=0.005)  # in air, and at 22 degC
    assert rules(checked(lab, dose | {"material": "rum"})) == ["MAT-001"]
    assert rules(checked(lab, dose | {"mass": "2 g"})) == ["LIQ-003"]


def test_a_powder_is_weighed_in_as_itself(lab: Lab) -> None:
    """2.5 g of sodium chloride are 2.5 g / (58.44 g/mol); found by an agent, whose salt was counted as water."""
    for material in ({"cas": "7647-14-5"}, {"cas": "7647-14-5", "concentration": "pure"}):
        dose = {"do": "dose", "material": "salt", "into": "beaker/A1", "mass": "2.5 g"}
        found = checked(lab, dose, labware={"beaker": {"type": "beaker_100"}}, materials={"salt": material})
        assert found.program is not None
        (fill,) = (action.args for action in found.program.actions if action.verb == "fill")
        assert fill["volumes_ul"]["A1"] * 1e-6 * fill["species"]["7647-14-5"] == pytest.approx(2.5 / 58.44, rel=1e-3)
        end = found.end_state["labware"]["beaker"]["wells"]["A1"]
        assert end["species_mol"]["salt"] == pytest.approx(2.5 / 58.44, rel=1e-3)
        (mass,) = simulate(lab, found.program).result.readings
        assert mass["value"] == pytest.approx(2.5, rel=0.005)


def test_a_substance_of_which_nobody_says_how_much_is_told(lab: Lab) -> None:
    holds = {"boat": {"type": "boat", "holds": {"A1": {"material": "ceria", "volume": "500 uL"}}}}
    weigh = {"do": "measure", "kind": "mass", "labware": "boat"}
    found = checked(lab, weigh, labware=holds, materials={"ceria": {"cas": "1306-38-3"}})
    assert ("MAT-002", "warn") in {(problem.rule, problem.severity) for problem in found.problems}
    found = checked(lab, weigh, labware=holds, materials={"ceria": {"cas": "1306-38-3", "concentration": "pure"}})
    assert "MAT-002" not in rules(found)


def test_weighing_takes_labware_as_a_whole(lab: Lab) -> None:
    assert rules(checked(lab, WEIGH | {"wells": "A1"})) == ["MEAS-001"]
    assert rules(checked(lab, {"do": "measure", "kind": "mass"})) == ["MEAS-001"]


BEAKER = {"beaker": {"type": "beaker_250", "holds": {"A1": {"material": "water", "volume": "100 mL"}}}}


def test_a_beaker_is_heated_and_stirred(lab: Lab) -> None:
    found = checked(lab, {"do": "heat", "labware": "beaker", "to": "60 degC", "stir": "300 rpm"}, labware=BEAKER)
    assert verbs(found, "hotplate") == ["hotplate.stir", "hotplate.heat"]
    assert "stirring with 300 rpm" in sop(found)
    assert found.program is not None
    assert simulate(lab, found.program).result.outcome == "completed"


def test_a_vessel_bears_so_much_heat(lab: Lab) -> None:
    fire = {"do": "furnace", "labware": "boat", "program": [{"to": "600 degC"}]}
    assert checked(lab, fire, labware={"boat": {"type": "boat"}}).ok
    found = checked(lab, fire, labware={"boat": {"type": "vial_20"}})
    assert ("HEAT-001", "block") in {(problem.rule, problem.severity) for problem in found.problems}


def test_a_pump_may_be_named(lab: Lab) -> None:
    two = {name: {"type": "reservoir_1", "holds": {"A1": {"material": "water", "volume": "50 mL"}}} for name in "ab"}
    pump = {"do": "pump", "source": "a/A1", "to": "b/A1", "volume": "2 mL"}
    for name in ("syringe", "dispenser"):
        found = checked(lab, {**pump, "device": name}, labware=two)
        assert verbs(found, "syringe", "dispenser") == [f"{name}.withdraw", f"{name}.infuse"]
    found = checked(lab, {**pump, "device": "balance"}, labware=two)
    assert rules(found) == ["ROLE-001"]
    assert "syringe, dispenser" in found.problems[0].hint


def test_bad_labware_does_not_hide_what_else_is_wrong(lab: Lab) -> None:
    found = checked(
        lab, {"do": "heat", "labware": "beaker", "to": "60 degC"}, {"do": "call", "name": "stir"},
        labware={"beaker": {"type": "beaker"}, "bare": {}, **PLATE},
    )  # fmt: skip
    assert rules(found) == ["LAB-001", "LAB-011", "CALL-001"]
    assert all("beaker_250" in problem.hint and "definition" in problem.hint for problem in found.problems[:2])
