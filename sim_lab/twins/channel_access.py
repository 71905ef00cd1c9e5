"""The Channel Access server (caproto) of a twin, on this loop and on loopback, in real time as its clients are."""

import asyncio
import contextlib
import socket
from collections.abc import Mapping
from typing import Any

from caproto.asyncio.server import Context
from caproto.asyncio.utils import _TransportWrapper

from drivers.beamline.epics_motor import wire
from sim_lab.twin import ServerTwin


class ChannelAccessTwin(ServerTwin):
    """A twin whose process variables are named as the device; it says which, and what they are at first."""

    has_line = False  # Channel Access finds its servers over UDP, and names its ports itself
    _serving: asyncio.Task[None] | None = None

    async def begin(self) -> Mapping[str, Any]:
        """Give the process variables their first values; returns them by name."""
        raise NotImplementedError

    async def start(self, host: str, port: int) -> str:
        """Serve on a port, both UDP and TCP; returns `ca://host:port/PREFIX`."""
        self._context = _LoopbackServer(dict(await self.begin()), [host])
        self._context.ca_server_port = port or _free_port(host)
        up = asyncio.Event()

        async def is_up(_: Any) -> None:
            up.set()

        self._serving = asyncio.create_task(self._context.run(startup_hook=is_up))
        waiting = asyncio.create_task(up.wait())
        await asyncio.wait((self._serving, waiting), return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._serving.done():
            self._serving.result()
        return wire.write(host, self._context.ca_server_port, self.name)

    async def stop(self) -> None:
        """End the server; what it is the server of stays as it is."""
        if self._serving is not None:
            await self._context.close()
            self._serving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._serving
            self._serving = None


#: Turns of the loop from a connection that the system has accepted to `_accept`; one that comes while the server closes
#: is closed with the others.
ACCEPTING = 3


class _LoopbackServer(Context):
    """caproto's server, but it tells the network nothing of itself, and it closes what it opened."""

    async def broadcast_beacon_loop(self) -> None:
        """No beacons: they would go to every network of this machine, so what caproto opened for them is closed."""
        for _, sender in self.beacon_socks.values():
            sender.close()
        self.beacon_socks.clear()

    async def _bind_tcp_sockets_with_consistent_port_number(self, make_socket: object) -> Any:
        """As caproto does, but a socket whose port is taken is closed, not left to the garbage collector."""
        return await super()._bind_tcp_sockets_with_consistent_port_number(_bound_socket)

    async def server_accept_loop(self, sock: socket.socket) -> None:
        """Accept clients until `close`."""
        self._writers: list[asyncio.StreamWriter] = []
        self._server = await asyncio.start_server(self._accept, sock=sock)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        transport = _TransportWrapper(reader, writer)
        self.server_tasks.create(self.tcp_handler(transport, transport.getpeername()))

    async def close(self) -> None:
        """Close the port and every client's connection."""
        self._server.close()
        for _ in range(ACCEPTING):
            await asyncio.sleep(0)
        for writer in self._writers:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        await self._server.wait_closed()


async def _bound_socket(host: str, port: int) -> socket.socket:
    """A listening socket's beginning; raises OSError when the port is taken."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setblocking(False)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


def _free_port(host: str) -> int:
    """A port that is free now for UDP, on which clients search; TCP takes the same if it can."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port
