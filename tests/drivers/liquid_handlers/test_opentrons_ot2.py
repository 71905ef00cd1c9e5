"""The OT-2's driver: its HTTP dialogue, limits, stop, faults, reconnect."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from drivers.core.errors import (
    CommandFailed,
    CommandRefused,
    CommandStopped,
    ConnectionLost,
    LimitError,
    ProtocolViolation,
    ReplyTimeout,
)
from drivers.core.http import ServerSide
from drivers.core.instrument import Command
from drivers.core.transport import Port, Transport
from drivers.liquid_handlers.opentrons_ot2 import DRIVER, wire
from drivers.liquid_handlers.opentrons_ot2.device import OT2
from drivers.liquid_handlers.opentrons_ot2.options import Options
from sim_lab.clock import run
from sim_lab.link import wire as new_wire
from sim_lab.twins.opentrons_ot2 import Twin
from sim_lab.world.model import World

OPTIONS = Options(left="p300_single_gen2", right="p20_single_gen2")
Story = Callable[[OT2, Twin, World], Awaitable[Any]]


def with_twin(story: Story) -> Any:
    """A connected OT-2 with a rack, a filled plate and a reservoir on its deck, in virtual time."""

    async def main() -> Any:
        world = World(seed=1, sites={})
        world.now = asyncio.get_running_loop().time
        twin = Twin("ot2", OPTIONS, world)
        tasks = set()

        def dial(_: int | None = None) -> Transport:
            here, there = new_wire()
            tasks.add(asyncio.ensure_future(twin.serve(there)))
            return here

        device = OT2("ot2", Port("sim:ot2", dial), OPTIONS, DRIVER.default_limits)
        await device.connect()
        from drivers.core.labware import kind

        for name, what, slot in (("rack", "tips_300", "1"), ("plate", "plate_96_flat", "2")):
            world.place(name, kind(what), f"ot2.{slot}")
            await device.load_labware(name, kind(what).load_name, slot)
        world.fill("plate", "A1", 200, {"dye": 1e-4})
        await device.load_pipette("left", "p300_single_gen2")
        try:
            return await story(device, twin, world)
        finally:
            await device.disconnect()
            for task in tasks:
                task.cancel()

    return run(main, epoch_s=0.0)


def test_wire_dialogue() -> None:
    """The bytes of one command, as the robot server's OpenAPI (8.x) gives path, query, header and body."""
    seen = b""

    async def main() -> None:
        nonlocal seen
        here, there = new_wire()
        device = OT2("ot2", Port("http://127.0.0.1:31950", lambda *_: here), OPTIONS, DRIVER.default_limits)

        async def robot() -> None:
            nonlocal seen
            server = ServerSide()
            answers: list[Any] = [
                {"robot_model": "OT-2 Standard"}, {"data": []}, {"data": {"id": "r1"}},
                {"data": {"id": "c0", "status": "succeeded"}}, {"data": {"id": "c1", "status": "succeeded"}},
            ]  # fmt: skip
            while answers:
                seen = await there.receive()
                for _ in server.feed(seen):
                    await there.send(server.answer(200, answers.pop(0)))

        task = asyncio.ensure_future(robot())
        await device.connect()
        await device.perform(Command("run.7", "home"))
        await task

    run(main)
    head, _, body = seen.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /runs/r1/commands?waitUntilComplete=true&timeout=120000 HTTP/1.1"
    assert b"opentrons-version: 3" in [line.lower() for line in lines]
    assert json.loads(body) == {"data": {"commandType": "home", "params": {}, "intent": "setup", "key": "run.7"}}


def test_liquid_really_moves() -> None:
    async def story(device: OT2, _: Twin, world: World) -> None:
        await device.pick_up_tip("left", "rack", "A1")
        await device.aspirate("left", "plate", "A1", 100)
        await device.dispense("left", "plate", "B1", 100)
        await device.drop_tip("left", "trash", "A1")
        there = world.vessel(world.labware["plate"], "B1")
        assert there.volume_ul == pytest.approx(100, rel=0.05)
        assert there.volume_ul != 100  # a pipette is not exact
        assert there.mol["dye"] == pytest.approx(there.volume_ul * 1e-10, rel=1e-9)
        assert "A1" not in world.labware["rack"].tips

    with_twin(story)


def test_a_command_takes_its_time() -> None:
    async def story(device: OT2, _: Twin, __: World) -> float:
        await device.pick_up_tip("left", "rack", "A1")
        await device.move_to("left", "plate", "A1")
        began = asyncio.get_running_loop().time()
        await device.aspirate("left", "plate", "A1", 100, rate_ul_s=20)
        return asyncio.get_running_loop().time() - began

    assert with_twin(story) == pytest.approx(5.0)


@pytest.mark.parametrize("volume", [0.0, -5.0, float("nan"), float("inf"), 5000.0])
def test_limits_before_the_wire(volume: float) -> None:
    async def story(device: OT2, twin: Twin, _: World) -> None:
        sent = sum(len(found.commands) for found in twin.runs.values())
        with pytest.raises(LimitError, match="ot2: volume"):
            await device.aspirate("left", "plate", "A1", volume)
        assert sum(len(found.commands) for found in twin.runs.values()) == sent

    with_twin(story)


