"""The UR5e's driver on its twin, in virtual time: motions, limits, stops, safety, lines that break."""

import asyncio
import math

import pytest

from drivers.arms.universal_ur5e import DRIVER, kinematics
from drivers.arms.universal_ur5e.feed import Feed
from drivers.arms.universal_ur5e.timing import ArmTiming
from drivers.arms.universal_ur5e.wire import RobotMode, Runtime, SafetyMode
from drivers.core.errors import (
    CommandFailed,
    CommandRefused,
    CommandStopped,
    ConnectionFailed,
    ConnectionLost,
    LimitError,
    ProtocolViolation,
    ReplyTimeout,
)
from drivers.core.instrument import Command
from drivers.core.transport import Port
from sim_lab import clock
from sim_lab.link import wire
from sim_lab.twins.universal_ur5e import DASHBOARD, RTDE, Twin
from sim_lab.world.model import World

UP, ASIDE = [0.0, -90.0, -90.0, -90.0, 90.0, 0.0], [60.0, -80.0, -100.0, -90.0, 90.0, 20.0]
LEVEL = [-127.2792, 127.2792, 0.0]
BENCH = {"x": ["-900 mm", "900 mm"], "y": ["-900 mm", "900 mm"], "z": ["0 mm", "1100 mm"]}


class Line:
    """A wire that can be cut, and that tells how often it was sent on."""

    def __init__(self, inner):
        self.inner, self.sent = inner, []
        self.open, self.close, self.receive = inner.open, inner.close, inner.receive

    async def send(self, data):
        self.sent.append(data)
        await self.inner.send(data)


class Bench:
    def __init__(self, **options):
        self.world = World(1, {})
        self.world.now = asyncio.get_running_loop().time
        self.twin = Twin("ur5e", None, self.world)
        self.lines = {DASHBOARD: [], RTDE: [], 30003: []}
        self.barred = set()  # ports that nobody reaches
        self.tasks = set()
        limits, wrong = DRIVER.default_limits.narrowed(BENCH)
        assert not wrong
        self.arm = DRIVER.load()("ur5e", Port("sim:ur5e", self.dial), DRIVER.options(**options), limits)
        self.count = 0

    def dial(self, tcp_port=RTDE):
        if tcp_port in self.barred:
            raise ConnectionFailed(f"nothing listens on {tcp_port}")
        here, there = wire()
        self.tasks.add(asyncio.create_task(self.twin.serve_port(tcp_port, there)))
        self.lines[tcp_port].append(Line(here))
        return self.lines[tcp_port][-1]

    async def do(self, verb, action="", **args):
        self.count += 1
        return await self.arm.perform(Command(action or f"t/{self.count}", verb, args))

    def degrees(self):
        return [math.degrees(angle) for angle in self.twin.body.joints()]

    @property
    def programs(self):
        return [data for line in self.lines[30003] for data in line.sent]


def on_bench(story, **options):
    async def main():
        bench = Bench(**options)
        await bench.arm.connect()
        return await story(bench)

    return clock.run(main, epoch_s=0.0)


def test_connecting_switches_it_on_and_moves_nothing():
    async def story(bench):
        assert asyncio.get_running_loop().time() == pytest.approx(
            ArmTiming("ur5e", bench.arm.options).connect_s, abs=0.3
        )
        assert bench.twin.body.mode is RobotMode.RUNNING
        assert [line.sent for line in bench.lines[DASHBOARD]] == [
            [b"is in remote control\n", b"power on\n", b"brake release\n"]
        ]
        assert bench.programs == []
        assert bench.degrees() == pytest.approx(UP)

    on_bench(story)


def test_motions_end_where_told_and_take_as_long_as_predicted():
    async def story(bench):
        timing, loop = ArmTiming("ur5e", bench.arm.options), asyncio.get_running_loop()
        for verb, args in (
            ("move_joints", {"joints_deg": ASIDE}),
            ("move_joints", {"joints_deg": UP, "speed_deg_s": 20.0}),
            ("move_tool", {"at_mm": [450.0, -133.3, 300.0], "rotation_deg": LEVEL}),
            ("move_tool", {"at_mm": [450.0, 100.0, 300.0], "rotation_deg": LEVEL, "speed_mm_s": 50.0}),
            ("set_output", {"output": 7, "high": True}),
            ("position", {}),
            ("read_inputs", {}),
        ):
            began = loop.time()
            await bench.do(verb, **args)
            assert timing.seconds(verb, args) == pytest.approx(loop.time() - began, rel=0.03, abs=0.1), verb
            if verb == "move_joints":
                assert bench.degrees() == pytest.approx(args["joints_deg"], abs=1e-6)
            if verb == "move_tool":
                assert 1000 * bench.twin.body.flange()[:3, 3] == pytest.approx(args["at_mm"], abs=1e-3)
        assert bench.twin.memory.digital_out == 1 << 7
        with pytest.raises(KeyError):
            timing.seconds("fly", {})

    on_bench(story)


