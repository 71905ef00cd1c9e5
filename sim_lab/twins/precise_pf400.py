"""The twin of a PreciseFlex 400: the TCP Command Server of its controller in front of an arm in the world.

As on the real controller (TCS User's Guide 3.0C1, sections 2.4 and 5.2; source of TCS, Main.gpl): the robot
port has one client, whose commands are done one after the other, so that nothing sent there is read while a
command waits; the status ports answer at once, whatever the robot does, and `halt` acts there after
`selectRobot 1`. A motion command is answered when the motion begins; a second one waits for the first.
Verbose mode is not offered.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from drivers.arms.precise_pf400 import wire
from drivers.arms.precise_pf400.kinematics import Joints, Pose
from drivers.arms.precise_pf400.timing import POWER_UP_S
from drivers.arms.precise_pf400.wire import Reply, Request, TcsError
from drivers.core.errors import ConnectionLost
from drivers.core.transport import Transport
from sim_lab.twin import StreamTwin
from sim_lab.twins import pf400_plates, pf400_stations
from sim_lab.twins.pf400_arm import JAWS_MM, POWER_OFF, Arm
from sim_lab.twins.pf400_stations import PITCH_DEG, ROLL_DEG, Profile, Settings, words
from sim_lab.world.model import World

VERSION = "TCP Command Server 3.0C1, PARobot Module, SSGrip Module"
#: How long a new client may wait for the last one to go: the listener looks every 500 ms (Main.gpl).
LISTEN_S = 0.5
NO_ROBOT_ATTACHED, NO_ROBOT_SELECTED, UNDEFINED_ROBOT, INVALID_AXIS = -1009, -1010, -1001, -1002
UNKNOWN_COMMAND, NOT_BY_THIS_THREAD, INVALID_DATA_ID, POWER_TIMEOUT = -2805, -2808, -1066, -1025
AXES = {1: "column_mm", 2: "shoulder_deg", 3: "elbow_deg", 4: "wrist_deg"}


@dataclass(slots=True)
class Thread:
    """One client's connection; `robot` is the selected one, 0 for none."""

    is_status: bool
    robot: int

    def require_robot(self) -> None:
        """Refuse a command about a robot where none is selected."""
        if not self.robot:
            raise TcsError(NO_ROBOT_SELECTED)


