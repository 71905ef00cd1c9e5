"""The program `rtde_control` that the library ur_rtde uploads: what it does with the controller's registers.

The twin runs no URScript with branches; it keeps this program's contract, as read in the source of ur_rtde 1.4.5 and
seen on the wire with 1.6.5: input register 0 (int) is the command, input registers (double) its arguments. Output
register 0 (int) says 1 ready or 2 done, output register 1 and the doubles hold what was asked for, and output register
2 the state of a motion that runs beside. A command that the twin does not know ends the program, so that nobody takes
it for done.
"""

import asyncio
import contextlib
import re
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from drivers.arms.universal_ur5e import kinematics
from drivers.arms.universal_ur5e.kinematics import Joints, Unreachable
from sim_lab.twins.ur5e_body import Halted

if TYPE_CHECKING:
    from sim_lab.twins.ur5e_programs import Programs

NAME = "rtde_control"
READY, DONE = 1, 2
STOP_SCRIPT = 255
CYCLE_S = 0.002  # of an e-Series controller
#: The number stands on the line after a comment.
_OFFSET = {kind: re.compile(rf"reg_offset_{kind}\s*=\s*(?:#[^\n]*\n)?\s*(\d+)") for kind in ("int", "float")}
Job = Coroutine[Any, Any, None]


def run(text: str, programs: "Programs") -> Job:
    """The uploaded program as a coroutine; which registers it uses is written in it."""
    offsets = [int(found[1]) if (found := _OFFSET[kind].search(text)) else 0 for kind in ("int", "float")]
    return Remote(programs, *offsets).run()


