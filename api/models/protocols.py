"""Protocols: what is looked at, and what was found."""

from typing import Annotated, Any

from pydantic import Field

from api.models.base import Finding, Hazard, Model, World


class ProtocolIn(Model):
    """A protocol to look at: a whole `document`, or the name of one in the library."""

    document: dict[str, Any] | None = Field(None, description="lab-protocol/1, as JSON")
    library: str | None = Field(None, max_length=128, description="or a name of GET /protocols")
    parameters: dict[str, str | int | float] = Field(default_factory=dict, max_length=200)


class Simulation(ProtocolIn):
    """A protocol to dry-run."""

    seed: Annotated[int, Field(ge=0, lt=2**31)] = 1


class Submission(ProtocolIn):
    """A protocol to be run."""

    world: World
    priority: Annotated[int, Field(ge=-100, le=100)] = 0
    deadline: Annotated[float, Field(ge=0, lt=1e11)] | None = Field(None, description="s since 1970; not NaN")
    approval: str | None = Field(None, max_length=64, description="id of a granted approval for just this")


class Validation(Model):
    """What can be said of a protocol without running it."""

    ok: bool
    name: str
    protocol_hash: str
    program_hash: str
    steps: int
    actions: int
    hazard: Hazard
    problems: list[Finding]
    stock: dict[str, Any]


class Simulated(Validation):
    """What a dry run on a fresh twin predicts."""

    error: str
    trace_hash: str
    duration_s: float
    readings: list[dict[str, Any]]
    end_state: dict[str, Any]
    cost: dict[str, float]


class LibraryEntry(Model):
    """A ready protocol."""

    name: str
    title: str
    domain: str
    purpose: str
    citation: str
    parameters: dict[str, Any]