def test_readings_have_units_and_are_true():
    async def story(bench):
        bench.twin.memory.digital_in = 0b101
        await bench.do("move_joints", joints_deg=ASIDE)
        told = {reading.quantity: (reading.value, reading.unit) for reading in await bench.do("position")}
        assert [told[f"joint_{n}"][0] for n in range(1, 7)] == pytest.approx(ASIDE)
        assert [told[axis][0] for axis in "xyz"] == pytest.approx(1000 * bench.twin.body.flange()[:3, 3])
        assert {unit for _, unit in told.values()} == {"deg", "mm"}
        inputs = await bench.do("read_inputs")
        assert [reading.value for reading in inputs] == [1, 0, 1, 0, 0, 0, 0, 0]

    on_bench(story)


@pytest.mark.parametrize(
    ("verb", "args"),
    [
        ("move_joints", {"joints_deg": [0.0] * 5}),
        ("move_joints", {"joints_deg": [361.0, -90, -90, -90, 90, 0]}),
        ("move_joints", {"joints_deg": [math.nan, -90, -90, -90, 90, 0]}),
        ("move_joints", {"joints_deg": UP, "speed_deg_s": 181.0}),
        ("move_joints", {"joints_deg": [0.0, 20.0, 0.0, 0.0, 0.0, 0.0]}),  # its elbow and wrist under the bench
        ("move_tool", {"at_mm": [450.0, 0.0, -10.0], "rotation_deg": LEVEL}),
        ("move_tool", {"at_mm": [950.0, 0.0, 300.0], "rotation_deg": LEVEL}),
        ("move_tool", {"at_mm": [899.0, 899.0, 300.0], "rotation_deg": LEVEL}),  # out of its reach
        ("move_tool", {"at_mm": [450.0, 0.0, 300.0], "rotation_deg": [0.0, math.inf, 0.0]}),
        ("move_tool", {"at_mm": [450.0, 0.0, 300.0], "rotation_deg": LEVEL, "speed_mm_s": 5000.0}),
        ("set_output", {"output": 8, "high": True}),
    ],
)
def test_limits_before_the_wire(verb, args):
    async def story(bench):
        with pytest.raises(LimitError):
            await bench.do(verb, **args)
        assert bench.programs == []

    on_bench(story)


def test_a_way_under_the_bench_is_refused_though_both_ends_are_above():
    """The shoulder turns over the front: the tool would sweep through the bench."""

    async def story(bench):
        await bench.do("move_joints", joints_deg=[0.0, -150.0, -20.0, -90.0, 90.0, 0.0])
        sent = len(bench.programs)
        with pytest.raises(LimitError, match="z"):
            await bench.do("move_joints", joints_deg=[0.0, -390.0 + 360.0 - 360.0 + 40.0, 20.0, -90.0, 90.0, 0.0])
        assert len(bench.programs) == sent

    on_bench(story)


def test_a_stop_acts_during_a_command():
    async def story(bench):
        loop = asyncio.get_running_loop()
        moving = asyncio.ensure_future(bench.do("move_joints", joints_deg=[180.0, *UP[1:]]))
        await asyncio.sleep(1.5)
        before = loop.time()
        await bench.arm.stop()
        with pytest.raises(CommandStopped):
            await moving
        assert loop.time() - before < 0.5
        stands = bench.degrees()
        assert 20 < stands[0] < 160
        await asyncio.sleep(5)
        assert bench.degrees() == stands
        await bench.do("move_joints", joints_deg=UP)

    on_bench(story)


def test_a_stop_before_the_program_is_sent_keeps_it_from_being_sent():
    async def story(bench):
        moving = asyncio.ensure_future(bench.do("move_joints", joints_deg=ASIDE))
        await asyncio.sleep(0.02)
        await bench.arm.stop()
        with pytest.raises(CommandStopped):
            await moving
        assert bench.degrees() == pytest.approx(UP)
        assert not any(b"movej" in program for program in bench.programs)

    on_bench(story)


