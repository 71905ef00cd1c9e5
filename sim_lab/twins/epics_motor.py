"""The motor's twin: a Channel Access server (caproto) on this loop and on loopback, with one motor record.

It runs in real time, as the clients of Channel Access do.
"""

import asyncio
import contextlib
import socket
from typing import Any

from caproto.asyncio.server import Context
from caproto.asyncio.utils import _TransportWrapper

from drivers.beamline.epics_motor import wire
from sim_lab.twin import ServerTwin
from sim_lab.twins.motor_record import MotorRecord
from sim_lab.world.model import World

#: Where the stage may stand when the lab begins, mm.
FIRST_PLACE_MM = 5.0


class Twin(ServerTwin):
    """One stage with its record, which is named as the device."""

    has_line = False  # Channel Access finds its servers over UDP, and names its ports itself

    def __init__(self, name: str, options: Any, world: World) -> None:
        super().__init__(name, options, world)
        self.record = MotorRecord(name, round(self.rng.uniform(-FIRST_PLACE_MM, FIRST_PLACE_MM), 3))
        self._serving: asyncio.Task[None] | None = None

    async def start(self, host: str, port: int) -> str:
        """Serve on a port, both UDP and TCP; returns `ca://host:port/PREFIX`."""
        await self.record.begin()
        self._context = _LoopbackServer(self.record.pvdb, [host])
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
        """End the server; the stage stays where it is."""
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
