"""The arm's driver on its twin, in virtual time: what it sends, what it refuses, how it stops and fails."""

import asyncio
import time

import pytest

from drivers.arms.precise_pf400 import DRIVER, note
from drivers.core.errors import (
    CommandFailed,
    CommandRefused,
    CommandStopped,
    ConnectionFailed,
    ConnectionLost,
    DeviceError,
    LimitError,
    ProtocolViolation,
    ReplyTimeout,
)
from drivers.core.instrument import Command
from sim_lab import clock


def run(main):
    return clock.run(main, epoch_s=0.0)


def test_a_plate_goes_from_a_deck_into_a_hotel_and_back(bench):
    async def main():
        lab = bench()
        await lab.arm.connect()
        lab.place("deck.1")
        for source, destination in [("deck.1", "hotel.1"), ("hotel.1", "deck.2"), ("deck.2", "deck.1")]:
            await lab.arm.perform(
                Command("1", "move_labware", {"labware": "plate", "source": source, "destination": destination})
            )
            assert lab.where() == destination
        assert lab.twin.arm.held is None
        assert not lab.twin.arm.fallen
        assert 15 < asyncio.get_running_loop().time() < 60
        await lab.arm.disconnect()
        assert not lab.twin.attached

    run(main)


def test_the_bytes_of_connecting_and_of_one_move(bench):
    """The dialogue is pinned: TCS verbs of the User's Guide 3.0C1 and of the plug-in SSGrip."""

    async def main():
        lab = bench()
        await lab.arm.connect()
        assert lab.status.sent == [b"selectRobot 1\n"]
        assert lab.robot.sent == [
            b"mode 0\n", b"hp 1 20\n", b"attach 1\n", b"pd 2800\n", b"home\n",
            b"Profile 1 50.0 0 100 100 0.1 0.1 10 0\n", b"Profile 2 20.0 0 100 100 0.1 0.1 10 -1\n",
        ]  # fmt: skip
        lab.place("deck.1")
        lab.robot.sent.clear()
        await lab.arm.move_labware("plate", "deck.1", "deck.2")
        x, y = (b"%d" % number for number in note.key(""))
        assert [sent for sent in lab.robot.sent if sent != b"waitForEom\n"] == [
            b"wherej\n",  # are its fingers open?
            b"GraspPlate 85.48 50 10\n",  # does it hold anything?
            b"locXyz 20\n",  # did an earlier process note what?
            b"wherec\n",
            b"locXyz 19 420 180 70 0 90 180\n",
            b"locXyz 20 %b %b 1 0 90 180\n" % (x, y),
            b"wherec\n",
            b"ReleasePlate 97.48 50\n",
            b"moveC 1 420.0 180.0 145.0 0.0 90.0 180.0 \n",
            b"moveC 2 420.0 180.0 70.0 0.0 90.0 180.0 \n",
            b"locXyz 20 %b %b 2 0 90 180\n" % (x, y),
            b"GraspPlate 85.48 50 10\n",
            b"moveC 2 420.0 180.0 145.0 0.0 90.0 180.0 \n",
            b"wherec\n",
            b"moveC 1 430.0 -160.0 145.0 0.0 90.0 180.0 \n",
            b"GraspPlate 85.48 50 10\n",  # does it still?
            b"moveC 2 430.0 -160.0 85.0 0.0 90.0 180.0 \n",
            b"locXyz 20 %b %b 3 0 90 180\n" % (x, y),
            b"ReleasePlate 97.48 50\n",
            b"moveC 2 430.0 -160.0 145.0 0.0 90.0 180.0 \n",
            b"locXyz 20 %b %b 4 0 90 180\n" % (x, y),
        ]
        assert lab.robot.sent.count(b"waitForEom\n") == 6

    run(main)


