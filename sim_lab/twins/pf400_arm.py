"""The body of a PreciseFlex 400 in the world: joints, motions that take time, and a gripper that grips.

Its speeds and times are the figures of the driver's package (`timing`), from which durations are predicted as well.
"""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from drivers.arms.precise_pf400.kinematics import (
    Joints,
    OutOfRange,
    OutOfReach,
    Pose,
    angles,
    forward,
    inverse,
    near,
    solve,
    wrapped,
    xyz,
)
from drivers.arms.precise_pf400.timing import HOMING_S, PARKED, PARKED_JAWS_MM, SQUEEZE_MM, fingers_s, slowest
from drivers.arms.precise_pf400.wire import TcsError
from drivers.core.ramp import Ramp
from sim_lab.world.model import Labware, World

JAWS_MM = (60.0, 145.0)  # PyLabRobot's brooks gripper: range of the servoed gripper
#: How near the gripper must be to a taught pose to hold what stands there.
TOLERANCE_MM, TOLERANCE_DEG = 2.0, 2.0
#: How far before its end a motion stops that runs into something.
CRASH_MM = 10.0

NOT_HOMED, POWER_OFF, JOINT_RANGE = -1021, -1046, -1012
TOO_NEAR, TOO_FAR, ENVELOPE = -1039, -1040, -3122


@dataclass(slots=True)
class Motion:
    """One motion under way; `joints_at` gives the joints for a part of the way."""

    joints_at: Callable[[float], Joints]
    ramp: Ramp
    part: float  # how much of the way it goes, less than 1 where something stands in it
    began_s: float
    done: "asyncio.Future[None]"
    timer: asyncio.TimerHandle


