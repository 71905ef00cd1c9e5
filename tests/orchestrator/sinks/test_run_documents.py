"""The documents of every run are complete, valid and in order, whatever became of it."""

import asyncio
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from event_model import DocumentNames, DocumentRouter, RunRouter, schema_validators

from drivers.core.instrument import Reading
from drivers.core.world import WorldSettings
from labfile import Lab
from orchestrator.cell import Cell
from orchestrator.engine import Engine, Plan
from orchestrator.execute import execute
from orchestrator.labview import view
from orchestrator.readings import StepReading
from orchestrator.result import Result
from protocols.check import check
from protocols.parse import from_document, read
from protocols.program import Program
from sim_lab.clock import run

ROOT = Path(__file__).resolve().parents[3]
Documents = list[tuple[str, dict[str, Any]]]
ABOUT = {
    "run_id": "20260101T000000Z-abcdef", "world": "twin", "config_hash": "c" * 64, "protocol_hash": "p" * 64,
    "program_hash": "q" * 64, "versions": {"genesislab": "0"},
}  # fmt: skip


class Strict(DocumentRouter):
    """Follows one run and holds each document against those before it, as a consumer of others' does."""

    def __init__(self) -> None:
        super().__init__()
        self.descriptors: dict[str, dict[str, Any]] = {}
        self.events: Counter[str] = Counter()
        self.stopped: dict[str, Any] | None = None
        self.begun: dict[str, Any] | None = None

    def start(self, doc: dict[str, Any]) -> None:
        assert self.begun is None
        self.begun = doc

    def descriptor(self, doc: dict[str, Any]) -> None:
        assert self.begun is not None
        assert doc["run_start"] == self.begun["uid"]
        assert set().union(*doc["object_keys"].values()) == set(doc["data_keys"])
        self.descriptors[doc["uid"]] = doc

    def event(self, doc: dict[str, Any]) -> None:
        stream = self.descriptors[doc["descriptor"]]
        self.events[stream["name"]] += 1
        assert doc["seq_num"] == self.events[stream["name"]]
        for key, about in stream["data_keys"].items():
            value = doc["data"][key]
            assert about["shape"] == ([len(value)] if isinstance(value, list) else [])
            assert about["dtype"] == ("array" if isinstance(value, list) else "number")
            assert doc["timestamps"][key] <= doc["time"]

    def stop(self, doc: dict[str, Any]) -> None:
        assert self.begun is not None
        assert doc["run_start"] == self.begun["uid"]
        assert {name: count for name, count in doc["num_events"].items() if count} == self.events
        self.stopped = doc


def follow(documents: Documents) -> Strict:
    """Every document valid by its schema, and all of them one run from start to stop."""
    runs: list[Strict] = []

    def begin(_: str, __: Any) -> tuple[list[Strict], list[Any]]:
        runs.append(Strict())
        return [runs[-1]], []

    router = RunRouter([begin])
    for name, document in documents:
        schema_validators[DocumentNames[name]].validate(document)
        router(name, document)
    (only,) = runs
    assert only.stopped is not None
    assert [name for name, _ in documents][0 :: len(documents) - 1] == ["start", "stop"]
    return only


def program_of(lab: Lab, steps: list[dict[str, Any]]) -> Program:
    document = {
        "format": "lab-protocol/1", "name": "test", "author": {"kind": "human", "name": "tests"},
        "labware": {"stock": {"type": "reservoir_12", "holds": {"A1": "water"}}, "plate": {"type": "plate_96_flat"}},
        "steps": steps,
    }  # fmt: skip
    program = check(from_document(document), view(lab)).program
    assert program is not None
    return program


def documents_of(lab: Lab, program: Program, cancel_after_s: float | None = None) -> tuple[Result, Documents]:
    cell = Cell(lab, "twin", WorldSettings(epoch_s=1e9))
    cell.load(program.devices)
    documents: Documents = []

    async def main() -> Result:
        sink = lambda name, document: documents.append((name, document))  # noqa: E731
        task = asyncio.ensure_future(execute(program, cell, ABOUT, sinks=(sink,)))
        try:
            if cancel_after_s is not None:
                await asyncio.sleep(cancel_after_s)
                task.cancel()
            return await task
        finally:
            await cell.close()

    return cell.world.run(main), documents