def test_an_elbow_that_was_taught_is_asked_for(bench):
    async def main():
        lab = bench({"deck.1": {"at_mm": (420, 180, 70), "yaw_deg": 0, "elbow": "right"},
                     "deck.2": {"at_mm": (430, -160, 85), "yaw_deg": 0, "elbow": "left"}})  # fmt: skip
        await lab.arm.connect()
        lab.place("deck.1")
        await lab.arm.move_labware("plate", "deck.1", "deck.2")
        configs = [sent.split()[-1] for sent in lab.robot.sent if sent.startswith(b"moveC")]
        # GPL: 1 righty, 2 lefty; 4096 keeps the wrist within half a turn
        assert configs == [b"4097"] * 3 + [b"4098"] * 3
        assert not lab.twin.arm.joints().elbow_is_right

    run(main)


def test_a_homed_arm_is_not_homed_again(bench):
    async def main():
        lab = bench()
        await lab.arm.connect()
        await lab.arm.disconnect()
        await lab.arm.connect()
        assert b"home\n" not in lab.robot.sent

    run(main)


def test_limits_and_unknown_sites_before_the_wire(bench):
    async def main():
        far = {"far": {"at_mm": (700.0, 300.0, 70.0), "yaw_deg": 0.0}, "high": {"at_mm": (400, 0, 1150), "yaw_deg": 0}}
        near = {"deck.1": {"at_mm": (420.0, 180.0, 70.0), "yaw_deg": 0.0}}
        lab = bench({**near, **far})
        await lab.arm.connect()
        lab.robot.sent.clear()
        with pytest.raises(LimitError, match="reach 761"):
            await lab.arm.move_labware("plate", "deck.1", "far")
        with pytest.raises(LimitError, match="height 1210"):
            await lab.arm.move_labware("plate", "high", "deck.1")
        with pytest.raises(CommandRefused, match=r"not taught shelf.*deck.1, far, high") as refused:
            await lab.arm.move_labware("plate", "deck.1", "shelf")
        assert refused.value.outcome == "not_started"
        with pytest.raises(CommandRefused, match="not one of its verbs"):
            await lab.arm.perform(Command("1", "dance"))
        assert lab.robot.sent == []

    run(main)


def test_a_lab_may_narrow_the_speed(bench):
    async def main():
        limits, wrong = DRIVER.default_limits.narrowed({"speed": ["1 %", "30 %"]})
        assert not wrong
        lab = bench(limits=limits)
        with pytest.raises(LimitError, match=r"speed 0.5"):
            await lab.arm.connect()
        assert lab.robot is None
        slow = bench(limits=limits, speed_percent=30)
        await slow.arm.connect()

    run(main)


def test_nothing_there_to_grip(bench):
    async def main():
        lab = bench()
        await lab.arm.connect()
        with pytest.raises(CommandFailed, match=r"no labware to grip at deck.1"):
            await lab.arm.move_labware("plate", "deck.1", "deck.2")
        lab.place("deck.1")  # and it can go on at once
        await lab.arm.move_labware("plate", "deck.1", "deck.2")
        assert lab.where() == "deck.2"

    run(main)


def test_a_place_that_is_taken_is_a_failure_and_the_arm_waits_for_somebody(bench):
    async def main():
        lab = bench()
        await lab.arm.connect()
        lab.place("deck.1")
        lab.place("deck.2", "other")
        with pytest.raises(CommandFailed, match="-3122: Soft envelope error") as failed:
            await lab.arm.move_labware("plate", "deck.1", "deck.2")
        assert failed.value.outcome == "failed"
        assert not lab.twin.arm.powered  # a collision switches power off
        assert lab.twin.arm.held.name == "plate"
        assert lab.where("other") == "deck.2"
        with pytest.raises(CommandRefused, match="connect it again"):
            await lab.arm.move_labware("plate", "deck.1", "hotel.1")
        await lab.arm.connect(force_reconnect=True)
        with pytest.raises(CommandRefused, match="holds plate"):
            await lab.arm.move_labware("other", "deck.2", "deck.1")
        await lab.arm.move_labware("plate", "deck.1", "hotel.1")  # it still holds it: no pick
        assert lab.where() == "hotel.1"

    run(main)


