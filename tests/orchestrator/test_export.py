"""A run as an RO-Crate: valid for a validator that is not ours, with a table that says what stood in which well."""

import csv
import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from labfile import Lab
from orchestrator.export import ExportError, export
from orchestrator.labview import view
from orchestrator.run import Run, digest, run
from orchestrator.sinks.table import rows, write_parquet
from protocols.check import check
from protocols.parse import from_document, read

ROOT = Path(__file__).resolve().parents[2]
CRATE = ROOT / "tests/outside/crate/.venv"
needs_validator = pytest.mark.skipif(not (CRATE / ".ready").exists(), reason="roc-validator is not installed")


@pytest.fixture(scope="module")
def done(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Run:
    checked = check(read(ROOT / "protocols/library/dye_calibration.yaml"), view(lab))
    runs = tmp_path_factory.mktemp("runs")
    return run(lab, checked, "twin", runs=runs, seed=7, speed=None, progress=lambda _: None)


@pytest.fixture(scope="module")
def crate(done: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("crates") / "crate"
    export(done.folder, target)
    return target


@pytest.fixture(scope="module")
def failed(small_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run whose second action names a labware that is nowhere."""
    document = {
        "format": "lab-protocol/1", "name": "fails", "author": {"kind": "human", "name": "Ana Example"},
        "labware": {"stock": {"type": "reservoir_12", "holds": {"A1": "water"}}, "plate": {"type": "plate_96_flat"}},
        "steps": [{"id": "move", "do": "transfer", "source": "stock/A1", "to": "plate/A1", "volume": "50 uL"}],
    }  # fmt: skip
    checked = check(from_document(document), view(small_lab))
    assert checked.program is not None, checked.problems
    actions = tuple(
        replace(one, args={**one.args, "well": "Z9"}) if one.verb == "dispense" else one
        for one in checked.program.actions
    )
    spoilt = replace(checked, program=replace(checked.program, actions=actions))
    runs = tmp_path_factory.mktemp("failed")
    found = run(small_lab, spoilt, "twin", runs=runs, seed=1, speed=None, progress=lambda _: None)
    assert found.result.outcome == "failed"
    return found


def validate(crate: Path, severity: str) -> dict[str, Any]:
    """The verdict of the validator of the RO-Crate community, without a network."""
    report = crate.with_name(f"{crate.name}-{severity}.json")
    command = [
        CRATE / "bin/rocrate-validator", "--no-interactive", "validate", "--offline", "--cache-path", CRATE / "cache",
        "--profile-identifier", "ro-crate-1.1", "--requirement-severity", severity, "--output-format", "json",
        "--output-file", report, crate,
    ]  # fmt: skip
    said = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert report.exists(), said.stdout + said.stderr
    found: dict[str, Any] = json.loads(report.read_text())
    return found


def with_ror(folder: Path, target: Path) -> Path:
    """The run of a lab that is in the Research Organization Registry: only then has its publisher a URL."""
    export_copy(folder, target)
    about = json.loads((target / "run.json").read_text())
    (target / "run.json").write_text(json.dumps(about | {"ror": "https://ror.org/05gvnxz63", "facility": "Example"}))
    return target


@needs_validator
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["by an agent", "failed, by a person"])
def test_an_outside_validator_passes_it(kind: str, done: Run, failed: Run, tmp_path: Path) -> None:
    came = done if kind == "by an agent" else failed
    export(came.folder, tmp_path / "crate")
    assert validate(tmp_path / "crate", "required")["issues"] == []
    left = validate(tmp_path / "crate", "recommended")["issues"]
    assert [issue["message"] for issue in left] == ["The organization SHOULD have a URL."]
    export(with_ror(came.folder, tmp_path / "run"), tmp_path / "whole")
    report = validate(tmp_path / "whole", "recommended")
    assert (report["issues"], report["passed"]) == ([], True)


def test_a_failed_run_says_why(failed: Run, tmp_path: Path) -> None:
    export(failed.folder, tmp_path / "crate")
    graph = {one["@id"]: one for one in json.loads((tmp_path / "crate/ro-crate-metadata.json").read_text())["@graph"]}
    assert graph["#run"]["actionStatus"] == {"@id": "http://schema.org/FailedActionStatus"}
    assert "Z9" in graph["#run"]["error"]
    assert graph["#author"]["@type"] == "Person"


@needs_validator
@pytest.mark.slow
def test_the_outside_validator_sees_what_is_wrong(crate: Path, tmp_path: Path) -> None:
    """Else its passing would say nothing."""
    broken = tmp_path / "broken"
    export_copy(crate, broken)
    metadata = broken / "ro-crate-metadata.json"
    graph = json.loads(metadata.read_text())
    del next(one for one in graph["@graph"] if one["@id"] == "./")["datePublished"]
    metadata.write_text(json.dumps(graph))
    assert validate(broken, "required")["passed"] is False


def export_copy(crate: Path, target: Path) -> None:
    target.mkdir()
    for file in crate.iterdir():
        (target / file.name).write_bytes(file.read_bytes())


def test_every_file_is_described_with_its_hash(crate: Path) -> None:
    graph = {one["@id"]: one for one in json.loads((crate / "ro-crate-metadata.json").read_text())["@graph"]}
    parts = {part["@id"] for part in graph["./"]["hasPart"]}
    assert parts | {"ro-crate-metadata.json"} == {file.name for file in crate.iterdir()}
    for name in parts:
        assert graph[name]["sha256"] == digest(crate / name)
        assert graph[name]["contentSize"] == str((crate / name).stat().st_size)
    linked = {link["@id"] for key in ("object", "result") for link in graph["#run"][key]}
    assert linked == parts
    assert {one["@id"] for one in graph["#run"]["instrument"]} <= graph.keys()


def test_the_table_says_what_stood_in_which_well(crate: Path, done: Run) -> None:
    with (crate / "readings.csv").open() as file:
        table = list(csv.DictReader(file))
    told = {
        (reading["step"], reading["device"], reading["quantity"], well): value
        for reading in done.result.readings
        for well, value in (reading.get("wells") or {"": reading.get("value")}).items()
    }
    assert {(row["step"], row["device"], row["quantity"], row["well"]): float(row["value"]) for row in table} == told
    assert {row["run"] for row in table} == {done.run_id}
    (first,) = [row for row in table if (row["quantity"], row["well"]) == ("absorbance_504nm", "A1")]
    assert (first["labware"], first["material"], first["unit"]) == ("plate", "120 uL dye_red", "1")
    mixed = {row["material"] for row in table if row["well"]}
    assert "0.9375 uL dye_red + 119.062 uL water" in mixed


def test_parquet_holds_the_same_table(crate: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra 'parquet' is not installed")
    with (crate / "readings.csv").open() as file:
        expected = list(csv.DictReader(file))
    found = parquet.read_table(crate / "readings.parquet").to_pylist()
    assert [{key: str(value) for key, value in row.items()} for row in found] == expected


def test_values_of_any_plan_fit_the_table(tmp_path: Path) -> None:
    start = {"uid": "s", "time": 100.0}
    keys = {
        name: {"object_name": "camera", "units": "counts"} for name in ("camera_image", "camera_mode", "camera_lost")
    }
    descriptor = {"uid": "d", "run_start": "s", "name": "primary", "data_keys": keys, "configuration": {}}
    data = {"camera_image": [[1, 2], [3, 4]], "camera_mode": "fast", "camera_lost": None}
    event = {"descriptor": "d", "data": data, "timestamps": dict.fromkeys(data, 101.5)}
    page = {
        "descriptor": "d", "seq_num": [2, 3], "time": [0, 0], "data": {"camera_lost": [5, True]},
        "timestamps": {"camera_lost": [102.0, 103.0]},
    }  # fmt: skip
    documents = [("start", start), ("descriptor", descriptor), ("event", event), ("event_page", page), ("stop", {})]
    found = [(row.quantity, row.well, row.at_s, row.value, row.text) for row in rows(documents)]
    assert found == [
        ("image", "[0,0]", 1.5, 1.0, ""), ("image", "[0,1]", 1.5, 2.0, ""), ("image", "[1,0]", 1.5, 3.0, ""),
        ("image", "[1,1]", 1.5, 4.0, ""), ("mode", "", 1.5, None, "fast"), ("lost", "", 1.5, None, ""),
        ("lost", "", 2.0, 5.0, ""), ("lost", "", 3.0, 1.0, ""),
    ]  # fmt: skip
    if pytest.importorskip("pyarrow", reason="the extra 'parquet' is not installed"):
        write_parquet(rows(documents), tmp_path / "any.parquet")


def test_a_damaged_file_leaves_nothing_behind(done: Run, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    export_copy(done.folder, folder)
    documents = folder / "documents.jsonl"
    documents.write_bytes(b"garbage\n" + documents.read_bytes())
    with pytest.raises(ExportError, match="documents.jsonl:1"):
        export(folder, tmp_path / "crate")
    assert not (tmp_path / "crate").exists()
