"""From steps to actions: the moves nobody wrote, what waits for what, stock and fills."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.core.labware import kind
from protocols.check import Checked, check
from protocols.drafts import Draft, sequence
from protocols.labview import LabView
from protocols.ledger import fold
from protocols.parse import from_document

Steps = list[dict[str, Any]]


@pytest.fixture
def bound(lab_view: LabView) -> Callable[..., Checked]:
    def bind(steps: Steps, **parts: Any) -> Checked:
        document: dict[str, Any] = {
            "format": "lab-protocol/1", "name": "test", "author": {"kind": "human", "name": "tests"},
            "materials": {"dye": {"cas": "25956-17-6", "concentration": "0.1 mmol/L"}},
            "labware": {"stock": {"type": "reservoir_12", "holds": {"A1": "dye", "A2": "water"}}, "plate": {"type": "plate_96_flat"}},
            "steps": steps,
        }  # fmt: skip
        checked = check(from_document(document | parts), lab_view)
        assert checked.ok, checked.problems
        return checked

    return bind


def verbs(checked: Checked, step: str) -> list[str]:
    assert checked.program
    return [f"{a.device}.{a.verb}" for a in checked.program.actions if a.step == step]


FILL = {"id": "fill", "do": "transfer", "source": "stock/A1", "to": "plate/A1", "volume": "100 uL"}
SHAKE = {"id": "shake", "do": "shake", "labware": "plate", "speed": "500 rpm", "for": "10 s"}
READ = {"id": "read", "do": "measure", "kind": "absorbance", "labware": "plate", "wavelengths": ["500 nm"]}


def test_the_arm_the_tray_and_the_way_back_are_added(bound: Callable[..., Checked]) -> None:
    checked = bound([FILL, SHAKE, READ, {**FILL, "id": "again", "to": "plate/A2"}, {**READ, "id": "read2"}])
    assert verbs(checked, "shake") == ["ot2.remove_labware", "arm.move_labware", "shaker.shake"]
    assert verbs(checked, "read") == [
        "reader.open_tray", "arm.move_labware", "reader.close_tray", "reader.read_absorbance",
    ]  # fmt: skip
    assert verbs(checked, "again")[:4] == [
        "ot2.pick_up_tip", "ot2.aspirate", "reader.open_tray", "arm.move_labware",
    ]  # fmt: skip
    assert verbs(checked, "read2") == [
        "ot2.remove_labware", "arm.move_labware", "reader.close_tray", "reader.read_absorbance",
    ]  # fmt: skip


def test_just_enough_is_filled_and_dead_volume_stays(bound: Callable[..., Checked]) -> None:
    checked = bound([FILL])
    film = kind("reservoir_12").wells["A1"].area_mm2 * 1.0  # 100 uL drawn, 5 % more, and a film of 1 mm
    assert checked.stock["liquids_ul"] == {"dye": pytest.approx(105 + film, abs=0.1)}
    assert checked.end_state["labware"]["stock"]["wells"]["A1"]["volume_ul"] == pytest.approx(5 + film, abs=0.1)
    well = checked.end_state["labware"]["plate"]["wells"]["A1"]
    assert well["volume_ul"] == 100
    assert well["species_mol"]["dye"] == pytest.approx(1e-8)


def test_the_pipette_follows_the_volume(bound: Callable[..., Checked]) -> None:
    checked = bound([{**FILL, "volume": "15 uL"}, {**FILL, "id": "more", "to": "plate/A2"}])
    assert checked.program
    mounts = [a.args["mount"] for a in checked.program.actions if a.verb == "aspirate"]
    assert mounts == ["right", "left"]
    assert checked.stock["tips"] == {"opentrons_96_tiprack_20ul": 1, "opentrons_96_tiprack_300ul": 1}


def test_eight_channels_are_hung_up_by_a_person(bound: Callable[..., Checked]) -> None:
    checked = bound([{**FILL, "channels": 8, "volume": "50 uL"}])
    assert verbs(checked, "setup")[0] == "operator.attach_pipette"
    assert len(checked.end_state["labware"]["plate"]["wells"]) == 8
    assert checked.stock["tips"] == {"opentrons_96_tiprack_300ul": 8}


def test_large_volumes_are_split(bound: Callable[..., Checked]) -> None:
    checked = bound([{**FILL, "volume": "350 uL"}])
    assert checked.program
    assert [a.args["volume_ul"] for a in checked.program.actions if a.verb == "aspirate"] == [175, 175]


def test_a_dilution_series_is_what_it_says(bound: Callable[..., Checked]) -> None:
    series = {"id": "s", "do": "serial_dilute", "source": "stock/A1", "diluent": "stock/A2", "into": "plate/A1:A6",
              "volume": "90 uL", "factor": 3, "mix": 2}  # fmt: skip
    wells = bound([series]).end_state["labware"]["plate"]["wells"]
    for number in range(6):
        well = wells[f"A{number + 1}"]
        assert well["volume_ul"] == pytest.approx(90)
        assert well["species_mol"]["dye"] == pytest.approx(90e-6 * 1e-4 / 3**number)


def test_a_wait_parts_before_from_after(bound: Callable[..., Checked]) -> None:
    checked = bound([FILL, {"id": "w", "do": "wait", "for": "5 min"}, {**FILL, "id": "after", "to": "plate/A2"}])
    assert checked.program
    actions = {a.id: a for a in checked.program.actions}
    assert "fill.4" in actions["w.1"].after
    assert actions["after.1"].after == ("w.1",)


def test_devices_that_share_nothing_may_overlap(bound: Callable[..., Checked]) -> None:
    labware = {"stock": {"type": "reservoir_12", "holds": {"A1": "dye"}}, "plate": {"type": "plate_96_flat"},
               "other": {"type": "plate_96_flat", "slot": "6"}}  # fmt: skip
    checked = bound([FILL, SHAKE, {**FILL, "id": "beside", "to": "other/A1"}], labware=labware)
    assert checked.program
    order = {a.id: number for number, a in enumerate(checked.program.actions)}
    reach: dict[str, set[str]] = {}
    for action in checked.program.actions:
        reach[action.id] = set(action.after).union(*(reach[before] for before in action.after))
    assert "shake.3" not in reach["beside.1"]
    assert order["shake.3"] < order["beside.1"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sets(st.sampled_from("xyz")), st.booleans()), max_size=30))
def test_no_two_actions_that_share_a_thing_may_overlap(rows: list[tuple[str, set[str], bool]]) -> None:
    drafts = [Draft("s", device, "do", {}, tuple(sorted(uses)), barrier) for device, uses, barrier in rows]
    actions = sequence(drafts, {})
    before: dict[str, set[str]] = {}
    for action in actions:
        before[action.id] = set(action.after).union(*(before[name] for name in action.after))
    for late, (action, draft) in enumerate(zip(actions, drafts, strict=True)):
        for early in range(late):
            shared = {draft.device, *draft.uses} & {drafts[early].device, *drafts[early].uses}
            if shared or draft.barrier or drafts[early].barrier:
                assert actions[early].id in before[action.id]


def test_the_end_state_is_the_fold_of_the_program(bound: Callable[..., Checked]) -> None:
    checked = bound([FILL, SHAKE, READ])
    assert checked.program
    ledger, problems = fold(checked.program)
    assert not problems
    assert ledger.end_state(checked.program) == checked.end_state
    assert checked.end_state["labware"]["plate"]["site"] == "reader.tray"
