"""What many tests need: a small lab, its view, and a way from a document to a program."""

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drivers.core.driver import installed
from labfile import Lab, read
from orchestrator.labview import view
from protocols.check import Checked, check
from protocols.labview import LabView
from protocols.parse import from_document

ROOT = Path(__file__).resolve().parents[1]
SMALL = """
schema = 1
[lab]
name = "small"
facility = "Test"
timezone = "UTC"
[devices.ot2]
driver = "opentrons.ot2"
real = "http://127.0.0.1:31950"
twin = "sim:"
left = "p300_single_gen2"
right = "p20_single_gen2"
[devices.operator]
driver = "people.operator"
real = "console:"
twin = "sim:"
"""


@pytest.fixture(scope="session")
def small_lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A lab with a liquid handler and a person: quick to bring up."""
    path = tmp_path_factory.mktemp("lab") / "lab.toml"
    path.write_text(textwrap.dedent(SMALL))
    return read(path)


@pytest.fixture(scope="session")
def lab() -> Lab:
    """The lab of lab.toml."""
    return read(ROOT / "lab.toml")


@pytest.fixture(scope="session")
def lab_view() -> LabView:
    """A lab as protocols see it: a deck whose slots 3 and 6 the arm reaches, shaker, reader, hotel."""
    return LabView(
        roles={
            "ot2": "LiquidHandler", "arm": "PlateMover", "shaker": "HeaterShaker", "reader": "PlateReader",
            "environment": "Sensor", "axis": "Axis", "operator": "Operator",
        },
        sites={"ot2": tuple(f"ot2.{n}" for n in range(1, 12)), "shaker": ("shaker.nest",), "reader": ("reader.tray",)},
        taught={"arm": frozenset({"ot2.3", "ot2.6", "shaker.nest", "reader.tray", "hotel.1", "hotel.2"})},
        mounts={"left": "p300_single_gen2", "right": "p20_single_gen2"},
        pipetting=installed()["opentrons.ot2"].load_pipetting(),
        storage=("hotel.1", "hotel.2"),
    )  # fmt: skip


def document(steps: list[dict[str, Any]], **parts: Any) -> dict[str, Any]:
    """A protocol with a plate, a reservoir of dye and water, and these steps."""
    base: dict[str, Any] = {
        "format": "lab-protocol/1",
        "name": "test",
        "author": {"kind": "human", "name": "tests"},
        "materials": {"dye": {"cas": "25956-17-6", "concentration": "0.1 mmol/L"}},
        "labware": {
            "stock": {"type": "reservoir_12", "holds": {"A1": "dye", "A2": "water"}},
            "plate": {"type": "plate_96_flat"},
        },
        "steps": steps,
    }
    return base | parts


@pytest.fixture(scope="session")
def checked_on() -> Callable[[Lab, dict[str, Any]], Checked]:
    """From a document to its verdict on a lab."""
    return lambda lab, doc: check(from_document(doc), view(lab))
