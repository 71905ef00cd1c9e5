"""The one exception of the client."""

from collections.abc import Sequence
from typing import Any

import orjson
from pydantic import ValidationError

from api.models import Finding, Problem

UNREACHABLE = "unreachable"


class LabRefused(Exception):
    """The lab did not do it, or was not reached (`kind` is then `unreachable`, `status` 0). Prints as a sentence.

    Carries the problem details of the answer (RFC 9457); `kind` is the short name that programs tell apart.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem
        self.kind = problem.type.rpartition("/")[2]
        self.status, self.detail, self.hint = problem.status, problem.detail, problem.hint or ""
        self.problems: Sequence[Finding] = problem.problems
        self.faults: Sequence[str] = problem.faults

    def __str__(self) -> str:
        said = " ".join(text if text[-1] in ".?!" else f"{text}." for text in (self.detail, self.hint) if text)
        lines = [f"{found.step or 'protocol'}: {found.rule} {found.message} {found.hint}" for found in self.problems]
        return "\n".join([said, *lines, *(fault for fault in self.faults if fault not in self.detail)])


def refused(kind: str, detail: str, hint: str = "", status: int = 0) -> LabRefused:
    """A refusal that does not come from the lab."""
    return LabRefused(Problem(type=f"/problems/{kind}", title=kind, status=status, detail=detail, hint=hint))


def told(status: int, body: bytes) -> LabRefused:
    """What an answer with an error says: problem details, or whatever stands in front of the lab said."""
    try:
        return LabRefused(Problem.model_validate_json(body, extra="ignore"))
    except ValidationError:
        return refused("http", _detail(body) or f"the answer was HTTP {status}, without a reason", status=status)


def _detail(body: bytes) -> str:
    try:
        document: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    return str(document.get("detail", "")) if isinstance(document, dict) else ""
