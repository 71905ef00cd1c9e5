"""A UR5e by three ports of its controller: state by RTDE, programs in URScript, power by the dashboard server.

Every command that does something is a program of its own, sent to the controller, which runs it by itself; its key and
phase in the controller's registers say how far it is (`script`). So a line that breaks in mid-move stops nothing and
loses nothing: the driver dials anew and goes on looking, and so can the next process (`recall`). A new program takes
the place of one that runs: that is how a stop acts at once, on a line of its own.

A protective or any other stop of the safety system is read and named, and never taken back from here: that is for a
person who has looked.
"""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Callable, Iterator, Sequence

from drivers.arms.universal_ur5e import collision, dashboard, kinematics, script
from drivers.arms.universal_ur5e.feed import Feed, State
from drivers.arms.universal_ur5e.options import Options
from drivers.arms.universal_ur5e.script import Call, Phase
from drivers.arms.universal_ur5e.timing import as_pose, joint_ramp, tool_ramp
from drivers.arms.universal_ur5e.wire import RobotMode, Runtime
from drivers.core.arm import Arm
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
from drivers.core.exchange import Exchange
from drivers.core.instrument import Command, Identity, Reading, Readings, Recall
from drivers.core.limits import Limits
from drivers.core.lines import Lines
from drivers.core.transport import Port

JOINTS = ("base", "shoulder", "elbow", "wrist_1", "wrist_2", "wrist_3")
AT_REST = (Runtime.STOPPED, Runtime.PAUSED)
OUTPUTS = INPUTS = 8  # standard digital ones
BEGIN_S = 3.0  # from sending a program until it must have begun
STOP_S = 3.0  # from sending a stop until nothing may run
SETTLE_S = 0.5  # what a client that died has sent is with the controller by then
#: How far beside its target a motion may end (the arm repeats within 0.03 mm: UR5e technical details).
JOINT_OFF_DEG, TOOL_OFF_M, TURN_OFF = 0.2, 0.001, math.radians(0.5)
STEP = math.radians(5.0)  # between two places of a way that are looked at


