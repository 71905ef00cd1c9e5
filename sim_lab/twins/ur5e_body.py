"""The body of a UR5e: joints that move in time, power and brakes, a safety system that stops it.

Motions are trapezoidal: the leading axis sets the pace (`timing`, in the driver's package). The slider stretches time.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from drivers.arms.universal_ur5e import collision, kinematics
from drivers.arms.universal_ur5e.kinematics import Frame, Joints, Unreachable
from drivers.arms.universal_ur5e.timing import BRAKE_RELEASE_S, PARKED, POWER_ON_S, joint_ramp, tool_ramp
from drivers.arms.universal_ur5e.wire import RobotMode, SafetyMode
from sim_lab.world.model import World

LOST_RAD = 0.05  # what a joint is beside its target after a slip: our choice, well over what an arm repeats within
LINE_STEPS = 40
LOOKS = 24  # places of a way at which it is seen whether the arm touches something


class Halted(Exception):
    """The arm stands for a reason that ends the program."""


class Profile(Protocol):
    """How much of a way is done after a time."""

    @property
    def duration_s(self) -> float:
        """From its begin to rest."""

    def share(self, passed_s: float) -> float:
        """The part of the way, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Braking:
    """To rest from a speed in the middle of a way: parts of it, and per second."""

    begin: float
    speed: float
    deceleration: float

    @property
    def duration_s(self) -> float:
        """Until it stands, or the way is over."""
        return self.speed / self.deceleration

    def share(self, passed_s: float) -> float:
        """The part of the whole way."""
        t = min(passed_s, self.duration_s)
        return min(1.0, self.begin + self.speed * t - self.deceleration * t * t / 2)


@dataclass(slots=True)
class Motion:
    """One motion under way; `passed_s` of its own time were over at `since_s` of the lab's."""

    joints_at: Callable[[float], Joints]
    profile: Profile
    length: float  # of the leading axis, rad (or m on a line)
    part: float  # how much of the way it goes, less than 1 where something stops it
    since_s: float
    done: "asyncio.Future[None]"
    passed_s: float = 0.0
    timer: asyncio.TimerHandle | None = None
    brakes: bool = False


