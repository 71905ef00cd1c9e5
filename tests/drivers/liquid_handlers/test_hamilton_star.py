"""The STAR's driver: its firmware dialogue, liquid, head and gripper, limits, stop, faults, what another process finds."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from drivers.core.errors import CommandFailed, CommandRefused, CommandStopped, ConnectionLost, LimitError, ReplyTimeout
from drivers.core.instrument import Command
from drivers.core.labware import kind, library
from drivers.core.transport import Port, Transport
from drivers.liquid_handlers.hamilton_star import DRIVER, notes, wire
from drivers.liquid_handlers.hamilton_star.calibration import liquid_ul, piston_ul
from drivers.liquid_handlers.hamilton_star.device import STAR
from drivers.liquid_handlers.hamilton_star.labware import TIPS, rack
from drivers.liquid_handlers.hamilton_star.options import Options
from sim_lab.clock import run
from sim_lab.link import wire as new_wire
from sim_lab.tap import Tap
from sim_lab.twins.hamilton_star import Twin
from sim_lab.world.model import World

RACK = "hamilton_96_tiprack_300ul"
PLATE = "corning_96_wellplate_360ul_flat"
WATER = {"7732-18-5": 55.4}
Story = Callable[[STAR, Twin, World], Awaitable[Any]]


class Ear(Tap):
    """All that was sent, as text."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []

    def hear(self, direction: bytes, data: bytes) -> None:
        if direction == b">":
            self.sent += data.decode().split()


def with_twin(story: Story, options: Options = Options()) -> Any:  # noqa: B008
    """A connected STAR with tips, a plate with water and an empty one on its deck, in virtual time."""

    async def main() -> Any:
        world = World(seed=1, sites={})
        world.now = asyncio.get_running_loop().time
        twin = Twin("star", options, world)
        tasks = set()

        def dial(_: int | None = None) -> Transport:
            here, there = new_wire()
            tasks.add(asyncio.ensure_future(twin.serve(there)))
            return here

        device = another(dial, options)
        await device.connect()
        world.place("rack", rack(RACK), "star.tips1")
        await device.load_labware("rack", RACK, "tips1")
        for name, site in (("full", "plates1"), ("empty", "plates2")):
            world.place(name, kind(PLATE), f"star.{site}")
            await device.load_labware(name, PLATE, site)
        for well in kind(PLATE).wells:
            world.fill("full", well, 200.0, WATER)
        try:
            return await asyncio.wait_for(story(device, twin, world), 36000)
        finally:
            await device.disconnect()
            for task in tasks:
                task.cancel()

    return run(main, epoch_s=0.0)


def another(dial: Callable[..., Transport], options: Options = Options()) -> STAR:  # noqa: B008
    """A driver that knows nothing yet."""
    return STAR("star", Port("sim:star", dial), options, DRIVER.default_limits)


def held(world: World, plate: str, *wells: str) -> list[float]:
    return [world.vessel(world.labware[plate], well).volume_ul for well in wells]


def test_wire_dialogue() -> None:
    """Messages as PyLabRobot's own tests have them, out of what it sent to an instrument."""
    request = wire.parse("C0PPid0001xs03479xd0yj1142yd0zj1874zd0gr1th2800te2800gw4go1308gb1245gt20ga0gc0")
    assert request.name == "C0PP"
    assert request.number("xs") == 3479
    request = wire.parse(
        "C0ASid0001at0 0&tm1 0&xp02983 00000&yp1457 0000&th2450te2450lp2000 2000&ch000 000&zl1866 1866&"
    )
    assert request.numbers("tm", 8) == [1, 0, 0, 0, 0, 0, 0, 0]
    assert request.numbers("zl", 8)[:2] == [1866, 1866]
    troubles = [wire.Trouble("P2", 35, 0), wire.Trouble("P1", 0, 1), wire.Trouble("H0", 8, 76)]
    assert wire.answer(wire.parse("C0QMid1111"), troubles) == "C0QMid1111er99/00 P100/01 P235/00 H008/76"
    assert wire.answer(wire.parse("P1VYid0001"), data="yc194 194") == "P1VYid0001er00yc194 194"


