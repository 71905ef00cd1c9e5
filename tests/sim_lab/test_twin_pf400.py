"""The arm's twin at its wire, as a client sees it, and in the world, as it is."""

import asyncio
from types import SimpleNamespace

import pytest

from drivers.arms.precise_pf400 import wire as tcs
from drivers.core.labware import kind
from sim_lab import clock
from sim_lab.link import wire
from sim_lab.twins.precise_pf400 import Twin
from sim_lab.world.model import World

SITES = {
    "deck.1": SimpleNamespace(arm="arm", at_mm=(420.0, 180.0, 70.0), yaw_deg=0.0, grip_mm=85.48),
    "deck.2": SimpleNamespace(arm="arm", at_mm=(430.0, -160.0, 85.0), yaw_deg=0.0, grip_mm=85.48),
    "elsewhere": SimpleNamespace(arm="other", at_mm=(420.0, 180.0, 70.0), yaw_deg=0.0, grip_mm=85.48),
}


class Client:
    """A bare TCS client."""

    def __init__(self, twin, tcp_port=None):
        self.link, there = wire()
        client = twin.serve(there) if tcp_port is None else twin.serve_port(tcp_port, there)
        self.task = asyncio.create_task(client)
        self.replies = tcs.Replies()
        self.waiting = []

    async def ask(self, *lines):
        """Send lines; the reply to the last one."""
        for line in lines:
            await self.link.send(line.encode() + b"\n")
            reply = await self.reply()
        return reply

    async def reply(self):
        while not self.waiting:
            data = await self.link.receive()
            if not data:
                return None
            self.waiting += self.replies.feed(data)
        reply = self.waiting.pop(0)
        return f"{reply.code} {reply.data}".rstrip()


def with_twin(body, ready=True):
    async def main():
        world = World(1, SITES)
        world.now = asyncio.get_running_loop().time
        twin = Twin("arm", None, world)
        client = Client(twin)
        if ready:
            assert await client.ask("mode 0", "hp 1 20", "attach 1", "home") == "0"
        await body(twin, client)

    clock.run(main, epoch_s=0.0)


def test_nothing_moves_before_power_attach_and_home():
    async def body(twin, client):
        assert await client.ask("moveC 1 400 0 300 0 90 180") == "-1009"  # no robot attached
        assert await client.ask("attach 1") == "-1046"  # power not enabled
        assert await client.ask("hp") == "0 0"
        assert await client.ask("hp 1 1") == "-1025"  # power took longer than one second
        assert await client.ask("hp 1 20") == "0"
        assert await client.ask("home") == "-1009"
        assert await client.ask("attach 1", "moveC 1 400 0 300 0 90 180") == "-1021"  # not homed
        assert await client.ask("pd 2800") == "0 0"
        assert await client.ask("home") == "0"
        assert await client.ask("pd 2800") == "0 1"
        assert await client.ask("moveC 1 400 0 300 0 90 180") == "0"
        assert await client.ask("attach", "sysState") == "0 21"

    with_twin(body, ready=False)


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("", "0"),
        ("nop", "0"),
        ("NOP", "0"),
        ("dance", "-2805 *Unknown command*"),
        ("mode", "0 0"),
        ("mode 1", "-2806 *Command Exception*"),
        ("version", "0 TCP Command Server 3.0C1, PARobot Module, SSGrip Module"),
        ("Speed 1", "0 1 50"),
        ("Speed 0", "-2815 *Invalid profile index*"),
        ("Speed one", "-717"),
        ("Straight 1", "0 1 False"),
        ("Profile 1", "0 1 50 0 100 100 0.1 0.1 10 0"),
        ("Profile 1 50", "-2800 *Warning Parameter Mismatch*"),
        ("locXyz 0", "-2814 *Invalid location index*"),
        ("locXyz 21", "-2816 *Undefined location*"),
        ("locXyz", "-2801 *Warning No Parameters"),
        ("locConfig 1", "0 1 0"),
        ("StationType 1", "0 1 1 0 50 0 0"),
        ("move 1", "-2802 *Warning Illegal move command*"),
        ("moveJ 1 0 0", "-2803 *Warning Invalid joint angles*"),
        ("moveC 1 0 0", "-2804 *Warning: Invalid Cartesian coordinate values*"),
        ("moveC 1 900 0 100 0 90 180", "-1040"),  # too far
        ("moveC 1 162 3 100 0 90 180", "-1039"),  # too near
        ("moveC 1 400 0 1300 0 90 180", "-1012"),  # beyond the column
        ("moveOneAxis 9 0 1", "-1002"),
        ("pd 99999", "-1066"),
        ("selectRobot 0", "-2808 *Not allowed by this thread*"),
        ("selectRobot 2", "-1001"),
        ("mspeed 0", "-707"),
        ("mspeed", "0 100"),
        ("GripOpenPos", "0 110"),
        ("IsFullyClosed", "0 0"),
        ("attach", "0 -1"),
        ("wherec", "0 350 0 300 0 90 180 1"),
    ],
)
def test_replies(line, reply):
    async def body(twin, client):
        assert await client.ask(line) == reply

    with_twin(body)


