"""matterlab-pumps, as it is, draws and gives with the served twin over a pseudo-terminal, in real time.

Its `connect` of 1.2.1 ends in an attribute that its class has not (`top_speed`); so the steps of it are called one by one.
"""

import asyncio

import pytest

from drivers.core.labware import kind
from sim_lab.serve import serve_pty
from sim_lab.twins.cavro_xlp import Twin
from sim_lab.world.model import World


@pytest.mark.slow
def test_a_millilitre_goes_from_one_to_the_other():
    pumps = pytest.importorskip("matterlab_pumps")

    def client(path: str) -> None:
        pump = pumps.TecanXLPPump(path, 0, syringe_volume=5e-3, num_valve_port=9, init_valve=3, out_valve=3,
                                   connect_hardware=False)  # fmt: skip
        pump._set_fine_position()
        pump._set_backlash_position()
        pump._set_home_position()
        pump.initialize_pump()
        assert pump.volume == 0
        pump.draw(1.0, valve_port=1, speed=2.0)
        assert pump.port == 1
        assert pump.volume == pytest.approx(1.0, abs=1e-3)
        pump.dispense(0.6, valve_port=2, speed=2.0)
        assert pump.volume == pytest.approx(0.4, abs=1e-3)
        with pytest.raises(OSError, match="Invalid Operand"):
            pump.move_valve(12)

    async def main():
        world = World(1, {})
        world.now = asyncio.get_running_loop().time
        twin = Twin("pump", None, world)
        for name, site in (("stock", "pump.inlet"), ("flask", "pump.outlet")):
            world.place(name, kind("reservoir_1"), site)
        world.fill("stock", "A1", 5000.0, {"7732-18-5": 55.4})
        served = await serve_pty(twin)
        await asyncio.to_thread(client, served.address.removeprefix("serial://"))
        assert world.labware["flask"].vessels["A1"].volume_ul == pytest.approx(600, abs=2)
        await served.stop()

    asyncio.run(main())
