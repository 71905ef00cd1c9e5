"""Labware that waits beside the deck: a person brings it in, puts it aside, and brings it back."""

from typing import Any

from protocols.check import Checked, check
from protocols.labview import LabView
from protocols.parse import from_document

DISH: dict[str, Any] = {"type": "plate_96_flat", "slot": "off", "holds": {"A1": {"material": "dye", "volume": "90 uL"}}}
BRING = {"id": "bring", "do": "move", "labware": "dish", "to": "3", "by": "person"}
ASIDE = {"id": "aside", "do": "move", "labware": "dish", "to": "off"}
USE = {"id": "use", "do": "transfer", "source": "dish/A1", "to": "dish/A2", "volume": "30 uL"}


def checked(lab: LabView, *steps: dict[str, Any]) -> Checked:
    document = {
        "format": "lab-protocol/1", "name": "off", "author": {"kind": "human", "name": "tests"},
        "materials": {"dye": {}}, "labware": {"dish": DISH}, "steps": list(steps),
    }  # fmt: skip
    return check(from_document(document), lab)


def test_it_is_filled_aside_and_used_on_the_deck(lab_view: LabView) -> None:
    found = checked(lab_view, BRING, USE, ASIDE, {**BRING, "id": "again", "to": "7"}, {**USE, "id": "use2"})
    assert found.ok, found.problems
    assert found.program
    places = [
        (a.verb, a.args.get("site"), a.args.get("destination")) for a in found.program.actions if a.device == "operator"
    ]
    assert places == [
        ("place", "bench.dish", None), ("place", "ot2.1", None), ("fill", None, None),
        ("remove", "bench.dish", "ot2.3"), ("remove", "ot2.3", "bench.dish"), ("remove", "bench.dish", "ot2.7"),
    ]  # fmt: skip
    told = [(a.verb, a.args.get("slot")) for a in found.program.actions if a.verb in ("load_labware", "remove_labware")]
    assert told == [("load_labware", "1"), ("load_labware", "3"), ("remove_labware", None), ("load_labware", "7")]
    wells = found.end_state["labware"]["dish"]["wells"]
    assert {well: held["volume_ul"] for well, held in wells.items()} == {"A1": 30, "A2": 60}
    assert found.end_state["labware"]["dish"]["site"] == "ot2.7"


def test_it_cannot_be_used_while_it_is_aside(lab_view: LabView) -> None:
    for steps in ([USE], [BRING, ASIDE, USE]):
        problem = checked(lab_view, *steps).problems[0]
        assert (problem.rule, problem.step) == ("LAB-009", "use")
        assert "`move` step" in problem.hint


def test_no_arm_fetches_it(lab_view: LabView) -> None:
    assert checked(lab_view, {**BRING, "by": "any"}).problems[0].rule == "REACH-001"


def test_aside_twice_is_aside(lab_view: LabView) -> None:
    found = checked(lab_view, ASIDE, BRING, {**ASIDE, "id": "again"}, {**ASIDE, "id": "still"})
    assert found.ok, found.problems
    assert found.end_state["labware"]["dish"]["site"] == "bench.dish"
