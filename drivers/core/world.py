"""Which lab the stack talks to: the real one or the twin. Chosen by name; nothing else differs."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from drivers.core.plugins import plugins
from drivers.core.transport import Port, port_at

T = TypeVar("T")


class DeviceAddress(Protocol):
    """What a world needs to know of a device; a lab file's entry is one."""

    @property
    def driver(self) -> str:
        """Name of its driver."""

    @property
    def real(self) -> str:
        """Address of the instrument itself."""

    @property
    def options(self) -> Any:
        """Its driver's options."""


@dataclass(frozen=True, slots=True)
class WorldSettings:
    """How a world shall run. The real one has no use for most of it."""

    seed: int = 1
    #: Simulated seconds a second; None is as fast as the machine can.
    speed: float | None = None
    #: True puts the twins on real sockets of this machine.
    wire: bool = False
    #: Where virtual time begins (seconds since 1970); None is now.
    epoch_s: float | None = None
    #: A plan of faults for the twin (`sim_lab.faults.Plan`).
    faults: Any = None


class World(ABC):
    """Gives every device its port, and the loop's clock its pace."""

    name: str

    def __init__(self, devices: Mapping[str, DeviceAddress], sites: Mapping[str, Any], settings: WorldSettings) -> None:
        self.devices = devices
        self.sites = sites
        self.settings = settings

    @abstractmethod
    def run(self, main: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine to its end on a new loop that keeps this world's time."""

    @abstractmethod
    def load(self, names: Sequence[str]) -> None:
        """Import the code of these devices ahead of time, so that a run does not spend its time on it."""

    @abstractmethod
    async def start(self, names: Sequence[str]) -> None:
        """Make these devices reachable."""

    @abstractmethod
    def port(self, name: str) -> Port:
        """Where a started device is reached."""

    @abstractmethod
    def cleared(self, sites: Sequence[str]) -> None:
        """People say that nothing stands on these sites any more; a world that plays its people makes it so."""

    def fingerprint(self) -> str:
        """A hash of every byte that passed, where a world can see them; empty where it cannot."""
        return ""

    @abstractmethod
    async def close(self) -> None:
        """End what `start` began."""


class RealWorld(World):
    """The lab itself: real addresses, real time."""

    name = "real"

    def run(self, main: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run on an ordinary asyncio loop."""
        return asyncio.run(main())

    def load(self, names: Sequence[str]) -> None:
        """Nothing to do: drivers are all there is."""

    async def start(self, names: Sequence[str]) -> None:
        """Nothing to do: the devices are there, or their drivers will say so."""

    def port(self, name: str) -> Port:
        """The port at the device's `real` address."""
        return port_at(self.devices[name].real)

    def cleared(self, sites: Sequence[str]) -> None:
        """Nothing to do: they have done it."""

    async def close(self) -> None:
        """Nothing to do."""


def world_class(name: str) -> type[World]:
    """The world registered under a name in the entry-point group `lab.worlds`."""
    loaded: type[World] = plugins("lab.worlds")[name].load()
    return loaded
