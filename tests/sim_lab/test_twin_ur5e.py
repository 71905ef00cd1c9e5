"""The UR5e's twin by itself: its servers as the maker describes them, and a body that moves, brakes and stops."""

import asyncio
import math
import struct

import pytest

from drivers.arms.universal_ur5e import kinematics, wire
from drivers.arms.universal_ur5e.timing import BRAKE_RELEASE_S, PARKED, POWER_ON_S
from drivers.arms.universal_ur5e.wire import Kind, Package, Packages, Recipe, RobotMode, Runtime, SafetyMode
from sim_lab import clock, link
from sim_lab.twins.universal_ur5e import DASHBOARD, RTDE, Twin
from sim_lab.world.model import World


class Client:
    """A line to one of its ports."""

    def __init__(self, twin, port):
        self.line, there = link.wire()
        self.task = asyncio.create_task(twin.serve_port(port, there))
        self.packages, self.found = Packages(), []

    async def ask(self, kind, payload=b""):
        await self.line.send(Package(kind, payload).encode())
        return (await self.next(kind)).payload

    async def next(self, kind=Kind.DATA_PACKAGE):
        while True:
            while not self.found:
                self.found = self.packages.feed(await self.line.receive())
            package = self.found.pop(0)
            if package.kind is kind:
                return package

    async def say(self, line):
        await self.line.send(line.encode() + b"\n")
        return (await self.line.receive()).decode().rstrip("\n")


def on_twin(story, ready=True):
    async def main():
        world = World(1, {})
        world.now = asyncio.get_running_loop().time
        twin = Twin("ur5e", None, world)
        if ready:
            twin.body.mode = RobotMode.RUNNING
        return await story(twin)

    return clock.run(main, epoch_s=0.0)


def test_rtde_sets_up_tells_and_rests():
    async def story(twin):
        client = Client(twin, RTDE)
        assert await client.ask(Kind.REQUEST_PROTOCOL_VERSION, b"\x00\x01") == b"\x00"
        assert await client.ask(Kind.REQUEST_PROTOCOL_VERSION, b"\x00\x02") == b"\x01"
        assert wire.controller_version(await client.ask(Kind.GET_URCONTROL_VERSION))[0] == 5
        assert await client.ask(Kind.START) == b"\x00"  # of no recipe
        hz_10 = struct.pack(">d", 10.0)
        assert await client.ask(Kind.SETUP_OUTPUTS, hz_10 + b"timestamp,nothing") == b"\x01DOUBLE,NOT_FOUND"
        names = ("timestamp", "runtime_state", "robot_status_bits")
        assert await client.ask(Kind.SETUP_OUTPUTS, hz_10 + ",".join(names).encode()) == b"\x01DOUBLE,UINT32,UINT32"
        assert await client.ask(Kind.START) == b"\x01"
        recipe = Recipe(1, names, ("DOUBLE", "UINT32", "UINT32"))
        told = [recipe.unpack((await client.next()).payload) for _ in range(3)]
        assert [each["timestamp"] for each in told] == pytest.approx([0.0, 0.1, 0.2])
        assert told[0]["runtime_state"] == Runtime.STOPPED
        assert told[0]["robot_status_bits"] == 1
        assert await client.ask(Kind.PAUSE) == b"\x01"
        await asyncio.sleep(60)
        assert client.found == []

    on_twin(story)


def test_every_variable_of_the_table_can_be_told():
    async def story(twin):
        client, names = Client(twin, RTDE), list(wire.OUTPUTS)
        types = await client.ask(Kind.SETUP_OUTPUTS, struct.pack(">d", 1.0) + ",".join(names).encode())
        recipe = wire.outputs_told(types, names)
        assert await client.ask(Kind.START) == b"\x01"
        values = recipe.unpack((await client.next()).payload)
        assert values["actual_q"] == pytest.approx(PARKED)
        assert values["actual_TCP_pose"][:3] == pytest.approx(kinematics.pose(kinematics.forward(PARKED))[:3])

    on_twin(story)


