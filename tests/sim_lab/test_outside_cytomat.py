"""PyLabRobot's Cytomat backend, as it is, drives the served twin over a pseudo-terminal, in real time.

It waits a second for each reply to be over; so one story, with quick motions.
"""

import asyncio

import pytest
from pylabrobot.resources import Coordinate, PlateCarrier, PlateHolder
from pylabrobot.storage.cytomat.cytomat import CytomatBackend
from pylabrobot.storage.cytomat.errors import CytomatTransferStationEmptyError

from drivers.core.labware import kind
from sim_lab.serve import serve_pty
from sim_lab.twins import thermo_cytomat
from sim_lab.twins.thermo_cytomat import Twin
from sim_lab.world.model import World


@pytest.mark.slow
def test_a_plate_in_and_out(monkeypatch):
    monkeypatch.setattr(thermo_cytomat, "SECONDS", {**thermo_cytomat.SECONDS, "move_labware": 0.2, "initialise": 0.1})

    async def main():
        world = World(1, {})
        world.now = asyncio.get_running_loop().time
        twin = Twin("incubator", None, world)
        world.place("plate", kind("plate_96_flat"), "incubator.transfer")
        served = await serve_pty(twin)
        cytomat = CytomatBackend(model="C6002", port=served.address.removeprefix("serial://"))
        await cytomat.setup()
        rack = PlateCarrier("rack", 130, 90, 500, sites={
            n: PlateHolder(f"s{n}", 127, 86, 0, pedestal_size_z=0).at(Coordinate(0, 0, 20 * n)) for n in range(3)
        })  # fmt: skip
        with pytest.warns(UserWarning, match="need to be configured"):
            await cytomat.set_racks([rack])
        await cytomat.take_in_plate(None, rack.sites[2])
        assert world.at == {"incubator.3": "plate"}
        with pytest.raises(CytomatTransferStationEmptyError):
            await cytomat.take_in_plate(None, rack.sites[0])
        assert await cytomat.get_temperature() == 37.0
        await cytomat.action_storage_to_transfer(rack.sites[2])
        assert world.at == {"incubator.transfer": "plate"}
        await cytomat.stop()
        await served.stop()

    asyncio.run(main())
