"""Runs: as they stand, what they wait for, what they leave behind, what is said to them."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.models.base import Model, RunPhase, Text, World
from api.models.plans import Values
from api.untrusted import Untrusted


class Alarm(Model):
    """Something that a person should see; `message` holds what an instrument said, so it is data."""

    seq: int
    world: World
    at: float
    run_id: str
    step: str
    action: str
    message: Untrusted
    over: bool = Field(description="whether the run has ended since")


class Choice(Model):
    """What waits for a person: an action, what is known of it, and what may be said."""

    action: str
    step: str
    device: str
    verb: str
    phase: str
    error: Untrusted
    attempt: int
    choices: list[str]


class Run(Model):
    """A run as it stands; `asked` is one that no worker has taken yet."""

    run_id: str
    world: World
    state: RunPhase
    protocol: str
    by: str
    priority: int
    submitted_at: float
    begun_at: float | None
    ended_at: float | None
    planned_end: float | None
    actions: int
    actions_over: int
    doing: list[str]
    error: Untrusted | None
    waits_for: list[Choice]
    wants_cleared: list[str] = Field(
        [], description="sites that ended runs left occupied and that it needs next: a person has to `clear` them"
    )
    hashes: dict[str, str | None]


class Submitted(Model):
    """A submission that was taken; `state` is `asked` until a worker has it."""

    run_id: str
    world: World
    state: str
    protocol_hash: str
    predicted_s: float


class Reading(Model):
    """One value, of a run, a sample or a well: a tidy table's row."""

    world: World
    step: str
    device: str
    quantity: str
    unit: str
    at_s: float
    labware: str
    well: str
    material: str
    value: float | None
    text: Untrusted | None


class CampaignReading(Reading):
    """A row of the joined table: a reading, with its point, run and parameters."""

    point: int
    run_id: str
    parameters: Values


class File(Model):
    """A file of a run's folder."""

    world: World
    name: str
    bytes: int


class Said(Model):
    """That a request was carried out."""

    ok: Literal[True] = True
    run_id: str = ""
    state: str


class Reason(Model):
    """Why, for the record."""

    reason: Text = ""


class Settlement(Model):
    """What became of an action of which the lab does not know."""

    action: Annotated[str, Field(max_length=200)]
    attempt: int
    verdict: Literal["done", "not_done"]
    evidence: Annotated[str, Field(min_length=3, max_length=2000)]


class Decision(Model):
    """How a run goes on after a failed action; `step` is where to begin again."""

    action: Annotated[str, Field(max_length=200)]
    attempt: int
    choice: Literal["retry", "skip", "by_hand", "go_back", "abort"]
    step: Annotated[str, Field(max_length=200)] = ""


class Sites(Model):
    """Sites that a person has cleared."""

    sites: Annotated[list[Annotated[str, Field(max_length=200)]], Field(min_length=1, max_length=200)]


class Event(BaseModel):
    """A message of `/events`: a record of the journal. What else it has depends on its kind."""

    model_config = ConfigDict(extra="allow", frozen=True)

    seq: int
    world: World
    cell: str
    at: float
    run_id: str
    kind: str


class Events(Model):
    """Some events; `next` goes into `after`, also at the end, for what comes later."""

    items: list[Event]
    next: int = Field(description="number of the last of them")
    newest: int = Field(description="number of the newest event that there is")
