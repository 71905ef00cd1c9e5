"""The body of the arm: where it is at the ends of its legs, that it goes as its twin does, and the lab's own boxes."""

import asyncio
import itertools
import math

import pytest

from drivers.arms.precise_pf400.kinematics import Pose
from drivers.arms.precise_pf400.motion import PARTS, ArmMotion
from drivers.core.build import motion
from drivers.core.motion import first_hit
from drivers.core.timing import CannotDo
from labfile import Lab
from orchestrator.labview import view
from sim_lab.clock import run

SIZE = (127.76, 85.48, 14.2)
HAND, PLATE = PARTS.index("hand"), PARTS.index("labware")


def arm_of(lab: Lab) -> ArmMotion:
    found = motion(lab.devices["arm"], lab.sites)
    assert isinstance(found, ArmMotion)
    return found


def test_it_grips_at_the_source_and_lets_go_at_the_destination(lab: Lab) -> None:
    sweep = arm_of(lab).move("ot2.3", "hotel.2", SIZE)
    carrying = [n for n, row in enumerate(sweep.places) if row[PLATE, 4] >= 0]
    into = max(n for n, leg in enumerate(sweep.legs) if leg == "going into ot2.3")
    for sample, site in ((into, "ot2.3"), (carrying[-1], "hotel.2")):
        x, y, z = lab.sites[site].at_mm
        assert sweep.places[sample, HAND, 2:4].tolist() == pytest.approx([x, y], abs=1e-6)
        assert sweep.places[sample, HAND, 5] == pytest.approx(z - 10)
    assert carrying == list(range(into + 1, carrying[-1] + 1)), "it holds the plate from the one to the other"
    assert not sweep.places[carrying[-1] + 1 :, PLATE, 4].max() >= 0


def test_samples_lie_close_together(lab: Lab) -> None:
    places = arm_of(lab).move("reader.tray", "centrifuge.bucket", SIZE).places
    steps = [math.dist(a[HAND, 2:4], b[HAND, 2:4]) for a, b in itertools.pairwise(places)]
    assert max(steps) < 40  # 2 degrees at full stretch are 26 mm, of two axes at once


def test_what_it_cannot_reach_it_says(lab: Lab) -> None:
    far = motion(lab.devices["arm"], {**lab.sites, "reader.tray": lab.sites["reader.tray"].model_copy(
        update={"at_mm": (900.0, 0.0, 85.0)})})  # fmt: skip
    assert far is not None
    with pytest.raises(CannotDo, match="does not reach"):
        far.move("ot2.3", "reader.tray", SIZE)


def test_between_all_sites_of_the_lab_nothing_is_in_the_way(lab: Lab) -> None:
    boxes, met = view(lab).boxes["arm"], []
    for source, destination in itertools.permutations(lab.sites, 2):
        arm = arm_of(lab)
        for one, other in ((source, destination), (destination, source)):
            if (hit := first_hit(arm.move(one, other, SIZE), boxes)) is not None:
                met.append((one, other, hit))
    assert not met


def test_the_twin_goes_where_the_model_says(bench) -> None:  # type: ignore[no-untyped-def]
    """The gripper of the twin, looked at on its way, is always near to a place of the swept hand."""
    seen: list[Pose] = []

    async def main() -> ArmMotion:
        lab = bench()
        await lab.arm.connect()
        lab.place("hotel.1")
        move = asyncio.ensure_future(lab.arm.move_labware("plate", "hotel.1", "deck.2"))
        while not move.done():
            seen.append(lab.twin.arm.pose())
            await asyncio.sleep(0.1)
        await move
        return ArmMotion("arm", lab.arm.options)

    sweep = run(main).move("hotel.1", "deck.2", SIZE)
    ways = [(*row[HAND, 2:4], row[HAND, 5] + 10) for row in sweep.places]
    assert len(seen) > 50
    assert max(min(math.dist((p.x_mm, p.y_mm, p.z_mm), way) for way in ways) for p in seen[1:]) < 30