class Remote:
    """One run of the program."""

    def __init__(self, programs: "Programs", ints: int, doubles: int) -> None:
        self._body, self._memory = programs.body, programs.memory
        self._ints, self._doubles = ints, doubles
        self._beside: asyncio.Task[None] | None = None  # a motion that was not waited for
        self._began = self._told = 0  # operations beside, and how often their register was written

    async def run(self) -> None:
        """One command after the other, until the one that ends it; raises `Halted`."""
        try:
            await self._loop()
        finally:
            await self._end_beside()

    async def _loop(self) -> None:
        self._progress(False)
        while True:
            command = self._int(0)
            if command == STOP_SCRIPT:
                return
            if command:
                await self._do(command)
            self._set(0, DONE if command else READY)
            while self._int(0) == command:
                changed = asyncio.ensure_future(self._memory.change())
                await asyncio.wait({changed, *([self._beside] if self._beside else [])}, return_when="FIRST_COMPLETED")
                changed.cancel()
                if self._beside is not None and self._beside.done():
                    task, self._beside = self._beside, None
                    self._progress(False)
                    await task

    async def _do(self, command: int) -> None:
        await asyncio.sleep(CYCLE_S)
        does = COMMANDS.get(command)
        if does is None:
            raise Halted(f"the twin does not do command {command} of {NAME}")
        try:
            await does(self)
        except Unreachable as error:
            raise Halted(str(error)) from None

    # Registers

    def _int(self, number: int) -> int:
        return int(self._memory.inputs[f"input_int_register_{number + self._ints}"])

    def _values(self, first: int, count: int = 6) -> tuple[float, ...]:
        return tuple(
            float(self._memory.inputs[f"input_double_register_{first + n + self._doubles}"]) for n in range(count)
        )

    def _set(self, number: int, value: int) -> None:
        self._memory.ints[number + self._ints] = value

    def _answer(self, values: tuple[float, ...]) -> None:
        self._memory.doubles[self._doubles : self._doubles + len(values)] = values

    def _progress(self, runs: bool) -> None:
        """Register 2: bits 24 to 30 the operation, 16 to 22 a count of writes, 15 whether it runs."""
        self._told, self._began = (self._told + 1) % 128, (self._began + runs) % 128
        self._set(2, self._told << 16 | self._began << 24 | runs << 15)

    # Commands

    async def _move(self, way: Callable[[float, float], Job]) -> None:
        """At speed and acceleration of registers 6 and 7; waited for, unless register 1 (int) says 1."""
        await self._end_beside()
        job = way(*self._values(6, 2))
        if self._int(1) != 1:
            return await job
        self._progress(True)
        self._beside = asyncio.get_running_loop().create_task(job)

    async def _end_beside(self) -> None:
        task, self._beside = self._beside, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Halted):
                await task
            self._progress(False)

    async def move_j(self) -> None:
        """moveJ."""
        joints = self._values(0)
        await self._move(lambda v, a: self._body.to_joints(joints, v, a))

    async def move_j_ik(self) -> None:
        """moveJ_IK."""
        joints = self._solved()
        await self._move(lambda v, a: self._body.to_joints(joints, v, a))

    async def move_l(self) -> None:
        """moveL."""
        end = kinematics.frame(self._values(0))
        await self._move(lambda v, a: self._body.to_pose(end, v, a))

    async def move_l_fk(self) -> None:
        """moveL_FK."""
        end = kinematics.forward(self._values(0), self._body.tool)
        await self._move(lambda v, a: self._body.to_pose(end, v, a))

    async def stop(self) -> None:
        """stopJ and stopL: brake at what register 0 says; register 1 (int) 1 does not wait."""
        self._body.brake(self._values(0, 1)[0])
        await self._end_beside()
        if self._int(1) != 1:
            await self._body.rest()

    async def stop_and_wait(self) -> None:
        """speedStop and servoStop."""
        self._body.brake(self._values(0, 1)[0])
        await self._body.rest()

    async def set_tool(self) -> None:
        """setTcp."""
        self._body.tool = kinematics.frame(self._values(0))

    async def nothing(self) -> None:
        """setPayload and zeroFtSensor: the twin's arm weighs nothing."""

    async def tool(self) -> None:
        """getTCPOffset."""
        self._answer(kinematics.pose(self._body.tool))

    async def protective_stop(self) -> None:
        """triggerProtectiveStop."""
        self._body.protective_stop()
        await asyncio.Event().wait()  # paused; ur_rtde uploads it anew

    async def forward(self) -> None:
        """getForwardKinematics without arguments."""
        self._answer(kinematics.pose(self._body.flange()))

    async def forward_of(self) -> None:
        """getForwardKinematics of joints and of a tool."""
        self._answer(kinematics.pose(kinematics.forward(self._values(0), kinematics.frame(self._values(6)))))

    async def inverse(self) -> None:
        """getInverseKinematics, nearest to where the arm is."""
        self._answer(self._solved())

    async def inverse_near(self) -> None:
        """getInverseKinematics, nearest to given joints."""
        self._answer(kinematics.nearest(kinematics.frame(self._values(0)), self._values(6), self._body.tool))

    async def chain_poses(self) -> None:
        """poseTrans."""
        self._answer(kinematics.pose(kinematics.frame(self._values(0)) @ kinematics.frame(self._values(6))))

    async def steady(self) -> None:
        """isSteady."""
        self._set(1, int(not self._body.moving))

    async def joints_allowed(self) -> None:
        """isJointsWithinSafetyLimits."""
        self._set(1, int(max(map(abs, self._values(0))) <= kinematics.TURN))

    async def has_inverse(self) -> None:
        """getInverseKinematicsHasSolution; and isPoseWithinSafetyLimits, where reach is all that limits the twin."""
        self._set(1, int(bool(kinematics.inverse(kinematics.frame(self._values(0)), self._body.tool))))

    def _solved(self) -> Joints:
        return kinematics.nearest(kinematics.frame(self._values(0)), self._body.joints(), self._body.tool)


COMMANDS: dict[int, Callable[[Remote], Job]] = {
    1: Remote.move_j,
    2: Remote.move_j_ik,
    3: Remote.move_l,
    4: Remote.move_l_fk,
    8: Remote.nothing,
    15: Remote.stop_and_wait,
    16: Remote.stop_and_wait,
    17: Remote.nothing,
    29: Remote.set_tool,
    30: Remote.inverse_near,
    31: Remote.protective_stop,
    33: Remote.stop,
    34: Remote.stop,
    36: Remote.has_inverse,
    37: Remote.joints_allowed,
    39: Remote.chain_poses,
    40: Remote.tool,
    43: Remote.forward,
    44: Remote.forward_of,
    46: Remote.inverse,
    47: Remote.steady,
    60: Remote.has_inverse,
    61: Remote.has_inverse,
}
