"""A shaker on its twin, with a tap on the line between them."""

import asyncio

import pytest

from drivers.core.labware import kind
from drivers.core.transport import Port, Transport
from drivers.shakers.qinstruments_bioshake import DRIVER
from drivers.shakers.qinstruments_bioshake.options import Options
from sim_lab.link import wire
from sim_lab.twins.qinstruments_bioshake import Twin
from sim_lab.world.model import World


class Tap(Transport):
    """A transport that remembers what was sent and when, and can spoil what comes back."""

    def __init__(self, inner: Transport) -> None:
        self.inner = inner
        self.sent: list[bytes] = []
        self.at_s: list[float] = []
        self.spoil = lambda data: data

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


class Bench:
    """To be made in a running loop."""

    def __init__(self, limits=DRIVER.default_limits, **options) -> None:
        self.world = World(1, {})
        self.world.now = asyncio.get_running_loop().time
        self.twin = Twin("shaker", None, self.world)
        self.line = None
        self.serving = set()
        self.shaker = DRIVER.load()("shaker", Port("sim:shaker", self.dial), Options(**options), limits)
        self.world.place("plate", kind("plate_96_flat"), "shaker.nest")
        self.plate = self.world.labware["plate"]

    def dial(self) -> Transport:
        here, there = wire(self.twin.baud)
        self.serving.add(asyncio.create_task(self.twin.serve(there)))
        self.line = Tap(here)
        return self.line


@pytest.fixture
def bench():
    return Bench
