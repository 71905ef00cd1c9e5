"""Traces by OpenTelemetry: from a request to the actions that it brings about, in a real receiver of OTLP."""

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
Served = Any  # tests/api/conftest.py
Asks = Callable[[str], httpx.Client]
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
NOTE = "a sentence of the submitter's own"
LOOK: Mapping[str, Any] = {
    "format": "lab-protocol/1", "name": "look", "purpose": NOTE, "author": {"kind": "human", "name": "tests"},
    "steps": [{"id": "look", "do": "measure", "kind": "environment"}, {"id": "rest", "do": "wait", "for": "1 s"}],
}  # fmt: skip


def facts(span: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}


@pytest.mark.xdist_group("api")
@pytest.mark.timeout(300)
def test_one_trace_from_the_submission_to_its_actions(served: Served, asks: Asks, collector: Any) -> None:
    headers = {"idempotency-key": "traced", "traceparent": f"00-{TRACE}-{PARENT}-01"}
    told = asks("technician").post("/runs", json={"document": LOOK, "world": "twin"}, headers=headers)
    assert told.status_code == 202, told.text
    run_id = told.json()["run_id"]
    served.ended(run_id)
    mine = lambda: [(service, span) for service, span in collector.spans if span.trace_id.hex() == TRACE]  # noqa: E731
    spans = served.until(lambda: found if len(found := mine()) >= 4 else None)
    by_name = {span.name: (service, span) for service, span in spans}
    assert set(by_name) == {"POST /api/v1/runs", "run", "environment measure", "clock wait"}
    service, request = by_name["POST /api/v1/runs"]
    assert (service, request.parent_span_id.hex()) == ("interface", PARENT)
    assert facts(request) == {
        "http.request.method": "POST", "http.route": "/api/v1/runs", "http.response.status_code": 202,
        "lab.principal.kind": "person", "lab.verb": "submit", "lab.verdict": "allowed", "lab.world": "twin",
    }  # fmt: skip
    service, run = by_name["run"]
    assert (service, run.parent_span_id) == ("worker", request.span_id)
    assert facts(run).items() >= {"lab.run": run_id, "lab.world": "twin", "lab.outcome": "completed"}.items()
    for name, step in (("environment measure", "look"), ("clock wait", "rest")):
        action = by_name[name][1]
        assert action.parent_span_id == run.span_id
        assert facts(action).items() >= {"lab.run": run_id, "lab.step": step, "lab.attempt": 1}.items()
        assert run.start_time_unix_nano <= action.start_time_unix_nano <= action.end_time_unix_nano
        assert action.end_time_unix_nano <= run.end_time_unix_nano


@pytest.mark.xdist_group("api")
@pytest.mark.timeout(300)
def test_verdicts_are_told_and_secrets_are_not(served: Served, asks: Asks, collector: Any) -> None:
    before = len(collector.spans)
    assert asks("explorer").post("/clear", json={"sites": [NOTE]}).status_code == 403
    assert asks("explorer").post("/stop").status_code == 200
    assert httpx.get(f"{served.url}/api/v1/status?token={NOTE}").status_code == 401
    wanted = [
        {"lab.verb": "clear", "lab.verdict": "refused", "lab.principal.kind": "agent", "http.response.status_code": 403},
        {"lab.verb": "stop", "lab.verdict": "allowed", "lab.principal.kind": "agent", "http.response.status_code": 200},
        {"http.route": "/api/v1/status", "http.response.status_code": 401},
    ]  # fmt: skip
    for want in wanted:
        served.until(lambda want=want: any(facts(span).items() >= want.items() for _, span in collector.spans[before:]))
    everything = b"".join(collector.bodies)
    for secret in (NOTE, *served.tokens.values(), *(token.split("_", 2)[2] for token in served.tokens.values())):
        assert secret.encode() not in everything


def test_without_a_collector_nothing_of_it_is_loaded() -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "import api.server, api.http.app, orchestrator.worker, labfile\n"
        "lab = labfile.read(Path('lab.toml'))\n"
        "assert orchestrator.worker.traces_of(lab, 'x') is None and api.server.tracing_of(lab) is None\n"
        "found = [m for m in sys.modules if m.startswith(('opentelemetry.sdk', 'opentelemetry.exporter', 'api.tracing'))]\n"
        "assert not found, found"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
