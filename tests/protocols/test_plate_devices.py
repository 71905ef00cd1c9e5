"""Steps that a device of the lab does where there is one, and a person where there is none."""

from dataclasses import replace
from typing import Any

import pytest

from drivers.core.verbs import ROLES
from labfile import Lab
from orchestrator.labview import timings, view
from orchestrator.simulate import simulate
from protocols.check import Checked, check
from protocols.forecast import forecast
from protocols.holds import holds
from protocols.parse import from_document

FILL = {"id": "fill", "do": "transfer", "source": "stock/A1", "to": "plate/A1", "volume": "100 uL"}
MORE = {**FILL, "id": "more", "to": "plate/A2"}


def keep(at: str, labware: str = "plate") -> dict[str, Any]:
    return {"id": f"keep_{labware}", "do": "incubate", "labware": labware, "at": at, "for": "30 min"}


DOCUMENT: dict[str, Any] = {
    "format": "lab-protocol/1", "name": "t", "author": {"kind": "human", "name": "tests"},
    "materials": {"dye": {"cas": "25956-17-6", "concentration": "0.1 mmol/L"}},
    "labware": {"stock": {"type": "reservoir_12", "holds": {"A1": "dye"}}, "plate": {"type": "plate_96_flat"}},
}  # fmt: skip


def checked(lab: Lab, *steps: dict[str, Any], **materials: Any) -> Checked:
    found = check(
        from_document({
            "format": "lab-protocol/1", "name": "t", "author": {"kind": "human", "name": "tests"},
            "materials": {"dye": {"cas": "25956-17-6", "concentration": "0.1 mmol/L"}, **materials},
            "labware": {"stock": {"type": "reservoir_12", "holds": dict.fromkeys(["A1"], next(iter(materials), "dye"))},
                        "plate": {"type": "plate_96_flat"}, "other": {"type": "plate_96_flat"}},
            "steps": list(steps),
        }), view(lab),
    )  # fmt: skip
    assert found.program is not None, found.problems
    return found


def verbs(found: Checked, step: str) -> list[str]:
    assert found.program is not None
    return [f"{action.device}.{action.verb}" for action in found.program.actions if action.step == step]


def done(lab: Lab, found: Checked) -> Any:
    assert found.ok, found.problems
    assert found.program is not None
    run = simulate(lab, found.program)
    assert run.result.outcome == "completed", run.result
    return run.result


def test_an_incubator_takes_what_it_can_keep_so_warm(lab: Lab) -> None:
    found = checked(lab, FILL, keep("37 degC"), MORE)
    assert verbs(found, "keep_plate") == [
        "incubator.set_temperature", "ot2.remove_labware", "arm.move_labware", "incubator.move_labware", "clock.wait",
        "incubator.move_labware",
    ]  # fmt: skip
    assert verbs(found, "more")[:3] == ["ot2.pick_up_tip", "ot2.aspirate", "arm.move_labware"]
    result = done(lab, found)
    assert result.end_state["labware"]["plate"]["site"].startswith("ot2.")
    assert 1800 < result.duration_s < 3600


def test_what_an_incubator_cannot_do_a_shaker_does_at_rest(lab: Lab) -> None:
    assert "shaker.set_temperature" in verbs(checked(lab, FILL, keep("60 degC")), "keep_plate")


def test_a_person_incubates_where_there_is_no_device(small_lab: Lab) -> None:
    found = checked(small_lab, FILL, keep("37 degC"))
    assert verbs(found, "keep_plate") == ["operator.confirm", "clock.wait", "operator.confirm"]
    assert [problem.rule for problem in found.problems] == ["HAND-001"]
    done(small_lab, found)


