"""Real files of others: the end volumes of our program are those of the file's own commands, counted here anew."""

import json
import os
from collections import Counter, defaultdict
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

from protocols.check import check
from protocols.importers.opentrons import import_opentrons
from protocols.labview import LabView
from protocols.ledger import fold
from protocols.parse import from_document, loads

ROOT = Path(__file__).resolve().parents[3]
DATA = Path(os.environ.get("LAB_SHARED_DATA", ROOT.parent / "shared" / "data")) / "opentrons"
FILES = sorted(DATA.glob("*.json"))
LIBRARY = files("opentrons_shared_data") / "data" / "labware" / "definitions" / "2"
WHY = f"no real Opentrons files: {DATA.name} was not found in the shared data (set LAB_SHARED_DATA to its folder)"

real_files = pytest.mark.parametrize(
    "file",
    FILES or [pytest.param(None, marks=pytest.mark.skip(reason=WHY))],
    ids=lambda file: file.stem if file else "none",
)


class Count:
    """Volumes by the source's commands alone; knows nothing of our format."""

    def __init__(self, protocol: dict[str, Any]) -> None:
        self.protocol = protocol
        self.now: dict[tuple[str, str], float] = defaultdict(float)
        self.lowest: dict[tuple[str, str], float] = defaultdict(float)
        self.columns: dict[str, list[list[str]]] = {}
        self.nozzles: dict[str, int] = {}
        self.tips: dict[str, list[float]] = {}
        for command in protocol["commands"]:
            getattr(self, "on_" + command["commandType"], lambda params: None)(command["params"])

    @property
    def end(self) -> dict[tuple[str, str], float]:
        """What is in the wells that were used at the end, when each held just enough at the start."""
        full = {place: volume - min(self.lowest[place], 0.0) for place, volume in self.now.items()}
        return full

    def on_loadPipette(self, params: dict[str, Any]) -> None:
        name = params.get("pipetteName") or self.protocol["pipettes"][params["pipetteId"]]["name"]
        self.nozzles[params["pipetteId"]] = 8 if "_multi" in name else 1  # 96 nozzles do not exist on an OT-2

    def on_loadLabware(self, params: dict[str, Any]) -> None:
        uri = self.protocol.get("labware", {}).get(params["labwareId"], {}).get("definitionId")
        uri = uri or f"{params['namespace']}/{params['loadName']}/{params['version']}"
        found = self.protocol["labwareDefinitions"].get(uri)
        if found is None:
            file = LIBRARY / uri.split("/")[1] / f"{uri.split('/')[2]}.json"
            found = json.loads(file.read_text("utf-8"))
        self.columns[params["labwareId"]] = found["ordering"]

    def on_loadLiquid(self, params: dict[str, Any]) -> None:
        for well, volume in params["volumeByWell"].items():
            self.now[params["labwareId"], well] += volume

    def on_pickUpTip(self, params: dict[str, Any]) -> None:
        self.tips[params["pipetteId"]] = [0.0] * self.nozzles[params["pipetteId"]]

    def on_dropTip(self, params: dict[str, Any]) -> None:
        del self.tips[params["pipetteId"]]

    def on_aspirate(self, params: dict[str, Any]) -> None:
        self.pour(params, [params["volume"]] * self.nozzles[params["pipetteId"]])

    def on_dispense(self, params: dict[str, Any]) -> None:
        self.pour(params, [-params["volume"]] * self.nozzles[params["pipetteId"]])

    def on_blowout(self, params: dict[str, Any]) -> None:
        self.pour(params, [-held for held in self.tips[params["pipetteId"]]])

    def pour(self, params: dict[str, Any], drawn: list[float]) -> None:
        """Into each tip what it draws out of the well below it."""
        tips = self.tips[params["pipetteId"]]
        for nozzle, volume in enumerate(drawn):
            tips[nozzle] += volume
            if params["labwareId"] != "fixedTrash":
                place = (params["labwareId"], self.below(params, nozzle))
                self.now[place] -= volume
                self.lowest[place] = min(self.lowest[place], self.now[place])

    def below(self, params: dict[str, Any], nozzle: int) -> str:
        """The well under a nozzle: down the column every 9 mm, or the trough's one well."""
        well = str(params["wellName"])
        column = next(column for column in self.columns[params["labwareId"]] if well in column)
        return well if len(column) == 1 else column[column.index(well) + nozzle * (len(column) // 8 or 1)]


@real_files
def test_the_volumes_are_those_of_the_file(file: Path, lab_view: LabView) -> None:
    source = from_document(import_opentrons(file.read_bytes(), file.name).document)
    checked = check(source, lab_view)
    assert checked.ok, checked.problems
    assert checked.program is not None
    end = fold(checked.program)[0].end_state(checked.program)["labware"]
    ours = {(labware, well): held["volume_ul"] for labware, item in end.items() for well, held in item["wells"].items()}
    assert ours == pytest.approx(Count(json.loads(file.read_text("utf-8"))).end, abs=1e-6)


ACTS = {
    "pickUpTip": "pick_up", "dropTip": "drop", "aspirate": "aspirate", "dispense": "dispense",
    "blowout": "blow_out", "touchTip": "touch_tip", "moveToWell": "go_to",
}  # fmt: skip
STEPS = {"delay": "wait", "waitForDuration": "wait", "waitForResume": "operator", "moveLabware": "move"}
LEFT_OUT = {"home", "savePosition", "moveToCoordinates", "moveRelative", "loadModule"}
DECLARED = {"loadPipette", "loadLabware", "loadLiquid"}


@real_files
def test_every_command_is_a_part_of_the_document_or_a_finding(file: Path) -> None:
    imported = import_opentrons(file.read_bytes(), file.name)
    commands = json.loads(file.read_text("utf-8"))["commands"]
    kinds = Counter(command["commandType"] for command in commands)
    assert set(kinds) <= ACTS.keys() | STEPS.keys() | LEFT_OUT | DECLARED
    steps = imported.document["steps"]
    acts = [move["act"] for step in steps for move in step.get("moves", ())]
    assert acts == [ACTS[command["commandType"]] for command in commands if command["commandType"] in ACTS]
    others = [step["do"] for step in steps if step["do"] != "pipette"]
    assert others == [STEPS[command["commandType"]] for command in commands if command["commandType"] in STEPS]
    for number, command in enumerate(commands, 1):
        if command["commandType"] in LEFT_OUT:
            assert any(p.message.startswith(f"command {number} {command['commandType']}:") for p in imported.problems)
    labware = {c["params"]["labwareId"] for c in commands if c["commandType"] == "loadLabware"} - {"fixedTrash"}
    assert imported.document["labware"].keys() == labware
    assert len(imported.document["pipettes"]) == kinds["loadPipette"]
    assert {problem.severity for problem in imported.problems} <= {"warn"}


@real_files
def test_the_document_survives_yaml_and_json(file: Path) -> None:
    document = import_opentrons(file.read_bytes(), file.name).document
    hashes = {loads(text.encode()).hash for text in (yaml.safe_dump(document, sort_keys=False), json.dumps(document))}
    assert hashes == {from_document(document).hash}
    assert document["author"]["source"] == file.name
