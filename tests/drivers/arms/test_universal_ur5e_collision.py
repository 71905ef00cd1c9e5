"""What the arm's capsules touch: poses whose answer one can see, and ways that the driver refuses and the twin ends."""

import asyncio
import math

import numpy as np
import pytest

from drivers.arms.universal_ur5e import DRIVER, collision, kinematics
from drivers.arms.universal_ur5e.timing import PARKED
from drivers.arms.universal_ur5e.wire import RobotMode, SafetyMode
from drivers.core.errors import LimitError
from drivers.core.instrument import Command
from drivers.core.transport import Port
from sim_lab import clock
from sim_lab.link import wire
from sim_lab.twins.universal_ur5e import RTDE, Twin
from sim_lab.world.model import World

FLANGE = kinematics.frame((0.0,) * 6)
BESIDE = {"rack": {"low_mm": (300.0, 100.0, 0.0), "high_mm": (700.0, 400.0, 900.0)}}


def radians(*degrees):
    return tuple(math.radians(angle) for angle in degrees)


@pytest.mark.parametrize(
    ("joints", "touch"),
    [
        (PARKED, None),
        (radians(0, -90, 0, -90, 0, 0), None),  # straight up
        (radians(0, 0, 0, 0, 0, 0), None),  # stretched out
        (radians(0, -90, -175, 0, 0, 0), "base and forearm"),  # folded down upon its base
        (radians(0, -90, 170, -90, 90, 0), "forearm"),
    ],
)
def test_what_the_arm_touches_of_itself(joints, touch):
    found = collision.clash(joints, FLANGE, {})
    assert found is None if touch is None else touch in found


def test_a_box_is_touched_from_its_distance_on():
    flange = kinematics.forward(PARKED)[:3, 3]
    radius = collision.RADII_M[collision.PARTS.index("wrist 3")] + collision.CLEARANCE_M
    for gap_m, touch in ((0.002, None), (-0.002, "wrist 3 and shelf")):
        top = float(flange[2]) - radius - gap_m
        assert collision.clash(PARKED, FLANGE, {"shelf": ((0.3, -0.3, 0.0), (0.7, 0.1, top))}) == touch


def test_a_tool_touches_too():
    shelf = {"shelf": ((0.3, -0.3, 0.0), (0.7, 0.1, 0.3))}
    assert collision.clash(PARKED, FLANGE, shelf) is None
    assert collision.clash(PARKED, kinematics.frame((0, 0, 0.2, 0, 0, 0)), shelf) == "tool and shelf"


def test_nine_places_miss_less_than_the_clearance():
    """Against a hundred times as many, for lines of the arm's own lengths past a corner."""
    rng = np.random.default_rng(1)
    for _ in range(300):
        joints = rng.uniform(-np.pi, np.pi, 6)
        few = collision.lines(joints, FLANGE)
        ends = few[:, [0, -1]]
        many = ends[:, :1] + np.linspace(0, 1, 801)[None, :, None] * (ends[:, 1:] - ends[:, :1])
        box = rng.uniform(-0.8, 0.8, 3)

        def gaps(parts, box=box):
            outside = np.maximum(np.maximum(box - parts, parts - (box + 0.2)), 0.0)
            return np.linalg.norm(outside, axis=2).min(axis=1)

        at_the_skin = gaps(few) > collision.RADII_M - collision.CLEARANCE_M
        assert (gaps(few) - gaps(many))[at_the_skin].max(initial=0.0) < collision.CLEARANCE_M


def rig(**options):
    world = World(1, {})
    world.now = asyncio.get_running_loop().time
    chosen = DRIVER.options(**options)
    twin = Twin("ur5e", chosen, world)
    twin.body.mode = RobotMode.RUNNING
    tasks = set()

    def dial(tcp_port=RTDE):
        here, there = wire()
        tasks.add(asyncio.create_task(twin.serve_port(tcp_port, there)))
        return here

    return twin, DRIVER.load()("ur5e", Port("sim:ur5e", dial), chosen, DRIVER.default_limits)


def test_a_way_through_a_box_is_refused_and_the_way_round_is_not():
    async def main():
        twin, arm = rig(obstacles=BESIDE)
        await arm.connect()
        aside = [90.0, -90.0, -90.0, -90.0, 90.0, 0.0]
        with pytest.raises(LimitError, match="and rack would touch"):
            await arm.perform(Command("t/1", "move_joints", {"joints_deg": aside}))
        assert twin.body.joints() == PARKED
        await arm.perform(Command("t/2", "move_joints", {"joints_deg": [-270.0, *aside[1:]]}))

    clock.run(main, epoch_s=0.0)


def test_what_others_let_the_twin_run_into_stops_it():
    async def main():
        twin, _ = rig(obstacles=BESIDE)
        twin.programs.send("def a():\n  movej([1.5708,-1.5708,-1.5708,-1.5708,1.5708,0])\nend\n")
        await asyncio.sleep(10)
        assert twin.body.safety is SafetyMode.PROTECTIVE_STOP
        assert 0.05 < twin.body.joints()[0] < 1.0
        assert collision.clash(twin.body.joints(), FLANGE, twin.body.boxes) is None

    clock.run(main, epoch_s=0.0)
