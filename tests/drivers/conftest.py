"""Clients that die: a port on which every connection of one process ends at a chosen message."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from drivers.core.build import build
from drivers.core.driver import installed
from drivers.core.errors import ConnectionFailed, ConnectionLost
from drivers.core.instrument import Command, Instrument
from drivers.core.transport import Port, Transport, port_at
from drivers.core.world import WorldSettings
from labfile import Lab
from sim_lab import link
from sim_lab.session import TwinWorld, twin_class
from sim_lab.world import model


class Death:
    """When a process dies: at its `at`-th message after `begin`, in one of four ways.

    `before` a message is sent, with `half` of it sent, `after` all of it, or when a `reply` came that nobody reads.
    """

    WAYS = ("before", "half", "after", "reply")

    def __init__(self, way: str, at: int) -> None:
        self._way, self._left = way, at
        self._counts = False
        self.links: list[Callable[[], Awaitable[None]]] = []
        self.came = asyncio.Event()

    def begin(self) -> None:
        self._counts = True

    def strikes(self, sent: bool) -> bool:
        """Count one message; True when this is the one."""
        if not self._counts or sent == (self._way == "reply"):
            return False
        self._left -= 1
        return self._left < 0

    def passes(self, data: bytes) -> bytes:
        """What of the last message still leaves the process."""
        return {"before": b"", "half": data[: len(data) // 2], "after": data}[self._way]

    async def come(self) -> None:
        """The kernel closes what the process had open."""
        self.came.set()
        for close in self.links:
            await close()


class Mortal(Transport):
    """A connection of the process that dies."""

    def __init__(self, inner: Transport, death: Death) -> None:
        self._inner, self._death = inner, death
        death.links.append(inner.close)

    async def open(self) -> None:
        if self._death.came.is_set():
            raise ConnectionFailed("the process is dead.")
        await self._inner.open()

    async def send(self, data: bytes) -> None:
        if self._death.came.is_set():
            raise ConnectionLost("the process is dead.")
        if not self._death.strikes(sent=True):
            return await self._inner.send(data)
        if rest := self._death.passes(data):
            await self._inner.send(rest)
        await self._death.come()
        raise ConnectionLost("the process is dead.")

    async def receive(self) -> bytes:
        data = await self._inner.receive()
        if data and not self._death.came.is_set() and self._death.strikes(sent=False):
            await self._death.come()
        return b"" if self._death.came.is_set() else data

    async def close(self) -> None:
        await self._inner.close()


@contextlib.asynccontextmanager
async def relay(address: str, death: Death) -> AsyncIterator[str]:
    """The same address behind a relay, for drivers whose library dials by itself: its chunks are the messages."""
    rest = address.split("//", 1)[1]
    real = port_at(f"tcp://{rest.split('/')[0]}")
    tasks: set[asyncio.Task[None]] = set()

    async def pump(receive: Callable[[], Awaitable[bytes]], send: Callable[[bytes], Awaitable[None]]) -> None:
        with contextlib.suppress(ConnectionLost, OSError):
            while data := await receive():
                await send(data)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mortal = Mortal(real.transport(), death)
        try:
            await mortal.open()
            there = asyncio.create_task(pump(lambda: reader.read(65536), mortal.send))

            async def answer(data: bytes) -> None:
                writer.write(data)
                await writer.drain()

            await pump(mortal.receive, answer)
            there.cancel()
            await asyncio.gather(there, return_exceptions=True)
        except ConnectionFailed:
            pass
        finally:
            await mortal.close()
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        host, port = server.sockets[0].getsockname()[:2]
        yield address.replace(rest.split("/")[0], f"{host}:{port}")
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


@dataclass
class Rig:
    """A lab's twins, and drivers on them as of several processes, one after the other."""

    lab: Lab
    world: TwinWorld
    cleanup: contextlib.AsyncExitStack
    made: list[Instrument[Any]] = field(default_factory=list)

    @property
    def truth(self) -> Any:
        return self.world.truth

    def twin(self, name: str) -> Any:
        return self.world._twins[name]

    async def driver(self, name: str, death: Death | None = None) -> Any:
        """A connected driver; with `death`, one of a process that will die."""
        real = self.world.port(name)
        port = real
        if death is not None and real.address.startswith("opc.tcp"):
            port = Port(await self.cleanup.enter_async_context(relay(real.address, death)), real.transport)
        elif death is not None:
            port = Port(real.address, lambda *which: Mortal(real.transport(*which), death))
        device = build(self.lab.devices[name], _At(name, port), self.lab.sites)  # type: ignore[arg-type]
        self.made.append(device)
        await device.connect()
        return device

    async def do(self, device: Any, verb: str, action: str = "", **args: Any) -> None:
        await device.perform(Command(action or f"rig/{len(self.made)}/{verb}/{args}", verb, args))


