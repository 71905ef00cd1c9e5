"""How bytes reach an instrument: a very small async object, chosen by the scheme of an address."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from drivers.core.errors import ConnectionFailed
from drivers.core.plugins import plugins


class Transport(ABC):
    """One ordered byte stream to one instrument (or, in a twin, to whoever drives it)."""

    @abstractmethod
    async def open(self) -> None:
        """Make the connection; raises `ConnectionFailed`. Opening an open transport does nothing."""

    @abstractmethod
    async def send(self, data: bytes) -> None:
        """Hand all of `data` to the wire; raises `ConnectionLost`."""

    @abstractmethod
    async def receive(self) -> bytes:
        """Wait for the next bytes, at least one; `b""` means the other end closed."""

    async def send_break(self, duration_s: float) -> None:  # noqa: B027 - most wires have none
        """Hold a serial line in break; a stream that is no serial line knows no break, and nothing happens."""

    @abstractmethod
    async def close(self) -> None:
        """End the connection; closing a closed transport does nothing."""


@dataclass(frozen=True, slots=True)
class Port:
    """Where one device is reached: its address, and a way to open a byte stream to it.

    A driver whose library makes its own connection (OPC UA, MQTT, Channel Access) uses `address` and
    leaves `transport` alone. Neither tells the driver whether the device is real.
    """

    address: str
    #: `transport()` is a stream to `address`; `transport(n)` one to another TCP port of the same device, for
    #: makers who give it several (by the number in their manual).
    transport: Callable[..., Transport]


def transport_class(scheme: str) -> type[Transport]:
    """The transport registered for a scheme in the entry-point group `lab.transports`."""
    known = plugins("lab.transports")
    if scheme not in known:
        raise ConnectionFailed(f"no transport for '{scheme}:' addresses; known: {', '.join(sorted(known))}.")
    loaded: type[Transport] = known[scheme].load()
    return loaded


def port_at(address: str) -> Port:
    """The port of a device at a real address such as `tcp://127.0.0.1:10100`."""
    scheme = urlsplit(address).scheme

    def make(tcp_port: int | None = None) -> Transport:
        return transport_class(scheme)(address if tcp_port is None else beside(address, tcp_port))  # type: ignore[call-arg]

    return Port(address, make)


def beside(address: str, tcp_port: int) -> str:
    """The address of another TCP port of the same host; raises `ConnectionFailed` where there is no host.

    >>> beside("tcp://127.0.0.1:10100", 10000)
    'tcp://127.0.0.1:10000'
    """
    parts = urlsplit(address)
    if not parts.hostname:
        raise ConnectionFailed(f"{address} names no host, so it has no port {tcp_port} beside it.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{tcp_port}"
