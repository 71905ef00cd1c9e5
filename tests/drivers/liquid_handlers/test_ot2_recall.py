"""The OT-2 after the death of its client: the same run, what it remembers, and a safe end."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from drivers.core.errors import CommandFailed, CommandRefused, ConnectionLost
from drivers.core.instrument import Command, Recall
from drivers.core.labware import kind
from drivers.core.transport import Port, Transport
from drivers.liquid_handlers.opentrons_ot2 import DRIVER, wire
from drivers.liquid_handlers.opentrons_ot2.device import OT2
from drivers.liquid_handlers.opentrons_ot2.options import Options
from sim_lab.clock import run
from sim_lab.link import wire as new_wire
from sim_lab.twins.opentrons_ot2 import Twin
from sim_lab.world.model import World

OPTIONS = Options(left="p300_single_gen2", right="p20_single_gen2")
RACK, PLATE = kind("tips_300").load_name, kind("plate_96_flat").load_name
SLOW = {"mount": "left", "labware": "plate", "well": "A1", "volume_ul": 100.0, "rate_ul_s": 1.0}


class Robot:
    """A twin with a rack, a plate and a filled well; `client` is a new driver, as of a new process."""

    def __init__(self) -> None:
        self.world = World(seed=1, sites={})
        self.world.now = asyncio.get_running_loop().time
        self.twin = Twin("ot2", OPTIONS, self.world)
        self.links: list[Transport] = []
        self.tasks: set[asyncio.Future[None]] = set()
        for name, what, slot in (("rack", RACK, "1"), ("plate", PLATE, "2")):
            self.world.place(name, kind(what), f"ot2.{slot}")
        self.world.fill("plate", "A1", 200, {"dye": 1e-4})

    async def client(self) -> OT2:
        device = OT2("ot2", Port("sim:ot2", self.dial), OPTIONS, DRIVER.default_limits)
        await device.connect()
        return device

    async def told(self) -> OT2:
        device = await self.client()
        await device.perform(Command("s.1", "load_pipette", {"mount": "left", "pipette": "p300_single_gen2"}))
        await device.perform(Command("s.2", "load_labware", {"labware": "rack", "definition": RACK, "slot": "1"}))
        await device.perform(Command("s.3", "load_labware", {"labware": "plate", "definition": PLATE, "slot": "2"}))
        return device

    def dial(self, _: int | None = None) -> Transport:
        here, there = new_wire()
        self.links.append(here)
        self.tasks.add(asyncio.ensure_future(self.twin.serve(there)))
        return here

    async def kill(self) -> None:
        """Every connection ends, as when the kernel closes those of a killed process."""
        for link in self.links:
            await link.close()

    def sent(self) -> list[str]:
        return [command["commandType"] for run in self.twin.runs.values() for command in run.commands.values()]


def with_robot(story: Callable[[Robot], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        return await story(Robot())

    return run(main, epoch_s=0.0)


def test_a_new_client_goes_on_in_the_same_run() -> None:
    async def story(robot: Robot) -> None:
        first = await robot.told()
        await first.perform(Command("r.1", "pick_up_tip", {"mount": "left", "labware": "rack", "well": "A1"}))
        await robot.kill()
        second = await robot.client()
        await second.perform(Command("r.2", "aspirate", SLOW | {"volume_ul": 5.0}))
        assert list(robot.twin.runs) == ["run-1"]

    with_robot(story)


def test_what_the_robot_knows_is_not_told_again() -> None:
    async def story(robot: Robot) -> None:
        await robot.told()
        sent = robot.sent()
        await robot.told()  # another client, or another protocol
        assert robot.sent() == sent

    with_robot(story)


def test_nozzles_survive_a_new_client() -> None:
    async def story(robot: Robot) -> None:
        robot.world.pipettes["ot2", "left"] = "p300_multi_gen2"
        one = {"mount": "left", "pipette": "p300_multi_gen2", "nozzles": 1}
        await (await robot.client()).perform(Command("a", "load_pipette", one))
        second = await robot.client()
        sent = len(robot.sent())
        await second.perform(Command("b", "load_pipette", one))
        assert len(robot.sent()) == sent
        await second.perform(Command("c", "load_pipette", one | {"nozzles": None}))
        assert robot.sent()[sent:] == ["configureNozzleLayout"]
        assert robot.twin.heads["left"].nozzles is None

    with_robot(story)


def test_new_labware_takes_the_place_of_the_old() -> None:
    """Several runs share the robot: their labware has ids of its own, also with slashes."""

    async def story(robot: Robot) -> None:
        device = await robot.told()
        new = "run-2026-01-01T00:00:00/" + "x" * 200 + "/plate"
        await device.perform(Command("b.1", "load_labware", {"labware": new, "definition": PLATE, "slot": "2"}))
        await device.perform(Command("b.2", "remove_labware", {"labware": new}))
        await device.perform(Command("b.3", "load_labware", {"labware": new, "definition": PLATE, "slot": "3"}))
        deck = {name: slot for name, (_, slot) in robot.twin.runs["run-1"].labware.items()}
        assert deck == {wire.FIXED_TRASH: "12", "rack": "1", "plate": None, new: "3"}
        again = await robot.client()
        assert (await again.recall(Command("b.2", "remove_labware", {"labware": new}))).state == "done"

    with_robot(story)


def test_a_foreign_run_is_left_alone_unless_it_is_busy() -> None:
    async def story(robot: Robot) -> None:
        other = OT2("app", Port("sim:ot2", robot.dial), OPTIONS, DRIVER.default_limits)
        await other.connect()
        await robot.client()
        assert list(robot.twin.runs) == ["run-1", "run-3"]
        with pytest.raises(CommandRefused, match="not the current run"):
            await other.home()
        await other.connect(force_reconnect=True)
        busy = asyncio.ensure_future(other.home())
        await asyncio.sleep(1)
        with pytest.raises(CommandRefused, match="is active"):
            await robot.client()
        await busy

    with_robot(story)


def test_recall_of_a_running_command_waits_for_its_end() -> None:
    async def story(robot: Robot) -> tuple[Recall, float]:
        first = await robot.told()
        await first.perform(Command("r.1", "pick_up_tip", {"mount": "left", "labware": "rack", "well": "A1"}))
        running = asyncio.ensure_future(first.perform(Command("r.2", "aspirate", SLOW)))
        await asyncio.sleep(2)
        await robot.kill()
        with pytest.raises(ConnectionLost):
            await running
        second = await robot.client()
        found = await second.recall(Command("r.2", "aspirate", SLOW))
        well = robot.world.vessel(robot.world.labware["plate"], "A1")
        return found, well.volume_ul

    found, volume = with_robot(story)
    assert found == Recall("done", "robot run run-1: command key r.2 succeeded")
    assert volume == pytest.approx(100, rel=0.05)


def test_recall_learns_what_the_driver_missed() -> None:
    """The connection ended before the answer: the robot knows more than its driver, until that asks."""

    async def story(robot: Robot) -> None:
        device = await robot.told()
        new = {"labware": "b/plate", "definition": PLATE, "slot": "3"}
        loading = asyncio.ensure_future(device.perform(Command("b.1", "load_labware", new)))
        while "loadLabware" not in robot.sent()[-1:] or len(robot.twin.runs["run-1"].labware) < 4:
            await asyncio.sleep(0)
        await robot.kill()
        with pytest.raises(ConnectionLost):
            await loading
        assert (await device.recall(Command("b.1", "load_labware", new))).state == "done"
        await device.perform(Command("b.2", "load_labware", new | {"labware": "c/plate"}))

    with_robot(story)


def test_recall_of_what_never_came_failed_or_was_stopped() -> None:
    async def story(robot: Robot) -> None:
        first = await robot.told()
        missing = await first.recall(Command("r.9", "aspirate", SLOW))
        assert missing == Recall("not_done", "no command key r.9 in the robot's runs (run-1)")
        with pytest.raises(CommandFailed):
            await first.perform(Command("r.1", "aspirate", SLOW))
        failed = await first.recall(Command("r.1", "aspirate", SLOW))
        assert failed.state == "unknown"
        assert "TipNotAttachedError" in failed.evidence
        await first.perform(Command("r.2", "pick_up_tip", {"mount": "left", "labware": "rack", "well": "A1"}))
        running = asyncio.ensure_future(first.perform(Command("r.3", "aspirate", SLOW)))
        await asyncio.sleep(3)
        await first.stop()
        with pytest.raises(CommandFailed):
            await running
        second = await robot.client()
        stopped = await second.recall(Command("r.3", "aspirate", SLOW))
        assert (stopped.state, "RunStopped" in stopped.evidence) == ("unknown", True)
        assert (await second.recall(Command("r.2", "pick_up_tip"))).state == "done"

    with_robot(story)


def test_a_request_on_its_way_is_waited_for() -> None:
    """The first look does not find it, the second one does."""

    async def story(robot: Robot) -> Recall:
        device = await robot.told()
        run_ = robot.twin.runs["run-1"]
        late = {"key": "late", "commandType": "home", "params": {}}
        asyncio.get_running_loop().call_later(
            0.5, lambda: robot.tasks.add(asyncio.ensure_future(robot.twin._post_command(run_, late, {})))
        )
        return await device.recall(Command("late", "home"))

    assert with_robot(story).state == "done"


def test_an_old_log_is_no_evidence() -> None:
    """The robot deletes its oldest runs: with one run of ours left among twenty, an absent key says nothing."""

    async def story(robot: Robot) -> None:
        await robot.told()
        app = OT2("app", Port("sim:ot2", robot.dial), OPTIONS, DRIVER.default_limits)
        for _ in range(wire.KEPT_RUNS):
            await app.connect(force_reconnect=True)
            await app.stop()
        device = await robot.client()
        lost = await device.recall(Command("s.1", "pick_up_tip"))
        assert lost.state == "unknown"
        assert "deletes old runs" in lost.evidence

    with_robot(story)


@pytest.mark.parametrize("stopped", [True, False])
def test_made_safe(stopped: bool) -> None:
    async def story(robot: Robot) -> None:
        device = await robot.told()
        await device.perform(Command("r.1", "pick_up_tip", {"mount": "left", "labware": "rack", "well": "A1"}))
        running = asyncio.ensure_future(device.perform(Command("r.2", "aspirate", SLOW)))
        await asyncio.sleep(3)
        if stopped:
            await device.stop()
        await device.make_safe()
        await asyncio.gather(running, return_exceptions=True)
        assert robot.twin.heads["left"].tips is None
        assert robot.twin.gantry.y_mm == 353.0
        await device.make_safe()
        assert (await device.recall(Command("r.1", "pick_up_tip"))).state == "done"
        await device.perform(Command("r.3", "home"))

    with_robot(story)