def test_a_move_is_answered_when_it_begins_and_a_second_one_when_that_begins():
    async def body(twin, client):
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert await client.ask("moveC 1 350 0 500 0 90 180") == "0"
        assert loop.time() == began
        await asyncio.sleep(0.2)
        assert await client.ask("state") == "0 3"
        z = float((await client.ask("wherec")).split()[3])
        assert 300 < z < 500
        assert await client.ask("moveC 1 350 0 300 0 90 180") == "0"
        first = loop.time() - began
        assert twin.arm.pose().z_mm == pytest.approx(500)
        assert await client.ask("waitForEom", "state") == "0 1"
        assert loop.time() - began == pytest.approx(2 * first)
        assert await client.ask("wherec") == "0 350 0 300 0 90 180 1"

    with_twin(body)


def test_speed_sets_the_time():
    async def body(twin, client):
        loop = asyncio.get_running_loop()
        took = {}
        for percent in (100, 10):
            began = loop.time()
            await client.ask(f"Speed 1 {percent}", "moveC 1 350 0 500 0 90 180", "waitForEom")
            await client.ask("moveC 1 350 0 300 0 90 180", "waitForEom")
            took[percent] = loop.time() - began
        assert took[10] > 5 * took[100]

    with_twin(body)


def test_the_robot_port_reads_nothing_while_a_command_waits_and_the_status_port_acts_at_once():
    async def body(twin, client):
        loop = asyncio.get_running_loop()
        await client.ask("Speed 1 5")
        began = loop.time()
        for line in (b"moveC 1 350 0 700 0 90 180\n", b"waitForEom\n", b"halt\n"):
            await client.link.send(line)
        await asyncio.sleep(1)
        assert twin.arm.moving  # the halt behind waitForEom is not seen
        status = Client(twin, 10000)
        assert await status.ask("halt") == "-1010"  # no robot selected
        assert await status.ask("moveC 1 350 0 300 0 90 180") == "-1009"
        assert await status.ask("attach 1") == "-2808 *Not allowed by this thread*"
        assert await status.ask("selectRobot 1", "state") == "0 3"
        assert twin.arm.moving
        assert await status.ask("halt") == "0"
        assert not twin.arm.moving
        assert loop.time() - began == pytest.approx(1, abs=0.1)
        assert [await client.reply() for _ in range(3)] == ["0", "0", "0"]
        assert 300 < twin.arm.pose().z_mm < 700
        assert await client.ask("hp", "attach") == "0 -1"  # power and attachment stay

    with_twin(body)


def test_one_client_on_the_robot_port_and_exit_frees_it():
    async def body(twin, client):
        second = Client(twin)
        assert await second.ask("nop") is None  # hung up
        await client.link.send(b"exit\n")
        assert await client.reply() is None
        third = Client(twin)
        assert await third.ask("nop") == "0"
        assert await third.ask("wherec") == "0 350 0 300 0 90 180 1"  # the state outlives the client

    with_twin(body)


