"""The twins of a lab as its drivers reach them: in the process and over real sockets, all doors of a device."""

import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

from drivers.arms.precise_pf400.kinematics import Pose
from drivers.core.driver import Driver
from drivers.core.labware import kind
from drivers.core.world import WorldSettings, world_class
from labfile.model import Site
from sim_lab.twins.pf400_arm import Arm
from sim_lab.world.model import World

LAB = tomllib.loads((Path(__file__).parents[2] / "lab.toml").read_text())
SITES = {name: Site.model_validate(table) for name, table in LAB["sites"].items()}


def _driver(name: str) -> Driver:
    from drivers.arms.precise_pf400 import DRIVER as ARM
    from drivers.shakers.qinstruments_bioshake import DRIVER as SHAKER

    return {"arm": ARM, "shaker": SHAKER}[name]


@pytest.mark.parametrize(("wire", "speed"), [(False, None), (True, 100.0)])
def test_arm_and_shaker_work_together(wire, speed):
    devices = {
        name: SimpleNamespace(driver=LAB["devices"][name]["driver"], real="", options=_driver(name).options())
        for name in ("arm", "shaker")
    }
    world = world_class("twin")(devices, SITES, WorldSettings(wire=wire, speed=speed, epoch_s=0.0))

    def make(name):
        driver = _driver(name)
        taught = {site: table.model_dump(exclude={"arm"}) for site, table in SITES.items()}
        options = driver.options(**({"sites": taught} if name == "arm" else {}))
        return driver.load()(name, world.port(name), options, driver.default_limits)

    async def main():
        await world.start(["arm", "shaker"])
        arm, shaker = make("arm"), make("shaker")
        assert arm.port.address.startswith("tcp://127.0.0.1:" if wire else "sim:")
        await arm.connect()
        await shaker.connect()
        world.truth.place("plate", kind("plate_96_flat"), "hotel.2")
        await arm.move_labware("plate", "hotel.2", "shaker.nest")
        await shaker.shake(600, 10)
        await arm.move_labware("plate", "shaker.nest", "ot2.3")
        assert world.truth.on("ot2.3").name == "plate"
        await arm.stop()
        await arm.disconnect()
        await shaker.disconnect()
        await world.close()

    world.run(main)


@pytest.mark.parametrize("site", SITES)
def test_the_labs_sites_are_within_the_arms_reach(site):
    taught = SITES[site]
    Arm("arm", World(1, SITES)).solve(Pose(*taught.at_mm, taught.yaw_deg), taught.elbow)