@dataclass
class _At:
    name: str
    there: Port

    def port(self, _: str) -> Port:
        return self.there


@contextlib.asynccontextmanager
async def _rig(lab: Lab, *names: str, wire: bool = False) -> AsyncIterator[Rig]:
    world = TwinWorld(lab.devices, lab.sites, WorldSettings(wire=wire, epoch_s=0.0))
    async with contextlib.AsyncExitStack() as cleanup:
        await world.start(names)
        cleanup.push_async_callback(world.close)
        rig = Rig(lab, world, cleanup)
        try:
            yield rig
        finally:
            await asyncio.gather(*(device.disconnect() for device in rig.made), return_exceptions=True)


@pytest.fixture(scope="session")
def rig() -> Any:
    return _rig


@pytest.fixture(scope="session")
def death() -> type[Death]:
    return Death


class Tapped(Transport):
    """A line that remembers what was sent, and can spoil, hold back or lose what comes."""

    def __init__(self, inner: Transport) -> None:
        self.inner = inner
        self.sent: list[bytes] = []
        self.spoil: Callable[[bytes], bytes] = lambda data: data
        self.late_s = 0.0
        self.drops: Callable[[bytes], bool] = lambda data: False

    async def open(self) -> None:
        await self.inner.open()

    async def send(self, data: bytes) -> None:
        self.sent.append(data)
        if not self.drops(data):
            await self.inner.send(data)

    async def receive(self) -> bytes:
        data = self.spoil(await self.inner.receive())
        if self.late_s:
            await asyncio.sleep(self.late_s)
        return data

    async def close(self) -> None:
        await self.inner.close()


class Bench:
    """One driver on its twin, in a world of its own, with a tap on every line that is dialled."""

    def __init__(self, driver: Any, twin: Any, name: str, limits: Any = None, **options: Any) -> None:
        self.world = model.World(1, {})
        self.world.now = asyncio.get_running_loop().time
        given = driver.options(**options)
        self.twin = twin(name, given, self.world)
        self.lines: list[Tapped] = []
        self._serving: set[asyncio.Task[None]] = set()
        self.device = driver.load()(name, Port(f"sim:{name}", self._dial), given, limits or driver.default_limits)

    def _dial(self) -> Transport:
        here, there = link.wire(self.twin.baud)
        self._serving.add(asyncio.ensure_future(self.twin.serve(there)))
        self.lines.append(Tapped(here))
        return self.lines[-1]

    @property
    def line(self) -> Tapped:
        return self.lines[-1]

    async def do(self, verb: str, **args: Any) -> Any:
        return await self.device.perform(Command(f"bench/{verb}", verb, args))


@pytest.fixture(scope="session")
def serial_bench() -> type[Bench]:
    return Bench


class Tap(Transport):
    """A transport that remembers what was sent and when, and can spoil what comes back."""

    def __init__(self, inner: Transport, spoil: Callable[[bytes], bytes]) -> None:
        self.inner, self.spoil = inner, spoil
        self.sent: list[bytes] = []
        self.at_s: list[float] = []

    async def open(self) -> None:
        await self.inner.open()

    async def send(self, data: bytes) -> None:
        self.sent.append(data)
        self.at_s.append(asyncio.get_running_loop().time())
        await self.inner.send(data)

    async def receive(self) -> bytes:
        return self.spoil(await self.inner.receive())

    async def close(self) -> None:
        await self.inner.close()


class OnTap:
    """A driver on its twin, with a tap on the line between them; to be made in a running loop."""

    def __init__(self, driver: str, *, limits: dict[str, list[str]] | None = None, **options: Any) -> None:
        spec = installed()[driver]
        kept, wrong = spec.default_limits.narrowed(limits or {})
        assert not wrong
        self.name = spec.role.lower()
        self.world = model.World(1, {})
        self.world.now = asyncio.get_running_loop().time
        chosen = spec.options(**options)
        self.twin: Any = twin_class(driver)(self.name, chosen, self.world)
        self.device: Any = spec.load()(self.name, Port(f"sim:{self.name}", self.dial), chosen, kept)
        self.spoil: Callable[[bytes], bytes] = lambda data: data
        self.serving: set[asyncio.Task[Any]] = set()
        self.lines: list[Tap] = []

    def dial(self) -> Transport:
        here, there = link.wire(self.twin.baud)
        self.serving.add(asyncio.create_task(self.twin.serve(there)))
        self.lines.append(Tap(here, lambda data: self.spoil(data)))
        return self.lines[-1]

    @property
    def sent(self) -> list[bytes]:
        """What was sent on the latest line."""
        return self.lines[-1].sent if self.lines else []

    async def do(self, verb: str, **args: Any) -> Any:
        return await self.device.perform(Command(f"tapped/{verb}", verb, args))


@pytest.fixture(scope="session")
def tapped() -> type[OnTap]:
    return OnTap