def test_a_plate_that_is_held_fast_is_not_torn_off(bench):
    async def main():
        lab = bench()
        await lab.arm.connect()
        lab.place("deck.1")
        lab.world.clamped.add("deck.1")
        with pytest.raises(CommandFailed, match="-3122"):
            await lab.arm.move_labware("plate", "deck.1", "deck.2")
        assert lab.where() == "deck.1"

    run(main)


def test_a_plate_that_is_lost_on_the_way_is_noticed(bench):
    async def main():
        lab = bench()
        await lab.arm.connect()
        lab.place("deck.1")
        moving = asyncio.create_task(lab.arm.move_labware("plate", "deck.1", "deck.2"))
        await lab.grip()
        await asyncio.sleep(1)
        lab.twin.arm.held = None
        with pytest.raises(CommandFailed, match=r"lost plate on the way to deck.2"):
            await moving

    run(main)


def test_an_unknown_plate_in_the_gripper_stops_the_first_move(bench):
    async def main():
        lab = bench()
        lab.place("deck.1", "stranger")
        lab.twin.arm.held = lab.world.lift("deck.1")
        await lab.arm.connect()
        with pytest.raises(CommandRefused, match="labware that it was not told of"):
            await lab.arm.move_labware("plate", "deck.1", "deck.2")
        assert lab.twin.arm.held is not None
        lab.twin.arm.held = None  # somebody takes it out
        lab.place("deck.1")
        await lab.arm.move_labware("plate", "deck.1", "deck.2")
        assert lab.where() == "deck.2"

    run(main)


@pytest.mark.parametrize("after_s", [0.5, 2.0, 3.5, 4.0, 6.0, 9.0])
def test_a_stop_acts_during_a_command(bench, after_s):
    async def main():
        lab = bench()
        await lab.arm.connect()
        lab.place("deck.1")
        loop = asyncio.get_running_loop()
        moving = asyncio.create_task(
            lab.arm.perform(
                Command("1", "move_labware", {"labware": "plate", "source": "deck.1", "destination": "hotel.1"})
            )
        )
        await asyncio.sleep(after_s)
        asked_s = loop.time()
        await lab.arm.stop()
        assert loop.time() == asked_s  # it waited neither for the lock nor for the command's reply
        assert lab.status.sent[-1] == b"halt\n"
        assert not lab.twin.arm.moving
        stood = lab.twin.arm.pose()
        with pytest.raises(CommandStopped):
            await moving
        assert loop.time() - asked_s < 2
        assert lab.twin.arm.pose() == stood  # nothing moved after the stop
        with pytest.raises(CommandRefused, match="connect it again"):
            await lab.arm.move_labware("plate", "deck.1", "deck.2")
        await lab.arm.connect(force_reconnect=True)
        if lab.twin.arm.held is not None:
            await lab.arm.move_labware("plate", "deck.1", "deck.2")
            assert lab.where() == "deck.2"

    run(main)


def test_a_stop_during_homing(bench):
    async def main():
        lab = bench()
        connecting = asyncio.create_task(lab.arm.connect())
        await asyncio.sleep(5)
        await lab.arm.stop()
        with pytest.raises(CommandStopped):
            await connecting

    run(main)


def test_a_stop_finds_its_line_again(bench):
    async def main():
        lab = bench()
        await lab.arm.connect()
        first = lab.status
        await first.inner.close()  # gone, and nobody noticed
        await lab.arm.stop()
        assert lab.status is not first
        assert lab.status.sent == [b"selectRobot 1\n", b"halt\n"]

    run(main)


def test_no_status_port_no_arm(bench):
    async def main():
        lab = bench()

        def nobody():
            raise ConnectionFailed("nobody listens on 10000.")

        lab.arm._stop_line._dial = nobody
        with pytest.raises(ConnectionFailed, match=r"no line for a stop.*status_port"):
            await lab.arm.connect()
        assert lab.robot is None

    run(main)


