"""The twins on real ports of this machine, for any client: TCP and pseudo-terminals (loopback only)."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from drivers.core.errors import ConnectionLost
from drivers.core.transport import Transport
from sim_lab.twin import StreamTwin


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One twin on one real port."""

    device: str
    address: str
    stop: Callable[[], Coroutine[Any, Any, None]]


class _SocketLink(Transport):
    """The device's end of an accepted TCP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def open(self) -> None:
        """Accepted already."""

    async def send(self, data: bytes) -> None:
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as error:
            raise ConnectionLost(str(error)) from error

    async def receive(self) -> bytes:
        try:
            return await self._reader.read(65536)
        except OSError:
            return b""

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


async def serve_tcp(twin: StreamTwin, host: str, port: int, scheme: str = "tcp") -> Endpoint:
    """Serve a byte twin on a TCP port; 0 chooses one."""
    clients: set[asyncio.Task[Any]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        clients.add(task)
        link = _SocketLink(reader, writer)
        try:
            with contextlib.suppress(ConnectionLost, asyncio.CancelledError):
                await twin.serve(link)
        finally:
            clients.discard(task)
            await link.close()

    server = await asyncio.start_server(accept, host, port)
    bound = server.sockets[0].getsockname()[1]

    async def stop() -> None:
        server.close()
        for task in list(clients):
            task.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
        await server.wait_closed()

    return Endpoint(twin.name, f"{scheme}://{host}:{bound}", stop)
