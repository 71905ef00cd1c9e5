"""An arm on its twin, with a tap on every wire between them."""

import asyncio
from types import SimpleNamespace

import pytest

from drivers.arms.precise_pf400 import DRIVER
from drivers.arms.precise_pf400.options import Options, TeachPoint
from drivers.core.labware import kind
from drivers.core.transport import Port, Transport
from sim_lab.link import wire
from sim_lab.twins.precise_pf400 import Twin
from sim_lab.world.model import World

TAUGHT = {
    "deck.1": {"at_mm": (420.0, 180.0, 70.0), "yaw_deg": 0.0},
    "deck.2": {"at_mm": (430.0, -160.0, 85.0), "yaw_deg": 0.0},
    "hotel.1": {
        "at_mm": (150.0, -430.0, 40.0),
        "yaw_deg": -90.0,
        "access": "horizontal",
        "approach_mm": 120.0,
    },
}


class Tap(Transport):
    """A transport that remembers what was sent and can spoil what comes back."""

    def __init__(self, inner: Transport) -> None:
        self.inner = inner
        self.sent: list[bytes] = []
        self.spoil = lambda data: data

    async def open(self) -> None:
        await self.inner.open()

    async def send(self, data: bytes) -> None:
        self.sent.append(data)
        await self.inner.send(data)

    async def receive(self) -> bytes:
        return self.spoil(await self.inner.receive())

    async def close(self) -> None:
        await self.inner.close()


class Bench:
    """To be made in a running loop. `robot` and `status` are the taps of the latest connections."""

    def __init__(self, taught=TAUGHT, limits=DRIVER.default_limits, **options) -> None:
        self.points = {name: TeachPoint(**keys) for name, keys in taught.items()}
        sites = {name: SimpleNamespace(arm="arm", **dict(point)) for name, point in self.points.items()}
        self.world = World(1, sites)
        self.world.now = asyncio.get_running_loop().time
        self.twin = Twin("arm", None, self.world)
        self.robot = self.status = None
        self.serving = set()
        self.arm = DRIVER.load()("arm", Port("sim:arm", self.dial), Options(sites=self.points, **options), limits)

    def dial(self, tcp_port=None) -> Transport:
        here, there = wire(self.twin.baud)
        client = self.twin.serve(there) if tcp_port is None else self.twin.serve_port(tcp_port, there)
        self.serving.add(asyncio.create_task(client))
        tap = Tap(here)
        if tcp_port is None:
            self.robot = tap
        else:
            self.status = tap
        return tap

    def place(self, site: str, name: str = "plate") -> None:
        self.world.place(name, kind("plate_96_flat"), site)

    async def grip(self) -> None:
        """Until the gripper holds something."""
        while self.twin.arm.held is None:
            await asyncio.sleep(0.1)

    def where(self, name: str = "plate") -> str | None:
        return next((site for site, there in self.world.at.items() if there == name), None)


@pytest.fixture
def bench():
    return Bench
