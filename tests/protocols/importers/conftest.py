"""Small Opentrons protocols, written here, and their way through import and check."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from protocols.check import Checked, check
from protocols.importers.findings import Imported
from protocols.importers.opentrons import import_opentrons
from protocols.labview import LabView
from protocols.parse import from_document

Commands = list[tuple[str, dict[str, Any]]]
PIPETTE, RACK, PLATE, DISH, TROUGH = "pip", "rack", "id:with/slashes/1", "dish", "trough"


def definition(name: str, rows: str, columns: int, capacity: float, **parameters: Any) -> dict[str, Any]:
    """A labware definition of schema 2 with round wells of 10 mm depth."""
    grid = [[f"{row}{column}" for row in rows] for column in range(1, columns + 1)]
    shape = {"shape": "circular", "diameter": 8, "depth": 10, "totalLiquidVolume": capacity, "x": 0, "y": 0, "z": 1}
    return {
        "ordering": grid, "brand": {"brand": "test"}, "namespace": "tests", "version": 1, "schemaVersion": 2,
        "metadata": {"displayName": f"kind {name}", "displayCategory": "wellPlate", "displayVolumeUnits": "uL"},
        "dimensions": {"xDimension": 127, "yDimension": 85, "zDimension": 20},
        "wells": {well: dict(shape) for column in grid for well in column},
        "groups": [], "cornerOffsetFromSlot": {"x": 0, "y": 0, "z": 0},
        "parameters": {"format": "irregular", "isTiprack": False, "isMagneticModuleCompatible": False, "loadName": name}
        | parameters,
    }  # fmt: skip


DEFINITIONS = {
    "tests/dish_4/1": definition("dish_4", "AB", 2, 500),
    "tests/plate_96/1": definition("plate_96", "ABCDEFGH", 12, 300),
}


def load(labware: str, kind: str, where: Any, title: str | None = None) -> tuple[str, dict[str, Any]]:
    """The command that loads labware, by the last two parts of its kind's name."""
    namespace, _, name = kind.rpartition("/")
    params = {
        "labwareId": labware,
        "loadName": name,
        "namespace": namespace or "opentrons",
        "version": 1,
        "location": where,
    }
    return "loadLabware", params | ({"displayName": title} if title else {})


def setup(model: str = "p300_single_gen2", mount: str = "left") -> Commands:
    """A pipette, tips, a plate of 96, a dish of 4 and a trough of 12."""
    return [
        ("loadPipette", {"pipetteId": PIPETTE, "pipetteName": model, "mount": mount}),
        load(RACK, "opentrons_96_tiprack_300ul", {"slotName": "1"}),
        load(PLATE, "tests/plate_96", {"slotName": "2"}, "the plate"),
        load(DISH, "tests/dish_4", {"slotName": "3"}, "the dish"),
        load(TROUGH, "nest_12_reservoir_15ml", {"slotName": "4"}, "the trough"),
    ]


def at(labware: str, well: str, **more: Any) -> dict[str, Any]:
    """Parameters of a command at a well."""
    return {"pipetteId": PIPETTE, "labwareId": labware, "wellName": well, **more}


def flow(labware: str, well: str, volume: float, z: float = 1.0, origin: str = "bottom", **more: Any) -> dict[str, Any]:
    """Parameters of an aspirate or dispense."""
    location = {"origin": origin, "offset": {"x": 0, "y": 0, "z": z}}
    return at(labware, well, volume=volume, flowRate=20, wellLocation=location, **more)


def source(commands: Commands, schema: int = 8, robot: str = "OT-2 Standard", **parts: Any) -> dict[str, Any]:
    """A protocol of the Opentrons kind."""
    return {
        "schemaVersion": schema, "metadata": {"protocolName": "small", "description": "for tests"},
        "designerApplication": {"name": "the tests", "version": "1"}, "robot": {"model": robot, "deckId": "any"},
        "labwareDefinitions": DEFINITIONS, "liquids": {"0": {"displayName": "ink", "description": "blue"}},
        "commands": [{"commandType": kind, "params": params} for kind, params in commands],
    } | parts  # fmt: skip


class Kit:
    """What the tests write protocols with, and the way through the importer."""

    PIPETTE, RACK, PLATE, DISH, TROUGH = PIPETTE, RACK, PLATE, DISH, TROUGH
    definition = staticmethod(definition)
    load = staticmethod(load)
    setup = staticmethod(setup)
    at = staticmethod(at)
    flow = staticmethod(flow)
    source = staticmethod(source)

    def __init__(self, lab: LabView) -> None:
        self.lab = lab

    def imported(self, commands: Commands, **parts: Any) -> Imported:
        """Import a small protocol."""
        return import_opentrons(json.dumps(source(commands, **parts)).encode(), "small.json")

    def checked(self, commands: Commands, **parts: Any) -> Checked:
        """Import it, and check it on the lab of the tests."""
        return check(from_document(self.imported(commands, **parts).document), self.lab)

    def volumes(self, commands: Commands, **parts: Any) -> dict[tuple[str, str], float]:
        """The end volumes of a small protocol that may run, of wells that hold something."""
        checked = self.checked(commands, **parts)
        assert checked.ok, checked.problems
        return {
            (labware, well): held["volume_ul"]
            for labware, item in checked.end_state["labware"].items()
            for well, held in item["wells"].items()
            if held["volume_ul"]
        }

    def moves(self, commands: Commands, **parts: Any) -> list[dict[str, Any]]:
        """All pipette moves of the document, in order."""
        return [move for step in self.imported(commands, **parts).document["steps"] for move in step.get("moves", ())]


@pytest.fixture(scope="session")
def kit(lab_view: LabView) -> Kit:
    """The kit on the lab of the tests."""
    return Kit(lab_view)


@pytest.fixture
def said() -> Callable[[Imported, str], list[str]]:
    """The messages of one rule."""
    return lambda imported, rule: [problem.message for problem in imported.problems if problem.rule == rule]