WAIT = {"id": "wait", "do": "wait", "for": "2 h"}
MOVE = {"id": "move", "do": "transfer", "source": "stock/A1", "to": "plate/A1", "volume": "50 uL"}


def test_a_run_that_succeeds(small_lab: Lab) -> None:
    result, documents = documents_of(small_lab, program_of(small_lab, [MOVE]))
    told = follow(documents)
    assert result.outcome == "completed"
    assert told.stopped is not None
    assert told.stopped["exit_status"] == "success"
    assert told.begun is not None
    assert {key: told.begun[key] for key in ABOUT if key != "versions"} == {
        k: v for k, v in ABOUT.items() if k != "versions"
    }
    assert told.begun["versions"].items() >= ABOUT["versions"].items()


def test_the_demo(lab: Lab) -> None:
    checked = check(read(ROOT / "protocols/library/dye_calibration.yaml"), view(lab))
    assert checked.program is not None
    result, documents = documents_of(lab, checked.program)
    told = follow(documents)
    assert result.outcome == "completed"
    assert told.events == {"room_before": 1, "read": 1, "room_after": 1}


def test_a_run_whose_device_fails(small_lab: Lab) -> None:
    program = program_of(small_lab, [MOVE])
    actions = tuple(
        replace(one, args={**one.args, "well": "Z9"}) if one.verb == "dispense" else one for one in program.actions
    )
    result, documents = documents_of(small_lab, replace(program, actions=actions))
    told = follow(documents)
    assert result.outcome == "failed"
    assert told.stopped is not None
    assert told.stopped["exit_status"] != "success"
    assert "Z9" in told.stopped["reason"]


def test_a_run_that_a_person_stops(small_lab: Lab) -> None:
    result, documents = documents_of(small_lab, program_of(small_lab, [WAIT]), cancel_after_s=600)
    told = follow(documents)
    assert result.outcome == "aborted"
    assert told.stopped is not None
    assert told.stopped["exit_status"] == "abort"


def readings(device: str, *parts: StepReading) -> Plan:
    from bluesky.utils import Msg

    yield Msg("open_run")
    for part in parts:
        yield Msg("create", None, name="read")
        yield Msg("read", part)
        yield Msg("save")
    yield Msg("close_run")


def test_a_step_that_reads_again_goes_on_in_its_stream() -> None:
    """The same wells under the same descriptor, others under one of their own: each event says what was read."""

    def absorbance(*wells: str) -> StepReading:
        return StepReading("reader", (Reading("absorbance", "1", wells=dict.fromkeys(wells, 0.5)),), 0.0)

    documents: Documents = []

    async def main() -> None:
        engine = Engine(ABOUT)
        engine.subscribe(lambda name, document: documents.append((name, document)))
        await engine.run(
            readings("reader", absorbance("A1"), absorbance("A1"), absorbance("B1", "B2"), absorbance("A1"))
        )

    run(main, epoch_s=1e9)
    told = follow(documents)
    assert told.events == {"read": 4}
    wells = [
        told.descriptors[document["descriptor"]]["configuration"]["reader"]["data"]["reader_wells"]
        for name, document in documents
        if name == "event"
    ]
    assert wells == [["A1"], ["A1"], ["B1", "B2"], ["A1"]]


def test_other_plans_still_may_not_mix_what_a_stream_reads() -> None:
    from bluesky.utils import Msg
    from ophyd_async.core import soft_signal_rw

    async def main() -> None:
        signals = [soft_signal_rw(float, 0.0, name=name) for name in ("a", "b")]
        for signal in signals:
            await signal.connect()

        def plan() -> Plan:
            yield Msg("open_run")
            for signal in signals:
                yield Msg("create", None, name="primary")
                yield Msg("read", signal)
                yield Msg("save")

        with pytest.raises(RuntimeError, match="Mismatched objects"):
            await Engine({}).run(plan())

    run(main)
