"""What a protocol needs to know of a lab to be bound to it: roles, sites, reach, pipettes. No addresses."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from drivers.core.capability import Capability
from drivers.core.limits import Limits
from drivers.core.motion import Box, Motion
from drivers.core.pipettes import Pipetting
from drivers.core.timing import Timing
from protocols.problems import Severity


@dataclass(frozen=True, slots=True)
class SafetyPolicy:
    """What a lab adds to the rules: it may only tighten them."""

    unknown_material: Severity = "approve"
    rules: Mapping[str, Severity] = field(default_factory=dict)  # rule -> at least so grave here
    refused: tuple[str, ...] = ()  # CAS numbers
    max_biosafety_level: int = 1
    waste_capacity_ul: float = 1e6


@dataclass(frozen=True, slots=True)
class Means:
    """What a lab's work costs and what it has; liquids by the name of their material. None is no bound."""

    currency: str = "USD"
    approve_above: float | None = None
    tip: float = 0.0
    instrument_hour: Mapping[str, float] = field(default_factory=dict)  # by device
    liquid_ml: Mapping[str, float] = field(default_factory=dict)
    stock_ml: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DayBudget:
    """What an agent may use in a day; None is no bound."""

    instrument_minutes: float | None = None
    reagent_ml: float | None = None
    money: float | None = None


@dataclass(frozen=True, slots=True)
class LabView:
    """One lab as the binder sees it; site names are whole, such as `reader.tray`."""

    roles: Mapping[str, str]  # device -> role
    sites: Mapping[str, tuple[str, ...]]  # device -> its own sites, in order of preference
    taught: Mapping[str, frozenset[str]]  # plate mover, or incubator -> sites between which it carries plates
    mounts: Mapping[str, str]  # mount of the first liquid handler -> pipette model that hangs there
    storage: tuple[str, ...] = ()  # sites of hotels and racks
    limits: Mapping[str, Limits] = field(default_factory=dict)  # device -> what it may be asked for
    policy: SafetyPolicy = field(default_factory=SafetyPolicy)
    busy: Mapping[str, int] = field(default_factory=dict)  # site -> how many runs want it: others are taken first
    #: How long devices take, each time as if they had just been switched on; None where nobody can tell.
    timings: Callable[[Iterable[str]], Mapping[str, Timing | None]] | None = None
    overdue: Mapping[str, str] = field(default_factory=dict)  # device -> the day at which its calibration was due
    closed: Mapping[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)  # maintenance, s from now
    budgets: Mapping[str, DayBudget] = field(default_factory=dict)  # by agent
    #: Where the bodies of plate movers go, each time as if they had just been switched on; None where nobody can tell.
    motions: Callable[[Iterable[str]], Mapping[str, Motion | None]] | None = None
    boxes: Mapping[str, tuple[Box, ...]] = field(default_factory=dict)  # plate mover -> what stands round it
    #: Plate mover -> site -> x, y, z (mm) and turn (deg) of its gripper as it holds a plate there, taught or known.
    places: Mapping[str, Mapping[str, tuple[float, float, float, float]]] = field(default_factory=dict)
    means: Means = field(default_factory=Means)
    pipetting: Pipetting | None = None  # of the first liquid handler: what its driver declares
    #: Device -> what its driver declares beside its role, by name.
    capabilities: Mapping[str, Mapping[str, Capability]] = field(default_factory=dict)

    def first(self, role: str) -> str | None:
        """The first device of a role."""
        return next((name for name, has in self.roles.items() if has == role), None)

    def able(self, role: str, limit: str, value: float) -> str | None:
        """The first device of a role whose limit of that name allows a value."""
        for name in (name for name, has in self.roles.items() if has == role):
            allowed = self.limits[name].ranges.get(limit) if name in self.limits else None
            if allowed is None or allowed.low <= value <= allowed.high:
                return name
        return None

    def owner(self, site: str) -> str | None:
        """The device a site belongs to; None for storage."""
        return next((device for device, sites in self.sites.items() if site in sites), None)

    def all_sites(self) -> list[str]:
        """Every site by its whole name."""
        return [site for sites in self.sites.values() for site in sites] + list(self.storage)

    def mover(self, source: str, destination: str) -> str | None:
        """A plate mover that reaches both sites."""
        return next((arm for arm, reach in self.taught.items() if {source, destination} <= reach), None)

    def station(self, source: str, destination: str) -> str | None:
        """A site at which one mover hands over to another, where no single one reaches both ends."""
        found = (
            sorted(first & second)
            for first in self.taught.values() if source in first
            for second in self.taught.values() if destination in second
        )  # fmt: skip
        return next((sites[0] for sites in found if sites), None)

    def reachable(self, site: str) -> bool:
        """Whether any plate mover reaches a site."""
        return any(site in reach for reach in self.taught.values())
