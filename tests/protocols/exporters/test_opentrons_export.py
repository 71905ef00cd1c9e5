"""Opentrons JSON out of our protocols: `opentrons` itself analyses it, and back through the import nothing has moved."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.imports.ledger import Volumes
from cli.main import main
from protocols.check import Checked, check
from protocols.exporters.opentrons import Exported, export_opentrons
from protocols.importers.opentrons import import_opentrons
from protocols.importers.opentrons.python import jailed
from protocols.importers.opentrons.python.bundle import Bundle
from protocols.labview import LabView
from protocols.ledger import fold
from protocols.parse import from_document, read
from protocols.problems import ProtocolError

ROOT = Path(__file__).resolve().parents[3]
FILES = {file.stem: file for folder in ("examples", "library") for file in (ROOT / "protocols" / folder).glob("*.yaml")}
BY_HAND = {
    "format": "lab-protocol/1", "name": "by hand", "author": {"kind": "human", "name": "us"}, "purpose": "every move",
    "materials": {"dye": {"name": "a dye"}},
    "labware": {
        "rack": {"type": "tips_300", "slot": "1"}, "plate": {"type": "plate_96_flat", "slot": "2"},
        "trough": {"type": "reservoir_12", "slot": "off", "holds": {"A1": {"material": "dye", "volume": "5 mL"}}},
    },
    "pipettes": {"eight": {"model": "p300_multi_gen2", "mount": "left"},
                 "one": {"model": "p300_multi_gen2", "mount": "right", "single_nozzle": True}},
    "steps": [
        {"id": "bring", "do": "move", "labware": "trough", "to": "3", "by": "person"},
        {"id": "many", "do": "pipette", "pipette": "eight", "channels": 8, "moves": [
            {"act": "pick_up", "tip": "rack/A1"},
            {"act": "aspirate", "well": "trough/A1", "volume": "120 uL", "height": "2 mm", "rate": "50 uL/s"},
            {"act": "dispense", "well": "plate/A1", "volume": "80 uL"}, {"act": "touch_tip", "well": "plate/A1"},
            {"act": "dispense", "well": "trash/A1", "volume": "10 uL"}, {"act": "blow_out", "well": "trash/A1"},
            {"act": "go_to", "well": "trash/A1"}, {"act": "go_to", "well": "plate/A2"}, {"act": "drop", "into": "rack/A1"},
        ]},
        {"id": "few", "do": "pipette", "pipette": "one", "moves": [
            {"act": "pick_up", "tip": "rack/H2"}, {"act": "mix", "well": "plate/B1", "volume": "40 uL", "times": 2},
            {"act": "aspirate", "well": "plate/B1", "volume": "30 uL"}, {"act": "blow_out", "well": "plate/C5"},
            {"act": "drop"},
        ]},
        {"id": "rest", "do": "wait", "for": "90 s"},
        {"id": "ask", "do": "operator", "message": "Look at it."},
    ],
}  # fmt: skip
EXPORTED = [*sorted(FILES.keys() - {"4_decide", "silicon_cell"}), "by hand"]  # one has ways, one no liquid handler


def checked(name: str, lab_view: LabView) -> Checked:
    found = check(from_document(BY_HAND) if name == "by hand" else read(FILES[name], {}), lab_view)
    assert found.ok, found.problems
    return found


def volumes(found: Checked) -> dict[tuple[str, str], float]:
    assert found.program is not None
    end = fold(found.program)[0].end_state(found.program)["labware"]
    return {(name, well): held["volume_ul"] for name, item in end.items() for well, held in item["wells"].items()}


@pytest.mark.parametrize("name", EXPORTED)
def test_out_and_back_nothing_has_moved(lab_view: LabView, name: str) -> None:
    source = checked(name, lab_view)
    data = json.dumps(export_opentrons(source).document).encode()
    back = check(from_document(import_opentrons(data, "back.json").document), lab_view)
    assert back.ok, back.problems
    assert volumes(back) == pytest.approx(volumes(source), abs=1e-6)


@pytest.mark.skipif(not jailed.available(), reason="no environment of opentrons (tools/setup_opentrons.sh makes it)")
def test_opentrons_itself_takes_every_file_and_counts_the_same(lab_view: LabView) -> None:
    sources = {name: checked(name, lab_view) for name in EXPORTED}
    files = [Bundle("out.json", json.dumps(export_opentrons(source).document).encode()) for source in sources.values()]
    for (name, source), found in zip(sources.items(), jailed.analyses(files), strict=True):
        assert found.result["result"] == "ok", (name, found.result["errors"])
        theirs = Volumes(found.result["commands"], {}, flex=False).end
        assert {place: volume for place, volume in theirs.items() if place[0] != "trash"} == pytest.approx(
            volumes(source), abs=1e-6
        )


def test_what_the_file_cannot_say_is_named_step_by_step(lab_view: LabView) -> None:
    source = checked("6_with_a_person", lab_view)
    exported = export_opentrons(source)
    assert source.program is not None
    ours = {"place", "fill", "load_pipette", "load_labware", "remove_labware", "attach_pipette", "confirm", "wait"}
    ours |= {"pick_up_tip", "drop_tip", "aspirate", "dispense", "blow_out", "touch_tip", "move_to"}
    others = {action.step for action in source.program.actions if action.verb not in ours}
    assert others == {problem.step for problem in exported.problems if problem.rule in ("EXP-001", "EXP-002")}
    asked = [said(command) for command in exported.document["commands"] if command["commandType"] == "waitForResume"]
    assert "shaker: shake (speed rpm 500.0, duration s 30.0). Go on when it is done." in asked
    assert "operator: seal (labware plate). Go on when it is done." in asked


def said(command: dict[str, Any]) -> str:
    return str(command["params"]["message"])


def test_every_action_is_in_the_file(lab_view: LabView) -> None:
    for name in EXPORTED:
        source, keys = checked(name, lab_view), ""
        exported: Exported = export_opentrons(source)
        keys = "\n".join(command["key"] + " " for command in exported.document["commands"])
        told = {problem.step for problem in exported.problems}
        assert source.program is not None
        for action in source.program.actions:
            known = action.verb in ("load_labware", "remove_labware", "attach_pipette")  # where it stands there already
            assert f" {action.id} " in keys or known or action.step in told, (name, action)


def test_conditions_and_no_liquid_handler_are_refused(lab_view: LabView) -> None:
    with pytest.raises(ProtocolError) as caught:
        export_opentrons(checked("4_decide", lab_view))
    assert {(problem.rule, problem.step) for problem in caught.value.problems} == {
        ("EXP-003", "dilute"), ("EXP-003", "too_strong"),
    }  # fmt: skip
    only = {
        **BY_HAND,
        "pipettes": {},
        "materials": {},
        "labware": {},
        "steps": [{"id": "rest", "do": "wait", "for": "1 s"}],
    }
    with pytest.raises(ProtocolError, match="no liquid handler"):
        export_opentrons(check(from_document(only), lab_view))


def test_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lab, source = str(ROOT / "lab.toml"), str(FILES["2_calibrate"])
    with pytest.raises(SystemExit) as caught:
        main(["--json", "--lab", lab, "export", source, "--as", "opentrons", "--to", "out.json"])
    told = json.loads(capsys.readouterr().out)
    assert (caught.value.code, told["files"]) == (0, ["out.json"])
    assert json.loads(Path("out.json").read_text())["schemaVersion"] == 8
    with pytest.raises(SystemExit) as caught:
        main(["--json", "--lab", lab, "export", "run", "--param", "a=1", "--to", "out"])
    assert caught.value.code == 2
