"""The devices of a lab in one world, connected as a run needs them."""

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from typing import Any

from drivers.core.build import build
from drivers.core.errors import DeviceError
from drivers.core.instrument import Instrument
from drivers.core.world import World, WorldSettings, world_class
from labfile.lab import DeviceEntry, Lab


class RealTimeOnly(Exception):
    """A device that uses threads was asked to work in virtual time."""


class Cell:
    """One lab in one world; holds the connected devices."""

    def __init__(self, lab: Lab, world: str, settings: WorldSettings) -> None:
        self.lab = lab
        self.settings = settings
        self.world: World = world_class(world)(lab.devices, lab.sites, settings)
        self.devices: dict[str, Instrument[Any]] = {}
        self._dialling = asyncio.Lock()  # a device is dialled, or given back, once at a time

    def load(self, names: Iterable[str]) -> None:
        """Import drivers and whatever is behind their ports, before time counts."""
        names = list(names)
        for name in names:
            driver: Any = self.lab.devices[name].spec
            driver.load()
        self.world.load(names)

    async def connect(self, names: Iterable[str]) -> None:
        """Bring devices up, all at once; raises the first `DeviceError`. Those that could be reached stay connected.

        When this is cancelled, all that it dialled is given back.
        """
        async with self._dialling:
            await self._dial([name for name in names if name not in self.devices])

    async def reached(self, name: str) -> Instrument[Any]:
        """A device, connected by now; raises `DeviceError`."""
        if name not in self.devices:
            await self.connect((name,))
        return self.devices[name]

    async def _dial(self, names: Sequence[str]) -> None:
        await self.world.start(names)
        made = {name: self._make(self.lab.devices[name]) for name in names}
        try:
            results = await asyncio.gather(*(device.connect() for device in made.values()), return_exceptions=True)
        except asyncio.CancelledError:
            await asyncio.gather(*(_hang_up(device) for device in made.values()))
            raise
        for (name, device), result in zip(made.items(), results, strict=True):
            if result is None:
                self.devices[name] = device
            else:
                await _hang_up(device)
        for result in results:
            if result is not None:
                raise result

    def check(self, names: Iterable[str]) -> None:
        """Raise `RealTimeOnly` for a device that cannot keep the pace of this world."""
        for name in names:
            entry = self.lab.devices[name]
            if entry.real_time_only and self.world.name != "real" and self.settings.speed != 1:
                raise RealTimeOnly(
                    f"{entry.name} ({entry.driver}) uses threads and works in real time only. Run with --speed 1."
                )

    async def hang_up(self) -> None:
        """Give every device back; the world stays."""
        async with self._dialling:
            devices, self.devices = list(self.devices.values()), {}
            await asyncio.gather(*(_hang_up(device) for device in devices))

    async def reconnect(self, name: str) -> None:
        """Dial again, without a goodbye: the device shall go on with what it knows of us."""
        device = await self.reached(name)
        await device.connect(force_reconnect=True)

    def _make(self, entry: DeviceEntry) -> Instrument[Any]:
        self.check((entry.name,))
        return build(entry, self.world, self.lab.sites)

    async def close(self, *, hang_up: bool = True) -> None:
        """Disconnect everything and end the world.

        Without `hang_up` devices keep their sessions, for a worker that will go on with what is under way.
        """
        if hang_up:
            await self.hang_up()
        await self.world.close()


async def _hang_up(device: Instrument[Any]) -> None:
    with contextlib.suppress(DeviceError, OSError):
        await device.disconnect()
