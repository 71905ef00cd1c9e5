"""The tables of `lab.toml`, one pydantic model each: the shape that a lab file must have."""

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveFloat, WithJsonSchema

from labfile.nearest import did_you_mean
from labfile.secret import Secret, is_reference

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_SITE = re.compile(r"([a-z][a-z0-9_]*)\.([A-Za-z0-9_]+)")
#: Width of a microplate's footprint, across which a gripper holds it. Source: ANSI/SLAS 1-2004 (R2012).
_PLATE_WIDTH_MM = 85.48
MAX_SLOTS = 1000
#: Options that a driver may have but no lab file writes: they are filled from the lab's other tables.
FILLED_OPTIONS = frozenset({"sites"})

Hazard = Literal["low", "medium", "high"]
PersonMay = Literal[
    "validate",
    "simulate",
    "submit",
    "run",
    "pause",
    "resume",
    "abort",
    "settle",
    "approve:low",
    "approve:medium",
    "approve:high",
    "audit",
    "admin",
]
#: An agent never approves, and never says what an interrupted action did: both are for a person.
AgentMay = Literal["validate", "simulate", "submit", "run", "pause", "resume", "abort"]


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError("this name is not allowed - begin with a small letter; go on with small letters, digits and _")
    return text


def _site_name(text: str) -> str:
    if not _SITE.fullmatch(text):
        raise ValueError('a site is a device or storage and its place in quotes - such as [sites."reader.tray"]')
    return text


def _timezone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (LookupError, ValueError, OSError):
        near = did_you_mean(text, available_timezones())
        raise ValueError(f"no such time zone - {near or 'use a name such as America/Chicago'}") from None
    return text


def _url(*schemes: str) -> Callable[[str], str]:
    """Allows URLs that begin with one of these, without a password, and the name of a secret."""

    def allowed(text: str) -> str:
        if is_reference(text):
            return text
        if not text.startswith(schemes):
            raise ValueError(f"must begin with {' or '.join(schemes)} - or name a secret: env:NAME")
        try:
            parts = urlsplit(text)
        except ValueError:
            raise ValueError("is not a URL") from None
        if parts.password is not None:
            raise ValueError("holds a password - put the whole URL into the environment and write env:NAME")
        return text

    return allowed


Name = Annotated[str, AfterValidator(_name), WithJsonSchema({"type": "string", "pattern": f"^{_NAME.pattern}$"})]
SiteName = Annotated[
    str, AfterValidator(_site_name), WithJsonSchema({"type": "string", "pattern": f"^{_SITE.pattern}$"})
]


