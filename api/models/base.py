"""What all shapes share: words, pages, findings and problem details."""

from typing import Annotated, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

World = Literal["twin", "real"]
Hazard = Literal["low", "medium", "high"]
RunPhase = Literal[
    "asked", "waiting", "running", "paused", "ending", "person", "completed", "aborted", "failed", "interrupted"
]  # fmt: skip
ItemT = TypeVar("ItemT")
Key = Annotated[str, Field(min_length=1, max_length=200, description="yours; asking twice under it is asking once")]
Text = Annotated[str, Field(max_length=2000)]


class Model(BaseModel):
    """What all shapes share: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Page(Model, Generic[ItemT]):
    """Some of a list; `next` goes into `after` of the next call, and is null at the end."""

    items: list[ItemT]
    next: str | None = None


class Finding(Model):
    """What a rule found: what is wrong and how to mend it."""

    rule: str
    severity: Literal["block", "approve", "warn"]
    step: str
    message: str
    hint: str


class Problem(BaseModel):
    """RFC 9457 problem details. `problems` are findings about a protocol; `faults` what is wrong with an approval."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    hint: str | None = None
    problems: list[Finding] = []
    faults: list[str] = []
    policies: list[str] = []
