"""The OpenAPI document: checked in, and true of the server whoever asks."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.http import document

Served = Any  # tests/api/conftest.py
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance,
]  # fmt: skip
#: What a role may never get a good answer from, whatever it sends.
CLOSED = {
    "technician": {"GET /api/v1/audit"},
    "explorer": {
        "GET /api/v1/audit", "POST /api/v1/clear", "POST /api/v1/approvals/{approval_id}/grant",
        "POST /api/v1/approvals/{approval_id}/refuse", "POST /api/v1/runs/{run_id}/settle",
        "POST /api/v1/runs/{run_id}/choose",
    },
    "nobody": set(),
}  # fmt: skip
#: What is open to those whom nobody knows.
OPEN = {"GET /healthz", "GET /readyz", "GET /.well-known/lab-manifest.json", "GET /.well-known/lab-manifest.json.dsse"}


def test_the_document_that_is_checked_in_is_the_codes() -> None:
    assert document.FILE.read_bytes() == document.text(), "run: make schemas"


@pytest.mark.slow
@pytest.mark.xdist_group("api")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("role", ["nobody", "explorer", "technician", "safety_officer", "manager"])
@pytest.mark.filterwarnings("ignore")
def test_no_role_finds_a_crash_or_a_way_round(served: Served, role: str) -> None:
    """schemathesis over every operation: no 5xx but 503, nothing undocumented, no privilege crossed."""
    schema = schemathesis.openapi.from_url(f"{served.url}/api/v1/openapi.json")
    schema.config.generation.update(modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
    headers = {} if role == "nobody" else {"Authorization": f"Bearer {served.tokens[role]}"}
    tried = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        tried += _try(operation, headers, role)
    assert tried > 100


def _try(operation: Any, headers: dict[str, str], role: str) -> int:
    name = f"{operation.method.upper()} {operation.path}"
    count = 0

    @settings(
        max_examples=6, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @schemathesis_cases(operation)
    def attempt(case: Any) -> None:
        nonlocal count
        count += 1
        answer = case.call(headers=headers, timeout=60)
        if answer.status_code != 503:  # documented: the worker, or the real lab, is not there
            case.validate_response(answer, checks=CHECKS)
        if role == "nobody" and name not in OPEN and not name.endswith("/auth/login"):
            assert answer.status_code not in range(200, 300), name
        if name in CLOSED.get(role, ()):
            assert answer.status_code not in range(200, 300), name

    attempt()
    return count


def schemathesis_cases(operation: Any) -> Any:
    """A test with cases of an operation."""
    from hypothesis import given

    return given(case=operation.as_strategy())