class Twin(StreamTwin):
    """One controller and its arm; `arm.fallen` is what it let go where nothing could hold it."""

    tcp_ports = wire.STATUS_PORTS

    def __init__(self, name: str, options: Any, world: World) -> None:
        super().__init__(name, options, world)
        self.arm = Arm(name, world)
        self.settings = Settings()
        self.attached = False
        self._door = asyncio.Lock()

    async def serve(self, link: Transport) -> None:
        """Answer the one client of the robot port; a second one is refused."""
        try:
            async with asyncio.timeout(LISTEN_S):
                await self._door.acquire()
        except TimeoutError:
            await link.close()
            return
        try:
            await self._talk(link, Thread(is_status=False, robot=1))
        finally:
            self._door.release()

    async def serve_port(self, tcp_port: int, link: Transport) -> None:
        """Answer a client of a status port."""
        await self._talk(link, Thread(is_status=True, robot=0))

    async def _talk(self, link: Transport, thread: Thread) -> None:
        requests = wire.Requests()
        with contextlib.suppress(ConnectionLost):
            while data := await link.receive():
                for request in requests.feed(data):
                    if request.verb == "exit":
                        await link.close()
                        return
                    await link.send(wire.encode_reply(await self._answer(request, thread)))

    async def _answer(self, request: Request, thread: Thread) -> Reply:
        try:
            if not thread.is_status:
                self.arm.raise_error()  # a failure since the last command is the answer to this one (5.8)
            return Reply(0, await self._do(request, thread))
        except TcsError as error:
            return Reply(error.code)

    async def _do(self, request: Request, thread: Thread) -> str:
        if setting := pf400_stations.COMMANDS.get(request.verb):
            return setting(self.settings, request)
        if plate := pf400_plates.COMMANDS.get(request.verb):
            self._require_attached(thread)
            return await plate(self.arm, self.settings, request)
        if command := COMMANDS.get(request.verb):
            return await command(self, request, thread)
        raise TcsError(UNKNOWN_COMMAND)

    # General commands (4.4.1)

    async def nothing(self, request: Request, thread: Thread) -> str:
        """`nop`, and an empty line."""
        return ""

    async def version(self, request: Request, thread: Thread) -> str:
        """`version`."""
        return VERSION

    async def mode(self, request: Request, thread: Thread) -> str:
        """`mode`: PC mode only."""
        if request.args and request.numbers()[0] != 0:
            raise TcsError(-2806)
        return "" if request.args else "0"

    async def power(self, request: Request, thread: Thread) -> str:
        """`hp`: motor power; with a time, wait so long for it."""
        if not request.args:
            return str(int(self.arm.powered))
        on, wait_s = (*request.numbers(), 0.0)[:2]
        if not on:
            self.arm.halt()
            self.arm.powered = False
        elif not self.arm.powered:
            await asyncio.sleep(min(wait_s, POWER_UP_S) if wait_s > 0 else POWER_UP_S)
            if 0 < wait_s < POWER_UP_S:
                raise TcsError(POWER_TIMEOUT)
            self.arm.powered = True
        return ""

    async def attach(self, request: Request, thread: Thread) -> str:
        """`attach`: take or give back the right to move the robot."""
        if not request.args:
            return "-1" if self.attached else "0"
        if not request.numbers()[0]:
            await self.arm.rest()
            self.attached = False
        elif thread.is_status:
            raise TcsError(NOT_BY_THIS_THREAD)
        elif not self.arm.powered:
            raise TcsError(POWER_OFF)
        else:
            self.attached = True
        return ""

    async def home(self, request: Request, thread: Thread) -> str:
        """`home`: answered when the robot is homed."""
        self._require_attached(thread)
        await self.arm.rest()
        if not self.arm.powered:
            raise TcsError(POWER_OFF)
        await self.arm.home()
        return ""

    async def system_state(self, request: Request, thread: Thread) -> str:
        """`sysState`."""
        return str(self._system_state())

    def _system_state(self) -> int:
        """DataID 234: 7 power is off, 20 ready to be attached, 21 attached."""
        return 7 if not self.arm.powered else 21 if self.attached else 20

    async def parameter(self, request: Request, thread: Thread) -> str:
        """`pd`: five items of the controller's parameter database."""
        known = {
            234: self._system_state(),
            601: self.settings.monitor_speed,
            2000: 5,  # axes
            2007: 400,  # a PreciseFlex 400
            2800: self.arm.homed,
        }
        number = next(iter(request.numbers()), None)
        if number is None:
            raise TcsError(-2801)
        if number not in known:
            raise TcsError(INVALID_DATA_ID)
        return words(known[int(number)])

    async def payload(self, request: Request, thread: Thread) -> str:
        """`payload`: waits for the robot to stop before it sets a value."""
        if not request.args:
            return words(self.settings.payload)
        await self.arm.rest()
        self.settings.payload = request.numbers()[0]
        return ""

    async def select_robot(self, request: Request, thread: Thread) -> str:
        """`selectRobot`: the only one is 1; a status thread may have none."""
        if not request.args:
            return str(thread.robot)
        number = request.numbers()[0]
        if number not in (0, 1):
            raise TcsError(UNDEFINED_ROBOT)
        if number == 0 and not thread.is_status:
            raise TcsError(NOT_BY_THIS_THREAD)
        thread.robot = int(number)
        return ""

    # Where it is (4.4.2, 4.4.4)

    async def where_cartesian(self, request: Request, thread: Thread) -> str:
        """`wherec`: x, y, z, yaw, pitch, roll and config."""
        thread.require_robot()
        pose = self.arm.pose()
        config = wire.ELBOW["right" if self.arm.joints().elbow_is_right else "left"]
        return words(pose.x_mm, pose.y_mm, pose.z_mm, pose.yaw_deg, PITCH_DEG, ROLL_DEG, config)

    async def where_joints(self, request: Request, thread: Thread) -> str:
        """`wherej`: the five axes."""
        thread.require_robot()
        joints = self.arm.joints()
        angles = joints.shoulder_deg, joints.elbow_deg, joints.wrist_deg
        return words(joints.column_mm, *angles, self.arm.jaws_mm)

    async def is_fully_closed(self, request: Request, thread: Thread) -> str:
        """`IsFullyClosed` (plug-in SSGrip): -1 within 2 mm of fully closed."""
        return "-1" if self.arm.jaws_mm <= JAWS_MM[0] + 2.0 else "0"

    async def state(self, request: Request, thread: Thread) -> str:
        """`state`, Robot.TrajState: 1 is idle, 3 moving at constant speed."""
        thread.require_robot()
        return "3" if self.arm.moving else "1"

    # Motion (4.4.4)

    async def halt(self, request: Request, thread: Thread) -> str:
        """`halt`: stop now; power, attachment and connection stay."""
        thread.require_robot()
        self.arm.halt()
        return ""

    async def wait_for_end(self, request: Request, thread: Thread) -> str:
        """`waitForEom`: answered when the robot stands, however it came to rest."""
        await self.arm.rest()
        return ""

    async def move(self, request: Request, thread: Thread) -> str:
        """`move`: to a stored place."""
        if len(request.args) != 2:
            raise TcsError(-2802)
        location, profile = request.numbers()
        station = self.settings.station(location)
        end = self.arm.solve(station.pose, station.elbow) if station.angles is None else Joints(*station.angles[:4])
        return await self._start(thread, end, self.settings.profile(profile))

    async def move_approach(self, request: Request, thread: Thread) -> str:
        """`moveAppro`: to where the way into a stored place begins."""
        if len(request.args) != 2:
            raise TcsError(-2802)
        location, profile = request.numbers()
        station = self.settings.station(location)
        end = self.arm.solve(station.before(), station.elbow)
        return await self._start(thread, end, self.settings.profile(profile))

    async def move_cartesian(self, request: Request, thread: Thread) -> str:
        """`moveC`: profile, then x, y, z, yaw, pitch, roll and perhaps config."""
        values = request.numbers()
        if len(values) not in (7, 8):
            raise TcsError(-2804 if values else -2801)
        elbow = pf400_stations.elbow(int(values[7])) if len(values) == 8 else None
        profile = self.settings.profile(values[0])
        return await self._start(thread, self.arm.solve(Pose(*values[1:5]), elbow), profile)

    async def move_joints(self, request: Request, thread: Thread) -> str:
        """`moveJ`: profile, then the five axes; the fingers follow at the end."""
        values = request.numbers()
        if len(values) < 6:
            raise TcsError(-2803 if values else -2801)
        await self._start(thread, Joints(*values[1:5]), self.settings.profile(values[0]))
        if abs(values[5] - self.arm.jaws_mm) > 0.1:
            await self.arm.rest()
            await self.arm.open_to(values[5], 100.0)
        return ""

    async def move_one_axis(self, request: Request, thread: Thread) -> str:
        """`moveOneAxis`: axis, destination, profile."""
        if len(request.args) != 3:
            raise TcsError(-2802)
        axis, value, profile = request.numbers()
        if axis not in AXES:
            raise TcsError(INVALID_AXIS)
        await self.arm.rest()
        end = replace(self.arm.joints(), **{AXES[int(axis)]: value})
        return await self._start(thread, end, self.settings.profile(profile))

    async def _start(self, thread: Thread, end: Joints, profile: Profile) -> str:
        self._require_attached(thread)
        await self.arm.start(end, profile.straight != 0, *self.settings.shares(profile))
        return ""

    def _require_attached(self, thread: Thread) -> None:
        if thread.is_status or not self.attached:
            raise TcsError(NO_ROBOT_ATTACHED)


COMMANDS: dict[str, Callable[[Twin, Request, Thread], Awaitable[str]]] = {
    "": Twin.nothing,
    "nop": Twin.nothing,
    "version": Twin.version,
    "mode": Twin.mode,
    "hp": Twin.power,
    "attach": Twin.attach,
    "home": Twin.home,
    "sysstate": Twin.system_state,
    "pd": Twin.parameter,
    "payload": Twin.payload,
    "selectrobot": Twin.select_robot,
    "wherec": Twin.where_cartesian,
    "wherej": Twin.where_joints,
    "isfullyclosed": Twin.is_fully_closed,
    "state": Twin.state,
    "halt": Twin.halt,
    "waitforeom": Twin.wait_for_end,
    "move": Twin.move,
    "moveappro": Twin.move_approach,
    "movec": Twin.move_cartesian,
    "movej": Twin.move_joints,
    "moveoneaxis": Twin.move_one_axis,
}
