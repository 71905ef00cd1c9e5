"""The lab file at the root, against the drivers that are installed, and the page that describes its keys."""

from pathlib import Path

import pytest

from labfile import check, model, read
from labfile.shape import known_keys

ROOT = Path(__file__).parents[2]


def test_the_default_lab_has_no_problem() -> None:
    assert [str(problem) for problem in check(ROOT / "lab.toml")] == []


def test_the_default_lab_can_move_a_plate_between_all_its_stations() -> None:
    lab = read(ROOT / "lab.toml")
    assert {device.role for device in lab.devices.values()} == {
        "AreaDetector", "Arm", "Axis", "Balance", "Centrifuge", "Diffractometer", "Furnace", "GasFlow", "HeaterShaker", "Hotplate", "Incubator",
        "LiquidHandler", "Operator", "Peeler", "PlateMover", "PlateReader", "Pump", "Sealer", "Sensor", "Thermocycler",
    }  # fmt: skip
    assert {"ot2.3", "ot2.6", "shaker.nest", "reader.tray", "hotel.1", "hotel.4"} <= set(lab.sites)
    assert set(lab.sites) <= set(lab.all_sites)
    assert all(device.twin == "sim:" for device in lab.devices.values())


def test_the_first_line_names_the_schema() -> None:
    first = (ROOT / "lab.toml").read_text(encoding="utf-8").splitlines()[0]
    assert first == "#:schema labfile/schema/lab.schema.json"
    assert (ROOT / first.removeprefix("#:schema ")).is_file()


@pytest.mark.parametrize(
    "table",
    ["LabTable", "DeviceTable", "Storage", "Site", "Person", "Agent", "Budget", "Maintenance", "Prices", "Api", "Oidc"],
)
def test_the_reference_names_every_key(table: str) -> None:
    page = (ROOT / "docs/reference/lab-toml.md").read_text(encoding="utf-8")
    missing = [key for key in known_keys(getattr(model, table)) if f"`{key}`" not in page]
    assert missing == []