def test_a_channel_moves_liquid() -> None:
    async def story(device: STAR, _: Twin, world: World) -> None:
        await device.load_pipette("channel3", "star_channel_1000")
        await device.pick_up_tip("channel3", "rack", "A1")
        assert "A1" not in world.labware["rack"].tips
        await device.aspirate("channel3", "full", "B2", 100.0)
        await device.dispense("channel3", "empty", "C3", 40.0)
        await device.dispense("channel3", "empty", "C4", 60.0)
        await device.touch_tip("channel3", "empty", "C4")
        await device.drop_tip("channel3", "trash", "A1")
        assert held(world, "full", "B2") == pytest.approx([100.0], rel=0.03)
        first, second = held(world, "empty", "C3", "C4")
        assert (first, second) == pytest.approx((40.0, 60.0), rel=0.06)
        assert first + second == pytest.approx(200 - held(world, "full", "B2")[0], abs=0.2)  # but for what evaporates

    with_twin(story)


def test_eight_channels_and_the_head() -> None:
    async def story(device: STAR, twin: Twin, world: World) -> None:
        await device.load_pipette("channels", "star_channels8_1000")
        await device.pick_up_tip("channels", "rack", "A1")
        await device.aspirate("channels", "full", "A1", 50.0)
        await device.dispense("channels", "empty", "A12", 50.0)
        assert held(world, "empty", "A12", "H12") == pytest.approx([50.0] * 2, rel=0.05)
        await device.drop_tip("channels", "rack", "A1")
        assert len(world.labware["rack"].tips) == 96

        await device.load_pipette("head96", "star_head96_1000")
        await device.pick_up_tip("head96", "rack", "A1")
        await device.aspirate("head96", "full", "A1", 80.0)
        await device.dispense("head96", "empty", "A1", 80.0)
        assert held(world, "empty", "A1", "H11") == pytest.approx([80.0] * 2, rel=0.05)
        await device.blow_out("head96", "empty", "A1")
        await device.drop_tip("head96", "trash", "A1")
        assert twin.floor.fallen == []
        assert all(abs(off) < 1e-9 for off in world.imbalance(twin.tips).values())

    with_twin(story)


def test_the_gripper_carries_a_plate() -> None:
    async def story(device: STAR, twin: Twin, world: World) -> None:
        await device.perform(Command("a/1", "move_plate", {"source": "plates1", "destination": "plates5"}))
        assert world.at["star.plates5"] == "full"
        with pytest.raises(CommandRefused, match="plates2 is taken"):
            await device.move_plate("plates5", "plates2")
        with pytest.raises(CommandRefused, match="nothing was told"):
            await device.move_plate("plates4", "plates3")
        await device.pick_up_tip("channel1", "rack", "A1")
        await device.aspirate("channel1", "full", "A1", 50.0)
        world.take_away("star.plates2")
        with pytest.raises(CommandFailed, match="ISWAP: Plate not found"):
            await device.move_plate("plates2", "plates3")
        await device.make_safe()
        assert twin.iswap.parked

    with_twin(story)


def test_a_plate_goes_back_whose_taking_was_never_answered() -> None:
    """The gripper feels that it holds one; where from, the last command to take one tells."""

    async def story(device: STAR, twin: Twin, world: World) -> None:
        take = device._backend.iswap_get_plate

        async def unanswered(**how: Any) -> None:
            await take(**how)
            raise TimeoutError("no answer")

        device._backend.iswap_get_plate = unanswered  # type: ignore[method-assign]
        with pytest.raises(ReplyTimeout):
            await device.move_plate("plates1", "plates5")
        device._backend.iswap_get_plate = take  # type: ignore[method-assign]
        assert "star.plates1" not in world.at
        await device.make_safe()
        assert world.at["star.plates1"] == "full"
        assert twin.iswap.parked

    with_twin(story)


def test_what_the_firmware_says_is_told_in_its_words() -> None:
    async def story(device: STAR, _: Twin, world: World) -> None:
        with pytest.raises(CommandFailed, match="Pipetting channel 1: No tip picked up"):
            await device.aspirate("channel1", "full", "A1", 50.0)
        await device.pick_up_tip("channel1", "rack", "A1")
        with pytest.raises(CommandFailed, match="channel 1: Tip already picked up"):
            await device.pick_up_tip("channel1", "rack", "B1")
        with pytest.raises(CommandFailed, match="No liquid level found"):
            await device.aspirate("channel1", "empty", "A1", 50.0)
        with pytest.raises(CommandFailed, match="Not enough liquid present"):
            await device.aspirate("channel1", "full", "A1", 250.0)
        with pytest.raises(CommandRefused, match="has no CO-RE tips"):
            await device.pick_up_tip("channel2", "full", "A1")
        with pytest.raises(CommandRefused, match="not told where nowhere stands"):
            await device.aspirate("channel1", "nowhere", "A1", 50.0)
        with pytest.raises(CommandRefused, match="there is no p300"):
            await device.load_pipette("left", "p300_single_gen2")
        assert held(world, "full", "A1") == pytest.approx([200.0], abs=0.2)  # but for what evaporates

    with_twin(story)


