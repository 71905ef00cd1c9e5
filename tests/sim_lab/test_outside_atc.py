"""PyLabRobot's ATC backend, as it is, drives the served twin over TCP at an address of its own: its port is fixed."""

import asyncio

import pytest
from pylabrobot.thermocycling.standard import Protocol, Stage, Step
from pylabrobot.thermocycling.thermo_fisher.atc import ATCBackend

from drivers.core.labware import kind
from drivers.thermocyclers.thermo_atc import wire
from sim_lab.serve import serve_tcp
from sim_lab.twins import thermo_atc
from sim_lab.twins.thermo_atc import Twin
from sim_lab.world.model import World

HOST = "127.0.0.87"


# Its set-up connects twice, and leaves the first connection lying.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.slow
def test_a_run_from_set_up_to_its_end(monkeypatch):
    monkeypatch.setattr(thermo_atc, "SECONDS", {"open_lid": 0.2, "close_lid": 0.2})
    monkeypatch.setattr(thermo_atc, "LID_C_S", 500.0)
    monkeypatch.setattr(thermo_atc, "BLOCK_C_S", 500.0)

    async def main():
        world = World(1, {})
        world.now = asyncio.get_running_loop().time
        twin = Twin("thermocycler", None, world)
        try:
            served = await serve_tcp(twin, HOST, wire.TCP_PORT)
        except OSError as error:
            pytest.skip(f"{HOST}:{wire.TCP_PORT} cannot be served here: {error}")
        cycler = ATCBackend(ip=HOST)
        await cycler.setup()
        assert cycler.available_blocks == [0]
        await cycler.open_lid()
        world.place("plate", kind("plate_96_pcr"), "thermocycler.block")
        await cycler.close_lid()
        assert "thermocycler.block" in world.closed
        steps = [Step([95.0] * 3, 1), Step([60.0] * 3, 1)]
        await cycler.run_protocol(Protocol([Stage(steps, 4)]), block_max_volume=50, block_id=0, run_name="one")
        assert await cycler.is_block_running(0)
        assert 5 < float(await cycler.get_estimated_run_time(0)) < 15
        while await cycler.is_block_running(0):
            await asyncio.sleep(0.5)
        assert twin.completed == ["one"]
        await cycler.stop()
        await served.stop()

    asyncio.run(main())
