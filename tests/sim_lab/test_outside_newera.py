"""nesp-lib, as it is, pumps with the served twin over a pseudo-terminal, in the basic and in the safe mode, in real time."""

import asyncio

import pytest

from drivers.core.labware import kind
from sim_lab.serve import serve_pty
from sim_lab.twins.newera_ne1000 import Twin
from sim_lab.world.model import World


@pytest.mark.parametrize("safe_s", [0, 5])
def test_a_syringe_is_filled_and_emptied(safe_s):
    nesp = pytest.importorskip("nesp_lib")

    def client(path: str) -> None:
        with nesp.Port(path) as port:
            pump = nesp.Pump(port, safe_mode_timeout_s=safe_s)
            assert (pump.model_number, pump.firmware_version) == (1000, (3, 923))
            assert pump.safe_mode_timeout_s == safe_s
            pump.syringe_diameter_mm = 14.43
            pump.pumping_rate_ml_per_min = 6.0
            pump.pumping_volume_ml = 0.03
            assert pump.pumping_volume_ml == pytest.approx(0.03)
            pump.pumping_direction = nesp.PumpingDirection.WITHDRAW
            pump.run()
            assert pump.volume_withdrawn_ml == pytest.approx(0.03)
            pump.volume_withdrawn_clear()
            pump.pumping_direction = nesp.PumpingDirection.INFUSE
            pump.pumping_volume_ml = 0.02
            pump.run()
            assert pump.volume_infused_ml == pytest.approx(0.02)
            with pytest.raises(ValueError, match="limit"):
                pump.pumping_rate_ml_per_min = 100.0
            pump.pumping_volume_ml = 0.05
            if not safe_s:  # in the safe mode the pump tells an alarm unasked, and this client loses its place
                with pytest.raises(nesp.StatusAlarmException):  # the syringe is empty
                    pump.run()
            pump.safe_mode_timeout_s = 0

    async def main():
        world = World(1, {})
        world.now = asyncio.get_running_loop().time
        twin = Twin("pump", None, world)
        world.place("flask", kind("reservoir_1"), "pump.line")
        world.fill("flask", "A1", 1000.0, {"7732-18-5": 55.4})
        served = await serve_pty(twin)
        await asyncio.to_thread(client, served.address.removeprefix("serial://"))
        left_ul = 0.0 if not safe_s else 10.0
        assert world.labware["flask"].vessels["A1"].volume_ul == pytest.approx(1000 - left_ul, abs=0.1)
        await served.stop()

    asyncio.run(main())