def test_a_lost_connection_in_mid_command_and_the_way_back(bench):
    async def main():
        lab = bench()
        await lab.arm.connect()
        lab.place("deck.1")
        moving = asyncio.create_task(lab.arm.move_labware("plate", "deck.1", "deck.2"))
        await asyncio.sleep(1)
        await lab.robot.inner.close()
        with pytest.raises(ConnectionLost) as lost:
            await moving
        assert lost.value.outcome == "unknown"
        assert lost.value.device == "arm"
        await lab.arm.stop()  # its line is another one
        with pytest.raises(CommandRefused, match="connect it again"):
            await lab.arm.move_labware("plate", "deck.1", "deck.2")
        await lab.arm.connect(force_reconnect=True)
        await lab.arm.move_labware("plate", "deck.1", "deck.2")
        assert lab.where() == "deck.2"

    run(main)


def test_connecting_again_ends_a_command_that_runs(bench):
    async def main():
        lab = bench()
        await lab.arm.connect()
        lab.place("deck.1")
        moving = asyncio.create_task(
            lab.arm.perform(
                Command("1", "move_labware", {"labware": "plate", "source": "deck.1", "destination": "deck.2"})
            )
        )
        await lab.grip()
        await lab.arm.connect(force_reconnect=True)  # the controller takes a new client when the motion has ended
        with pytest.raises(DeviceError):
            await moving
        stood = lab.twin.arm.pose()
        await asyncio.sleep(60)
        assert lab.twin.arm.pose() == stood
        await lab.arm.move_labware("plate", "deck.1", "deck.2")
        assert lab.where() == "deck.2"

    run(main)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"hello\r\n", ProtocolViolation),
        (b"\xff\xfe\r\n", ProtocolViolation),
        (b"\r\n", ProtocolViolation),
        (b"0 many words\r\n", ProtocolViolation),
        (b"-1009\r\n", CommandRefused),
        (b"-3105\r\n", CommandFailed),
        (b"0", ReplyTimeout),
    ],
)
def test_a_wrong_answer_is_an_error_and_never_a_hang(bench, answer, error):
    async def main():
        lab = bench(reply_timeout_s=60)
        await lab.arm.connect()
        lab.place("deck.1")
        lab.robot.spoil = lambda data: answer
        with pytest.raises(error) as wrong:
            await lab.arm.move_labware("plate", "deck.1", "deck.2")
        assert wrong.value.device == "arm"
        assert asyncio.get_running_loop().time() < 100

    run(main)


def test_a_refusal_after_the_arm_has_moved_is_a_failure(bench):
    async def main():
        lab = bench()
        await lab.arm.connect()
        lab.place("deck.1")
        moving = asyncio.create_task(lab.arm.move_labware("plate", "deck.1", "deck.2"))
        await lab.grip()
        lab.twin.attached = False
        with pytest.raises(CommandFailed, match="-1009: No robot attached") as failed:
            await moving
        assert not isinstance(failed.value, CommandRefused)
        assert failed.value.outcome == "failed"

    run(main)


def test_what_the_controller_refuses_at_once_is_a_refusal(bench):
    async def main():
        lab = bench()
        await lab.arm.connect()
        lab.place("deck.1")
        lab.twin.attached = False
        with pytest.raises(CommandRefused, match="-1009") as refused:
            await lab.arm.move_labware("plate", "deck.1", "deck.2")
        assert isinstance(refused.value, DeviceError)
        assert refused.value.outcome == "not_started"

    run(main)


def test_two_hundred_moves_take_no_time(bench):
    async def main():
        lab = bench()
        await lab.arm.connect()
        lab.place("deck.1")
        began_s = time.perf_counter()
        sites = ["deck.1", "deck.2"]
        for turn in range(200):
            await lab.arm.move_labware("plate", sites[turn % 2], sites[1 - turn % 2])
        assert lab.where() == "deck.1"
        assert asyncio.get_running_loop().time() > 1000
        return time.perf_counter() - began_s

    assert run(main) < 10  # measured: 0.4 s