def test_an_input_has_one_client_until_it_goes():
    async def story(twin):
        one, other = Client(twin, RTDE), Client(twin, RTDE)
        both = b"input_int_register_24,speed_slider_mask,speed_slider_fraction"
        assert await one.ask(Kind.SETUP_INPUTS, both) == b"\x01INT32,UINT32,DOUBLE"
        assert await one.ask(Kind.SETUP_INPUTS, b"input_int_register_24,") == b"\x02INT32"  # its own, in another recipe
        assert await other.ask(Kind.SETUP_INPUTS, b"input_int_register_24") == b"\x00IN_USE"
        assert await other.ask(Kind.SETUP_INPUTS, b"nothing") == b"\x00NOT_FOUND"
        await one.line.send(b"\x00\x14U\x01" + struct.pack(">iId", -7, 1, 0.25))
        await asyncio.sleep(0.01)
        assert (twin.memory.inputs["input_int_register_24"], twin.body.slider) == (-7, 0.25)
        await one.line.close()
        await asyncio.sleep(0.01)
        assert await other.ask(Kind.SETUP_INPUTS, b"input_int_register_24") == b"\x01INT32"

    on_twin(story)


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n\r\n", b"\x00\x05U\x09\x00", b"\x00\x04O\x00"])
def test_who_speaks_no_rtde_is_told_so_and_hung_up_on(data):
    async def story(twin):
        client = Client(twin, RTDE)
        await client.line.send(data)
        assert b"\x04RTDE\x01" in (await client.next(Kind.TEXT_MESSAGE)).encode()
        assert await client.line.receive() == b""

    on_twin(story)


def test_the_dashboard():
    async def story(twin):
        board, loop = Client(twin, DASHBOARD), asyncio.get_running_loop()
        assert await board.line.receive() == b"Connected: Universal Robots Dashboard Server\n"
        assert await board.say("play") == "Failed to execute: play"
        began = loop.time()
        assert await board.say("brake release") == "Brake releasing"
        while await board.say("robotmode") != "Robotmode: RUNNING":
            await asyncio.sleep(0.01)
        assert loop.time() - began == pytest.approx(POWER_ON_S + BRAKE_RELEASE_S, abs=0.1)
        assert await board.say("load home.urp") == "Loading program: home.urp"
        assert await board.say("play") == "Starting program"
        assert await board.say("running") == "Program running: true"
        assert await board.say("programState") == "PLAYING home.urp"
        assert await board.say("stop") == "Stopped"
        assert await board.say("stop") == "Failed to execute: stop"
        assert await board.say("make coffee") == "could not understand: make coffee"
        twin.body.emergency_stop()
        assert await board.say("safetystatus") == "Safetystatus: ROBOT_EMERGENCY_STOP"
        await board.say("power on")
        assert await board.say("robotmode") == "Robotmode: POWER_OFF"
        assert await board.say("restart safety") == "Restarting safety"
        assert await board.say("safetymode") == "Safetymode: NORMAL"
        assert await board.say("quit") == "Disconnected"
        assert await board.line.receive() == b""

    on_twin(story, ready=False)


def test_in_local_control_it_tells_and_does_nothing():
    async def story(twin):
        twin.dashboard.remote = False
        board = Client(twin, DASHBOARD)
        await board.line.receive()
        assert await board.say("is in remote control") == "false"
        assert (await board.say("power off")).startswith("Failed to execute: power off")
        await Client(twin, 30003).line.send(b"def a():\n  movej([0,-1,-1,-1,1,0])\nend\n")
        await asyncio.sleep(5)
        assert twin.body.joints() == PARKED
        assert twin.body.mode is RobotMode.RUNNING

    on_twin(story)


@pytest.mark.parametrize("port", [30001, 30002, 30003])
def test_programs_come_in_pieces_over_any_client_interface(port):
    async def story(twin):
        client = Client(twin, port)
        await client.line.send(b"def a():\n  movej([0.5, -1.5708, -1.5708, -1.5708, 1.57")
        await client.line.send(b"08, 0], a=2, v=1)\n  set_standard_digital_out(1, True)\nend\n")
        await asyncio.sleep(3)
        assert twin.body.joints()[0] == 0.5
        assert twin.memory.digital_out == 2

    on_twin(story)


@pytest.mark.parametrize(
    "program", ["def a():\n  x = 1\nend\n", "def a():\n  movej([0, 0, \xff])\nend\n", "hello\nend\n",
                "def a():\n  freedrive_mode()\nend\n", "def a():\n  movej([7, 0, 0, 0, 0, 0])\nend\n",
                "def a():\n  movel(p[3, 0, 0, 0, 0, 0])\nend\n"],
)  # fmt: skip
def test_what_it_cannot_run_it_does_not_do_in_part(program):
    async def story(twin):
        twin.programs.send(program)
        await asyncio.sleep(3)
        assert twin.body.joints() == PARKED
        assert twin.programs.runtime is Runtime.STOPPED

    on_twin(story)


