"""The twins on real ports of this machine, for any client: TCP and pseudo-terminals (loopback only)."""

import asyncio
import contextlib
import os
import tty
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from drivers.core.errors import ConnectionFailed, ConnectionLost
from drivers.core.inbox import Inbox
from drivers.core.transport import Port, Transport, port_at
from sim_lab.twin import ServerTwin, StreamTwin

Client = Callable[[Transport], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One twin on one real port; `others` are its further TCP ports: the maker's number, then the address."""

    device: str
    address: str
    stop: Callable[[], Coroutine[Any, Any, None]]
    others: Mapping[int, str] = field(default_factory=dict)

    def port(self) -> Port:
        """How a driver in this process reaches the served twin."""

        def dial(tcp_port: int | None = None) -> Transport:
            address = self.address if tcp_port is None else self.others.get(tcp_port)
            if address is None:
                raise ConnectionFailed(f"{self.device} listens on no TCP port {tcp_port}.")
            return port_at(address).transport()

        return Port(self.address, dial)


class SocketLink(Transport):
    """The device's end of an accepted TCP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def open(self) -> None:
        """Accepted already."""

    async def send(self, data: bytes) -> None:
        """Write, at the pace at which the client reads; raises `ConnectionLost`."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as error:
            raise ConnectionLost(str(error)) from error

    async def receive(self) -> bytes:
        """What has come; empty at the end."""
        try:
            return await self._reader.read(65536)
        except OSError:
            return b""

    async def close(self) -> None:
        """End the connection."""
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


class _Listener:
    """One TCP port and its clients."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._tasks: set[asyncio.Task[Any]] = set()

    async def listen(self, host: str, port: int) -> int:
        """Begin; returns the port, which 0 leaves to the machine."""
        self._server = await asyncio.start_server(self._accept, host, port)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(SocketLink(reader, writer)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, link: Transport) -> None:
        try:
            with contextlib.suppress(ConnectionLost, asyncio.CancelledError):
                await self._client(link)
        finally:
            await link.close()

    async def stop(self) -> None:
        """Close the port and end every client."""
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()


async def serve_tcp(twin: StreamTwin, host: str, port: int, scheme: str = "tcp") -> Endpoint:
    """Serve a byte twin on TCP: at `port`, its further ports at the maker's numbers; 0 chooses all freely."""
    cleanup = contextlib.AsyncExitStack()

    async def open_port(client: Client, wanted: int) -> str:
        listener = _Listener(client)
        bound = await listener.listen(host, wanted)
        cleanup.push_async_callback(listener.stop)
        return f"{scheme}://{host}:{bound}"

    def on(tcp_port: int) -> Client:
        return lambda link: twin.serve_port(tcp_port, twin.line(link))

    async with contextlib.AsyncExitStack() as if_a_port_is_taken:
        if_a_port_is_taken.push_async_callback(cleanup.aclose)
        address = await open_port(lambda link: twin.serve(twin.line(link)), port)
        others = {number: await open_port(on(number), number if port else 0) for number in twin.tcp_ports}
        if_a_port_is_taken.pop_all()
    return Endpoint(twin.name, address, cleanup.aclose, others)


async def serve_server(twin: ServerTwin, host: str, port: int) -> Endpoint:
    """Serve a twin that brings its own server; where a plan has faults for its line, over a port in front of it."""
    disturbed = not twin.own_line and twin.world.faults.touch(twin.name)
    address = await twin.start(host, 0 if disturbed else port)
    if not disturbed:
        return Endpoint(twin.name, address, twin.stop)
    parts = urlsplit(address)

    async def carry(client: Transport) -> None:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        device, wire = SocketLink(reader, writer), twin.line(client)

        async def pump(source: Transport, sink: Transport) -> None:
            with contextlib.suppress(ConnectionLost):
                while data := await source.receive():
                    if source is wire and (gone_s := twin.fails("server_gone")) is not None:
                        away.append(asyncio.get_running_loop().create_task(leave(gone_s)))
                        return
                    await sink.send(data)

        ways = [asyncio.ensure_future(pump(*way)) for way in ((wire, device), (device, wire))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            await device.close()

    away: list[asyncio.Task[None]] = []  # while the server is gone

    async def leave(gone_s: float) -> None:
        await listener.stop()
        await asyncio.sleep(gone_s)
        await listener.listen(host, bound)

    listener = _Listener(carry)
    bound = await listener.listen(host, port)

    async def stop() -> None:
        for task in away:
            task.cancel()
        await asyncio.gather(*away, return_exceptions=True)
        await listener.stop()
        await twin.stop()

    return Endpoint(twin.name, parts._replace(netloc=f"{parts.hostname}:{bound}").geturl(), stop)


class _Terminal(Transport):
    """The device's end of a serial line: the master of a pseudo-terminal."""

    def __init__(self, master: int) -> None:
        self._master = master
        self._inbox = Inbox()
        self._closed = False

    async def open(self) -> None:
        """Listen to the line."""
        os.set_blocking(self._master, False)
        asyncio.get_running_loop().add_reader(self._master, self._readable)

    def _readable(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._inbox.put(os.read(self._master, 4096))

    async def send(self, data: bytes) -> None:
        """Put bytes on the line; what nobody reads is lost once its buffer is full, as on a real one."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._master, data)

    async def receive(self) -> bytes:
        return await self._inbox.take()

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            asyncio.get_running_loop().remove_reader(self._master)
            os.close(self._master)
            self._inbox.end()


async def serve_pty(twin: StreamTwin) -> Endpoint:
    """Serve a byte twin on a new pseudo-terminal, in real time; its address is `serial:///dev/pts/N`.

    A serial line does not tell who holds its other end: the twin has one client, for ever. The slave is kept
    open here, so that a client may come and go.
    """
    master, slave = os.openpty()
    tty.setraw(slave)
    line = _Terminal(master)
    await line.open()
    client = asyncio.get_running_loop().create_task(twin.serve(twin.line(line)))

    async def stop() -> None:
        client.cancel()
        await asyncio.gather(client, return_exceptions=True)
        await line.close()
        os.close(slave)

    return Endpoint(twin.name, f"serial://{os.ttyname(slave)}", stop)