class UR5e(Arm[Options]):
    """Moves its joints and its tool, and switches its outputs."""

    def __init__(self, name: str, port: Port, options: Options, limits: Limits) -> None:
        super().__init__(name, port, options, limits)
        self._feed = self._new_feed()
        self._dashboard: Exchange[str] = Exchange(
            name, lambda: port.transport(options.dashboard_port), _Answers, reply_s=options.reply_timeout_s
        )
        self._stopped = asyncio.Event()
        self._number = 0  # of the last try of a command, or of the last stop
        self._tool = kinematics.frame((0.0,) * 6)
        self._boxes = {name: box.metres for name, box in options.obstacles.items()}

    def _new_feed(self) -> Feed:
        return Feed(self.name, self.port.transport, self.options.watch_hz, self.options.reply_timeout_s)

    async def open(self) -> None:
        """Dial, see that the controller takes commands from outside, and switch the arm on where options say so.

        Releasing its brakes moves the arm by a hair. After a stop of the safety system nothing is switched on.
        """
        self._stopped.clear()
        await self.close()
        try:
            await self._require_remote()
            if self.options.power_on:
                await self._power_on(await self._feed.look())
            state = await self._feed.steady()
            self._tool = kinematics.tool_of(state.joints, kinematics.frame(state.pose))
            self._number = max(self._number, state.number, state.stop_number)
            await self._feed.rest()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Hang up; the arm stays under power and holds what it holds."""
        await self._feed.close()
        await self._dashboard.close()

    async def stop(self, success: bool = True) -> None:
        """Brake and end whatever program runs, now; a command that runs ends with `CommandStopped`."""
        self._stopped.set()
        self._number = number = self._number + 1
        try:
            async with self._sent(script.stop(number, math.radians(self.options.stop_deg_s2))):
                await self._see_rest(number)
        except DeviceError:  # another way to the same end
            await self._say("stop")
            await self._see_rest(None)

    async def make_safe(self) -> None:
        """At rest, wherever that is."""
        if not self._opened:
            await self.connect()
        async with self._lock:
            await self.stop()

    async def identify(self) -> Identity:
        """Serial number of the arm and version of the controller's software, by the dashboard server."""
        async with self._lock:
            return Identity(await self._say("get serial number"), await self._say("PolyscopeVersion"))

    async def recall(self, command: Command) -> Recall:
        """By the key and the phase in the controller's registers; a program of this command that runs is waited for."""
        async with self._lock:
            await asyncio.sleep(SETTLE_S)
            state = await self._feed.look()
            while state.key == script.key(command.action) and state.is_safe and state.runtime not in AT_REST:
                state = await self._feed.look()
            await self._feed.rest()
        if state.key == (0, 0):
            return Recall("unknown", "its controller knows of no command: it was switched on since, or is new")
        if state.key != script.key(command.action):
            return Recall("not_done", "the key in its controller's registers is that of another command")
        told = f"its program of this command is noted as {Phase(state.phase).name.lower()}"
        if state.phase == Phase.DONE:
            return Recall("done", told)
        if state.phase == Phase.NONE:
            return Recall("not_done", told)
        how = "is paused" if state.runtime is Runtime.PAUSED else "does not run: it ended on the way"
        return Recall("unknown", f"{told} and {how}")

    # Verbs

    async def move_joints(self, joints_deg: Sequence[float], speed_deg_s: float | None = None) -> None:
        """See `Arm`; the whole way is held against the limits before anything moves."""
        speed = self.options.joint_speed_deg_s if speed_deg_s is None else speed_deg_s
        if len(joints_deg) != len(JOINTS):
            raise LimitError(f"{len(joints_deg)} angles for {len(JOINTS)} joints.", device=self.name)
        for joint, angle in zip(JOINTS, joints_deg, strict=True):
            self.check(joint, angle)
        self.check("joint_speed", speed)
        end = tuple(math.radians(angle) for angle in joints_deg)
        self._check_way([end])
        here = (await self._ready()).joints
        steps = math.ceil(kinematics.largest(here, end) / STEP) + 1
        self._check_way([_mixed(here, end, step / steps) for step in range(1, steps)])
        ramp = joint_ramp(here, end, math.radians(speed), math.radians(self.options.joint_acceleration_deg_s2))
        await self._run(script.move_joints(end, ramp.acceleration, ramp.speed), ramp.duration_s)
        await self._see_end("its joints", lambda at: kinematics.largest(at.joints, end) < math.radians(JOINT_OFF_DEG))

    async def move_tool(
        self, at_mm: Sequence[float], rotation_deg: Sequence[float], speed_mm_s: float | None = None
    ) -> None:
        """See `Arm`; refused where the straight line leaves the arm's reach."""
        speed = self.options.tool_speed_mm_s if speed_mm_s is None else speed_mm_s
        if (len(at_mm), len(rotation_deg)) != (3, 3) or not all(map(math.isfinite, rotation_deg)):
            raise LimitError("a pose is x, y, z and a rotation vector of three.", device=self.name)
        for axis, value in zip("xyz", at_mm, strict=True):
            self.check(axis, value)
        self.check("tool_speed", speed)
        pose = as_pose(at_mm, rotation_deg)
        end, here = kinematics.frame(pose), (await self._ready()).joints
        begin = kinematics.forward(here, self._tool)
        metres, turn = kinematics.apart(begin, end)
        try:
            way = kinematics.line(here, end, self._tool, math.ceil(max(metres / 0.02, turn / STEP)) + 1)
        except kinematics.Unreachable as error:
            await self._feed.rest()
            raise LimitError(
                f"the tool does not get there: {error}.", device=self.name, hint="Choose another pose, or go by joints."
            ) from error
        self._check_way(way)
        ramp = tool_ramp(begin, end, speed / 1000, self.options.tool_acceleration_mm_s2 / 1000)
        await self._run(script.move_tool(pose, ramp.acceleration, ramp.speed), ramp.duration_s)

        def is_there(state: State) -> bool:
            off_m, off_turn = kinematics.apart(kinematics.frame(state.pose), end)
            return off_m < TOOL_OFF_M and off_turn < TURN_OFF

        await self._see_end("its tool", is_there)

    async def set_output(self, output: int, high: bool) -> None:
        """See `Arm`: the standard digital outputs, 0 to 7."""
        if output not in range(OUTPUTS):
            raise LimitError(f"there is no output {output}: it has 0 to {OUTPUTS - 1}.", device=self.name)
        await self._ready()
        await self._run(script.set_output(output, high), 0.0)
        await self._see_end(f"output {output}", lambda state: bool(state.outputs >> output & 1) is high)

    async def position(self) -> Readings:
        """See `Arm`: what two messages of the controller say alike."""
        state = await self._feed.steady()
        await self._feed.rest()
        joints = [Reading(f"joint_{n}", "deg", math.degrees(q)) for n, q in enumerate(state.joints, 1)]
        places = [Reading(axis, "mm", 1000 * x) for axis, x in zip("xyz", state.pose[:3], strict=True)]
        turns = [Reading(f"r{axis}", "deg", math.degrees(x)) for axis, x in zip("xyz", state.pose[3:], strict=True)]
        return (*joints, *places, *turns)

    async def read_inputs(self) -> Readings:
        """See `Arm`: the standard digital inputs, 0 to 7."""
        state = await self._feed.steady()
        await self._feed.rest()
        return tuple(Reading(f"input_{n}", "1", float(state.inputs >> n & 1)) for n in range(INPUTS))

    # A program, from sending it to its end

    async def _ready(self) -> State:
        """The state of an arm that may move, and of whose controller nobody else makes use; a new command begins."""
        self._stopped.clear()
        state = await self._feed.steady()
        until_s = _now() + STOP_S
        while state.runtime in (Runtime.PLAYING, Runtime.STOPPING) and _now() < until_s:
            state = await self._feed.look()  # a stop may still brake
        if state.is_ready and state.runtime is Runtime.STOPPED:
            self._tool = kinematics.tool_of(state.joints, kinematics.frame(state.pose))
            return state
        await self._feed.rest()
        what, hint = _why_not(state) or (
            f"another program is {state.runtime.name.lower()} on its controller.",
            "End it, at its pendant or by a stop.",
        )
        raise CommandRefused(what, device=self.name, hint=hint)

    async def _run(self, call: Call, expected_s: float) -> None:
        """Send the program of a command and look until it is done; raises `DeviceError`."""
        self._number = number = self._number + 1
        try:
            async with self._sent(script.command(self.action, number, call), unless_stopped=True):
                with _under_way():
                    await self._see_done(number, expected_s)
        except DeviceError:
            await self._feed.rest()
            raise

    async def _see_done(self, number: int, expected_s: float) -> None:
        began_s, has_begun = _now(), False
        while True:
            state = await self._feed.look()
            is_ours = (state.key, state.number) == (script.key(self.action), number)
            if is_ours and state.phase == Phase.DONE:
                return
            if self._stopped.is_set() and (state.runtime is Runtime.STOPPED or _now() > began_s + STOP_S):
                raise CommandStopped("it was stopped on the way.", device=self.name)
            if (why_not := _why_not(state)) is not None:
                await self._end_program()
                raise CommandFailed(why_not[0], device=self.name, hint=why_not[1])
            has_begun = has_begun or (is_ours and state.phase == Phase.BEGUN)
            if has_begun and (state.runtime is Runtime.STOPPED or not is_ours):
                raise CommandFailed("its program was ended on the way.", device=self.name, hint="See where it stands.")
            if not has_begun and _now() > began_s + BEGIN_S:
                await self.stop()  # it shall not begin later, when nobody expects it
                raise ReplyTimeout(f"its program did not begin within {BEGIN_S:g} s.", device=self.name)
            slow = max(state.speed, 0.01)  # the slider at the pendant
            if _now() > began_s + expected_s / slow + self.options.margin_s:
                await self.stop()
                raise CommandFailed(
                    f"it did not arrive within {_now() - began_s:.1f} s, and was stopped.", device=self.name,
                    hint="See what holds it up.",
                )  # fmt: skip

    async def _see_end(self, what: str, is_there: Callable[[State], bool]) -> None:
        """After the program: is it so? The arm says the same twice before it counts."""
        with _under_way():
            state = await self._feed.steady()
        await self._feed.rest()
        if not is_there(state):
            raise CommandFailed(
                f"{what} did not end where told, though the program did.", device=self.name, hint="See where it stands."
            )

    async def _see_rest(self, number: int | None) -> None:
        """Wait until no program runs any more, and the stop of this number has come there; raises `DeviceError`."""
        feed, until_s = self._new_feed(), _now() + STOP_S
        try:
            while True:
                state = await feed.look()
                is_told = number is None or state.stop_number == number
                if not state.is_ready or (is_told and state.runtime is Runtime.STOPPED):
                    return
                if _now() > until_s:
                    raise ReplyTimeout(f"a stop had no effect within {STOP_S:g} s.", hint="Use the emergency stop.")
        finally:
            await feed.close()

    async def _end_program(self) -> None:
        """So that a program which only pauses does not go on by itself once a person has taken a stop back."""
        with contextlib.suppress(DeviceError):  # a controller that stands need not be told
            await self._dashboard.ask(dashboard.encode("stop"))

    @contextlib.asynccontextmanager
    async def _sent(self, program: script.Program, unless_stopped: bool = False) -> AsyncIterator[None]:
        """Over a line of its own, where nothing is answered; it stays open, or the program might not arrive."""
        line = self.port.transport(self.options.script_port)
        try:
            await line.open()
            if unless_stopped:
                self._raise_if_stopped()
            await line.send(program.encode())
            yield
        except DeviceError as error:
            error.device = error.device or self.name
            raise
        finally:
            await line.close()

    # Power

    async def _require_remote(self) -> None:
        told = await self._say("is in remote control")
        if told == "false":
            raise CommandRefused(
                "its controller is in local control.", device=self.name, hint="Set it to remote control."
            )
        if told != "true":
            raise ProtocolViolation(f"its dashboard server answered '{told}'.", device=self.name)

    async def _power_on(self, state: State) -> None:
        """Power, then brakes; as far as the safety system lets it."""
        until_s = _now() + self.options.power_timeout_s
        for told, mode in (("power on", RobotMode.IDLE), ("brake release", RobotMode.RUNNING)):
            if state.is_safe and state.robot_mode < mode:
                answer = await self._say(told)
                if not answer.startswith(dashboard.YES[told]):
                    raise CommandRefused(f"it answered '{answer}' to '{told}'.", device=self.name)
            while state.is_safe and state.robot_mode < mode:
                self._raise_if_stopped()
                if _now() > until_s:
                    raise ReplyTimeout(f"it is still {state.robot_mode.name} after '{told}'.", device=self.name)
                state = await self._feed.look()

    async def _say(self, told: str) -> str:
        """One command of the dashboard server and its answer; once more, where its line had gone."""
        try:
            return await self._dashboard.ask(dashboard.encode(told))
        except (ConnectionFailed, ConnectionLost):
            return await self._dashboard.ask(dashboard.encode(told))

    def _raise_if_stopped(self) -> None:
        if self._stopped.is_set():
            raise CommandStopped("it was stopped.", device=self.name)

    def _check_way(self, way: Sequence[kinematics.Joints]) -> None:
        """Hold the arm at these places against the limits of the lab, its obstacles, and itself."""
        floor_mm = self.limits.ranges["z"].low
        for joints in way:
            frames = kinematics.chain(joints)
            for axis, value in zip("xyz", (frames[-1] @ self._tool)[:3, 3], strict=True):
                self.check(axis, 1000 * float(value))
            lowest_mm = 1000 * min(float(each[2, 3]) for each in frames)
            if lowest_mm < floor_mm:
                raise LimitError(
                    f"its elbow or wrist would be at z {lowest_mm:.0f} mm, below {floor_mm:g} mm.",
                    device=self.name, hint="Go by another way.",
                )  # fmt: skip
            if (touch := collision.clash(joints, self._tool, self._boxes)) is not None:
                raise LimitError(f"on this way {touch} would touch.", device=self.name, hint="Go by another way.")


