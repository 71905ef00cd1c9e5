"""The command line: good input, and bad input to every verb: a sentence, an exit code, no traceback, nothing lost."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.main import VERBS, main

ROOT = Path(__file__).resolve().parents[2]
DEMO = str(ROOT / "protocols/library/dye_calibration.yaml")
Lab = Callable[..., tuple[int, str, str]]


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Lab:
    """Run `lab ...` in a folder of its own with the repository's lab file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAB_TOML", str(ROOT / "lab.toml"))

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as caught:
            main(list(arguments))
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        return int(caught.value.code or 0), out, err

    return run


def document(result: tuple[int, str, str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result[1])
    return found


def write(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


MINI = """
format: lab-protocol/1
name: mini
author: { kind: human, name: tests }
materials: { dye: { cas: "25956-17-6", concentration: 0.1 mmol/L } }
labware:
  stock: { type: reservoir_12, holds: { A1: dye } }
  plate: { type: plate_96_flat }
steps:
  - { id: fill, do: transfer, source: stock/A1, to: "plate/A1:A3", volume: 50 uL }
"""


def test_who_only_asks_imports_nothing_that_drives_instruments(tmp_path: Path) -> None:
    told = "print(*{'bluesky', 'numpy', 'ophyd', 'ophyd_async', 'pylabrobot'} & sys.modules.keys())"
    code = f"import sys\nfrom cli.main import main\ntry:\n    main(['--json', 'status'])\nfinally:\n    {told}"
    shutil.copy(ROOT / "lab.toml", tmp_path)
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    answer, imported = done.stdout.splitlines()
    assert json.loads(answer)["ok"]
    assert not imported


def test_help_lists_every_verb(lab: Lab) -> None:
    code, out, _ = lab("--help")
    assert code == 0
    assert all(verb in out for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(lab: Lab, verb: str) -> None:
    code, out, _ = lab(verb, "--help")
    assert code == 0
    assert "Usage: lab" in out


def test_check_doctor_devices_protocols(lab: Lab) -> None:
    assert document(lab("check", "--json"))["ok"] is True
    checks = document(lab("doctor", "--json"))
    assert checks["ok"], checks
    devices = document(lab("devices", "--json"))["devices"]
    assert {device["role"] for device in devices} >= {"LiquidHandler", "PlateMover", "PlateReader", "Operator"}
    assert all(device["quality"] for device in devices)
    assert "precise.pf400" in lab("devices", "arm")[1]
    assert any(p["name"] == "Dye calibration and mixing" for p in document(lab("protocols", "--json"))["protocols"])


def test_validate_tells_steps_and_actions(lab: Lab) -> None:
    told = document(lab("validate", DEMO, "--json"))
    assert told["ok"] is True
    assert told["schema"] == "lab-validate/1"
    assert told["steps"] == 12
    assert told["actions"] > 300
    assert len(told["protocol_hash"]) == 64


def test_a_run_leaves_its_record(lab: Lab, tmp_path: Path) -> None:
    mini = write(tmp_path, "mini.yaml", MINI)
    told = document(lab("run", mini, "--twin", "--seed", "5", "--json"))
    assert told["outcome"] == "completed"
    assert told["world"] == "twin"
    folder = tmp_path / "runs" / told["run_id"]
    names = {file.name for file in folder.iterdir()}
    assert names == {
        "protocol.json",
        "program.json",
        "run.json",
        "result.json",
        "documents.jsonl",
        "journal.jsonl",
        "report.html",
    }
    journal = [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]
    assert [line["kind"] for line in journal].count("begun") == [line["kind"] for line in journal].count("done")
    assert document(lab("runs", "--json"))["runs"][0]["run_id"] == told["run_id"]
    assert "completed" in lab("runs", told["run_id"])[1]
    crate = tmp_path / "crate"
    assert document(lab("export", told["run_id"], "--to", str(crate), "--json"))["ok"] is True
    metadata = json.loads((crate / "ro-crate-metadata.json").read_text())
    parts = {part["@id"] for part in metadata["@graph"][1]["hasPart"]}
    assert parts | {"ro-crate-metadata.json"} == {file.name for file in crate.iterdir()}


def test_simulate_is_repeatable(lab: Lab, tmp_path: Path) -> None:
    mini = write(tmp_path, "mini.yaml", MINI)
    one, two = (document(lab("simulate", mini, "--json", "--seed", "2")) for _ in range(2))
    other = document(lab("simulate", mini, "--json", "--seed", "3"))
    assert one["trace_hash"] == two["trace_hash"] != other["trace_hash"]
    assert one["program_hash"] == other["program_hash"]
    wells = one["end_state"]["labware"]["plate"]["wells"]
    assert wells["A1"] == {
        "volume_ul": 50.0,
        "species_mol": {"water": pytest.approx(2.77e-3, rel=1e-2), "dye": pytest.approx(5e-9)},
    }


BAD: dict[str, tuple[list[str], int, str]] = {
    "no verb of that name": (["explode"], 2, "No such command"),
    "an option that is none": (["check", "--frobnicate"], 2, "No such option"),
    "no file": (["validate"], 2, "Missing argument"),
    "a file that is not there": (["validate", "gone.yaml"], 4, "No such file"),
    "a folder for a file": (["validate", "."], 4, "FILE-001"),
    "not a protocol": (["simulate", "words.txt"], 4, "FILE-004"),
    "binary": (["simulate", "binary.yaml"], 4, "FILE-003"),
    "a wrong protocol": (["validate", "wrong.yaml"], 4, "UNIT-001"),
    "a wrong parameter": (["validate", DEMO, "--param", "volume=900 uL"], 4, "outside"),
    "a parameter without value": (["validate", DEMO, "--param", "volume"], 2, "name=value"),
    "no world": (["run", DEMO], 2, "--twin or --real"),
    "a speed of zero": (["run", DEMO, "--twin", "--speed", "0"], 2, "--speed"),
    "a seed that is no number": (["simulate", DEMO, "--seed", "x"], 2, "--seed"),
    "no lab file": (["--lab", "gone.toml", "check"], 4, "gone.toml"),
    "no lab file, said behind": (["devices", "--lab", "gone.toml"], 4, "gone.toml"),
    "a lab file that is none": (["check", "--lab", "words.txt"], 4, "words.txt:1"),
    "no device of that name": (["devices", "spaceship"], 4, "there is no device 'spaceship'"),
    "a device that cannot be reached": (["devices", "arm", "--connect", "real"], 3, "arm"),
    "no run of that name": (["runs", "nothing"], 4, "there is no run"),
    "export of nothing": (["export", "nothing", "--to", "x"], 4, "there is no run"),
    "import of what is not there": (["import", "gone.json", "--from", "opentrons"], 4, "No such file"),
    "import of words": (["import", "words.txt", "--from", "opentrons"], 4, "words.txt"),
    "import from nowhere": (["import", "words.txt", "--from", "papyrus"], 2, "papyrus"),
    "a twin of nothing": (["twin", "serve", "--device", "spaceship"], 4, "spaceship"),
    "a library that is not there": (["protocols", "--dir", "gone"], 0, "no protocol in gone"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("as_json", [False, True])
def test_bad_input_is_told_and_coded(lab: Lab, tmp_path: Path, name: str, as_json: bool) -> None:
    write(tmp_path, "words.txt", "just words")
    (tmp_path / "binary.yaml").write_bytes(b"\x00\xff\xfe")
    write(tmp_path, "wrong.yaml", MINI.replace("50 uL", "50 min"))
    arguments, expected, said = BAD[name]
    code, out, err = lab(*arguments, *(["--json"] if as_json else []))
    assert code == expected
    if as_json:
        assert json.loads(out.strip().splitlines()[-1])
    else:
        assert said in out + err
    assert not (tmp_path / "runs").exists()


def test_export_overwrites_nothing(lab: Lab, tmp_path: Path) -> None:
    mini = write(tmp_path, "mini.yaml", MINI)
    run_id = document(lab("run", mini, "--twin", "--json"))["run_id"]
    (tmp_path / "precious").mkdir()
    code, _, err = lab("export", run_id, "--to", str(tmp_path / "precious"))
    assert code == 4
    assert "is there already; nothing was changed" in err
    assert not list((tmp_path / "precious").iterdir())


def test_a_real_run_of_what_nobody_named_is_refused(lab: Lab, tmp_path: Path) -> None:
    unnamed = write(
        tmp_path, "unnamed.yaml", MINI.replace('dye: { cas: "25956-17-6", concentration: 0.1 mmol/L }', "dye: {}")
    )
    code, _, err = lab("submit", unnamed, "--real")
    assert (code, "a person must approve it" in err) == (5, True)
    code, _, err = lab("run", unnamed, "--real")
    assert code == 5
    assert "no CAS number" in err


def test_a_real_run_without_a_lab_or_a_person_ends_with_a_sentence(lab: Lab, tmp_path: Path) -> None:
    mini = write(tmp_path, "mini.yaml", MINI)
    code, _, err = lab("run", mini, "--real")
    assert code in (3, 8)
    assert "lab run:" in err


def test_both_worlds_at_once_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """The later flag won without a word, and it may have been the real one."""
    for flags in (["--twin", "--real"], ["--real", "--twin"]):
        with pytest.raises(SystemExit) as ended:
            main(["run", "protocols/examples/1_read_a_dye.yaml", *flags])
        assert ended.value.code == 2
        assert "which of them?" in capsys.readouterr().err
