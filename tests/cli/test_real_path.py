"""The real path with no instruments: served twins stand where `real` points, and nothing else differs.

The same protocol, driver code and commands as on the twin, over TCP and HTTP to another process, in real time.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.main import main
from labfile import Lab

ROOT = Path(__file__).resolve().parents[2]
MINI = """
format: lab-protocol/1
name: mini
author: { kind: human, name: tests }
materials: { dye: { cas: "25956-17-6", concentration: 0.1 mmol/L } }
labware:
  stock: { type: reservoir_12, holds: { A1: dye } }
  plate: { type: plate_96_flat }
steps:
  - { id: fill, do: transfer, source: stock/A1, to: "plate/A1:A2", volume: 50 uL }
"""


@pytest.fixture
def real_lab(small_lab: Lab, tmp_path: Path) -> Iterator[Path]:
    """A lab file whose real addresses are those of twins that another process serves, much faster than life."""
    command = [
        sys.executable,
        "-m",
        "cli.main",
        "--json",
        "--lab",
        str(small_lab.path),
        "twin",
        "serve",
        "--speed",
        "60",
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        endpoints = {row["device"]: row["address"] for row in json.loads(process.stdout.readline())["endpoints"]}
        text = small_lab.path.read_text()
        for device, old in (("ot2", "http://127.0.0.1:31950"), ("operator", "console:")):
            text = text.replace(f'"{old}"', f'"{endpoints[device]}"')
        path = tmp_path / "lab.toml"
        path.write_text(text)
        yield path
        process.terminate()
        assert process.wait(10) == 0


def test_a_run_on_the_real_path(real_lab: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    protocol = tmp_path / "mini.yaml"
    protocol.write_text(MINI)
    with pytest.raises(SystemExit) as caught:
        main(["--lab", str(real_lab), "--runs", str(tmp_path / "runs"), "run", str(protocol), "--real", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert caught.value.code == 0, told
    assert (told["world"], told["outcome"], told["seed"]) == ("real", "completed", None)
    assert told["end_state"]["labware"]["plate"]["wells"]["A2"]["volume_ul"] == 50
    assert "REAL" in (tmp_path / "runs" / told["run_id"] / "report.html").read_text()


def test_a_contract_at_the_bench_writes_evidence(real_lab: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "hardware_tests/test_liquid_handler.py", "--real", "--device", "ot2", "-q",
               "-k", "without_a_tip", "--lab", str(real_lab), "--evidence", str(tmp_path), "-p", "no:cacheprovider"]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert re.search(r"1 passed", done.stdout), done.stdout
    line = json.loads((tmp_path / "ot2.jsonl").read_text())
    assert line["world"] == "real"
    assert line["passed"] is True
    assert line["contract"] == "test_liquid_handler.py::test_refuses_without_a_tip"
