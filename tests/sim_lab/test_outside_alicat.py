"""The PyPI package alicat, as it is, sets gas and flow of the served twin over a pseudo-terminal, in real time."""

import asyncio

import pytest

from sim_lab.serve import serve_pty
from sim_lab.twins.alicat_mc import Twin
from sim_lab.world.model import World


def test_a_gas_flows():
    alicat = pytest.importorskip("alicat")

    async def main():
        world = World(1, {})
        world.now = asyncio.get_running_loop().time
        twin = Twin("gas", None, world)
        served = await serve_pty(twin)
        async with alicat.FlowController(served.address.removeprefix("serial://")) as controller:
            assert (await controller.get())["control_point"] == "mass flow"
            await controller.set_gas("N2")
            await controller.set_flow_rate(123.45)
            await asyncio.sleep(1)
            told = await controller.get()
            assert told["gas"] == "N2"
            assert told["setpoint"] == 123.45
            assert told["mass_flow"] == pytest.approx(123.45, abs=3)
            assert "10v05" in await controller.get_firmware()
            await controller.lock()
            assert await controller.is_locked()
            await controller.set_flow_rate(0)
        assert twin.setpoint == 0
        await served.stop()

    asyncio.run(main())
