"""PyLabRobot's Mettler Toledo backend, as it is, weighs on the served twin over a pseudo-terminal, in real time."""

import asyncio

import pytest
from pylabrobot.scales.mettler_toledo_backend import MettlerToledoError, MettlerToledoWXS205SDUBackend

from drivers.core.labware import kind
from sim_lab.serve import serve_pty
from sim_lab.twins.mettler_sics import Twin
from sim_lab.world.model import World


def test_a_plate_is_tared_and_its_filling_weighed():
    async def main():
        world = World(1, {})
        world.now = asyncio.get_running_loop().time
        served = await serve_pty(Twin("balance", None, world))
        scale = MettlerToledoWXS205SDUBackend(port=served.address.removeprefix("serial://"))
        await scale.setup()
        assert scale.serial_number == "B021002593"
        await scale.zero()
        world.place("plate", kind("plate_96_flat"), "balance.pan")
        await scale.tare()
        assert await scale.request_tare_weight() == pytest.approx(45, abs=2)
        world.fill("plate", "A1", 200.0, {"7732-18-5": 55.4})
        assert await scale.read_weight() == pytest.approx(0.1993, abs=1e-3)
        assert await scale.read_weight(timeout=0) == pytest.approx(0.1993, abs=1e-3)
        await scale.clear_tare()
        with pytest.raises(MettlerToledoError, match="overload"):
            await scale.zero()
        with pytest.raises(MettlerToledoError, match="Syntax"):
            await scale.send_command("XYZ")
        await scale.stop()
        await served.stop()

    asyncio.run(main())
