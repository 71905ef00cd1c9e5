"""What a driver says of itself: cheap to import, enough to check a lab file and to load the driver later."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from pydantic import BaseModel

from drivers.core.capability import Capability
from drivers.core.limits import Limits, Range
from drivers.core.plugins import plugins


@dataclass(frozen=True, slots=True)
class Driver:
    """One driver: its role, its options, its limits, the schemes it can be reached by, and its class."""

    summary: str
    role: str
    device: str  # "package.module:Class", loaded on first use
    options: type[BaseModel]
    schemes: tuple[str, ...]
    limits: Mapping[str, Range] = field(default_factory=dict)
    #: Sites that a device of this driver offers for labware, without the device's name: "tray", "1".
    sites: tuple[str, ...] = ()
    #: "package.module:Class" of its `Timing`, loaded on first use; empty where nobody knows how long it takes.
    timing: str = ""
    #: "package.module:Class" of a plate mover's `Motion`, loaded on first use; empty where nobody knows where it goes.
    motion: str = ""
    #: "package.module:PIPETTING" of a liquid handler's `Pipetting`, loaded on first use.
    pipetting: str = ""
    #: What it offers beside its role, by the name of the method; a protocol's `call` is checked against it.
    capabilities: Mapping[str, Capability] = field(default_factory=dict)

    def load(self) -> Any:
        """The driver's `Instrument` class."""
        return _loaded(self.device)

    def load_timing(self) -> Any:
        """The driver's `Timing` class, or None."""
        return _loaded(self.timing) if self.timing else None

    def load_motion(self) -> Any:
        """The driver's `Motion` class, or None."""
        return _loaded(self.motion) if self.motion else None

    def load_pipetting(self) -> Any:
        """The `Pipetting` of a liquid handler's driver, or None."""
        return _loaded(self.pipetting) if self.pipetting else None

    @property
    def default_limits(self) -> Limits:
        """The driver's own limits, before a lab narrows them."""
        return Limits(self.limits)


def _loaded(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


def installed() -> dict[str, Driver]:
    """Every driver that is installed, by the name a lab file uses."""
    return {name: point.load() for name, point in plugins("lab.drivers").items()}
