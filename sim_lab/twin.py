"""What every device twin is: the DEVICE role of its wire in front of the world."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from drivers.core.errors import ConnectionFailed
from drivers.core.transport import Transport
from sim_lab.faults.line import FaultyLine
from sim_lab.world.model import World


class Twin:
    """One simulated device; it changes and senses the world, and only it knows how its wire speaks."""

    #: Whether all it says goes over one stream of bytes, on which messages can go wrong.
    has_line: ClassVar[bool] = True

    def __init__(self, name: str, options: Any, world: World) -> None:
        self.name = name
        self.options = options
        self.world = world
        self.rng = world.rng(name)  # seeded per device, so that one device's draws never move another's

    def fails(self, fault: str) -> float | None:
        """Whether a fault of the catalogue happens to this device at this occasion, and by how much."""
        return self.world.faults.happens(self.name, fault)

    def skew_s(self) -> float:
        """By how much its clock is ahead of the lab's; less than 0 where it is behind."""
        return (self.fails("clock_fast") or 0.0) - (self.fails("clock_skew") or 0.0)

    def line(self, link: Transport) -> Transport:
        """The device's end of a wire, with the faults that the plan has for it."""
        if not self.world.faults.touch(self.name):
            return link
        return FaultyLine(link, self.name, self.world.faults, self.world.rng(f"{self.name}/line"))

    def site(self, place: str) -> str:
        """The full name of one of this device's own sites, such as `reader.tray`."""
        return f"{self.name}.{place}"


class StreamTwin(Twin, ABC):
    """A twin that speaks bytes over any stream: in the process, over TCP or over a pseudo-terminal."""

    #: The line's speed in the process (bits a second); None for a network wire.
    baud: ClassVar[int | None] = None
    #: The device's other TCP ports, by the maker's numbers; most devices have none.
    tcp_ports: ClassVar[tuple[int, ...]] = ()

    @abstractmethod
    async def serve(self, link: Transport) -> None:
        """Answer one client until it closes. The device's state outlives the client."""

    async def serve_port(self, tcp_port: int, link: Transport) -> None:
        """Answer one client on one of `tcp_ports`, as `serve` does on the port of the device's address."""
        raise ConnectionFailed(f"{self.name} listens on no TCP port {tcp_port}.")


class ServerTwin(Twin, ABC):
    """A twin whose protocol library brings its own server (OPC UA, MQTT, Channel Access)."""

    #: Whether it puts the faults of its line into its own connections; else they are put into a port in front of it.
    own_line: ClassVar[bool] = False

    @abstractmethod
    async def start(self, host: str, port: int) -> str:
        """Serve on a loopback port (0 chooses one); returns the address a driver or client uses."""

    @abstractmethod
    async def stop(self) -> None:
        """End the server."""
