"""From an entry of a lab file to a driver on its port."""

from collections.abc import Mapping
from typing import Any, Protocol

from drivers.core.driver import Driver
from drivers.core.instrument import Instrument
from drivers.core.limits import Limits
from drivers.core.world import World


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


def build(entry: Entry, world: World, sites: Mapping[str, Any]) -> Instrument[Any]:
    """A device that is not yet connected; a plate mover's options also get the sites that it was taught."""
    driver: Driver = entry.spec
    limits: Limits = entry.limits
    options = entry.options
    if "sites" in type(options).model_fields:
        taught = {name: site.model_dump(exclude={"arm"}) for name, site in sites.items() if site.arm == entry.name}
        options = type(options).model_validate({**options.model_dump(), "sites": taught})
    device: Instrument[Any] = driver.load()(entry.name, world.port(entry.name), options, limits)
    return device
