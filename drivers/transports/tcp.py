"""Bytes over TCP, plain or inside TLS: for `tcp:`, `http:` and `https:` addresses."""

import asyncio
import contextlib
import ssl
from urllib.parse import urlsplit

from drivers.core.errors import ConnectionFailed, ConnectionLost
from drivers.core.transport import Transport

#: Well-known ports (IANA); a `tcp:` address has none and must name its own.
DEFAULT_PORTS = {"http": 80, "https": 443}
CONNECT_TIMEOUT_S = 10.0


class TcpTransport(Transport):
    """One TCP connection; asyncio sets TCP_NODELAY, so a short command leaves at once."""

    def __init__(self, address: str) -> None:
        try:
            parts = urlsplit(address)
            host, port = parts.hostname, parts.port or DEFAULT_PORTS.get(parts.scheme)
        except ValueError as error:
            raise ConnectionFailed(f"{address}: {error}.", hint="Write tcp://host:port.") from error
        if not host or port is None:
            raise ConnectionFailed(f"{address} names no host and port.", hint="Write tcp://host:port.")
        self._host, self._port = host, port
        self._tls = parts.scheme == "https"
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def open(self) -> None:
        """Connect; a certificate is checked against the machine's authorities."""
        if self._streams is not None:
            return
        tls = ssl.create_default_context() if self._tls else None
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                self._streams = await asyncio.open_connection(self._host, self._port, ssl=tls)
        except (OSError, TimeoutError) as error:
            why = str(error) or f"no answer in {CONNECT_TIMEOUT_S:g} s"
            raise ConnectionFailed(
                f"no connection to {self._host} port {self._port}: {why}.",
                hint="Is the device on, and is its address right?",
            ) from error

    async def send(self, data: bytes) -> None:
        """Hand the bytes to the connection."""
        _, writer = self._connected()
        try:
            writer.write(data)
            await writer.drain()
        except OSError as error:
            raise ConnectionLost(f"{self._host} port {self._port}: {error}.") from error

    async def receive(self) -> bytes:
        """The next bytes; b"" also when the other end broke the connection off."""
        reader, _ = self._connected()
        try:
            return await reader.read(65536)
        except OSError:
            return b""

    async def close(self) -> None:
        """Close the connection; what was sent is still delivered."""
        if self._streams is None:
            return
        _, writer = self._streams
        self._streams = None
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            raise ConnectionLost(f"the connection to {self._host} port {self._port} is closed.")
        return self._streams