def test_a_plate_is_lifted_only_where_it_stands():
    async def body(twin, client):
        world = twin.world
        world.place("plate", kind("plate_96_flat"), "deck.1")
        await client.ask("ReleasePlate 100 50", "moveC 1 420 183 70 0 90 180", "waitForEom")
        assert await client.ask("GraspPlate 85.48 50 10") == "0 0"  # 3 mm beside it
        await client.ask("ReleasePlate 100 50", "moveC 1 420 181 70 1.5 90 180", "waitForEom")
        assert await client.ask("GraspPlate 85.48 50 10") == "0 -1"  # within 2 mm and 2 degrees
        assert world.on("deck.1") is None
        await client.ask("moveC 1 420 180 150 0 90 180", "waitForEom", "ReleasePlate 100 50")
        assert [fallen.name for fallen in twin.arm.fallen] == ["plate"]  # let go in the air
        assert world.at == {}

    with_twin(body)


def test_pickplate_and_placeplate():
    async def body(twin, client):
        world = twin.world
        world.place("plate", kind("plate_96_flat"), "deck.1")
        await client.ask("GraspData 85.48 50 10", "StationType 1 1 0 60 0 10")
        assert await client.ask("locXyz 1 420 180 70 0 90 180", "locConfig 1 4097", "pickplate 1 0 0") == "0 -1"
        assert twin.arm.held is not None
        assert await client.ask("wherec") == "0 420 180 140 0 90 180 1"  # clearance and grasp offset above
        assert await client.ask("locXyz 1 430 -160 85 0 90 180", "placeplate 1 0 0") == "0"
        assert world.on("deck.2").name == "plate"
        assert await client.ask("pickplate 1 0 0") == "0 -1"
        assert await client.ask("placeplate 1 0 0") == "0"
        assert await client.ask("locXyz 1 420 180 70 0 90 180", "pickplate 1 0 0") == "0 0"  # nothing there now

    with_twin(body)


def test_running_into_labware_costs_power():
    async def body(twin, client):
        twin.world.place("plate", kind("plate_96_flat"), "deck.1")
        await client.ask("GripOpenPos 70", "gripper 1", "moveC 1 420 180 150 0 90 180", "waitForEom")
        assert await client.ask("moveC 1 420 180 70 0 90 180") == "0"  # it begins
        assert await client.ask("waitForEom") == "-3122"  # the fingers are too near to go round the plate
        assert twin.arm.pose().z_mm == pytest.approx(80, abs=0.01)
        assert await client.ask("moveC 1 420 180 150 0 90 180") == "-1046"
        assert twin.world.on("deck.1").name == "plate"

    with_twin(body)


def test_a_failure_between_commands_is_the_answer_to_the_next_one():
    async def body(twin, client):
        twin.world.place("plate", kind("plate_96_flat"), "deck.1")
        await client.ask("GripOpenPos 70", "gripper 1", "moveC 1 420 180 70 0 90 180")
        await asyncio.sleep(10)
        assert await client.ask("nop") == "-3122"  # TCS User's Guide 3.0C1, section 5.8
        assert await client.ask("nop") == "0"

    with_twin(body)


def test_a_straight_line_that_the_arm_cannot_follow():
    async def body(twin, client):
        await client.ask("moveC 1 480 100 300 100 90 180", "waitForEom", "Straight 1 1")
        assert await client.ask("moveC 1 480 -100 300 -100 90 180") == "-1040"  # half way the wrist is too far out
        await client.ask("Straight 1 0", "moveC 1 162 300 300 0 90 180", "waitForEom", "Straight 1 1")
        assert await client.ask("moveC 1 162 -300 300 0 90 180") == "-1042"  # the elbow would have to change sides

    with_twin(body)


def test_joint_moves_and_their_reading():
    async def body(twin, client):
        assert await client.ask("moveJ 1 250 10 60 -70 90", "waitForEom") == "0"
        assert await client.ask("wherej") == "0 250 10 60 -70 90"
        assert await client.ask("moveOneAxis 1 400 1", "waitForEom", "wherej") == "0 400 10 60 -70 90"
        assert await client.ask("locAngles 2 250 10 60 -70 90", "move 2 1", "waitForEom", "wherej") == (
            "0 250 10 60 -70 90"
        )

    with_twin(body)
