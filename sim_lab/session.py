"""The twin of a lab as a `World`: one twin per device, found by the driver's name."""

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from drivers.core.errors import ConnectionLost
from drivers.core.plugins import plugins
from drivers.core.transport import Port, Transport, port_at
from drivers.core.world import DeviceAddress, World, WorldSettings
from sim_lab import clock
from sim_lab.faults.inject import Faults
from sim_lab.link import wire
from sim_lab.serve import serve_server, serve_tcp
from sim_lab.tap import Tap, Tapped
from sim_lab.twin import ServerTwin, StreamTwin, Twin
from sim_lab.world import model

T = TypeVar("T")
logger = logging.getLogger(__name__)


def twin_class(driver: str) -> type[Twin]:
    """The twin of a driver, by the driver's name in the entry-point group `lab.twins`."""
    loaded: type[Twin] = plugins("lab.twins")[driver].load()
    return loaded


def make_twin(name: str, device: DeviceAddress, world: model.World) -> Twin:
    """The twin of one device."""
    return twin_class(device.driver)(name, device.options, world)


async def _served(name: str, client: Coroutine[Any, Any, None], link: Transport) -> None:
    """Serve one client; a mistake of the twin is told, and closes the wire, so that nobody waits for its answer."""
    try:
        with contextlib.suppress(ConnectionLost):
            await client
    except Exception:
        logger.exception("the twin of %s failed", name)
    finally:
        await link.close()


class TwinWorld(World):
    """Every device of the lab, simulated in this process, on one seeded world."""

    name = "twin"

    def __init__(self, devices: Mapping[str, DeviceAddress], sites: Mapping[str, Any], settings: WorldSettings) -> None:
        super().__init__(devices, sites, settings)
        self.truth = model.World(seed=settings.seed, sites=sites)
        if settings.faults is not None:
            self.truth.faults = Faults(settings.faults.injections, settings.faults.seed)
        self._twins: dict[str, Twin] = {}
        self._ports: dict[str, Port] = {}
        self._taps: dict[str, Tap] = {}
        self._serving: set[asyncio.Task[None]] = set()
        self._cleanup = contextlib.AsyncExitStack()

    def run(self, main: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run in virtual time, as fast as `settings.speed` allows; at speed 1 in real time."""
        return clock.run(main, epoch_s=self.settings.epoch_s, speed=self.settings.speed)

    def load(self, names: Sequence[str]) -> None:
        """Import the twins of these devices."""
        for name in names:
            twin_class(self.devices[name].driver)

    async def start(self, names: Sequence[str]) -> None:
        """Bring up the twins of these devices; a twin that runs already is left alone."""
        if not self._twins:
            self.truth.faults.begin(asyncio.get_running_loop().time)
        self.truth.now = asyncio.get_running_loop().time
        for name in names:
            if name not in self._twins:
                twin = self._twins[name] = make_twin(name, self.devices[name], self.truth)
                self._ports[name] = await self._open_port(name, twin)

    async def _open_port(self, name: str, twin: Twin) -> Port:
        if isinstance(twin, ServerTwin):
            server = await serve_server(twin, "127.0.0.1", 0)
            self._cleanup.push_async_callback(server.stop)
            return port_at(server.address)
        if not isinstance(twin, StreamTwin):
            raise TypeError(f"{type(twin).__name__} is neither a StreamTwin nor a ServerTwin")
        if self.settings.wire:
            server = await serve_tcp(twin, "127.0.0.1", 0)
            self._cleanup.push_async_callback(server.stop)
            return server.port()
        return Port(f"sim:{name}", lambda tcp_port=None: self._dial(twin, tcp_port))

    def _dial(self, twin: StreamTwin, tcp_port: int | None) -> Transport:
        here, there = wire(twin.baud)
        line = twin.line(there)
        client = twin.serve(line) if tcp_port is None else twin.serve_port(tcp_port, line)
        task = asyncio.get_running_loop().create_task(_served(twin.name, client, there))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        return Tapped(here, self._taps.setdefault(twin.name, Tap()))

    def cleared(self, sites: Sequence[str]) -> None:
        """Take away what stands there."""
        for site in sites:
            self.truth.take_away(site)

    def twin(self, name: str) -> Twin:
        """A started twin, for who holds its truth against what its driver says."""
        return self._twins[name]

    def fingerprint(self) -> str:
        """One hash over every byte on the wires inside the process; those of protocol libraries are not heard."""
        told = {name: tap.hexdigest() for name, tap in sorted(self._taps.items())}
        return hashlib.sha256(repr(told).encode()).hexdigest()

    def port(self, name: str) -> Port:
        """The port of a started twin."""
        return self._ports[name]

    async def close(self) -> None:
        """Stop every twin."""
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await self._cleanup.aclose()
