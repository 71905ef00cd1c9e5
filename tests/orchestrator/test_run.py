"""Runs that count: valid documents on disk, the journal before the command, abort, and protocols from outside."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest
from event_model import DocumentNames, schema_validators

from drivers.core.world import WorldSettings
from labfile import Lab
from orchestrator.cell import Cell
from orchestrator.execute import execute
from orchestrator.labview import view
from orchestrator.result import Result
from orchestrator.run import Run, run
from orchestrator.simulate import simulate
from orchestrator.state import records
from protocols.check import Checked, check
from protocols.importers.opentrons import import_opentrons
from protocols.parse import from_document, read

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("LAB_SHARED_DATA", ROOT.parent / "shared" / "data"))
OUTSIDE = sorted((SHARED / "opentrons").glob("*.json"))
DEMO = ROOT / "protocols/library/dye_calibration.yaml"


@pytest.fixture(scope="module")
def demo(lab: Lab) -> Checked:
    checked = check(read(DEMO), view(lab))
    assert checked.ok, checked.problems
    return checked


@pytest.fixture(scope="module")
def demo_run(lab: Lab, demo: Checked, tmp_path_factory: pytest.TempPathFactory) -> Run:
    runs = tmp_path_factory.mktemp("runs")
    return run(lab, demo, "twin", runs=runs, seed=7, speed=None, progress=lambda _: None)


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_documents_are_complete_and_valid(demo_run: Run, demo: Checked) -> None:
    documents = lines(demo_run.folder / "documents.jsonl")
    for name, document in documents:
        schema_validators[DocumentNames[name]].validate(document)
    start, stop = documents[0][1], documents[-1][1]
    assert stop["exit_status"] == "success"
    assert stop["num_events"] == {"room_before": 1, "read": 1, "room_after": 1}
    assert start["protocol_hash"] == demo.source.hash
    assert start["world"] == "twin"
    assert {"config_hash", "program_hash", "versions", "run_id", "seed"} <= start.keys()
    (reading,) = [d for name, d in documents if name == "event" and "reader_absorbance_504nm" in d["data"]]
    assert len(reading["data"]["reader_absorbance_504nm"]) == 64


def test_the_journal_has_intent_before_outcome_for_every_action(demo_run: Run, demo: Checked) -> None:
    assert demo.program is not None
    begun: set[str] = set()
    done: set[str] = set()
    for line in lines(demo_run.folder / "journal.jsonl"):
        if line["kind"] == "begun":
            begun.add(line["action"])
        elif line["kind"] == "done":
            assert line["action"] in begun
            done.add(line["action"])
    assert begun == done == {action.id for action in demo.program.actions}


def test_the_demo_is_repeatable_and_its_readings_are_the_seeds(lab: Lab, demo: Checked) -> None:
    assert demo.program is not None
    one, two, other = (simulate(lab, demo.program, seed=seed) for seed in (1, 1, 2))
    assert one.result.outcome == "completed", one.result.error
    assert one.trace_hash == two.trace_hash
    assert one.result.readings == two.result.readings
    assert one.result.readings != other.result.readings
    assert one.result.end_state == other.result.end_state == demo.end_state


def test_devices_that_share_nothing_overlapped(demo_run: Run) -> None:
    """The robot takes note of its pipettes while a person still brings labware."""
    spans = {span.action: span for span in demo_run.result.spans}
    assert spans["setup.8"].start_s < spans["setup.4"].end_s


def test_an_abort_stops_the_devices_and_is_an_outcome(small_lab: Lab) -> None:
    document = {
        "format": "lab-protocol/1", "name": "long", "author": {"kind": "human", "name": "tests"},
        "steps": [{"id": "wait", "do": "wait", "for": "10 h"}],
    }  # fmt: skip
    program = check(from_document(document), view(small_lab)).program
    assert program is not None
    cell = Cell(small_lab, "twin", WorldSettings(epoch_s=0.0))
    heard: list[records.Record] = []

    async def main() -> Result:
        task = asyncio.ensure_future(execute(program, cell, {}, listeners=(heard.append,)))
        await asyncio.sleep(60)
        task.cancel()
        result = await task
        await cell.close()
        return result

    result = cell.world.run(main)
    assert result.outcome == "aborted"
    assert result.duration_s == pytest.approx(60)
    assert [type(record).__name__ for record in heard] == ["Submitted", "Begun", "Failed", "Finished"]
    assert isinstance(heard[2], records.Failed)
    assert heard[2].outcome == "unknown"


@pytest.mark.skipif(not OUTSIDE, reason="../shared/data/opentrons is not here")
@pytest.mark.parametrize("file", OUTSIDE, ids=lambda file: file.stem)
def test_a_protocol_from_outside_runs_on_the_twin(file: Path, lab: Lab, tmp_path: Path) -> None:
    """Imported, checked, dry-run, run: the end state is the one of the check, whose volumes are the file's own."""
    imported = import_opentrons(file.read_bytes(), file.name)
    checked = check(from_document(imported.document), view(lab))
    assert checked.ok, checked.problems
    done = run(lab, checked, "twin", runs=tmp_path, seed=3, speed=None, progress=lambda _: None)
    assert done.result.outcome == "completed", done.result.error
    assert done.result.end_state == checked.end_state
    for name, document in lines(done.folder / "documents.jsonl"):
        schema_validators[DocumentNames[name]].validate(document)