@pytest.mark.parametrize("volume", [0.0, -5.0, float("nan"), float("inf"), 5000.0])
def test_limits_before_the_wire(volume: float) -> None:
    async def story(device: STAR, twin: Twin, _: World) -> None:
        before = device._backend.id_
        with pytest.raises(LimitError, match="star: volume"):
            await device.aspirate("channel1", "full", "A1", volume)
        assert device._backend.id_ == before

    with_twin(story)


def test_stop_acts_during_a_command() -> None:
    async def story(device: STAR, twin: Twin, world: World) -> None:
        loop = asyncio.get_running_loop()
        await device.pick_up_tip("channel1", "rack", "A1")
        slow = {"mount": "channel1", "labware": "full", "well": "A1", "volume_ul": 100.0, "rate_ul_s": 0.5}
        running = asyncio.ensure_future(device.perform(Command("s/1", "aspirate", slow)))
        await asyncio.sleep(5)
        asked = loop.time()
        await device.stop()
        with pytest.raises(CommandStopped):
            await running
        assert loop.time() - asked < 1
        await device.make_safe()  # waits for the stroke that is under way
        assert loop.time() - asked > 100
        assert not any(nozzle.tip for nozzle in twin.channels.nozzles)
        assert all(abs(off) < 1e-9 for off in world.imbalance(twin.tips).values())
        await device.home()

    with_twin(story)


def test_another_process_finds_tips_and_labware() -> None:
    async def story(device: STAR, twin: Twin, world: World) -> None:
        take = Command("r/1", "pick_up_tip", {"mount": "channel2", "labware": "rack", "well": "C1"})
        assert (await device.recall(take)).state == "not_done"
        await device.perform(take)
        await device.disconnect()
        fresh = another(device.port.transport)
        await fresh.connect()
        told = await fresh.recall(take)
        assert told.state == "done"
        assert "no yes no" not in told.evidence
        plate = Command("r/2", "load_labware", {"labware": "full", "definition": PLATE, "slot": "plates1"})
        assert (await fresh.recall(plate)).state == "done"
        await fresh.aspirate("channel2", "full", "A1", 50.0)
        assert (await fresh.recall(Command("r/3", "aspirate", {}))).state == "unknown"
        await fresh.make_safe()
        await fresh.make_safe()
        assert (await fresh.recall(Command("r/4", "drop_tip", dict(take.args)))).state == "done"
        await fresh.disconnect()
        assert all(abs(off) < 1e-9 for off in world.imbalance(twin.tips).values())

    with_twin(story)


def test_kinds_are_told_apart_by_their_notes() -> None:
    names = [*TIPS, *library()]
    assert len({notes.short(name) for name in names}) == len(names)


def test_lost_connection_is_unknown() -> None:
    async def story(device: STAR, twin: Twin, _: World) -> None:
        running = asyncio.ensure_future(device.perform(Command("l/1", "home")))
        await asyncio.sleep(0.5)
        await device._line._open().close()
        with pytest.raises(ConnectionLost) as caught:
            await running
        assert caught.value.outcome == "unknown"
        await device.connect(force_reconnect=True)
        await device.home()

    with_twin(story)


def test_an_answer_that_never_comes_is_a_time_out() -> None:
    async def story(device: STAR, twin: Twin, _: World) -> None:
        twin._answer = lambda request: asyncio.sleep(1e6)  # type: ignore[method-assign,assignment]
        with pytest.raises(ReplyTimeout, match="no answer to C0ZA"):
            await device.home()

    with_twin(story)


def test_carriers_are_looked_for() -> None:
    async def story(device: STAR, twin: Twin, _: World) -> None:
        twin.options = Options(plate_carrier_rail=20)
        with pytest.raises(CommandRefused, match="no carrier stands on rail 15"):
            await device.connect(force_reconnect=True)

    with_twin(story)


@pytest.mark.parametrize("tip", TIPS.values(), ids=lambda tip: tip.load_name)
def test_the_curve_goes_both_ways(tip: Any) -> None:
    for volume in (0.5, 5.0, 42.0, tip.nominal_ul):
        for head in (False, True):
            assert liquid_ul(tip, piston_ul(tip, volume, head), head) == pytest.approx(volume)
