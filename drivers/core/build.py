"""From an entry of a lab file to a driver on its port."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from drivers.core.driver import Driver
from drivers.core.limits import Limits
from drivers.core.motion import Motion
from drivers.core.timing import Timing
from drivers.core.world import World

if TYPE_CHECKING:  # looking at a lab drives nothing
    from drivers.core.instrument import Instrument


class Entry(Protocol):
    """What building a device needs; a lab file's entry has it."""

    @property
    def name(self) -> str:
        """The device's name."""

    @property
    def spec(self) -> Any:
        """Its `Driver`."""

    @property
    def options(self) -> Any:
        """The driver's options, validated."""

    @property
    def limits(self) -> Any:
        """Its limits, narrowed by the lab."""


def build(entry: Entry, world: World, sites: Mapping[str, Any]) -> "Instrument[Any]":
    """A device that is not yet connected."""
    driver: Driver = entry.spec
    limits: Limits = entry.limits
    device: Instrument[Any] = driver.load()(entry.name, world.port(entry.name), _options(entry, sites), limits)
    return device


def timing(entry: Entry, sites: Mapping[str, Any]) -> Timing | None:
    """How long a device takes, by its figures; None where its driver has none."""
    driver: Driver = entry.spec
    timed = driver.load_timing()
    return None if timed is None else timed(entry.name, _options(entry, sites))


def motion(entry: Entry, sites: Mapping[str, Any]) -> Motion | None:
    """Where a plate mover's body goes; None where its driver does not tell."""
    driver: Driver = entry.spec
    moved = driver.load_motion()
    return None if moved is None else moved(entry.name, _options(entry, sites))


def _options(entry: Entry, sites: Mapping[str, Any]) -> Any:
    """A device's options; those of a plate mover with the sites that it was taught."""
    options = entry.options
    if "sites" not in type(options).model_fields:
        return options
    taught = {name: site.model_dump(exclude={"arm"}) for name, site in sites.items() if site.arm == entry.name}
    return type(options).model_validate({**options.model_dump(), "sites": taught})
