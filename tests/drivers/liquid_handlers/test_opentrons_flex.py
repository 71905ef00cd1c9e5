"""The Flex: its deck, its trash, its gripper, its limits; all else is the OT-2's driver."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from drivers.core.errors import CommandFailed, CommandRefused, LimitError
from drivers.core.labware import kind
from drivers.core.transport import Port, Transport
from drivers.liquid_handlers.opentrons_flex import DRIVER
from drivers.liquid_handlers.opentrons_flex.device import Flex
from drivers.liquid_handlers.opentrons_flex.options import Options
from drivers.liquid_handlers.opentrons_ot2 import robots
from sim_lab.clock import run
from sim_lab.link import wire as new_wire
from sim_lab.twins import opentrons_ot2
from sim_lab.twins.opentrons_flex import Twin
from sim_lab.world.model import World

RACK, PLATE = "opentrons_flex_96_tiprack_200ul", "corning_96_wellplate_360ul_flat"
OPTIONS = Options(left="p1000_single_flex", right="p50_multi_flex")
Story = Callable[[Flex, Twin, World], Awaitable[Any]]


def with_twin(story: Story, options: Options = OPTIONS) -> Any:
    """A connected Flex with a rack and a plate with water, in virtual time."""

    async def main() -> Any:
        world = World(seed=1, sites={})
        world.now = asyncio.get_running_loop().time
        twin = Twin("flex", options, world)
        tasks = set()

        def dial(_: int | None = None) -> Transport:
            here, there = new_wire()
            tasks.add(asyncio.ensure_future(twin.serve(there)))
            return here

        device = Flex("flex", Port("sim:flex", dial), options, DRIVER.default_limits)
        await device.connect()
        for name, what, slot in (("rack", RACK, "D1"), ("plate", PLATE, "D2")):
            world.place(name, kind(what), f"flex.{slot}")
            await device.load_labware(name, what, slot)
        world.fill("plate", "A1", 200, {"7732-18-5": 55.4})
        await device.load_pipette("left", "p1000_single_flex")
        try:
            return await story(device, twin, world)
        finally:
            await device.disconnect()
            for task in tasks:
                task.cancel()

    return run(main, epoch_s=0.0)


def test_its_deck() -> None:
    assert robots.FLEX.slots["D1"] == (0.0, 0.0)
    assert robots.FLEX.slots["A3"] == (328.0, 321.0)
    assert robots.FLEX.slots["B4"] == (492.0, 214.0)
    assert len(robots.FLEX.slots) == 16
    assert robots.FLEX.location("B4") == {"addressableAreaName": "B4"}
    assert robots.OT2.location("4") == {"slotName": "4"}


def test_tips_and_liquid_go_into_the_bin() -> None:
    async def story(device: Flex, twin: Twin, world: World) -> None:
        await device.pick_up_tip("left", "rack", "A1")
        await device.aspirate("left", "plate", "A1", 100)
        await device.dispense("left", "plate", "B1", 60)
        assert world.vessel(world.labware["plate"], "B1").volume_ul == pytest.approx(
            60, rel=0.1
        )  # p1000 at its low end
        await device.dispense("left", "trash", "A1", 20)
        await device.blow_out("left", "trash", "A1")
        await device.drop_tip("left", "trash", "A1")
        assert world.labware["flex.trash"].vessels["A1"].volume_ul == pytest.approx(40, rel=0.2)
        kinds = [command["commandType"] for command in next(iter(twin.runs.values())).commands.values()]
        assert kinds[-2:] == ["moveToAddressableAreaForDropTip", "dropTipInPlace"]
        assert "dropTip" not in kinds
        await device.make_safe()

    with_twin(story)


def test_the_gripper() -> None:
    async def story(device: Flex, twin: Twin, world: World) -> None:
        await device.move_plate("D2", "B4")
        assert world.at["flex.B4"] == "plate"
        await device.pick_up_tip("left", "rack", "A1")
        with pytest.raises(CommandFailed, match="LocationNotAccessibleByPipette"):
            await device.aspirate("left", "plate", "A1", 50)
        await device.move_plate("B4", "C2")
        await device.aspirate("left", "plate", "A1", 50)
        with pytest.raises(CommandRefused, match="nothing was told to stand at A1"):
            await device.move_plate("A1", "A2")
        with pytest.raises(CommandFailed, match="LocationIsOccupiedError"):
            await device.move_plate("C2", "D1")
        world.take_away("flex.C2")
        with pytest.raises(CommandFailed, match="FailedGripperPickupError"):
            await device.move_plate("C2", "C1")

    with_twin(story)


def test_no_gripper_no_move() -> None:
    async def story(device: Flex, _: Twin, world: World) -> None:
        with pytest.raises(CommandFailed, match="GripperNotAttachedError"):
            await device.move_plate("D2", "C2")
        assert world.at["flex.D2"] == "plate"

    with_twin(story, OPTIONS.model_copy(update={"gripper": False}))


@pytest.mark.parametrize("volume", [0.0, float("nan"), 5000.0])
def test_limits_before_the_wire(volume: float) -> None:
    async def story(device: Flex, twin: Twin, _: World) -> None:
        sent = sum(len(found.commands) for found in twin.runs.values())
        with pytest.raises(LimitError, match="flex: volume"):
            await device.aspirate("left", "plate", "A1", volume)
        assert sum(len(found.commands) for found in twin.runs.values()) == sent

    with_twin(story)


def test_an_ot2_is_no_flex() -> None:
    async def story(device: Flex, twin: Twin, _: World) -> None:
        twin.robot = opentrons_ot2.robots.OT2  # type: ignore[misc]
        with pytest.raises(CommandRefused, match="answers as 'OT-2 Standard', not as an OT-3"):
            await device.connect(force_reconnect=True)

    with_twin(story)