class _Answers:
    """CLIENT role of the dashboard server: lines, and the first one of a message is its answer."""

    def __init__(self) -> None:
        self._lines = Lines(dashboard.END)

    def feed(self, data: bytes) -> list[str]:
        """The answers that `data` completes; raises `ValueError` for what is no text."""
        return [dashboard.decode(line) for line in self._lines.feed(data)]


@contextlib.contextmanager
def _under_way() -> Iterator[None]:
    """A controller that cannot be reached has got its program by now: nobody may take it for not begun."""
    try:
        yield
    except ConnectionFailed as error:
        raise ConnectionLost(
            f"its program was sent, and then it was not reached: {error.message}", device=error.device, hint=error.hint
        ) from error


def _why_not(state: State) -> tuple[str, str] | None:
    """Why it cannot move, and what mends it; None where it can."""
    if not state.is_safe:
        name = state.safety.name.lower().replace("_", " ")
        return f"its safety system says {name}.", "Look for the cause at the arm, then take it back at its pendant."
    if state.robot_mode is not RobotMode.RUNNING:
        mode = state.robot_mode.name.lower().replace("_", " ")
        return f"the arm is in mode {mode}.", "Connect it again, or switch it on at its pendant."
    return None


def _mixed(begin: Sequence[float], end: Sequence[float], share: float) -> kinematics.Joints:
    return tuple(a + (b - a) * share for a, b in zip(begin, end, strict=True))


def _now() -> float:
    return asyncio.get_running_loop().time()