def test_where_no_program_can_be_sent_a_stop_goes_by_the_dashboard():
    async def story(bench):
        moving = asyncio.ensure_future(bench.do("move_joints", joints_deg=[180.0, *UP[1:]]))
        await asyncio.sleep(1.5)
        bench.barred.add(30003)
        await bench.arm.stop()
        with pytest.raises(CommandStopped):
            await moving
        assert b"stop\n" in bench.lines[DASHBOARD][-1].sent
        assert not bench.twin.body.moving

    on_bench(story)


@pytest.mark.parametrize(
    ("strike", "named"),
    [("protective_stop", "protective stop"), ("emergency_stop", "robot emergency stop"), ("power_off", "power off")],
)
def test_what_stops_it_is_named_and_not_taken_back(strike, named):
    async def story(bench):
        moving = asyncio.ensure_future(bench.do("move_joints", joints_deg=ASIDE))
        await asyncio.sleep(0.8)
        getattr(bench.twin.body, strike)()
        with pytest.raises(CommandFailed, match=named):
            await moving
        stands = bench.degrees()
        with pytest.raises(CommandRefused, match=named):
            await bench.do("move_joints", joints_deg=UP)
        assert [r.value for r in await bench.do("position")][:6] == pytest.approx(stands)  # it can still be asked
        await bench.arm.make_safe()
        if strike != "power_off":
            await bench.arm.connect(force_reconnect=True)
            with pytest.raises(CommandRefused, match=named):
                await bench.do("move_joints", joints_deg=UP)
        said = [told for line in bench.lines[DASHBOARD] for told in line.sent]
        assert not any(b"unlock" in told or b"restart" in told for told in said)
        bench.twin.body.safety = SafetyMode.NORMAL  # a person has looked, and taken it back
        await bench.arm.connect(force_reconnect=True)
        await bench.do("move_joints", joints_deg=UP)

    on_bench(story)


def test_after_a_protective_stop_nothing_goes_on_by_itself():
    """The controller only pauses the program; ours is ended, so that who unlocks it and presses play moves nothing."""

    async def story(bench):
        moving = asyncio.ensure_future(bench.do("move_joints", joints_deg=ASIDE))
        await asyncio.sleep(0.8)
        bench.twin.body.protective_stop()
        assert bench.twin.programs.runtime is Runtime.PAUSED
        with pytest.raises(CommandFailed, match="protective stop"):
            await moving
        assert bench.twin.programs.runtime is Runtime.STOPPED
        stands = bench.degrees()
        bench.twin.body.safety = SafetyMode.NORMAL
        assert not await bench.twin.programs.play()
        await asyncio.sleep(10)
        assert bench.degrees() == stands
        await bench.do("move_joints", joints_deg=ASIDE)

    on_bench(story)


def test_local_control_and_other_peoples_programs_are_respected():
    async def main():
        bench = Bench()
        bench.twin.dashboard.remote = False
        with pytest.raises(CommandRefused, match="local control"):
            await bench.arm.connect()
        bench.twin.dashboard.remote = True
        await bench.arm.connect()
        bench.twin.programs.send("def theirs():\n  sleep(60)\nend\n")
        await asyncio.sleep(1)
        with pytest.raises(CommandRefused, match="another program is playing"):
            await bench.do("move_joints", joints_deg=ASIDE)
        assert bench.twin.programs.runtime.name == "PLAYING"

    clock.run(main, epoch_s=0.0)


def test_a_program_that_others_end_is_not_taken_as_done():
    async def story(bench):
        for other in ("def theirs():\n  sleep(1)\nend\n", None):
            moving = asyncio.ensure_future(bench.do("move_joints", joints_deg=ASIDE))
            await asyncio.sleep(0.8)
            if other:
                bench.twin.programs.send(other)
            else:
                await bench.twin.programs.stop()
            with pytest.raises(CommandFailed, match="ended on the way"):
                await moving
            await asyncio.sleep(2)

    on_bench(story)


def test_the_slider_at_the_pendant_makes_it_slower_and_no_more():
    async def story(bench):
        bench.twin.body.slide(0.05)
        began = asyncio.get_running_loop().time()
        await bench.do("move_joints", joints_deg=[180.0, *UP[1:]])
        assert asyncio.get_running_loop().time() - began > 60
        assert bench.degrees()[0] == pytest.approx(180.0)

    on_bench(story)


