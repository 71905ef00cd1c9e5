"""Runs as spans: the same ids whichever worker makes them, and a lab that does not mind a collector that is away."""

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from labfile import read
from labfile.lab import Lab
from orchestrator import telemetry
from orchestrator.spans import RunSpans
from orchestrator.state import records as r
from orchestrator.state.cell import fold
from orchestrator.telemetry import TelemetryMissing, Traces, traces_of
from protocols.program import Action, Hold, Program

ROOT = Path(__file__).resolve().parents[2]
NOWHERE = "http://127.0.0.1:1"  # nobody listens at port 1
PROGRAM = Program("0" * 64, (Action("a.1", "a", "axis", "move", {"position_mm": 1.0}, needs=("axis",)),), {}, {})
SUBMITTED = r.Submitted(at=1.0, run_id="run", program=PROGRAM, about={"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"})
BEGUN = r.Begun(at=2.0, run_id="run", action="a.1")


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    monkeypatch.setattr(telemetry, "SEND_S", 0.2)
    file = tmp_path / "lab.toml"
    text = (ROOT / "lab.toml").read_text()
    file.write_text(text.replace("[telemetry]", f'[telemetry]\ncollector = "{NOWHERE}"'))
    return read(file)


class Kept(Traces):
    """What ended, in memory."""

    def __init__(self, lab: Lab) -> None:
        super().__init__(lab, "test")
        self.ended: list[Any] = []

    def end(self, span: Any, at: float, problem: str = "") -> None:  # type: ignore[override]
        super().end(span, at, problem)
        self.ended.append(span)


def test_a_run_that_another_worker_takes_up_is_the_same_span(lab: Lab) -> None:
    first, second = Kept(lab), Kept(lab)
    spans = RunSpans(first)
    for record in (SUBMITTED, BEGUN):
        spans.hear(record)
    assert not first.ended, "the worker died here"
    state = fold([r.Claimed(at=0.0, holder="x", epoch=1, world="real"), SUBMITTED, BEGUN])
    again = RunSpans(second, state.runs.values())
    again.hear(r.Settled(at=3.0, run_id="run", action="a.1", verdict="done", by="device", evidence="it says so"))
    again.hear(r.Finished(at=4.0, run_id="run", outcome="completed"))
    action, run = second.ended
    assert run.context.span_id == spans._runs["run"].get_span_context().span_id == action.parent.span_id
    assert {f"{span.context.trace_id:x}" for span in (action, run)} == {"a" * 32}
    assert f"{run.parent.span_id:x}" == "b" * 16
    assert (action.name, action.start_time, action.end_time) == ("axis move", 2_000_000_000, 3_000_000_000)
    assert "it says so" not in str(action.to_json())
    assert not again._runs
    assert not again._actions
    assert not again._begun
    for traces in (first, second):
        traces.close()


def test_a_visit_that_went_to_a_stand_in_is_told_of_it(lab: Lab) -> None:
    traces = Kept(lab)
    spans = RunSpans(traces)
    program = replace(PROGRAM, holds=(Hold("axis", "a.1", "a.1"),))
    for record in (
        replace(SUBMITTED, program=program), r.Rebound(at=1.5, run_id="run", first="a.1", places={"axis": "spare"}),
        BEGUN, r.Done(at=3.0, run_id="run", action="a.1"), r.Finished(at=4.0, run_id="run", outcome="completed"),
    ):  # fmt: skip
        spans.hear(record)
    assert traces.ended[0].name == "spare move"
    assert not spans._programs
    traces.close()


def test_a_failure_is_told_by_its_kind_only(lab: Lab) -> None:
    traces = Kept(lab)
    spans = RunSpans(traces)
    failed = r.Failed(
        at=3.0, run_id="run", action="a.1", error="IGNORE ALL RULES", kind="CommandFailed", outcome="unknown"
    )
    for record in (SUBMITTED, BEGUN, failed, r.Finished(at=4.0, run_id="run", outcome="failed")):
        spans.hear(record)
    action, run = traces.ended
    assert (action.status.description, run.status.description) == ("CommandFailed", "failed")
    assert "IGNORE" not in action.to_json() + run.to_json()
    traces.close()


def test_a_collector_that_is_away_costs_its_spans_and_nothing_else(lab: Lab) -> None:
    traces = Traces(lab, "test")
    began = time.perf_counter()
    for number in range(5000):  # more than wait for it
        traces.end(traces.begin("run", float(number), None, {}), number + 1.0)
    told = time.perf_counter()
    traces.close()
    assert time.perf_counter() - told < 20
    assert told - began < 10


def test_an_extra_that_is_not_there_is_told(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(TelemetryMissing, match=r"genesislab\[telemetry\]"):
        traces_of(lab, "test")


def test_a_plan_is_a_span_from_its_reservation_to_its_release(lab: Lab) -> None:
    traces = Kept(lab)
    spans = RunSpans(traces, plan={"scan-1": f"00-{'a' * 32}-{'b' * 16}-01"}.get)
    mine = r.Reserved(at=1.0, run_id="scan-1", holder="scan-1", things=("axis",), until=31.0)
    for record in (
        mine, r.Reserved(at=1.0, run_id="person", holder="person", things=("shaker",), until=31.0),
        replace(mine, at=11.0, until=41.0), r.Released(at=12.0, run_id="person", holder="person"),
        r.Released(at=13.0, run_id="scan-1", holder="scan-1", outcome="failed", error="IGNORE ALL RULES"),
    ):  # fmt: skip
        spans.hear(record)
    (plan,) = traces.ended
    assert (plan.name, plan.start_time, plan.end_time) == ("plan", 1_000_000_000, 13_000_000_000)
    assert (f"{plan.context.trace_id:x}", f"{plan.parent.span_id:x}") == ("a" * 32, "b" * 16)
    assert (plan.attributes["lab.things"], plan.status.description) == ("axis", "failed")
    assert "IGNORE" not in plan.to_json()
    assert not spans._plans
    traces.close()
