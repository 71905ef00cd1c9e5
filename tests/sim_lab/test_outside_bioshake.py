"""PyLabRobot's BioShake backend, as it is, drives the served twin over a pseudo-terminal, in real time.

Its set-up with restart and homing sleeps for 14 s; here it is left out, and restart is asked for alone.
"""

import asyncio

import pytest
from pylabrobot.heating_shaking.bioshake_backend import BioShake

from drivers.core.labware import kind
from sim_lab.serve import serve_pty
from sim_lab.twins import qinstruments_bioshake
from sim_lab.twins.qinstruments_bioshake import Twin
from sim_lab.world.model import World


@pytest.mark.slow
def test_shaking_and_heating(monkeypatch):
    monkeypatch.setattr(qinstruments_bioshake, "BOOT_S", 0.2)

    async def main():
        world = World(1, {})
        world.now = asyncio.get_running_loop().time
        twin = Twin("shaker", None, world)
        world.place("plate", kind("plate_96_flat"), "shaker.nest")
        served = await serve_pty(twin)
        shaker = BioShake(port=served.address.removeprefix("serial://"))
        await shaker.setup(skip_home=True)

        with pytest.raises(RuntimeError, match="Device returned error for 'shakeOn': 'e'"):
            await shaker.start_shaking(500)  # not locked
        await shaker.lock_plate()
        await shaker.start_shaking(500)
        assert twin.table.is_on
        with pytest.raises(RuntimeError, match="'e'"):
            await shaker.unlock_plate()  # not while it shakes
        await shaker.stop_shaking()
        await shaker.unlock_plate()
        assert twin.shaken[0].labware == "plate"
        assert twin.shaken[0].speed_rpm == 500
        with pytest.raises(AssertionError, match="out of range"):
            await shaker.start_shaking(4000)

        await shaker.set_temperature(37)
        assert twin.target_c == 37
        assert await shaker.get_current_temperature() == pytest.approx(22, abs=1)
        await shaker.deactivate()
        await shaker.reset()
        assert not twin.is_heating
        await shaker.stop()
        await served.stop()

    asyncio.run(main())