def test_a_motion_is_a_trapezoid_of_its_leading_axis():
    async def story(twin):
        end = (PARKED[0] + 2.0, PARKED[1] + 0.5, *PARKED[2:])
        moving = asyncio.create_task(twin.body.to_joints(end, 1.0, 2.0))
        await asyncio.sleep(0.25)
        assert twin.body.joints()[0] == pytest.approx(2.0 * 0.25**2 / 2)  # it still speeds up
        assert twin.body.speeds()[0] == pytest.approx(0.5, abs=0.01)
        await asyncio.sleep(1.0)
        turned = [a - b for a, b in zip(twin.body.joints(), PARKED, strict=True)]
        assert turned[0] == pytest.approx(0.25 + 0.75)
        assert turned[1] == pytest.approx(turned[0] / 4)
        await asyncio.sleep(1.24)
        assert twin.body.moving
        await asyncio.sleep(0.02)  # 2 rad at 1 rad/s and half a second for the ramps
        assert not twin.body.moving
        await moving

    on_twin(story)


def test_braking_takes_the_way_that_its_deceleration_says():
    async def story(twin):
        end = (PARKED[0] + 3.0, *PARKED[1:])
        moving = asyncio.create_task(twin.body.to_joints(end, 1.0, 2.0))
        await asyncio.sleep(1.5)
        at = twin.body.joints()[0]
        twin.body.brake(4.0)
        await twin.body.rest()
        await moving
        assert twin.body.joints()[0] - at == pytest.approx(1.0**2 / (2 * 4.0), rel=0.01)

    on_twin(story)


def test_the_slider_stretches_a_motion_under_way():
    async def story(twin):
        loop = asyncio.get_running_loop()
        moving = asyncio.create_task(twin.body.to_joints((PARKED[0] + 2.0, *PARKED[1:]), 1.0, 2.0))
        await asyncio.sleep(1.25)
        twin.body.slide(0.5)
        before = twin.body.joints()[0]
        await asyncio.sleep(0.5)
        assert twin.body.joints()[0] - before == pytest.approx(0.25)
        twin.body.slide(0.0)
        await asyncio.sleep(10)
        assert twin.body.moving
        twin.body.slide(1.0)
        await moving
        assert loop.time() == pytest.approx(2.5 + 0.25 + 10)

    on_twin(story)


def test_a_line_of_the_tool_is_straight_at_every_moment():
    async def story(twin):
        begin, end = twin.body.flange(), twin.body.flange()
        end[1, 3] += 0.3
        moving = asyncio.create_task(twin.body.to_pose(end, 0.25, 1.2))
        for _ in range(10):
            await asyncio.sleep(0.12)
            off = twin.body.flange()[:3, 3] - begin[:3, 3]
            assert math.hypot(off[0], off[2]) < 5e-5  # between two of its forty places
        await moving
        assert twin.body.flange() == pytest.approx(end, abs=1e-9)

    on_twin(story)


def test_a_protective_stop_pauses_a_program_that_play_lets_go_on():
    async def story(twin):
        twin.programs.send("def a():\n  movej([1, -1.5708, -1.5708, -1.5708, 1.5708, 0], a=2, v=1)\nend\n")
        await asyncio.sleep(0.8)
        twin.body.protective_stop()
        at = twin.body.joints()
        assert 0.2 < at[0] < 0.8
        assert not await twin.programs.play()
        twin.body.safety = SafetyMode.NORMAL
        await asyncio.sleep(5)
        assert (twin.body.joints(), twin.programs.runtime) == (at, Runtime.PAUSED)
        assert await twin.programs.play()
        await asyncio.sleep(5)
        assert (twin.body.joints()[0], twin.programs.runtime) == (1.0, Runtime.STOPPED)

    on_twin(story)


def test_a_protective_stop_stands_still_and_a_new_program_does_not_move_it():
    async def story(twin):
        twin.programs.send("def a():\n  movej([1, -1.5708, -1.5708, -1.5708, 1.5708, 0], a=2, v=1)\nend\n")
        await asyncio.sleep(0.8)
        twin.body.protective_stop()
        at = twin.body.joints()
        twin.programs.send("def a():\n  movej([0,-1,-1,-1,1,0])\nend\n")
        await asyncio.sleep(5)
        assert (twin.body.joints(), twin.body.safety, twin.body.mode) == (
            at,
            SafetyMode.PROTECTIVE_STOP,
            RobotMode.RUNNING,
        )

    on_twin(story)