class Body:
    """One arm. `safety` and `mode` are what its controller says of it."""

    def __init__(self, name: str, world: World, boxes: Mapping[str, collision.Box]) -> None:
        self.name, self.world, self.boxes = name, world, boxes
        self.mode, self.safety = RobotMode.POWER_OFF, SafetyMode.NORMAL
        self.tool: Frame = kinematics.frame((0.0,) * 6)
        self.slider = 1.0
        self.stopped_s = 0.0  # when the safety system last stopped it
        self.halted: Callable[[], None] = lambda: None  # told when the safety system or a loss of power ends all
        self._resumed = asyncio.Event()  # cleared as long as a protective stop has the program paused
        self._resumed.set()
        self._share_at_stop = 0.0
        self._goal = RobotMode.POWER_OFF  # where switching on shall end
        self._joints: Joints = PARKED
        self._motion: Motion | None = None
        self._switching: asyncio.TimerHandle | None = None

    @property
    def moving(self) -> bool:
        """Whether a motion is under way."""
        return self._motion is not None

    def joints(self) -> Joints:
        """The joints now."""
        motion = self._motion
        return self._joints if motion is None else motion.joints_at(min(motion.part, self._share(motion)))

    def speeds(self) -> Joints:
        """Of the joints now, rad/s: the difference over the last two milliseconds."""
        motion, dt = self._motion, 0.002
        if motion is None:
            return (0.0,) * 6
        passed = self._passed(motion)
        now, before = (
            motion.joints_at(min(motion.part, motion.profile.share(t))) for t in (passed, max(0.0, passed - dt))
        )
        return tuple(self.slider * (a - b) / dt for a, b in zip(now, before, strict=True))

    def flange(self) -> Frame:
        """Where the tool is now."""
        return kinematics.forward(self.joints(), self.tool)

    # Moving

    async def to_joints(self, end: Sequence[float], speed: float, acceleration: float) -> None:
        """movej: all joints begin and end together; raises `Halted`."""
        if max(map(abs, end)) > kinematics.TURN:
            raise Halted("a joint does not turn so far")
        begin, end = self._begin(), tuple(end)
        ramp = joint_ramp(begin, end, speed, acceleration)
        await self._go(lambda share: _mixed(begin, end, share), ramp, ramp.distance)

    async def to_pose(self, end: Frame, speed: float, acceleration: float) -> None:
        """movel: the tool in a straight line; raises `Halted` where the arm cannot follow it."""
        begin = self._begin()
        try:
            way = kinematics.line(begin, end, self.tool, LINE_STEPS)
        except Unreachable as error:
            raise Halted(str(error)) from None
        ramp = tool_ramp(kinematics.forward(begin, self.tool), end, speed, acceleration)

        def at(share: float) -> Joints:
            low = min(int(share * LINE_STEPS), LINE_STEPS - 1)
            return _mixed(way[low], way[low + 1], share * LINE_STEPS - low)

        await self._go(at, ramp, ramp.distance)

    def _begin(self) -> Joints:
        if self.mode is not RobotMode.RUNNING or self.safety > SafetyMode.REDUCED:
            raise Halted("the arm is not ready to move")
        if self._motion is not None:
            self._finish(self.joints())
        return self._joints

    async def _go(self, joints_at: Callable[[float], Joints], profile: Profile, length: float) -> None:
        if late_s := self._fails("move_late"):
            await asyncio.sleep(late_s)
        if self._fails("power_lost") is not None:
            self.power_off()
            raise Halted("its power is off")
        stop = next((fault for fault in ("protective_stop", "emergency_stop") if self._fails(fault) is not None), "")
        stalls, slips = self._fails("move_stalled") is not None, self._fails("step_loss") is not None
        way = (lambda share: _slipped(joints_at, share)) if slips else joints_at
        part = 0.5 if stop or stalls else 1.0
        if (touch := self._touch(joints_at)) is not None:
            stop, part = stop or "protective_stop", min(part, touch)
        await self._along(way, profile, length, part)
        if stalls and self.mode is RobotMode.RUNNING:
            await asyncio.Event().wait()  # it says nothing, and never arrives
        if stop == "protective_stop":
            self.protective_stop()
        elif stop:
            self.emergency_stop()
        if not self._resumed.is_set():
            await self._resumed.wait()  # the program pauses; whoever lets it go on finds the arm where it was aiming
            if touch is None:
                await self._along(_rest_of(way, self._share_at_stop), profile, length, 1.0)
        if self.mode is not RobotMode.RUNNING or self.safety > SafetyMode.REDUCED or touch is not None:
            raise Halted("the safety system stopped it")

    async def _along(self, way: Callable[[float], Joints], profile: Profile, length: float, part: float) -> None:
        motion = Motion(way, profile, length, part, self.world.now(), asyncio.get_running_loop().create_future())
        self._motion = motion
        self._arm_timer(motion)
        await asyncio.shield(motion.done)

    def _touch(self, joints_at: Callable[[float], Joints]) -> float | None:
        """The part of a way after which the arm meets itself or a box."""
        for look in range(1, LOOKS + 1):
            if collision.clash(joints_at(look / LOOKS), self.tool, self.boxes) is not None:
                return (look - 1) / LOOKS
        return None

    def brake(self, deceleration: float) -> None:
        """Come to rest on the way, at rad/s2 (or m/s2) of the leading axis; the motion's own end is not reached."""
        motion = self._motion
        if motion is None or motion.brakes:
            return
        passed, dt = self._passed(motion), 1e-4
        share = motion.profile.share(passed)
        speed = (share - motion.profile.share(max(0.0, passed - dt))) / dt
        motion.profile = Braking(share, max(speed, 1e-9), deceleration / motion.length)
        motion.passed_s, motion.since_s, motion.part, motion.brakes = 0.0, self.world.now(), 1.0, True
        self._arm_timer(motion)

    async def rest(self) -> None:
        """Wait until nothing moves."""
        while self._motion is not None:
            await asyncio.shield(self._motion.done)

    def slide(self, fraction: float) -> None:
        """Set the speed slider; a motion under way follows."""
        if motion := self._motion:
            motion.passed_s, motion.since_s = self._passed(motion), self.world.now()
        self.slider = fraction
        if motion:
            self._arm_timer(motion)

    def _arm_timer(self, motion: Motion) -> None:
        if motion.timer is not None:
            motion.timer.cancel()
        if self.slider > 0:
            left = max(0.0, _when(motion.profile, motion.part) - motion.passed_s) / self.slider
            motion.timer = asyncio.get_running_loop().call_later(left, self._end, motion)

    def _passed(self, motion: Motion) -> float:
        return motion.passed_s + (self.world.now() - motion.since_s) * self.slider

    def _share(self, motion: Motion) -> float:
        return motion.profile.share(self._passed(motion))

    def _end(self, motion: Motion) -> None:
        if self._motion is motion:
            self._share_at_stop = motion.part
            self._finish(motion.joints_at(min(motion.part, motion.profile.share(motion.profile.duration_s))))

    def _finish(self, joints: Joints) -> None:
        motion, self._motion, self._joints = self._motion, None, joints
        if motion is not None:
            if motion.timer is not None:
                motion.timer.cancel()
            if not motion.done.done():
                motion.done.set_result(None)

    # Power and safety

    def power_on(self, to: RobotMode) -> None:
        """Power, and the brakes where `to` is RUNNING; takes its time."""
        self._goal = max(self._goal, to)
        if self.safety <= SafetyMode.REDUCED and self._switching is None and self.mode < self._goal:
            on = self.mode < RobotMode.IDLE
            self.mode = RobotMode.POWER_ON if on else self.mode
            after_s, mode = (POWER_ON_S, RobotMode.IDLE) if on else (BRAKE_RELEASE_S, RobotMode.RUNNING)
            self._switching = asyncio.get_running_loop().call_later(after_s, self._arrive, mode)

    def _arrive(self, mode: RobotMode) -> None:
        self._switching, self.mode = None, mode
        self.power_on(mode)

    def power_off(self) -> None:
        """Brakes on, power off."""
        if self._switching is not None:
            self._switching.cancel()
            self._switching = None
        self.mode = self._goal = RobotMode.POWER_OFF
        self._stand()

    def protective_stop(self) -> None:
        """Stand at once, under power (stop category 2), until somebody takes it back; the program pauses."""
        self.safety = SafetyMode.PROTECTIVE_STOP
        self._resumed.clear()
        self._stand()

    def resume(self) -> None:
        """Let a paused program go on."""
        self._resumed.set()

    def emergency_stop(self) -> None:
        """The button: stand, and power off."""
        self.safety = SafetyMode.ROBOT_EMERGENCY_STOP
        self.power_off()

    def _stand(self) -> None:
        self.stopped_s = self.world.now()
        if self._motion is not None:
            self._share_at_stop = min(self._motion.part, self._share(self._motion))
            self._finish(self.joints())
        self.halted()

    def _fails(self, fault: str) -> float | None:
        return self.world.faults.happens(self.name, fault)


def _mixed(begin: Sequence[float], end: Sequence[float], share: float) -> Joints:
    return tuple(a + (b - a) * share for a, b in zip(begin, end, strict=True))


def _slipped(joints_at: Callable[[float], Joints], share: float) -> Joints:
    """Its second joint is behind, the more the farther it went."""
    base, shoulder, *rest = joints_at(share)
    return (base, shoulder + LOST_RAD * share, *rest)


def _rest_of(way: Callable[[float], Joints], begin: float) -> Callable[[float], Joints]:
    return lambda share: way(begin + (1.0 - begin) * share)


def _when(profile: Profile, part: float) -> float:
    """The time at which a part of the way is done, by halving; the end for the whole."""
    low, high = 0.0, profile.duration_s
    if part >= 1.0:
        return high
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if profile.share(middle) < part else (low, middle)
    return high