def test_two_plates_stand_in_slots_of_their_own(lab: Lab) -> None:
    steps = [FILL, {"id": "in", "do": "move", "labware": "other", "to": "incubator.1"}, keep("37 degC"), MORE]
    found = checked(lab, *steps, {"id": "out", "do": "move", "labware": "other", "to": "hotel"})
    assert found.program is not None
    went = [action.args["destination"] for action in found.program.actions if action.verb == "move_labware"]
    assert went[:4] == ["incubator.transfer", "incubator.1", "incubator.transfer", "incubator.2"]
    (hold,) = [hold for hold in holds(found.program.actions, view(lab).roles) if hold.thing == "incubator"]
    assert hold.last is not None  # one visit, until the last plate has gone
    assert done(lab, found).end_state["labware"]["other"]["site"].startswith("hotel.")


def test_what_boils_is_found_in_an_incubator_too(lab: Lab) -> None:
    ether = {"cas": "60-29-7", "concentration": "5 mol/L"}
    found = checked(lab, FILL, keep("37 degC"), ether=ether)
    assert {"CHEM-004", "CHEM-005"} <= {problem.rule for problem in found.problems if problem.step == "keep_plate"}


@pytest.mark.parametrize("at", ["24 degC", "51 degC"])
def test_beside_its_range_the_shaker_is_taken(lab: Lab, at: str) -> None:
    assert not any(verb.startswith("incubator") for verb in verbs(checked(lab, FILL, keep(at)), "keep_plate"))


SEAL = {"id": "close", "do": "seal", "labware": "plate"}
PEEL = {"id": "open", "do": "peel", "labware": "plate"}


def test_sealer_and_peeler_do_their_steps(lab: Lab) -> None:
    found = checked(lab, FILL, SEAL, PEEL, MORE)
    assert verbs(found, "close") == ["ot2.remove_labware", "arm.move_labware", "sealer.seal"]
    assert verbs(found, "open") == ["arm.move_labware", "peeler.peel"]
    assert done(lab, found).end_state["labware"]["plate"]["site"].startswith("ot2.")


def test_what_the_arm_does_not_reach_a_person_seals(lab: Lab) -> None:
    document = {
        "format": "lab-protocol/1", "name": "t", "author": {"kind": "human", "name": "tests"},
        "labware": {"plate": {"type": "plate_96_flat", "slot": "1"}}, "steps": [SEAL, PEEL],
    }  # fmt: skip
    found = check(from_document(document), view(lab))
    assert verbs(found, "close") == ["operator.seal"]
    assert verbs(found, "open") == ["operator.peel"]
    done(lab, found)


def test_a_person_seals_where_there_is_no_device(small_lab: Lab) -> None:
    found = checked(small_lab, FILL, SEAL, PEEL, MORE)
    assert verbs(found, "close") == ["operator.seal"]
    done(small_lab, found)


def test_a_sealed_plate_is_not_pipetted(lab: Lab) -> None:
    assert "LAB-003" in {problem.rule for problem in checked(lab, FILL, SEAL, MORE).problems}


def spin(**more: str) -> dict[str, Any]:
    return {"id": "spin", "do": "centrifuge", "labware": "plate", "force": "500 xg", "for": "2 min", **more}


def test_a_centrifuge_spins(lab: Lab) -> None:
    found = checked(lab, FILL, SEAL, spin(), PEEL, MORE)
    assert verbs(found, "spin") == ["centrifuge.open_door", "arm.move_labware", "centrifuge.spin"]
    assert verbs(found, "open")[:2] == ["centrifuge.open_door", "arm.move_labware"]
    assert found.problems == ()
    done(lab, found)


@pytest.mark.parametrize("more", [{"at": "4 degC"}, {"force": "4000 xg"}])
def test_what_it_cannot_do_a_person_does(lab: Lab, more: dict[str, str]) -> None:
    found = checked(lab, FILL, SEAL, spin(**more))
    assert "operator.confirm" in verbs(found, "spin")
    assert [(problem.rule, problem.message) for problem in found.problems] == [
        ("HAND-001", "no Centrifuge of this lab can do it: a person does it")
    ]
    done(lab, found)


