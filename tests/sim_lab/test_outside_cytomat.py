"""PyLabRobot's Cytomat backend and open-cytomat, as they are, drive the served twin over a pseudo-terminal, in real time.

PyLabRobot waits a second for each reply to be over; so one story each, with quick motions.
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


def test_another_client(monkeypatch):
    """open-cytomat blocks: it has a thread of its own."""
    cytomat = pytest.importorskip("cytomat")
    from cytomat.errors import SerialCommunicationError

    monkeypatch.setattr(thermo_cytomat, "SECONDS", {**thermo_cytomat.SECONDS, "move_labware": 0.2, "initialise": 0.1})

    def story(port):
        client = cytomat.Cytomat(port)
        client.plate_handler.initialize()
        assert not client.wait_until_not_busy(5, poll_interval=0.05).command_in_process
        assert client.climate_controller.current_temperature == 37.0
        client.climate_controller.target_temperature = 30.0
        assert client.climate_controller.target_temperature == 30.0
        client.plate_handler.move_plate_from_transfer_station_to_slot(3)
        status = client.wait_until_not_busy(5, poll_interval=0.05)
        assert not status.transfer_station_occupied
        with pytest.raises(SerialCommunicationError):
            client.plate_handler.move_plate_from_transfer_station_to_slot(4)
        client.plate_handler.move_plate_from_slot_to_transfer_station(3)
        assert client.wait_until_not_busy(5, poll_interval=0.05).transfer_station_occupied

    async def main():
        world = World(1, {})
        world.now = asyncio.get_running_loop().time
        twin = Twin("incubator", None, world)
        world.place("plate", kind("plate_96_flat"), "incubator.transfer")
        served = await serve_pty(twin)
        await asyncio.to_thread(story, served.address.removeprefix("serial://"))
        assert world.at == {"incubator.transfer": "plate"}
        await served.stop()

    asyncio.run(main())
