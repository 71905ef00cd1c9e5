"""`lab import` of an Opentrons file, then `lab simulate` of what it wrote: the volumes are those of the file."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from cli.main import main

ROOT = Path(__file__).resolve().parents[3]


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    with pytest.raises(SystemExit) as caught:
        main(["--json", *arguments])
    return int(str(caught.value.code)), json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("out", ["mine.yaml", "mine.json"])
def test_from_file_to_volumes(
    kit: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, out: str
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "lab.toml", tmp_path)
    commands = [
        *kit.setup(), ("loadLiquid", {"liquidId": "0", "labwareId": kit.PLATE, "volumeByWell": {"A1": 100}}),
        ("pickUpTip", kit.at(kit.RACK, "A1")), ("aspirate", kit.flow(kit.PLATE, "A1", 60)),
        ("dispense", kit.flow(kit.DISH, "B2", 45)), ("dropTip", kit.at("fixedTrash", "A1")),
    ]  # fmt: skip
    Path("source.json").write_text(json.dumps(kit.source(commands)))
    code, imported = run(capsys, "import", "source.json", "--from", "opentrons", "--out", out)
    assert code == 0
    assert imported["protocol"]["author"]["source"] == "source.json"
    code, simulated = run(capsys, "simulate", out)
    assert code == 0, simulated
    wells = {name: item["wells"] for name, item in simulated["end_state"]["labware"].items()}
    assert {well: held["volume_ul"] for well, held in wells[kit.PLATE].items()} == {"A1": 40}
    assert {well: held["volume_ul"] for well, held in wells[kit.DISH].items()} == {"B2": 45}
    assert simulated["stock"]["waste_ul"] == 15


def test_what_cannot_be_imported_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "old.json"
    file.write_text('{"schemaVersion": 3}')
    code, told = run(capsys, "import", str(file), "--from", "opentrons")
    assert (code, told["problems"][0]["rule"]) == (4, "IMP-001")