def test_what_the_robot_refuses_is_told_in_its_words() -> None:
    async def story(device: OT2, _: Twin, __: World) -> None:
        with pytest.raises(CommandFailed, match="TipNotAttachedError"):
            await device.aspirate("left", "plate", "A1", 50)
        with pytest.raises(CommandFailed, match="LabwareNotLoadedError"):
            await device.pick_up_tip("left", "nowhere", "A1")
        with pytest.raises(CommandRefused, match="carries p20_single_gen2, not p300_multi_gen2"):
            await device.load_pipette("right", "p300_multi_gen2")
        with pytest.raises(CommandRefused, match="not one of its verbs"):
            await device.perform(Command("x", "explode"))

    with_twin(story)


def test_a_blind_robot_draws_air_where_nothing_is() -> None:
    async def story(device: OT2, _: Twin, world: World) -> None:
        await device.pick_up_tip("left", "rack", "A1")
        world.lift("ot2.2")  # somebody took the plate away
        await device.aspirate("left", "plate", "A1", 100)
        await device.dispense("left", "plate", "B1", 100)
        assert world.vessel(world.labware["plate"], "A1").volume_ul == pytest.approx(200, rel=0.01)

    with_twin(story)


def test_stop_acts_during_a_command() -> None:
    async def story(device: OT2, _: Twin, __: World) -> float:
        await device.pick_up_tip("left", "rack", "A1")
        began = asyncio.get_running_loop().time()
        running = asyncio.ensure_future(device.perform(Command("a", "aspirate", {
            "mount": "left", "labware": "plate", "well": "A1", "volume_ul": 200.0, "rate_ul_s": 1.0,
        })))  # fmt: skip
        await asyncio.sleep(3)
        await device.stop()
        with pytest.raises(CommandStopped, match="RunStopped"):
            await running
        took = asyncio.get_running_loop().time() - began
        with pytest.raises(CommandRefused, match="its run was stopped"):
            await device.home()
        await device.connect(force_reconnect=True)
        await device.home()
        return took

    assert with_twin(story) == pytest.approx(3.0, abs=0.1)


def _against(answer: Callable[[Transport], Awaitable[None]]) -> OT2:
    """An OT-2 whose robot answers as told."""
    tasks = []

    def dial(_: int | None = None) -> Transport:
        here, there = new_wire()
        tasks.append(asyncio.ensure_future(answer(there)))  # type: ignore[arg-type]
        return here

    return OT2("ot2", Port("sim:ot2", dial), OPTIONS, DRIVER.default_limits)


def test_lost_connection_is_unknown() -> None:
    async def hang_up(link: Transport) -> None:
        await link.receive()
        await link.close()

    async def main() -> None:
        with pytest.raises(ConnectionLost) as caught:
            await _against(hang_up).connect()
        assert caught.value.outcome == "unknown"

    run(main)


def test_garbage_is_a_violation_not_a_hang() -> None:
    async def babble(link: Transport) -> None:
        await link.receive()
        await link.send(b"\x00\xffwhat?\r\n\r\n")

    async def main() -> None:
        with pytest.raises(ProtocolViolation, match="not HTTP"):
            await _against(babble).connect()

    run(main)


def test_silence_ends_in_a_time_out() -> None:
    async def silent(link: Transport) -> None:
        while await link.receive():
            pass

    async def main() -> float:
        with pytest.raises(ReplyTimeout):
            await _against(silent).connect()
        return asyncio.get_running_loop().time()

    assert run(main) == pytest.approx(10)


def test_another_robot_is_not_an_ot2() -> None:
    async def flex(link: Transport) -> None:
        server = ServerSide()
        for _ in server.feed(await link.receive()):
            await link.send(server.answer(200, {"robot_model": "OT-3 Standard"}))

    async def main() -> None:
        with pytest.raises(CommandRefused, match="answers as 'OT-3 Standard'"):
            await _against(flex).connect()

    run(main)


def test_reconnects() -> None:
    async def story(device: OT2, _: Twin, __: World) -> None:
        await device.home()
        await device.close()  # as a broken cable does
        await device.home()

    with_twin(story)


def test_a_late_command_is_looked_up() -> None:
    """The server may answer before the command has ended; the driver then asks until it has."""

    async def slow(link: Transport) -> None:
        server = ServerSide()
        answers = [
            {"robot_model": "OT-2"}, {"data": []}, {"data": {"id": "r"}}, {"data": {"id": "m", "status": "succeeded"}},
            {"data": {"id": "c", "status": "running"}},
            {"data": {"id": "c", "status": "running"}}, {"data": {"id": "c", "status": "succeeded"}},
        ]  # fmt: skip
        while data := await link.receive():
            for _ in server.feed(data):
                await link.send(server.answer(200, answers.pop(0)))

    async def main() -> float:
        device = _against(slow)
        await device.connect()
        await device.home()
        return asyncio.get_running_loop().time()

    assert run(main) == pytest.approx(2.0)


def test_paths_quote_ids() -> None:
    assert wire.command_path("a/b", "c d") == "/runs/a%2Fb/commands/c%20d"


def test_it_blinks_and_its_lights_go_off_and_a_stop_ends_the_waiting() -> None:
    async def story(device: OT2, twin: Twin, _: World) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await device.perform(Command("b", "blink", {"duration_s": 5.0}))
        assert 5 <= loop.time() - began < 5.2
        await device.perform(Command("l", "lights", {"state": "off"}))
        assert not twin.lit
        blinking = asyncio.ensure_future(device.perform(Command("c", "blink", {"duration_s": 60.0})))
        await asyncio.sleep(3)
        began = loop.time()
        await device.stop()
        with pytest.raises(CommandStopped):
            await blinking
        assert loop.time() - began < 1.5

    with_twin(story)
