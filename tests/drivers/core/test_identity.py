"""Serial number and firmware, as each instrument tells them on its wire, and the evidence that holds them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from drivers.core.build import build
from drivers.core.instrument import Identity
from drivers.core.world import WorldSettings
from labfile import read
from registry import evidence
from sim_lab.session import TwinWorld

ROOT = Path(__file__).resolve().parents[3]
LAB = read(ROOT / "lab.toml")
#: What the twins tell; a device that is not here has no word for either.
TOLD = {
    "ot2": Identity("OT2CEP20200101TWIN", "8.8.2 v1.1.0"),
    "arm": Identity("", "TCP Command Server 3.0C1, PARobot Module, SSGrip Module"),
    "ur5e": Identity("20235500001", "URSoftware 5.12.6.1102099 (Sep 21 2023)"),
    "shaker": Identity("", "v1.8.0"),
    "centrifuge": Identity("TWIN", "MS-1.3.3"),
    "balance": Identity("B021002593", "2.10 10.28.0.493.142"),
    "syringe": Identity("", "NE1000V3.923"),
    "dispenser": Identity("", "P/N: 30038165 Rev: E"),
    "hotplate": Identity(),
    "gas": Identity("TWIN01", "10v05.0-R24"),
    "furnace": Identity("", "V1.11"),
    "reader": Identity("LADS-TWIN-1", "1.0.0"),
}


@pytest.mark.parametrize("device", TOLD)
def test_an_instrument_says_who_it_is(device: str) -> None:
    world = TwinWorld(LAB.devices, LAB.sites, WorldSettings(epoch_s=0.0))

    async def story() -> Identity:
        await world.start([device])
        driver: Any = build(LAB.devices[device], world, LAB.sites)
        await driver.connect()
        told: Identity = await driver.identify()
        assert await driver.identify() == told
        await driver.disconnect()
        await world.close()
        return told

    assert world.run(story) == TOLD[device]


def test_a_line_of_evidence_says_of_which_instrument_it_is(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "hardware_tests/test_balance.py", "-q", "-n", "0", "-p", "no:cacheprovider",
               "--evidence", str(tmp_path)]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout
    lines = [json.loads(line) for line in (tmp_path / "balance.jsonl").read_text().splitlines()]
    assert {(line["serial"], line["firmware"]) for line in lines} == {("B021002593", "2.10 10.28.0.493.142")}
    (weighed,) = [
        line for line in lines if line["contract"].endswith("test_zero_and_tare_make_nothing_of_what_is_there")
    ]
    assert [(one["verb"], one["quantity"], one["unit"]) for one in weighed["readings"]] == [("weigh", "mass", "g")] * 2
    shown, _ = evidence.read(tmp_path)
    assert {one.serial for one in shown} == {"B021002593"}
    assert evidence.how_known(shown) == "twin"


def test_evidence_of_before_has_no_serial_number(tmp_path: Path) -> None:
    line = {"schema": "lab-evidence/1", "device": "balance", "contract": "c", "world": "twin", "passed": True, "at": "1",
            "config_hash": "h", "genesislab": "0"}  # fmt: skip
    (tmp_path / "balance.jsonl").write_text(json.dumps(line) + "\n")
    assert evidence.read(tmp_path)[0][0].serial == ""
