"""What a UR5e's controller runs: one program at a time; a new one takes the place of the one that runs.

Programs are read in two kinds. Those of calls one after the other are done as they stand. The program that the library
ur_rtde uploads is not interpreted but known by its name: the twin keeps the contract of its registers (`ur5e_remote`).
Any other is refused, as one with a mistake is: nothing runs.
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from drivers.arms.universal_ur5e import kinematics, script
from drivers.arms.universal_ur5e.script import Call, Program
from drivers.arms.universal_ur5e.timing import PARKED, PROGRAM_START_S
from drivers.arms.universal_ur5e.wire import RobotMode, Runtime, SafetyMode
from sim_lab.twins import ur5e_remote
from sim_lab.twins.ur5e_body import Body, Halted
from sim_lab.twins.ur5e_memory import Memory

#: How hard the controller brakes when its program ends in mid-move, rad/s2: our estimate.
BRAKE = 10.0
#: Defaults of movej, movel and stopj in URScript: rad/s2, rad/s; m/s2, m/s.
MOVEJ, MOVEL, STOPJ = (1.4, 1.05), (1.2, 0.25), 2.0
logger = logging.getLogger(__name__)


class Programs:
    """The one program that runs, and those that can be loaded by name."""

    def __init__(self, body: Body, memory: Memory) -> None:
        self.body, self.memory = body, memory
        self.stored = {"home.urp": Program("home", (script.move_joints(PARKED, *MOVEJ), Call("sleep", (1.0,))))}
        self.loaded = ""
        self.runtime = Runtime.STOPPED
        self.stops = 0  # how often something that ran was ended from outside
        self._task: asyncio.Task[None] | None = None
        body.halted = self._halted

    def send(self, text: str) -> None:
        """A program has come in over a client interface."""
        try:
            is_remote = script.name(text) == ur5e_remote.NAME
            job = ur5e_remote.run(text, self) if is_remote else self._calls(script.read(text))
        except ValueError as error:
            logger.info("%s: a program that cannot be run: %s", self.body.name, error)
            return
        self.start(job)

    async def play(self) -> bool:
        """Let a paused program go on, or run the loaded one, if the arm is ready; returns when it has begun."""
        if self._is_ready() and self.runtime is Runtime.PAUSED:
            self.runtime = Runtime.PLAYING
            self.body.resume()
            return True
        if self.loaded not in self.stored or not self._is_ready():
            return False
        self.start(self._calls(self.stored[self.loaded]))
        await asyncio.sleep(PROGRAM_START_S)
        return True

    def start(self, job: Coroutine[Any, Any, None]) -> None:
        """In place of what runs; an arm that cannot move takes none."""
        if not self._is_ready():
            job.close()
            return
        self._cancel()
        self._task = asyncio.get_running_loop().create_task(self._run(job))

    async def stop(self) -> bool:
        """End what runs, and wait until the arm stands; False where nothing ran."""
        ran = self.runtime is not Runtime.STOPPED
        self._cancel()
        if self.body.moving:
            self.runtime = Runtime.STOPPING
            await self.body.rest()
            self.runtime = Runtime.STOPPED
        return ran

    def _is_ready(self) -> bool:
        return self.body.mode is RobotMode.RUNNING and self.body.safety <= SafetyMode.REDUCED

    def _cancel(self) -> None:
        if self._task is not None and not self._task.done():
            self.stops += 1
            self._task.cancel()
        self._task, self.runtime = None, Runtime.STOPPED
        self.body.resume()  # nothing is paused any more
        self.body.brake(BRAKE)

    def _halted(self) -> None:
        """A loss of power ends the program; a protective stop pauses it (UR's ROS driver, "robot state helper")."""
        task = asyncio.current_task()
        if self.body.safety is SafetyMode.PROTECTIVE_STOP and self.body.mode is RobotMode.RUNNING:
            self.runtime = Runtime.PAUSED if self.runtime is Runtime.PLAYING else self.runtime
            return
        if self._task is not None and self._task is not task:
            self._task.cancel()
        self.runtime = Runtime.STOPPED

    async def _run(self, job: Coroutine[Any, Any, None]) -> None:
        try:
            await asyncio.sleep(PROGRAM_START_S)
            self.runtime = Runtime.PLAYING
            await job
        except Halted as error:
            logger.info("%s: its program ended: %s", self.body.name, error)
        finally:
            job.close()
            if self._task is asyncio.current_task():
                self.runtime, self._task = Runtime.STOPPED, None

    async def _calls(self, program: Program) -> None:
        for call in program.calls:
            await self._do(call)

    async def _do(self, call: Call) -> None:
        match call.function, call.args:
            case "movej", (tuple(joints), *_):
                a, v = call.argument("a", 1, MOVEJ[0]), call.argument("v", 2, MOVEJ[1])
                if call.pose:
                    joints = kinematics.nearest(kinematics.frame(joints), self.body.joints(), self.body.tool)
                await self.body.to_joints(joints, v, a)
            case "movel", (tuple(pose), *_):
                a, v = call.argument("a", 1, MOVEL[0]), call.argument("v", 2, MOVEL[1])
                end = kinematics.frame(pose) if call.pose else kinematics.forward(pose, self.body.tool)
                await self.body.to_pose(end, v, a)
            case "stopj" | "stopl", _:
                self.body.brake(call.argument("a", 0, STOPJ))
                await self.body.rest()
            case "write_output_integer_register", (int(register), int(value)) if 0 <= register < 48:
                self.memory.ints[register] = value
            case "set_standard_digital_out", (int(output), bool(on)) if 0 <= output < 8:
                self.memory.switch(output, on)
            case "sleep", (float() | int() as seconds,):
                await asyncio.sleep(float(seconds))
            case _:
                raise Halted(f"the twin does not do '{call.text()}'")
