"""PyLabRobot's MicroSpin backend, as it is, drives the served twin over TCP; and our driver drives PyLabRobot's server."""

import asyncio
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from pylabrobot.centrifuge.highres import MicroSpinAbortedError, MicroSpinBackend, MicroSpinError
from pylabrobot.centrifuge.highres.mock_server import MicroSpinMockServer

from drivers.centrifuges.highres_microspin import DRIVER
from drivers.core.errors import CommandStopped
from drivers.core.instrument import Command
from drivers.core.labware import kind
from drivers.core.transport import port_at
from sim_lab.serve import serve_tcp
from sim_lab.twins import highres_microspin
from sim_lab.twins.highres_microspin import Spun, Twin
from sim_lab.world.model import World

QUICK = {"home": 0.1, "open_door": 0.1, "close": 0.1, "accelerate": 0.2, "brake": 0.2}


def test_homing_spinning_and_aborting(monkeypatch):
    monkeypatch.setattr(highres_microspin, "SECONDS", QUICK)

    async def main():
        world = World(1, {})
        world.now = asyncio.get_running_loop().time
        twin = Twin("centrifuge", SimpleNamespace(counterweight_g=40.0), world)
        served = await serve_tcp(twin, "127.0.0.1", 0)
        where = urlsplit(served.address)
        spin, side = (MicroSpinBackend(host=where.hostname, port=where.port) for _ in range(2))
        await spin.setup()
        await side.setup()
        with pytest.raises(MicroSpinError, match="not homed"):
            await spin.go_to_bucket1()
        assert not await spin.is_homed()
        await spin.home()
        await spin.go_to_bucket1()
        world.place("plate", kind("plate_96_flat"), "centrifuge.bucket")
        await spin.spin(g=500, duration=1)
        assert twin.spun == [Spun("plate", 500, 1)]
        spinning = asyncio.create_task(spin.spin(g=500, duration=30))
        await asyncio.sleep(0.5)
        await side.abort()
        with pytest.raises(MicroSpinAbortedError):
            await spinning
        assert "Spindle Position" in await spin.reset()
        with pytest.raises(MicroSpinError, match="not recognized"):
            await spin.send_command("dance")
        assert (await spin.request_version())["Product Name"] == "RandomServe"
        for backend in (spin, side):
            await backend.stop()
        await served.stop()

    asyncio.run(main())


def test_our_driver_on_their_server():
    async def main():
        async with MicroSpinMockServer() as server:
            port = port_at(f"tcp://{server.host}:{server.port}")
            device = DRIVER.load()("centrifuge", port, DRIVER.options(), DRIVER.default_limits)
            await device.connect()
            await device.perform(Command("1", "open_door"))
            assert server.state.at_bucket == 1
            assert (await device.recall(Command("1", "open_door"))).state == "done"
            await device.perform(Command("2", "spin", {"force_g": 500.0, "duration_s": 2.0}))
            assert server.state.at_bucket is None
            server.motion_dwell["spin_seconds_per_real_second"] = 1.0
            spinning = asyncio.create_task(device.perform(Command("3", "spin", {"force_g": 500.0, "duration_s": 60.0})))
            await asyncio.sleep(0.3)
            await device.stop()
            with pytest.raises(CommandStopped):
                await spinning
            await device.make_safe()
            await device.perform(Command("4", "open_door"))
            await device.disconnect()

    asyncio.run(main())
