"""PyLabRobot's a4S backend, as it is, drives the served twin over a pseudo-terminal, in real time."""

import asyncio

import pytest
from pylabrobot.sealing.a4s_backend import A4SBackend

from drivers.core.labware import kind
from sim_lab.serve import serve_pty
from sim_lab.twins import azenta_a4s
from sim_lab.twins.azenta_a4s import Twin
from sim_lab.world.model import World


@pytest.mark.slow
def test_a_plate_is_sealed(monkeypatch):
    quick = {"shuttle": 1.5, "seal": 0.5, "heat": 0.4, "cool": 10.0}
    monkeypatch.setattr(azenta_a4s, "SECONDS", quick)
    monkeypatch.setattr(azenta_a4s.wire, "EVERY_S", 0.1)

    async def main():
        world = World(1, {})
        world.now = asyncio.get_running_loop().time
        twin = Twin("sealer", None, world)
        world.place("plate", kind("plate_96_pcr"), "sealer.tray")
        served = await serve_pty(twin)
        sealer = A4SBackend(port=served.address.removeprefix("serial://"))
        await sealer.setup()
        await sealer.seal(temperature=165, duration=1)
        assert world.labware["plate"].sealed
        assert twin.press_s == 1.0
        await sealer.close()
        assert "sealer.tray" in world.closed
        await sealer.open()
        assert "sealer.tray" not in world.closed
        with pytest.raises(ValueError, match="format code 'd'"):  # a defect of 0.2.2: whole seconds only
            await sealer.seal(temperature=165, duration=2.5)
        await sealer.stop()
        assert twin.is_heating  # another one: its command that turns the heater off lacks the end of the frame
        await served.stop()

    asyncio.run(main())