def pcr(at: str = "95 degC", **more: str) -> dict[str, Any]:
    cycles = [{"holds": [{"at": at, "for": "10 s"}, {"at": "60 degC", "for": "20 s"}], "times": 3}]
    return {"id": "pcr", "do": "thermocycle", "labware": "plate", "cycles": cycles, **more}


def test_a_thermocycler_cycles(lab: Lab) -> None:
    found = checked(lab, FILL, SEAL, pcr(lid="100 degC"), PEEL, MORE)
    assert verbs(found, "pcr") == ["thermocycler.open_lid", "arm.move_labware", "thermocycler.run_profile"]
    assert verbs(found, "open")[:2] == ["thermocycler.open_lid", "arm.move_labware"]
    assert found.problems == ()
    assert done(lab, found).duration_s > 3 * 30


def test_limits_of_a_profile_are_checked_before_it_runs(lab: Lab) -> None:
    found = checked(lab, FILL, SEAL, pcr("110 degC", lid="150 degC"))
    told = [problem.message for problem in found.problems if problem.rule == "LIM-001"]
    assert [message.split(" is ")[0] for message in told] == ["lid_temperature 150 degC", "temperature 110 degC"]


def test_what_boils_is_found_in_a_thermocycler_too(lab: Lab) -> None:
    found = checked(lab, FILL, SEAL, pcr(), ether={"cas": "60-29-7", "concentration": "5 mol/L"})
    assert "CHEM-005" in {problem.rule for problem in found.problems if problem.step == "pcr"}


def test_what_opens_a_device_is_one_of_its_verbs() -> None:
    opened = {role: spec.opens for role, spec in ROLES.items() if spec.opens}
    assert opened == {"PlateReader": "open_tray", "Centrifuge": "open_door", "Thermocycler": "open_lid"}
    assert all(opens in ROLES[role].verbs for role, opens in opened.items())


READ = {
    "id": "read",
    "do": "measure",
    "kind": "absorbance",
    "labware": "plate",
    "wells": "A1",
    "wavelengths": ["504 nm"],
}
EVERYTHING = (FILL, keep("37 degC"), {**keep("4 degC"), "id": "cool"}, SEAL, spin(), pcr(), PEEL, MORE, READ)


def test_every_device_in_one_protocol_and_the_same_trace_each_time(lab: Lab) -> None:
    found = checked(lab, *EVERYTHING)
    assert found.ok
    assert found.program is not None
    assert {"incubator", "cooler", "sealer", "centrifuge", "thermocycler", "peeler"} <= set(found.program.devices)
    one, two = simulate(lab, found.program, seed=5), simulate(lab, found.program, seed=5)
    assert one.result.outcome == "completed", one.result
    assert one.trace_hash == two.trace_hash
    assert one.result.readings == two.result.readings
    told = forecast(found.program, timings(lab, found.program.devices))
    assert told.duration_s == pytest.approx(one.result.duration_s, rel=0.01)  # ADR 13


@pytest.mark.slow
def test_every_device_over_real_sockets(lab: Lab) -> None:
    found = checked(lab, *EVERYTHING)
    assert found.program is not None
    inside, outside = simulate(lab, found.program), simulate(lab, found.program, wire=True)
    assert outside.result.outcome == "completed", outside.result
    assert outside.result.end_state == inside.result.end_state
    assert outside.result.duration_s == pytest.approx(inside.result.duration_s, rel=0.01)


def test_an_incubator_that_no_arm_serves_is_not_taken(lab: Lab) -> None:
    whole = view(lab)
    arm = {
        name: frozenset(site for site in sites if not site.startswith("incubator"))
        for name, sites in whole.taught.items()
    }
    found = check(from_document(DOCUMENT | {"steps": [FILL, keep("37 degC")]}), replace(whole, taught=arm))
    assert "shaker.set_temperature" in verbs(found, "keep_plate")
