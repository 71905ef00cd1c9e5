"""A lab file that has been read and checked: frozen, and with every driver, option and limit found."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import rfc8785
from pydantic import BaseModel

from labfile.model import (
    Agent,
    Api,
    Box,
    Compute,
    Deck,
    Person,
    Policy,
    Prices,
    Sinks,
    Site,
    Stock,
    Storage,
    Store,
    Telemetry,
)
from labfile.plugins import Driver, Limits


@dataclass(frozen=True, slots=True)
class DeviceEntry:
    """One instrument of the lab; has what `drivers.core.world.DeviceAddress` asks for."""

    name: str
    driver: str
    spec: Driver
    real: str
    twin: str
    options: BaseModel
    limits: Limits
    calibration_due: date | None = None
    stands_in_for: str | None = None

    @property
    def role(self) -> str:
        """The kind of instrument, such as PlateMover."""
        return self.spec.role

    @property
    def real_time_only(self) -> bool:
        """Whether its driver has threads of its own, which no virtual clock can hold; imports the driver."""
        return bool(self.spec.load().real_time_only)

    @property
    def sites(self) -> tuple[str, ...]:
        """The full names of the device's own places for labware, such as `reader.tray`."""
        return tuple(f"{self.name}.{place}" for place in self.spec.sites)


@dataclass(frozen=True, slots=True)
class Window:
    """A time in which a device is not for runs, s since 1970."""

    name: str
    device: str
    begins: float
    ends: float
    what: str


@dataclass(frozen=True, slots=True)
class Interlock:
    """What a sensor must show while runs are at work: a quantity between two values, of which one may be missing."""

    name: str
    device: str
    quantity: str
    at_least: float | None
    at_most: float | None
    every_s: float


@dataclass(frozen=True, slots=True)
class Lab:
    """What `lab.toml` says. Secrets are in it by name only (`env:NAME`)."""

    name: str
    facility: str
    ror: str | None
    mode: str
    timezone: str
    devices: Mapping[str, DeviceEntry]
    storage: Mapping[str, Storage]
    #: The sites an arm was taught, by full name.
    sites: Mapping[str, Site]
    decks: Mapping[str, Deck]
    boxes: Mapping[str, Box]
    people: Mapping[str, Person]
    agents: Mapping[str, Agent]
    maintenance: tuple[Window, ...]
    interlocks: tuple[Interlock, ...]
    policy: Policy
    prices: Prices
    stock: Stock
    api: Api
    store: Store
    sinks: Sinks
    telemetry: Telemetry
    compute: Compute
    #: sha256 (hex) over the canonical JSON of the file's content: comments and layout do not change it.
    config_hash: str
    path: Path

    @property
    def stand_ins(self) -> dict[str, tuple[str, ...]]:
        """Of each device that has any, the devices that may be taken in its place."""
        named: dict[str, list[str]] = {}
        for name, entry in self.devices.items():
            named.setdefault(entry.stands_in_for or name, []).append(name)
        groups = [group for group in named.values() if len(group) > 1]
        return {name: tuple(other for other in group if other != name) for group in groups for name in group}

    @property
    def all_sites(self) -> tuple[str, ...]:
        """The full name of every place for labware, taught to an arm or not: devices first, then storage."""
        own = [site for device in self.devices.values() for site in device.sites]
        stored = [f"{name}.{slot}" for name, rack in self.storage.items() for slot in range(1, rack.slots + 1)]
        return (*own, *stored)

    def in_real_time(self, names: Iterable[str]) -> tuple[str, ...]:
        """Those of some devices (and of other names, such as the clock's) that no virtual clock can hold."""
        return tuple(name for name in names if name in self.devices and self.devices[name].real_time_only)


def config_hash(document: Mapping[str, Any]) -> str:
    """sha256 in hex over the canonical JSON (RFC 8785) of a TOML document; dates and times as ISO 8601 text.

    >>> config_hash({"a": 1}) == config_hash({"a": 1.0})
    True
    """
    return hashlib.sha256(rfc8785.dumps(_plain(document))).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value.isoformat() if isinstance(value, date | datetime | time) else value
