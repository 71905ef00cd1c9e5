"""PyLabRobot's PreciseFlex backend, as it is, drives the served twin over real TCP connections."""

import asyncio
from types import SimpleNamespace

import pytest
from pylabrobot.arms.backend import HorizontalAccess, VerticalAccess
from pylabrobot.arms.precise_flex import PreciseFlex400Backend
from pylabrobot.arms.precise_flex.coords import ElbowOrientation, PreciseFlexCartesianCoords
from pylabrobot.arms.precise_flex.joints import PFAxis
from pylabrobot.arms.precise_flex.precise_flex_backend import PreciseFlexError
from pylabrobot.resources import Coordinate, Rotation

from drivers.core.labware import kind
from sim_lab import clock
from sim_lab.serve import serve_tcp
from sim_lab.twins.precise_pf400 import Twin
from sim_lab.world.model import World

SITES = {
    "deck.1": SimpleNamespace(arm="arm", at_mm=(420.0, 180.0, 70.0), yaw_deg=0.0, grip_mm=85.48),
    "hotel.1": SimpleNamespace(arm="arm", at_mm=(150.0, -430.0, 40.0), yaw_deg=-90.0, grip_mm=85.48),
}
#: Real sockets beside a clock that runs 100 times faster than time.
FAST = 100.0


def place(site, elbow):
    x, y, z = SITES[site].at_mm
    return PreciseFlexCartesianCoords(
        location=Coordinate(x, y, z), rotation=Rotation(180, 90, SITES[site].yaw_deg), orientation=elbow
    )


async def _served():
    world = World(1, SITES)
    world.now = asyncio.get_running_loop().time
    twin = Twin("arm", None, world)
    served = await serve_tcp(twin, "127.0.0.1", 0)
    return twin, served, int(served.address.rpartition(":")[2])


def test_a_plate_goes_into_a_hotel_and_the_status_port_halts():
    async def main():
        twin, served, port = await _served()
        twin.world.place("plate", kind("plate_96_flat"), "deck.1")
        arm = PreciseFlex400Backend("127.0.0.1", port)
        await arm.setup()
        assert twin.arm.homed
        assert await arm.get_mode() == "pc"
        assert await arm.get_power_state() == 1
        assert await arm.get_speed() == 50
        await arm.set_motion_profile_values(1, 80, 0, 100, 100, 0.1, 0.1, 10, False)
        assert await arm.get_speed() == 80

        await arm.pick_up_resource(place("deck.1", ElbowOrientation.RIGHT), 85.48, VerticalAccess())
        assert twin.arm.held is not None
        assert (await arm.get_cartesian_position()).location.z == pytest.approx(70 + 100 + 10)
        await arm.drop_resource(place("hotel.1", ElbowOrientation.LEFT), HorizontalAccess())
        assert twin.world.on("hotel.1").name == "plate"
        assert await arm.is_gripper_closed() is False
        joints = await arm.get_joint_position()
        assert joints[PFAxis.BASE] == pytest.approx(40 + 100)

        with pytest.raises(PreciseFlexError, match="no plate present"):
            await arm.pick_up_resource(place("deck.1", ElbowOrientation.RIGHT), 85.48)
        with pytest.raises(PreciseFlexError, match="-1040"):
            await arm.approach(
                PreciseFlexCartesianCoords(location=Coordinate(900, 0, 100), rotation=Rotation(180, 90, 0))
            )

        watch = PreciseFlex400Backend("127.0.0.1", int(served.others[10000].rpartition(":")[2]))
        await watch.io.setup()
        await watch.select_robot(1)
        await arm.set_speed(5)
        moving = asyncio.create_task(arm.drop_resource(place("deck.1", ElbowOrientation.RIGHT)))
        await asyncio.sleep(2)
        assert await watch.state() == "3"
        await watch.halt()
        assert await watch.state() == "1"
        with pytest.raises(PreciseFlexError, match="-214"):
            await moving
        await watch.exit()
        await watch.io.stop()
        await arm.stop()
        assert not twin.arm.powered
        await served.stop()

    clock.run(main, epoch_s=0.0, speed=FAST)


def test_in_real_time_too():
    async def main():
        twin, served, port = await _served()
        twin.arm.powered = twin.arm.homed = True
        arm = PreciseFlex400Backend("127.0.0.1", port)
        await arm.setup(skip_home=True)
        assert "TCP Command Server" in await arm.get_version()
        await arm.set_speed(100)
        await arm.move_c(1, PreciseFlexCartesianCoords(Coordinate(350, 0, 310), Rotation(180, 90, 0)))
        assert (await arm.get_cartesian_position()).location.z == 310
        await arm.stop()
        await served.stop()

    asyncio.run(main())
