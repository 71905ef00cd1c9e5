"""matterlab-hotplates, as it is, heats and stirs with the served twin over TCP (a pty takes no 7E1), in real time."""

import asyncio

import pytest

from sim_lab.serve import serve_tcp
from sim_lab.twins.ika_rct import Twin
from sim_lab.world.model import World


@pytest.mark.slow
def test_heating_and_stirring():
    hotplates = pytest.importorskip("matterlab_hotplates")

    def client(address: str, twin: Twin) -> None:
        plate = hotplates.IKAHotplate(com_port=address, max_temp=300)
        assert plate.temp == pytest.approx(22, abs=0.5)
        plate.temp = 80.0
        assert (twin.targets[1], 1 in twin.on) == (80.0, True)
        plate.rpm = 300
        assert plate.rpm == pytest.approx(300, abs=200)
        plate.stand_by()
        assert not twin.on

    async def main():
        world = World(1, {})
        world.now = asyncio.get_running_loop().time
        twin = Twin("hotplate", None, world)
        served = await serve_tcp(twin, "127.0.0.1", 0)
        await asyncio.to_thread(client, served.address.replace("tcp:", "socket:"), twin)
        await served.stop()

    asyncio.run(main())
