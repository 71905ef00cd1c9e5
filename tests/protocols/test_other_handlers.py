"""Liquid steps on other liquid handlers: planned from what their drivers declare, predicted, and run on their twins."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drivers.core.driver import installed
from drivers.core.labware import from_definition, kind
from drivers.core.pipettes import models
from labfile import Lab, read
from orchestrator.analysis.fits import evaluate
from orchestrator.labview import timings, view
from orchestrator.simulate import simulate
from protocols import parse
from protocols.check import Checked, check
from protocols.exporters.opentrons import export_opentrons
from protocols.forecast import forecast
from protocols.problems import ProtocolError, blocking

ROOT = Path(__file__).resolve().parents[2]
#: Sites of another handler's deck to which the arm carries plates in place of those of the OT-2.
REACHED = {"star": ("plates5", "plates4"), "flex": ("D1", "D2")}
STEPS = [
    {"id": "fill", "do": "transfer", "source": "stock/A1", "to": "plate/A1:A3", "volume": "150 uL", "mix": 2},
    {"id": "spread", "do": "distribute", "source": "stock/A2", "to": "plate/B1:B6", "volume": "40 uL",
     "extra": "10 uL"},
    {"id": "dilute", "do": "serial_dilute", "source": "stock/A1", "diluent": "stock/A2", "into": "plate/C1:C6",
     "volume": "100 uL", "factor": 2},
    {"id": "rows", "do": "transfer", "source": "stock/A2", "to": "plate/A8", "volume": "50 uL", "channels": 8},
    {"id": "stir", "do": "mix", "wells": "plate/A1:A3", "volume": "30 uL", "times": 2},
]  # fmt: skip


@pytest.fixture(scope="module")
def lab_with(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Lab]:
    """The example lab with another liquid handler where its OT-2 stands."""

    def lab_with(handler: str) -> Lab:
        parts = re.split(r"(?m)^(?=\[)", (ROOT / "lab.toml").read_text("utf-8"))
        others = {"ot2", "star", "flex"} - {handler}
        gone = tuple(f"[{table}.{name}" for table in ("devices", "decks", "boxes") for name in others)
        text = "".join(part for part in parts if not part.startswith(gone))
        for old, new in zip(("3", "6"), REACHED[handler], strict=True):
            text = text.replace(f'"ot2.{old}"', f'"{handler}.{new}"')
        path = tmp_path_factory.mktemp(handler) / "lab.toml"
        path.write_text(text.replace("{ ot2 = 40", f"{{ {handler} = 40"), "utf-8")
        return read(path)

    return lab_with


def document(**more: Any) -> dict[str, Any]:
    return {
        "format": "lab-protocol/1", "name": "liquids", "author": {"kind": "human", "name": "tests"},
        "materials": {"dye": {"cas": "25956-17-6", "concentration": "0.1 mmol/L"}},
        "labware": {"stock": {"type": "reservoir_12", "holds": {"A1": "dye", "A2": "water"}},
                    "plate": {"type": "plate_96_flat"}},
        "steps": STEPS,
    } | more  # fmt: skip


def agrees(lab: Lab, checked: Checked) -> Any:
    """Run it on the twin: the time within 5 %, every volume exactly as predicted."""
    assert checked.program is not None, checked.problems
    assert not blocking(checked.problems), checked.problems
    result = simulate(lab, checked.program, seed=1).result
    assert result.outcome == "completed", result.error
    told = forecast(checked.program, timings(lab, checked.program.devices))
    assert told.duration_s == pytest.approx(result.duration_s, rel=0.05)
    assert result.stock == checked.stock
    for name, labware in checked.end_state["labware"].items():
        assert result.end_state["labware"][name]["wells"] == labware["wells"], name
    return result


@pytest.mark.parametrize("handler", ["star", "flex"])
def test_every_liquid_step_is_planned_and_runs_as_predicted(lab_with: Callable[[str], Lab], handler: str) -> None:
    lab = lab_with(handler)
    checked = check(parse.from_document(document()), view(lab))
    result = agrees(lab, checked)
    assert {action.device for action in checked.program.actions if action.verb == "aspirate"} == {handler}  # type: ignore[union-attr]
    wells = result.end_state["labware"]["plate"]["wells"]
    assert all(wells[well]["volume_ul"] == pytest.approx(100) for well in ("C1", "C2", "C6"))
    assert {round(wells[f"{row}8"]["volume_ul"]) for row in "ABCDEFGH"} == {50}, "one move of eight nozzles"


@pytest.mark.parametrize("handler", ["star", "flex"])
def test_a_protocol_of_the_library_runs_there_and_finds_what_is_so(
    lab_with: Callable[[str], Lab], handler: str
) -> None:
    """Written without a thought of that handler: plates go to the reader and back, the fits agree with the model."""
    lab = lab_with(handler)
    checked = check(parse.read(ROOT / "protocols/library/cobalt_nickel.yaml"), view(lab))
    result = agrees(lab, checked)
    evaluation = evaluate(checked.source.protocol, checked.program, result.readings)  # type: ignore[arg-type]
    assert evaluation.ok, evaluation


def test_tips_are_those_of_the_handler_and_stand_where_it_wants_them(lab_with: Callable[[str], Lab]) -> None:
    star = check(parse.from_document(document()), view(lab_with("star"))).program
    assert star is not None
    places = {action.args["labware"]: action.args["site"] for action in star.actions if action.verb == "place"}
    racks = {name: site for name, site in places.items() if "tiprack" in name}
    assert racks
    assert all(name.startswith("hamilton_") and site.startswith("star.tips") for name, site in racks.items())
    assert all(site.startswith("star.plates") for name, site in places.items() if name not in racks)
    mounts = {action.args["mount"] for action in star.actions if action.verb == "load_pipette"}
    assert mounts == {"channel1", "channels"}
    assert not any(action.verb == "attach_pipette" for action in star.actions)


def test_what_a_handler_cannot_is_told_by_its_declaration(lab_with: Callable[[str], Lab]) -> None:
    here = view(lab_with("star"))

    def rules(**more: Any) -> dict[str, str]:
        found = blocking(check(parse.from_document(document(**more)), here).problems)
        return {problem.rule: problem.message for problem in found}

    tiny = [{**STEPS[0], "volume": "0.2 uL", "mix": 0}]
    assert "PIP-002" in rules(steps=tiny)
    foreign = rules(pipettes={"p": {"model": "p300_single_gen2", "mount": "left"}})
    assert "goes on star" in foreign["PIP-003"]
    wrong = {"stock": {"type": "reservoir_12", "slot": "tips1", "holds": {"A1": "dye", "A2": "water"}},
             "plate": {"type": "plate_96_flat"}}  # fmt: skip
    assert "tips1" in rules(labware=wrong)["REACH-002"], "a reservoir does not stand where tips do"
    many = {f"p{n}": {"type": "plate_96_flat"} for n in range(6)} | document()["labware"]
    assert "LAB-008" in rules(labware=many), "its plate carrier has five sites"


def test_a_program_for_a_star_is_no_file_for_an_opentrons(lab_with: Callable[[str], Lab]) -> None:
    checked = check(parse.from_document(document()), view(lab_with("star")))
    with pytest.raises(ProtocolError, match="EXP-004"):
        export_opentrons(checked)


def test_what_drivers_declare_fits_together() -> None:
    handlers = {name: driver for name, driver in installed().items() if driver.role == "LiquidHandler"}
    assert len(handlers) >= 3
    for name, driver in handlers.items():
        told = driver.load_pipetting()
        assert told is not None, f"{name} declares no pipettes: no liquid step can be planned on it"
        assert {*told.spare, *(told.built_in or {}).values()} <= told.models.keys() <= models().keys()
        assert {*told.tip_sites, *told.plate_sites} <= set(driver.sites)
        for pipette in told.models.values():
            assert pipette.tips, f"{pipette.name} takes no tips"
            for tips in pipette.tips:
                rack = from_definition(tips.definition()) if tips.definition else kind(tips.rack)
                assert rack.is_tip_rack
                assert rack.tip_capacity_ul == tips.holds_ul >= tips.carries_ul
