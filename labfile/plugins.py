"""What a lab file needs to know of a driver, and the drivers that are installed, found by name.

The drivers' room stands above this one, so nothing here imports it: a driver arrives by the entry-point
group `lab.drivers`, and `drivers.core.driver.Driver` has the shape below.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Protocol

from pydantic import BaseModel


class Limits(Protocol):
    """Named ranges in which a device may be commanded."""

    @property
    def ranges(self) -> Mapping[str, Any]:
        """Each range by its name; `str` of one tells it to people."""

    def narrowed(self, wanted: Mapping[str, object]) -> "tuple[Limits, list[tuple[str, str]]]":
        """These limits with narrower ranges put in, and what is wrong with any: (name, message)."""


class Driver(Protocol):
    """What a driver says of itself."""

    @property
    def summary(self) -> str:
        """One line for people."""

    @property
    def role(self) -> str:
        """The kind of instrument, such as PlateMover."""

    @property
    def options(self) -> type[BaseModel]:
        """The model of the driver's own keys in `[devices.<name>]`."""

    @property
    def schemes(self) -> tuple[str, ...]:
        """The address schemes by which its instrument is reached, such as tcp."""

    @property
    def sites(self) -> tuple[str, ...]:
        """The places it offers for labware, without the device's name."""

    @property
    def default_limits(self) -> Limits:
        """The driver's own limits."""

    def load(self) -> Any:
        """The driver's instrument class."""


class Installed(Mapping[str, Driver]):
    """The installed drivers by name; each is imported when it is first asked for, and may then fail."""

    def __init__(self) -> None:
        self._points: dict[str, EntryPoint] = {point.name: point for point in entry_points(group="lab.drivers")}

    def __getitem__(self, name: str) -> Driver:
        driver: Driver = self._points[name].load()
        return driver

    def __contains__(self, name: object) -> bool:
        return name in self._points  # `Mapping` would import the driver to answer

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._points))

    def __len__(self) -> int:
        return len(self._points)


@cache
def installed() -> Mapping[str, Driver]:
    """The drivers installed in this environment."""
    return Installed()
