"""PyLabRobot's Liconic backend, as it is, drives the served twin over a pseudo-terminal, in real time.

It waits a second for each reply to be over; so one story, with quick motions.
"""

import asyncio
from types import SimpleNamespace

import pytest
from pylabrobot.storage.liconic.errors import LiconicControllerCommandError
from pylabrobot.storage.liconic.liconic_backend import ExperimentalLiconicBackend
from pylabrobot.storage.liconic.racks import liconic_rack_17mm_22

from drivers.core.labware import kind
from sim_lab.serve import serve_pty
from sim_lab.twins import liconic_stx
from sim_lab.twins.liconic_stx import Twin
from sim_lab.world.model import World


@pytest.mark.slow
def test_a_plate_in_and_out(monkeypatch):
    monkeypatch.setattr(liconic_stx, "SECONDS", {**liconic_stx.SECONDS, "move_labware": 0.2})

    async def main():
        world = World(1, {})
        world.now = asyncio.get_running_loop().time
        twin = Twin("cooler", SimpleNamespace(model="STX44_HC"), world)
        world.place("plate", kind("plate_96_flat"), "cooler.transfer")
        served = await serve_pty(twin)
        stx = ExperimentalLiconicBackend(model="STX44_HC", port=served.address.removeprefix("serial://"))
        await stx.setup()
        racks = [liconic_rack_17mm_22("one"), liconic_rack_17mm_22("two")]
        with pytest.warns(UserWarning, match="need to be configured"):
            await stx.set_racks(racks)
        await stx.take_in_plate(None, racks[1].sites[0])
        assert world.at == {"cooler.23": "plate"}
        assert await stx.get_temperature() == 4.0
        assert not await stx.check_transfer_sensor()
        with pytest.raises(LiconicControllerCommandError):
            await stx._send_command("DANCE")
        await stx.stop()
        await served.stop()

    asyncio.run(main())