def test_a_program_that_is_paused_is_neither_waited_for_nor_called_done():
    """A person pauses it at the pendant; another process asks what became of it."""

    async def story(bench):
        command = Command("t/paused", "move_joints", {"joints_deg": ASIDE})
        moving = asyncio.ensure_future(bench.arm.perform(command))
        await asyncio.sleep(0.8)
        moving.cancel()
        await asyncio.gather(moving, return_exceptions=True)
        bench.twin.body.slide(0.0)
        bench.twin.programs.runtime = Runtime.PAUSED
        found = await bench.arm.recall(command)
        assert (found.state, "is paused" in found.evidence) == ("unknown", True)
        with pytest.raises(CommandRefused, match="another program is paused"):
            await bench.do("move_joints", joints_deg=UP)

    on_bench(story)


def test_a_program_that_does_not_begin_is_kept_from_beginning_later():
    async def story(bench):
        taken = bench.twin.programs.send
        late = []
        bench.twin.programs.send = lambda text: late.append(text) if "movej" in text else taken(text)
        with pytest.raises(ReplyTimeout, match="did not begin"):
            await bench.do("move_joints", joints_deg=ASIDE)
        assert b"lab_stop" in bench.programs[-1]
        bench.twin.programs.send = taken
        await bench.do("move_joints", joints_deg=ASIDE)

    on_bench(story)


def test_where_programs_cannot_be_sent_nothing_was_begun():
    async def story(bench):
        bench.barred.add(30003)
        with pytest.raises(ConnectionFailed) as failed:
            await bench.do("move_joints", joints_deg=ASIDE)
        assert failed.value.outcome == "not_started"

    on_bench(story)


def test_a_line_that_is_lost_in_mid_move_is_dialled_again():
    async def story(bench):
        moving = asyncio.ensure_future(bench.do("move_joints", joints_deg=ASIDE))
        await asyncio.sleep(0.8)
        await bench.lines[RTDE][-1].close()
        await moving
        assert bench.degrees() == pytest.approx(ASIDE)
        assert len(bench.lines[RTDE]) == 2

    on_bench(story)


def test_a_controller_that_is_gone_is_a_named_error_and_comes_back():
    async def story(bench):
        moving = asyncio.ensure_future(bench.do("move_joints", joints_deg=ASIDE))
        await asyncio.sleep(0.8)
        bench.barred |= {RTDE, 30003, DASHBOARD}
        await bench.lines[RTDE][-1].close()
        with pytest.raises(ConnectionLost, match="its program was sent") as lost:
            await moving
        assert (lost.value.outcome, lost.value.device) == ("unknown", "ur5e")
        bench.barred.clear()
        await asyncio.sleep(2)
        await bench.do("move_joints", joints_deg=UP)

    on_bench(story)


@pytest.mark.parametrize(
    ("answer", "error"),
    [(b"", ReplyTimeout), (b"\x8f\x8e\x8d", ProtocolViolation), (b"\x00\x05V\x00\x02", ProtocolViolation),
     (b"\x00\x04V\x00", ProtocolViolation), (b"\x00\x04P\x01", ProtocolViolation)],
)  # fmt: skip
def test_a_wrong_answer_is_an_error_and_never_a_hang(answer, error):
    async def main():
        def dial():
            here, there = wire()

            async def device():
                while await there.receive():
                    await there.send(answer) if answer else None

            tasks.add(asyncio.create_task(device()))
            return here

        tasks = set()
        with pytest.raises(error):
            await Feed("ur5e", dial, 20.0, 2.0).look()
        assert len(tasks) == 3  # it was tried on three lines

    clock.run(main, epoch_s=0.0)


def test_the_tool_that_the_controller_knows_is_the_tool():
    async def main():
        bench = Bench()
        bench.twin.body.tool = kinematics.frame((0.0, 0.0, 0.15, 0.0, 0.0, 0.0))
        await bench.arm.connect()
        await bench.do("move_tool", at_mm=[450.0, -133.3, 100.0], rotation_deg=LEVEL)
        assert 1000 * bench.twin.body.flange()[:3, 3] == pytest.approx([450.0, -133.3, 100.0], abs=1e-3)
        flange = kinematics.forward(bench.twin.body.joints())
        assert 1000 * flange[2, 3] == pytest.approx(250.0, abs=0.01)
        with pytest.raises(LimitError, match="z"):  # the flange would be above the bench, its tool not
            await bench.do("move_tool", at_mm=[450.0, -133.3, -10.0], rotation_deg=LEVEL)

    clock.run(main, epoch_s=0.0)