class Table(BaseModel):
    """What all tables share: no unknown key, no change after reading, no conversion, no value in errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, allow_inf_nan=False)


class LabTable(Table):
    """`[lab]`: which lab this is."""

    name: str = Field(
        pattern=r"^[a-z][a-z0-9_-]*$",
        description="The cell's short name: a small letter, then small letters, digits, _ and -.",
    )
    facility: str = Field(min_length=1, description="The organisation or facility, in full.")
    ror: str | None = Field(
        default=None,
        pattern=r"^https://ror\.org/0[a-hj-km-np-tv-z0-9]{6}[0-9]{2}$",
        description="The facility's identifier in the Research Organization Registry, https://ror.org/...",
    )
    mode: Literal["twin", "real"] = Field(
        default="twin", description="The world the lab starts in; --twin and --real win over it."
    )
    timezone: Annotated[str, AfterValidator(_timezone)] = Field(
        description="The lab's time zone, by its IANA name, such as America/Chicago."
    )


class DeviceTable(Table):
    """`[devices.<name>]`: one instrument. Every other key in it is an option of its driver."""

    driver: str = Field(description="The driver's name, as `lab devices` lists them.")
    real: str = Field(description="The address of the instrument, such as tcp://arm.lab.example:10100.")
    twin: str = Field(
        description='The address of its twin: "sim:" in this process, an address of a served twin, or "none".'
    )
    limits: dict[str, Any] = Field(
        default={},
        description='Narrower limits than the driver\'s own: name = ["lower", "upper"], with units.',
    )
    stands_in_for: Name | None = Field(
        default=None,
        description="Another device, of the same driver, options and limits, in whose place a plan may take this one.",
    )
    calibration_due: date | None = Field(
        default=None, description="The day from which its calibration no longer counts, such as 2027-03-31."
    )


class Storage(Table):
    """`[storage.<name>]`: a rack or hotel for labware; its places are `<name>.1` to `<name>.<slots>`."""

    slots: int = Field(ge=1, le=MAX_SLOTS, description="How many places it has.")


class Site(Table):
    """`[sites."<device or storage>.<place>"]`: where an arm finds labware, as taught at the bench.

    `at_mm` and `yaw_deg` are the gripper's pose, in the arm's base frame, as it holds a plate standing there.
    """

    arm: str = Field(description="The device that was taught this site; its role is PlateMover.")
    at_mm: Annotated[tuple[float, float, float], Field(strict=False)] = Field(
        description="x, y, z of the gripper in the arm's frame, in mm."
    )
    yaw_deg: float = Field(ge=-180, le=180, description="Turn of the gripper about the vertical, in degrees.")
    elbow: Literal["left", "right"] | None = Field(
        default=None,
        description="The side to which the arm's elbow points here; the arm chooses when left out.",
    )
    access: Literal["vertical", "horizontal"] = Field(
        default="vertical", description="Whether the arm comes from above, or from the side as into a hotel."
    )
    approach_mm: float = Field(
        default=60.0,
        gt=0,
        description="How far above (or in front of) the site the arm begins and ends, in mm.",
    )
    lift_mm: float = Field(
        default=10.0,
        ge=0,
        description="How far the arm lifts labware before it draws it out sideways, in mm.",
    )
    grip_mm: float = Field(
        default=_PLATE_WIDTH_MM, gt=0, description="Width of the labware between the fingers, in mm."
    )


class Deck(Table):
    """`[decks.<device>]`: where the slots of a deck lie in an arm's frame, besides those it was taught: for collisions.

    Slots are counted row by row, from 1; one of them must be taught.
    """

    columns: int = Field(ge=1, le=100, description="Slots of one row.")
    next_column_mm: Annotated[tuple[float, float], Field(strict=False)] = Field(
        description="x, y in the arm's frame from a slot to the next one of its row, in mm."
    )
    next_row_mm: Annotated[tuple[float, float], Field(strict=False)] = Field(
        description="x, y in the arm's frame from a slot to that of the next row, in mm."
    )


class Box(Table):
    """`[boxes.<name>]`: what an arm must not hit: the body of a device, a wall, a bin."""

    arm: str = Field(description="The device in whose frame it is given; its role is PlateMover.")
    at_mm: Annotated[tuple[float, float, float], Field(strict=False)] = Field(
        description="x, y, z of the middle of its floor in the arm's frame, in mm."
    )
    size_mm: Annotated[tuple[PositiveFloat, PositiveFloat, PositiveFloat], Field(strict=False)] = Field(
        description="Its size along its own x, along its own y, and up, in mm."
    )
    yaw_deg: float = Field(default=0.0, ge=-180, le=180, description="Turn about the vertical, in degrees.")


class Person(Table):
    """`[people.<name>]`: what a person may do. Stopping is allowed to everyone and needs no entry."""

    may: Annotated[frozenset[PersonMay], Field(strict=False)] = Field(description="What this person may do.")


class Budget(Table):
    """How much of the lab an agent may use; a figure that is left out means no bound of that kind."""

    runs_per_day: int | None = Field(default=None, ge=0, description="Runs begun in a day.")
    instrument_minutes_per_day: float | None = Field(
        default=None, ge=0, description="Minutes of instrument time in a day, all devices together."
    )
    reagent_ml_per_day: float | None = Field(default=None, ge=0, description="Liquids in a day, in mL.")
    money_per_day: float | None = Field(default=None, ge=0, description="Money in a day, by `[prices]`.")


class Agent(Table):
    """`[agents.<name>]`: what an AI agent may do. It can never approve."""

    may: Annotated[frozenset[AgentMay], Field(strict=False)] = Field(description="What this agent may do.")
    hazard_ceiling: Hazard = Field(
        default="low", description="The highest hazard of a protocol that this agent may submit."
    )
    budget: Budget = Field(default=Budget(), description="How much of the lab the agent may use.")


class Policy(Table):
    """`[policy]`: what happens with a protocol that needs judgement."""

    unknown_material: Literal["approve", "block", "warn"] = Field(
        default="approve",
        description="A material the lab knows nothing of: ask a person, refuse, or only warn.",
    )
    rules: dict[str, Literal["approve", "block"]] = Field(
        default={},
        description='Rules (docs/reference/rules.md) that weigh more here: `CHEM-004 = "block"`. Never less.',
    )
    refused: tuple[str, ...] = Field(default=(), description="CAS numbers that no protocol may use here.")
    max_biosafety_level: Annotated[int, Field(ge=1, le=4)] = Field(
        default=1, description="The highest biosafety level that this lab is fit for."
    )
    cedar: str = Field(default="", description="Cedar policies of the lab's own; they may only forbid.")
    waste_capacity_ml: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Field(
        default=1000.0, description="What the liquid waste takes of one run, in mL."
    )


class Prices(Table):
    """`[prices]`: what the lab's work costs, for budgets of money."""

    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$", description="ISO 4217.")
    instrument_hour: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default={}, description="Of an hour of each device; one that is left out costs nothing."
    )
    liquid_ml: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default={}, description="Of a mL of each material, by the name that protocols give it."
    )
    tip: float = Field(default=0.0, ge=0, description="Of one pipette tip.")
    approve_above: float | None = Field(
        default=None, ge=0, description="A run that costs more needs a person's approval; no bound if left out."
    )