class Arm:
    """One arm; `error` is the code of a motion that failed, until somebody is told."""

    def __init__(self, name: str, world: World) -> None:
        self.name = name
        self.world = world
        self.sites: dict[str, Any] = {
            site: taught for site, taught in world.sites.items() if getattr(taught, "arm", None) == name
        }
        self.powered = self.homed = False
        self.jaws_mm = PARKED_JAWS_MM
        self.held: Labware | None = None
        self.fallen: list[Labware] = []
        self.error = 0
        self.halts = 0
        self._held_mm = 0.0
        self._stuck = False  # the fingers are round labware that its site holds fast
        self._joints = solve(PARKED, "right", Joints(0.0, 0.0, 0.0, 0.0))
        self._motion: Motion | None = None

    # Where it is

    @property
    def moving(self) -> bool:
        """Whether a motion is under way."""
        return self._motion is not None

    def joints(self) -> Joints:
        """The joints now."""
        motion = self._motion
        if motion is None:
            return self._joints
        return motion.joints_at(min(motion.part, motion.ramp.share(self.world.now() - motion.began_s)))

    def pose(self) -> Pose:
        """The gripper now."""
        return forward(self.joints())

    def site_at(self, pose: Pose) -> str | None:
        """The taught site whose pose this is, within the tolerances."""
        for name, site in self.sites.items():
            off_mm = math.dist(site.at_mm, (pose.x_mm, pose.y_mm, pose.z_mm))
            if off_mm <= TOLERANCE_MM and abs(wrapped(site.yaw_deg - pose.yaw_deg)) <= TOLERANCE_DEG:
                return name
        return None

    def solve(self, pose: Pose, elbow: str | None) -> Joints:
        """Joints for a pose; without an elbow the present branch is tried first. Raises `TcsError`."""
        try:
            return solve(pose, elbow, self.joints())
        except OutOfReach as error:
            raise TcsError(TOO_FAR if error.far else TOO_NEAR) from None
        except OutOfRange:
            raise TcsError(JOINT_RANGE) from None

    # Moving

    async def start(self, end: Joints, straight: bool, speed: float, acceleration: float) -> None:
        """Begin a motion once the last one has ended; shares of full speed and acceleration, 0 to 1."""
        await self.rest()
        if late_s := self._fails("move_late"):
            await asyncio.sleep(late_s)
        if self._fails("power_lost") is not None:
            self.powered = False
        if not self.powered:
            raise TcsError(POWER_OFF)
        if not self.homed:
            raise TcsError(NOT_HOMED)
        begin, goal = self._joints, forward(end)
        path = _straight(begin, end) if straight else _jointly(begin, end)
        ramp = slowest(begin, end, straight, speed, acceleration)
        part = 1.0
        if self._stuck or self._fails("envelope_error") is not None:
            part = 0.0
        elif self._obstructed(goal):
            part = max(0.0, 1.0 - CRASH_MM / max(math.dist(xyz(forward(begin)), xyz(goal)), CRASH_MM))
        loop = asyncio.get_running_loop()
        duration_s = ramp.duration_s * part
        timer = loop.call_later(duration_s, self._end, part)
        self._motion = Motion(path, ramp, part, self.world.now(), loop.create_future(), timer)

    async def rest(self) -> None:
        """Wait for the end of the motion; raises `TcsError` once for a motion that failed."""
        while self._motion is not None:
            await asyncio.shield(self._motion.done)
        self.raise_error()

    def raise_error(self) -> None:
        """Tell of a motion that failed, once."""
        code, self.error = self.error, 0
        if code:
            raise TcsError(code)

    def halt(self) -> None:
        """Stop where it is, now; power stays on."""
        self.halts += 1
        if self._motion is not None:
            self._joints = self.joints()
            self._motion.timer.cancel()
            self._finish()

    def _end(self, part: float) -> None:
        if self._motion is not None:
            self._joints = self._motion.joints_at(part)
        if part < 1.0:  # ran into something: the servos give up and power goes off
            self.error, self.powered = ENVELOPE, False
        self._finish()

    def _finish(self) -> None:
        motion, self._motion = self._motion, None
        if motion is not None and not motion.done.done():
            motion.done.set_result(None)

    def _obstructed(self, goal: Pose) -> bool:
        """Whether labware stands where the gripper goes with its own labware, or with fingers too near."""
        site = self.site_at(goal)
        if site is not None and self.held is not None and self._fails("site_occupied") is not None:
            return True
        if site is None or self.world.on(site) is None:
            return False
        return self.held is not None or self.jaws_mm < self.sites[site].grip_mm

    # Gripping

    async def home(self) -> None:
        """Find the zero of every axis."""
        await asyncio.sleep(HOMING_S)
        self.homed = True

    async def open_to(self, width_mm: float, percent: float) -> None:
        """Move the fingers to a width; what they held stands where the arm is, or falls."""
        await self._fingers(width_mm, percent)
        self._stuck = False
        if self.held is None or self.jaws_mm <= self._held_mm:
            return
        held, self.held = self.held, None
        site = self.site_at(self.pose())
        if site is not None and self.world.on(site) is None:
            self.world.put(held, site)
        else:
            self.fallen.append(held)

    async def grasp(self, width_mm: float, percent: float) -> bool:
        """Close with limited force on labware of that width; tells whether the fingers hold any."""
        if self.held is not None:
            await self._fingers(self._held_mm, percent)
            return True
        site = self.site_at(self.pose())
        if site is not None and self.world.on(site) is not None and self._fails("plate_missing") is not None:
            self.fallen.append(self.world.lift(site))  # it lies somewhere, off its place
        if site is not None and self.world.on(site) is not None and self._fails("grip_fails") is not None:
            site = None
        if site is None or self.world.on(site) is None or width_mm - SQUEEZE_MM > self.sites[site].grip_mm:
            await self._fingers(width_mm - SQUEEZE_MM, percent)
            return False
        self._held_mm = self.sites[site].grip_mm
        await self._fingers(self._held_mm, percent)
        self._stuck = site in self.world.clamped
        if not self._stuck:
            self.held = self.world.lift(site)
        return True

    def _fails(self, fault: str) -> float | None:
        return self.world.faults.happens(self.name, fault)

    async def _fingers(self, width_mm: float, percent: float) -> None:
        width_mm = max(JAWS_MM[0], min(JAWS_MM[1], width_mm))
        await asyncio.sleep(fingers_s(width_mm - self.jaws_mm, percent))
        self.jaws_mm = width_mm


def _mix(begin: float, end: float, share: float) -> float:
    return begin + (end - begin) * share


def _jointly(begin: Joints, end: Joints) -> Callable[[float], Joints]:
    """All axes begin and end together (TCS User's Guide, 3.2.1)."""

    def at(share: float) -> Joints:
        column = _mix(begin.column_mm, end.column_mm, share)
        pairs = zip(angles(begin), angles(end), strict=True)
        return Joints(column, *(_mix(first, last, share) for first, last in pairs))

    return at


def _straight(begin: Joints, end: Joints) -> Callable[[float], Joints]:
    """The gripper goes in a straight line (3.2.2); raises `TcsError` where the arm cannot follow it."""
    first, last = forward(begin), forward(end)
    turn = wrapped(last.yaw_deg - first.yaw_deg)

    def at(share: float) -> Joints:
        x, y, z = (_mix(a, b, share) for a, b in zip(xyz(first), xyz(last), strict=True))
        pose = Pose(x, y, z, first.yaw_deg + turn * share)
        try:
            return near(inverse(pose, end.elbow_is_right), begin)
        except OutOfReach as error:
            raise TcsError(TOO_FAR if error.far else TOO_NEAR) from None

    if begin.elbow_is_right != end.elbow_is_right:
        raise TcsError(-1042)  # can't change robot config
    for eighth in range(1, 8):
        at(eighth / 8)
    return at
