"""The Channel Access server (caproto) of a twin, on this loop and on loopback, in real time as its clients are."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Mapping
from typing import Any

from caproto import CaprotoNetworkError
from caproto.asyncio.server import Context
from caproto.asyncio.utils import _TransportWrapper

from drivers.beamline.epics_motor import wire
from drivers.core.errors import ConnectionLost
from drivers.core.transport import Transport
from sim_lab.faults.line import FramedLine
from sim_lab.serve import SocketLink
from sim_lab.twin import ServerTwin


class ChannelAccessTwin(ServerTwin):
    """A twin whose process variables are named as the device; it says which, and what they are at first.

    A fault `server_gone` is an IOC that starts anew: its fields are what they were at first, its machine stands where
    it stood.
    """

    own_line = True  # its clients are told the port by the server itself, over UDP
    _serving: asyncio.Task[None] | None = None
    _away: asyncio.Task[None] | None = None

    async def begin(self) -> Mapping[str, Any]:
        """Give the process variables their first values; returns them by name."""
        raise NotImplementedError

    async def start(self, host: str, port: int) -> str:
        """Serve on a port, both UDP and TCP; returns `ca://host:port/PREFIX`."""
        self._context = _LoopbackServer(dict(await self.begin()), [host])
        self._context.end = self._end
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

    def line(self, link: Transport) -> Transport:
        """As any twin's, with what can happen to a frame over TCP."""
        if not self.world.faults.touch(self.name):
            return link
        return FramedLine(link, self.name, self.world.faults, self.world.rng(f"{self.name}/line"))

    def _end(self, link: Transport) -> Transport:
        """Its end of a client's connection, with what the plan of faults has for it."""
        return _Leaving(self.line(link), self) if self.world.faults.touch(self.name) else link

    def leave(self, gone_s: float) -> None:
        """Be gone for so long, and come back at the same port."""
        if self._away is None or self._away.done():
            self._away = asyncio.get_running_loop().create_task(self._leave(gone_s))

    async def _leave(self, gone_s: float) -> None:
        host, port = self._context.interfaces[0], self._context.ca_server_port
        await self._close()
        await asyncio.sleep(gone_s)
        await self.start(host, port)

    async def stop(self) -> None:
        """End the server; what it is the server of stays as it is."""
        if self._away is not None:
            self._away.cancel()
            await asyncio.gather(self._away, return_exceptions=True)
        await self._close()

    async def _close(self) -> None:
        if self._serving is not None:
            await self._context.close()
            self._serving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._serving
            self._serving = None


class _Leaving(Transport):
    """A connection to a server that may go when it is asked something."""

    def __init__(self, inner: Transport, twin: ChannelAccessTwin) -> None:
        self._inner, self._twin = inner, twin

    async def open(self) -> None:
        """Open already."""

    async def send(self, data: bytes) -> None:
        await self._inner.send(data)

    async def receive(self) -> bytes:
        data = await self._inner.receive()
        if data and (gone_s := self._twin.fails("server_gone")) is not None:
            self._twin.leave(gone_s)
            return b""
        return data

    async def close(self) -> None:
        await self._inner.close()


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

    end: Callable[[Transport], Transport]  # what stands between a client and this server

    async def server_accept_loop(self, sock: socket.socket) -> None:
        """Accept clients until `close`."""
        self._writers: list[asyncio.StreamWriter] = []
        self._server = await asyncio.start_server(self._accept, sock=sock)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers = [*(old for old in self._writers if not old.is_closing()), writer]
        transport = _Circuit(reader, writer, self.end(SocketLink(reader, writer)))
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


class _Circuit(_TransportWrapper):
    """One client's connection as caproto wants it, over an end of ours."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, end: Transport) -> None:
        super().__init__(reader, writer)
        self._end = end

    async def send(self, bytes_to_send: bytes) -> None:
        """One message after the other; raises caproto's error where the client has gone."""
        try:
            async with self.send_lock:
                await self._end.send(bytes_to_send)
        except ConnectionLost as error:
            raise CaprotoNetworkError(str(error)) from error

    async def recv(self, nbytes: int = 0) -> bytes:
        """What has come, however much; empty at the end."""
        return await self._end.receive()


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