class Stock(Table):
    """`[stock]`: what the lab has; what is not named is taken to be enough."""

    liquid_ml: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default={}, description="Of each material, in mL, by the name that protocols give it."
    )


class Maintenance(Table):
    """`[maintenance.<name>]`: when a device is not for runs."""

    device: str = Field(description="The device that is taken care of.")
    from_: datetime = Field(alias="from", description="When it begins; without an offset in the lab's time zone.")
    until: datetime = Field(description="When the device is for runs again.")
    what: str = Field(default="", description="What is done.")


class InterlockTable(Table):
    """`[interlocks.<name>]`: what a sensor must show while runs are at work. It guards nothing: hardware does."""

    device: str = Field(description="The sensor that is asked.")
    quantity: str = Field(min_length=1, description="What it must tell, such as door, e_stop or oxygen.")
    at_least: float | None = Field(default=None, description="The least value, in the sensor's own unit.")
    at_most: float | None = Field(default=None, description="The greatest value; 0 for a door that must be closed.")
    every_s: Annotated[float, Field(ge=0.5)] = Field(default=2.0, description="Seconds between two looks.")


class Store(Table):
    """`[store]`: where the lab keeps its state."""

    url: Annotated[str, AfterValidator(_url("sqlite:///", "postgresql://"))] = Field(
        default="sqlite:///var/lab.db",
        description="sqlite:///path or postgresql://host/name; env:NAME takes it from the environment.",
    )


class Oidc(Table):
    """`[api.oidc]`: people and services that prove who they are by an OpenID Connect provider."""

    issuer: Annotated[str, AfterValidator(_url("http://", "https://"))] = Field(
        description="The provider's address; its keys are found under .well-known/openid-configuration."
    )
    audience: str = Field(min_length=1, description="For whom its tokens must be made: this lab's name there.")
    claim: str = Field(
        default="preferred_username", description="The claim whose value is a name of [people] or [agents]."
    )


