"""Bluesky's own plans, and campaigns."""

from typing import Annotated, Any, Literal

from pydantic import Field

from api.models.base import Model, RunPhase, Text, World
from api.untrusted import Untrusted


class PlanIn(Model):
    """A plan of GET /plans with its arguments: devices by name, places in mm, times in s."""

    plan: Annotated[str, Field(max_length=64)]
    args: list[Any] = Field(default_factory=list, max_length=200)
    kwargs: dict[str, Any] = Field(default_factory=dict, max_length=20)
    world: World


class PlanParameter(Model):
    """An argument; `default` is null where there is none, or where it is none."""

    name: str
    kind: Literal["positional", "positionals", "keyword"]
    required: bool
    default: int | float | str | None


class PlanInfo(Model):
    """A plan that may be run here, and over what."""

    name: str
    what: str
    parameters: list[PlanParameter]
    readable: list[str]
    movable: dict[str, str] = Field(description="axis and where it may go")


Values = Annotated[dict[str, str | int | float], Field(max_length=200)]


class CampaignIn(Model):
    """One protocol, to be run once for each set of parameters, in their order."""

    document: dict[str, Any] | None = Field(None, description="lab-protocol/1, as JSON")
    library: str | None = Field(None, max_length=128, description="or a name of GET /protocols")
    points: Annotated[list[Values], Field(min_length=1, max_length=200)]
    world: World
    priority: Annotated[int, Field(ge=-100, le=100)] = 0
    why: Text = ""


class Point(Model):
    """One set of parameters; without a run it has not been submitted yet, or `error` says why it was refused."""

    number: int
    parameters: Values
    run_id: str
    state: RunPhase | Literal["ahead", "refused", "dropped"]
    error: Untrusted | None


class Campaign(Model):
    """A campaign as it stands."""

    campaign_id: str
    state: Literal["running", "completed", "refused", "aborted"]
    world: World
    by: str
    asked_at: float
    why: str
    error: str = Field(description="why nothing more of it is submitted, when it was refused")
    counts: dict[str, int] = Field(description="points by their state")
    points: list[Point]
