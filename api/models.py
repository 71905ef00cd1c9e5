"""The shapes of what is asked and answered, for HTTP, MCP and the Python client alike."""

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from api.untrusted import Untrusted

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


class Problem(BaseModel):
    """RFC 9457 problem details. `problems` are findings about a protocol; `faults` what is wrong with an approval."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    hint: str | None = None
    problems: list["Finding"] = []
    faults: list[str] = []
    policies: list[str] = []


# Protocols


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


class Finding(Model):
    """What a rule found: what is wrong and how to mend it."""

    rule: str
    severity: Literal["block", "approve", "warn"]
    step: str
    message: str
    hint: str


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


# Plans of Bluesky's


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


# Campaigns

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


# Runs


class Alarm(Model):
    """Something that a person should see; `message` holds what an instrument said, so it is data."""

    seq: int
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


# The lab


class Cell(Model):
    """A cell of the lab: this world's worker and what it does."""

    cell: str
    world: World
    state: Literal["up", "silent", "down"]
    holder: str = Field(description="the worker; empty where there is none")
    seq: int = Field(description="of the newest event")
    runs: dict[str, str]
    waiting_for_a_person: list[str]
    held: dict[str, str]
    left: dict[str, str] = Field(description="sites that still have what an ended run left there")


class Status(Model):
    """The lab at a glance."""

    lab: str
    facility: str
    state: Literal["up", "down"]
    world: World
    cells: list[Cell]


class LabInfo(Model):
    """What a lab is."""

    lab: str
    facility: str
    ror: str | None
    timezone: str
    world: World
    worlds: list[World]
    config_hash: str
    policy_hash: str
    version: str
    key: str = Field(description="PEM of the lab's public key")


class Value(Model):
    """What a device last measured; `wells` when it measured wells."""

    quantity: str
    unit: str
    value: float | None
    wells: dict[str, float] | None


class Device(Model):
    """An instrument."""

    name: str
    role: str
    driver: str
    world: World
    state: Literal["idle", "busy", "reserved", "maintenance"]
    run_id: str
    action: str
    since: float | None
    limits: dict[str, str]
    sites: list[str]
    readings: list[Value]
    read_at: float | None
    last_error: Untrusted | None
    failed_at: float | None


class Task(Model):
    """A bar of the Gantt chart, planned or real; `end` is null while it goes on."""

    run_id: str
    step: str
    device: str
    action: str = ""
    start: float
    end: float | None


class Schedule(Model):
    """Plan and reality of what has not ended."""

    world: World
    plan: list[dict[str, Any]]
    reality: list[Task]


class SiteNow(Model):
    """A place for labware: who uses it, and what stands there as far as the lab knows."""

    site: str
    held_by: str
    left_by: str
    labware: str


class Stock(Model):
    """What the runs that have not ended will take."""

    world: World
    runs: dict[str, dict[str, Any]]
    tips: dict[str, int]
    liquids_ul: dict[str, float]


# Identity and approval


class Login(Model):
    """A person's name and password."""

    name: Annotated[str, Field(max_length=64)]
    password: Annotated[str, Field(max_length=256)]


class TokenIn(Model):
    """A token to make; what is left out is as wide as the principal's own."""

    principal: Annotated[str, Field(max_length=64)] | None = Field(None, description="another's needs `admin`")
    label: Annotated[str, Field(max_length=128)] = ""
    days: Annotated[float, Field(gt=0, le=366)] = 30
    scopes: list[Annotated[str, Field(max_length=64)]] | None = None
    hazard_ceiling: Hazard | None = None
    budget: dict[str, Annotated[float, Field(ge=0, lt=1e12)]] | None = None


class TokenOut(Model):
    """A new token; it is shown this once."""

    id: str
    principal: str
    token: str
    expires_at: float


class TokenInfo(Model):
    """A token, without its secret."""

    id: str
    principal: str
    label: str
    terms: dict[str, Any]
    created_at: float
    created_by: str
    expires_at: float
    revoked_at: float | None


class Me(Model):
    """Who is asking, and what they may do."""

    name: str
    kind: Literal["person", "agent"]
    may: list[str]
    hazard_ceiling: Hazard
    budget: dict[str, float]
    used: dict[str, float]
    token: str


class ApprovalIn(ProtocolIn):
    """What people are asked to approve: just this protocol, these parameters, this world."""

    world: World
    why: Text = ""


class Spoken(Model):
    """What a person said to it."""

    approver: str
    at: float
    verdict: Literal["granted", "refused"]
    note: str
    key_id: str
    signature: str


class ApprovalOut(Model):
    """An approval as it stands; `dry_run` is what people decide on."""

    id: str
    state: Literal["asked", "granted", "refused", "expired", "used"]
    requested_by: str
    requested_at: float
    expires_at: float
    world: World
    hazard: Hazard
    needed: int
    why: str
    bound_to: dict[str, str]
    protocol: str
    document: dict[str, Any]
    parameters: dict[str, Any]
    findings: list[Finding]
    dry_run: dict[str, Any]
    spoken: list[Spoken]


class Verdict(Model):
    """A person's word on an approval."""

    note: Text = ""


class AuditRecord(Model):
    """A record of the audit trail; `body` is the canonical JSON that `hash` is taken over."""

    seq: int
    hash: str
    body: str


class AuditHead(Model):
    """The newest signed head of the trail."""

    seq: int
    at: float
    hash: str
    key_id: str
    signature: str


class Health(Model):
    """Whether it lives, or is ready."""

    ok: bool
    detail: str = ""