class Api(Table):
    """`[api]`: where the lab's HTTP and MCP interface listens."""

    host: str = Field(default="127.0.0.1", description="The address to listen at.")
    port: int = Field(default=8470, ge=0, le=65535, description="0 takes any free one.")
    names: tuple[str, ...] = Field(
        default=(), description="Host names besides localhost under which the lab is asked; others are refused."
    )
    certificate: str | None = Field(default=None, description="PEM file of the TLS certificate (chain).")
    key: str | None = Field(default=None, description="PEM file of its private key.")
    plain_beyond_loopback: bool = Field(
        default=False, description="Listen on other than loopback addresses without TLS: a proxy in front has it."
    )
    signing_key: str = Field(
        default="var/lab.key", description="PEM file of the lab's Ed25519 key; made when it is not there."
    )
    oidc: Oidc | None = Field(default=None, description="An OpenID Connect provider whose tokens are taken as well.")


class Compute(Table):
    """`[compute]`: where heavy computing is done."""

    executor: Literal["processes", "parsl", "dask"] = Field(
        default="processes", description="Processes of this machine, Parsl or Dask."
    )


class Sinks(Table):
    """`[sinks]`: where a run's documents go besides its own file."""

    tiled: Annotated[str, AfterValidator(_url("http://", "https://"))] | None = Field(
        default=None, description="A Tiled server, such as http://127.0.0.1:8000; env:NAME takes it from there."
    )
    tiled_api_key: Secret | None = Field(default=None, description="Its API key, as env:NAME.")
    mqtt: Annotated[str, AfterValidator(_url("mqtt://", "mqtts://"))] | None = Field(
        default=None, description="An MQTT broker, such as mqtt://127.0.0.1:1883; env:NAME takes it from there."
    )
    mqtt_password: Secret | None = Field(default=None, description="The password of the broker's user, as env:NAME.")
    parquet: bool = Field(default=False, description="Whether each run's folder gets its table as CSV and Parquet.")


class Telemetry(Table):
    """`[telemetry]`: where traces of requests, runs and actions go, by OpenTelemetry. Without it nothing is traced."""

    collector: Annotated[str, AfterValidator(_url("http://", "https://"))] | None = Field(
        default=None, description="An OTLP/HTTP collector, such as http://127.0.0.1:4318; env:NAME takes it from there."
    )
    sample: Annotated[float, Field(ge=0, le=1)] = Field(
        default=1.0, description="The share of traces that is kept; each is kept whole or not at all."
    )


class Document(Table):
    """The whole of `lab.toml`."""

    version: Literal[1] = Field(alias="schema", description="The version of this format: 1.")
    lab: LabTable = Field(description="Which lab this is.")
    devices: dict[Name, DeviceTable] = Field(description="The instruments, by name.")
    storage: dict[Name, Storage] = Field(default={}, description="Racks and hotels for labware, by name.")
    sites: dict[SiteName, Site] = Field(default={}, description="Sites that an arm was taught, by full name.")
    decks: dict[Name, Deck] = Field(default={}, description="Where the slots of decks lie, by device.")
    boxes: dict[Name, Box] = Field(default={}, description="What an arm must not hit, by name.")
    people: dict[str, Person] = Field(default={}, description="Who may do what.")
    agents: dict[str, Agent] = Field(default={}, description="Which AI agent may do what.")
    maintenance: dict[Name, Maintenance] = Field(default={}, description="When devices are not for runs, by name.")
    interlocks: dict[Name, InterlockTable] = Field(
        default={}, description="What sensors must show while runs are at work, by name."
    )
    policy: Policy = Field(default=Policy(), description="What needs a person's judgement.")
    prices: Prices = Field(default=Prices(), description="What the lab's work costs.")
    stock: Stock = Field(default=Stock(), description="What the lab has.")
    api: Api = Field(default=Api(), description="Where the HTTP and MCP interface listens.")
    store: Store = Field(default=Store(), description="Where the lab keeps its state.")
    sinks: Sinks = Field(default=Sinks(), description="Where documents go besides a run's own file.")
    telemetry: Telemetry = Field(default=Telemetry(), description="Where traces go.")
    compute: Compute = Field(default=Compute(), description="Where heavy computing is done.")
