"""The lab: its cells, devices, sites, stock and plan."""

from typing import Any, Literal

from pydantic import Field

from api.models.base import Model, World
from api.untrusted import Untrusted


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


class LiveValue(Model):
    """What the device last told of a quantity. `stale`: it may be otherwise by now, since nobody asked for a while."""

    quantity: str
    unit: str
    value: float | None
    at: float = Field(description="s since 1970, by the lab's clock")
    age_s: float
    stale: bool


class LiveDevice(Model):
    """What the worker holds of a device now, as its driver knows it; the device is not asked for it."""

    reached: bool = Field(description="whether it was there when it was last dialled")
    doing: str = Field(description="the verb that runs; empty while it rests")
    since: float | None
    told_s: float = Field(description="how long ago the worker told this, s")
    stale: bool = Field(description="whether the worker has fallen silent since")
    values: list[LiveValue]


class Device(Model):
    """An instrument. `readings` are the last results of its runs; `live` is what its driver last saw of it."""

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
    live: LiveDevice | None = Field(description="null while no worker has dialled it")


class Task(Model):
    """A bar of the Gantt chart, planned or real; `end` is null while it goes on."""

    run_id: str
    world: World
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
    world: World
    held_by: str
    left_by: str
    labware: str


class Stock(Model):
    """What the runs that have not ended will take."""

    world: World
    runs: dict[str, dict[str, Any]]
    tips: dict[str, int]
    liquids_ul: dict[str, float]
