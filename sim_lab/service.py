"""The whole twin of a lab on real ports: the same twins as in a dry run, for any client, in real time."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from drivers.core.world import DeviceAddress
from sim_lab.faults.inject import Faults
from sim_lab.serve import serve_pty, serve_server, serve_tcp
from sim_lab.session import make_twin
from sim_lab.twin import ServerTwin, StreamTwin
from sim_lab.world.model import World

HOST = "127.0.0.1"


async def serve_lab(
    devices: Mapping[str, DeviceAddress],
    sites: Mapping[str, Any],
    names: Sequence[str],
    seed: int,
    ports_from: int,
    tell: Callable[[dict[str, str]], None],
    faults: Faults | None = None,
) -> None:
    """Serve these devices until SIGINT or SIGTERM; `tell` gets every endpoint once all are up.

    A serial device is served twice, on a pseudo-terminal and on TCP (`<device>.tcp`); a further TCP port of a
    device is told as `<device>.<the maker's number>`. With `ports_from` the TCP ports are that number and the
    following ones, in the order of the lab file, and further ports have the maker's own numbers.
    """
    world = World(seed, sites)
    world.now = asyncio.get_running_loop().time
    world.faults = faults or world.faults
    world.faults.begin(world.now)
    endpoints: dict[str, str] = {}
    async with contextlib.AsyncExitStack() as cleanup:
        for offset, name in enumerate(names):
            port = ports_from + offset if ports_from else 0
            twin = make_twin(name, devices[name], world)
            scheme = urlsplit(devices[name].real).scheme
            if isinstance(twin, ServerTwin):
                server = await serve_server(twin, HOST, port)
                endpoints[name] = server.address
                cleanup.push_async_callback(server.stop)
            elif isinstance(twin, StreamTwin):
                served = await serve_tcp(twin, HOST, port, "http" if scheme == "http" else "tcp")
                cleanup.push_async_callback(served.stop)
                endpoints[f"{name}.tcp" if scheme == "serial" else name] = served.address
                endpoints |= {f"{name}.{number}": address for number, address in served.others.items()}
                if scheme == "serial":
                    line = await serve_pty(twin)
                    cleanup.push_async_callback(line.stop)
                    endpoints[name] = line.address
        tell(endpoints)
        ended = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
        await ended.wait()
