"""A run that a worker made is as whole as one of `lab run`: tables, result, export; its servers are told of."""

import asyncio
import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from bluesky import plan_stubs as bps
from bluesky import plans as bp
from ophyd_async.core import soft_signal_rw
from sqlalchemy import Engine

from drivers.core.world import WorldSettings
from labfile import Lab, read
from orchestrator.engine import Plan
from orchestrator.export import export
from orchestrator.folder import RunFolder
from orchestrator.names import cell_name
from orchestrator.sinks import Document, read_documents
from orchestrator.sinks.worker import Worker as FarSink
from orchestrator.state import records as r
from orchestrator.store.database import open_store
from orchestrator.store.log import read_journal
from orchestrator.store.requests import Request, ask
from orchestrator.worker import Worker
from protocols.check import Checked
from protocols.program import Program

ROOT = Path(__file__).resolve().parents[2]
PROTOCOL = {
    "format": "lab-protocol/1", "name": "look", "author": {"kind": "human", "name": "tests"},
    "steps": [{"id": "room", "do": "measure", "kind": "environment"}, {"id": "wait", "do": "wait", "for": "5 s"}],
}  # fmt: skip


class Memory(FarSink):
    """A server that takes everything, or nothing."""

    def __init__(self, works: bool) -> None:
        self.got: list[tuple[str, str]] = []
        self._works = works
        super().__init__("memory")

    async def deliver(self, run: str, name: str, document: Document) -> None:
        if not self._works:
            raise ConnectionError("it is away")
        self.got.append((name, str(document.get("kind", ""))))


@pytest.fixture
def world(tmp_path: Path, checked_on: Callable[[Lab, dict[str, Any]], Checked]) -> tuple[Lab, Program, Engine]:
    """The repository's lab with tables asked for, one short program, and an empty store."""
    text = (ROOT / "lab.toml").read_text().replace("parquet = false", "parquet = true")
    (tmp_path / "lab.toml").write_text(text.replace('# ror = "https://ror.org/012345678"', 'ror = "https://ror.org/012345678"'))  # fmt: skip
    lab = read(tmp_path / "lab.toml")
    program = checked_on(lab, PROTOCOL).program
    assert program is not None
    return lab, program, open_store(f"sqlite:///{tmp_path / 'lab.db'}")


def submit(engine: Engine, lab: Lab, program: Program, run_id: str) -> None:
    about = {"protocol": "look", "document": PROTOCOL, "parameters": {}}
    ask(engine, Request(f"ask {run_id}", "submit", run_id, {"about": about}, "tests", cell_name(lab, "twin")), program)


def serve(lab: Lab, engine: Engine, runs: Path, far: Sequence[FarSink] = ()) -> None:
    """A worker's whole life: until nothing waits, then down."""
    worker = Worker(lab, "twin", engine, runs, WorldSettings(epoch_s=1e9))
    worker._far = tuple(far)
    worker.cell.load(("environment",))

    async def main() -> None:
        async def leave() -> None:
            while not worker.ended_runs:
                await asyncio.sleep(1)
            worker.ended.set()

        leaving = asyncio.create_task(leave())
        await worker.run()
        await leaving

    worker.cell.world.run(main)


def test_a_worker_leaves_a_whole_folder(world: tuple[Lab, Program, Engine], tmp_path: Path) -> None:
    lab, program, engine = world
    good, bad = Memory(True), Memory(False)
    submit(engine, lab, program, "run-1")
    serve(lab, engine, tmp_path / "runs", (good, bad))
    folder = tmp_path / "runs/run-1"
    about = json.loads((folder / "run.json").read_text())
    assert (about["outcome"], about["facility"], about["ror"]) == (
        "completed",
        "Example Laboratory",
        "https://ror.org/012345678",
    )
    assert about["not_taken"] == ["memory: ConnectionError: it is away"]
    assert "document" not in about
    result = json.loads((folder / "result.json").read_text())
    assert result["duration_s"] == pytest.approx(5, abs=3)
    assert {reading["step"] for reading in result["readings"]} == {"room"}
    start = next(document for name, document in read_documents(folder / "documents.jsonl") if name == "start")
    assert (start["facility"], start["ror"]) == (about["facility"], about["ror"])
    with (folder / "readings.csv").open() as file:
        assert {row["quantity"] for row in csv.DictReader(file)} == {one["quantity"] for one in result["readings"]}
    assert {name for name, _ in good.got} == {"record", "start", "descriptor", "event", "stop"}
    assert ("record", "Finished") in good.got
    files = export(folder, tmp_path / "crate")
    assert {"protocol.json", "program.json", "journal.jsonl", "result.json", "readings.parquet"} <= set(files)


