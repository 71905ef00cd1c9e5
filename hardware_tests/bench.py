"""The bench: devices of one lab in one world, brought up for one test."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import uuid4

from drivers.core.build import build
from drivers.core.command import Command, Identity, Reading, Readings, Recall
from drivers.core.errors import DeviceError
from drivers.core.instrument import Instrument
from drivers.core.world import World, WorldSettings, world_class
from labfile import Lab

T = TypeVar("T")
WELLS = 12


@dataclass(slots=True)
class Bench:
    """A lab and a world's name; `run` brings devices up, runs a test on them, and brings them down."""

    lab: Lab
    world_name: str
    device: str
    _devices: dict[str, Instrument[Any]] = field(default_factory=dict)
    _world: World | None = None
    identity: Identity = field(default_factory=Identity)  # as the device of this test told it
    seen: list[dict[str, Any]] = field(default_factory=list)  # what it measured in this test
    last: Command = field(default_factory=lambda: Command("", ""))

    def run(self, test: Callable[["Bench"], Coroutine[Any, Any, T]], *helpers: str) -> T:
        """Run a test with the device and some helpers (such as the operator) connected, on the world's clock."""
        self.seen.clear()
        names = list(dict.fromkeys([self.device, *helpers]))
        settings = WorldSettings(speed=1 if self.lab.in_real_time(names) else None, epoch_s=0.0)
        world = world_class(self.world_name)(self.lab.devices, self.lab.sites, settings)
        return world.run(lambda: self._with(world, names, test))

    async def _with(self, world: World, names: list[str], test: Callable[["Bench"], Coroutine[Any, Any, T]]) -> T:
        self._world = world
        await world.start(names)
        self._devices = {name: build(self.lab.devices[name], world, self.lab.sites) for name in names}
        try:
            for device in self._devices.values():
                await device.connect()
            self.identity = await self._devices[self.device].identify()
            return await test(self)
        finally:
            await asyncio.gather(*(device.disconnect() for device in self._devices.values()), return_exceptions=True)
            await world.close()

    async def do(self, verb: str, *, on: str | None = None, **args: Any) -> Readings:
        """One command, to the device of this test unless `on` names another."""
        self.last = Command(f"bench/{uuid4()}", verb, args)
        readings = await self._devices[on or self.device].perform(self.last)
        if on in (None, self.device):
            self.seen += [_told(verb, reading) for reading in readings]
        return readings

    @property
    def driver(self) -> Instrument[Any]:
        """The driver of the device of this test."""
        return self._devices[self.device]

    async def restart(self) -> None:
        """Another driver takes the device over, as after the death of this process; it knows nothing of before."""
        assert self._world is not None
        await self._devices[self.device].disconnect()
        self._devices[self.device] = build(self.lab.devices[self.device], self._world, self.lab.sites)
        await self._devices[self.device].connect()

    async def recall(self) -> Recall:
        """What became of the last command of the device of this test."""
        return await self._devices[self.device].recall(self.last)

    async def make_safe(self) -> None:
        """The safe end of the device of this test."""
        await self._devices[self.device].make_safe()

    async def stop(self) -> None:
        """Stop the device of this test."""
        await self._devices[self.device].stop()

    async def stopped(self, after_s: float, verb: str, **args: Any) -> float:
        """Begin a long command, stop it after a while, and see that it ends with an error; gives how long that took."""
        loop = asyncio.get_running_loop()
        running = asyncio.ensure_future(self.do(verb, **args))
        await asyncio.sleep(after_s)
        asked_s = loop.time()
        await self.stop()
        (outcome,) = await asyncio.gather(running, return_exceptions=True)
        assert isinstance(outcome, DeviceError), f"{verb} went on after the stop: {outcome}"
        return loop.time() - asked_s

    def first(self, role: str) -> str:
        """The lab's first device of a role."""
        return next(name for name, entry in self.lab.devices.items() if entry.role == role)


def _told(verb: str, reading: Reading) -> dict[str, Any]:
    """A reading for the evidence; of wells the first few, for a plate has many."""
    value: Any = reading.value if reading.wells is None else dict(list(reading.wells.items())[:WELLS])
    return {"verb": verb, "quantity": reading.quantity, "unit": reading.unit, "value": value}
