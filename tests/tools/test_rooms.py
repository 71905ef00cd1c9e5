"""The rooms: each is under the import rules, in the wheel, and ours."""

import importlib
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
APART = {"tests", "benchmarks", "docs", "tools"}  # nobody imports them, and they import downhill by nature
ROOMS = sorted(path.parent.name for path in ROOT.glob("*/__init__.py") if path.parent.name not in APART)


def test_every_room_is_under_the_import_rules() -> None:
    linter = PROJECT["tool"]["importlinter"]
    assert sorted(linter["root_packages"]) == ROOMS
    layers = {room for layer in linter["contracts"][0]["layers"] for room in re.split(r"[ |]+", layer)}
    assert sorted(layers) == ROOMS


def test_every_room_is_in_the_wheel_and_typed() -> None:
    wheel = (ROOT / "tools" / "wheel.py").read_text()
    assert all(f'"{room}"' in wheel for room in ROOMS)
    assert sorted(PROJECT["tool"]["mypy"]["packages"]) == ROOMS


@pytest.mark.parametrize("room", ROOMS)
def test_no_other_package_stands_before_a_room(room: str) -> None:
    assert Path(str(importlib.import_module(room).__file__)).parent == ROOT / room


def test_every_driver_has_a_twin_and_a_quality_card() -> None:
    points = PROJECT["project"]["entry-points"]
    assert points["lab.drivers"].keys() - points["lab.twins"].keys() == {"ophyd.device"}, "a device of somebody else's"
    assert points["lab.twins"].keys() <= points["lab.drivers"].keys()
    rules: set[str] | None = None
    for target in points["lab.drivers"].values():
        folder = ROOT / target.partition(":")[0].replace(".", "/")
        card = tomllib.loads((folder / "quality.toml").read_text())["rules"]
        rules = rules or set(card)
        assert set(card) == rules, folder
        for rule, rank in card.items():
            assert rank["status"] in ("done", "todo", "exempt"), (folder, rule)
            assert rank["reason"], (folder, rule)
            for named in re.findall(r"((?:tests|hardware_tests)/[\w/]+\.py)(?:::(\w+))?", rank["reason"]):
                file = ROOT / named[0]
                assert file.exists(), (folder, rule, named)
                assert not named[1] or f"def {named[1]}(" in file.read_text(), (folder, rule, named)


def test_driver_files_are_small() -> None:
    sizes = sorted(
        len(file.read_text().splitlines()) for file in (ROOT / "drivers").rglob("*.py") if file.name != "__init__.py"
    )
    assert sizes[len(sizes) // 2] < 120
    assert sizes[-1] < 500


def test_the_lock_holds_exact_versions_and_no_address() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert pins
    assert all(re.fullmatch(r"[A-Za-z0-9_.\-]+==[A-Za-z0-9_.+!]+", pin) for pin in pins)
    named = {pin.split("==")[0].lower().replace("_", "-") for pin in pins}
    for wanted in PROJECT["project"]["dependencies"] + PROJECT["project"]["optional-dependencies"]["test"]:
        assert re.split(r"[<>=~ ]", wanted)[0].lower() in named