def test_a_folder_that_a_dead_worker_left_is_completed(world: tuple[Lab, Program, Engine], tmp_path: Path) -> None:
    lab, program, engine = world
    submit(engine, lab, program, "run-1")
    serve(lab, engine, tmp_path / "runs")
    folder = tmp_path / "runs/run-1"
    (folder / "result.json").unlink()
    serve(lab, engine, tmp_path / "runs")
    assert json.loads((folder / "result.json").read_text())["outcome"] == "completed"


def test_a_run_that_a_dead_worker_left_open_gets_its_stop(world: tuple[Lab, Program, Engine], tmp_path: Path) -> None:
    lab, program, engine = world
    submit(engine, lab, program, "run-1")
    serve(lab, engine, tmp_path / "runs")
    records = [record for _, record in read_journal(engine, cell_name(lab, "twin"), run_id="run-1")]
    (submitted,) = [record for record in records if isinstance(record, r.Submitted)]
    file = tmp_path / "runs/run-1/documents.jsonl"
    whole = list(read_documents(file))
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:-1]) + lines[-1][:20])  # the stop, torn off
    far = Memory(True)

    async def main() -> None:
        folder = RunFolder(file.parent, lab, (far,))
        folder.begin(submitted)
        await folder.finish(lambda: records)
        await far.close()

    asyncio.run(main())
    mended = list(read_documents(file))
    assert mended[:-1] == whole[:-1]
    assert mended[-1][1]["num_events"] == whole[-1][1]["num_events"]
    about = json.loads((file.parent / "run.json").read_text())
    assert about["not_taken"] == ["memory: the worker ended in mid-run; send the folder again"]


def test_a_plan_of_others_gets_a_folder_with_its_tables(world: tuple[Lab, Program, Engine], tmp_path: Path) -> None:
    lab, _, engine = world
    worker = Worker(lab, "twin", engine, tmp_path / "runs", WorldSettings(epoch_s=1e9))

    def count(signal: Any) -> Plan:
        return (yield from bp.count([signal], 3))

    async def main() -> None:
        ready = asyncio.Event()
        working = asyncio.create_task(worker.run(ready=ready.set))
        await ready.wait()
        signal = soft_signal_rw(float, 1.5, name="signal")
        await signal.connect()
        await worker.service.run_plan("plan-1", count, {"signal": signal}, ("axis",), "beamline")
        with pytest.raises(Exception, match="nothing to count"):
            await worker.service.run_plan("plan-2", _failing, {}, ("axis",), "beamline")
        worker.ended.set()
        await working

    worker.cell.world.run(main)
    folder = tmp_path / "runs/plan-1"
    about = json.loads((folder / "run.json").read_text())
    assert (about["outcome"], about["protocol"], about["by"], about["lab"]) == (
        "completed",
        "count",
        "beamline",
        "cell-1",
    )
    start = next(document for name, document in read_documents(folder / "documents.jsonl") if name == "start")
    assert start["config_hash"] == lab.config_hash
    with (folder / "readings.csv").open() as file:
        assert [row["value"] for row in csv.DictReader(file)] == ["1.5"] * 3
    failed = json.loads((tmp_path / "runs/plan-2/run.json").read_text())
    assert (failed["outcome"], failed["error"]) == ("failed", "RuntimeError: nothing to count")


def _failing() -> Plan:
    yield from bps.open_run()
    raise RuntimeError("nothing to count")
