"""A PreciseFlex 400 through PyLabRobot's backend, on two connections of its controller.

The controller reads nothing on the robot's connection while a command there waits, `halt` included (TCS
User's Guide 3.0C1, 5.2; verified on hardware by PyLabRobot, `brooks.precise_flex`, 2026). So a stop has a
line of its own: the status port, where the controller answers at once. And because it is not documented what
a halt does to the composite commands pickplate and placeplate, the driver gives every motion by itself: after
a stop no further one follows.

The controller goes on with the one motion it has when its client is gone, and then stands. How far a move came, the
driver notes at the controller (`note`), where the next process finds it.
"""

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Iterator
from typing import TypeVar

from pylabrobot.arms.precise_flex import PreciseFlex400Backend
from pylabrobot.arms.precise_flex.coords import ElbowOrientation, PreciseFlexCartesianCoords
from pylabrobot.arms.precise_flex.error_codes import ERROR_CODES
from pylabrobot.arms.precise_flex.precise_flex_backend import PreciseFlexError
from pylabrobot.resources import Coordinate, Rotation

from drivers.arms.precise_pf400 import note, wire
from drivers.arms.precise_pf400.note import Note, Phase
from drivers.arms.precise_pf400.options import Options, TeachPoint
from drivers.arms.precise_pf400.route import Pose, travel_height_mm, way_in, way_out
from drivers.core.errors import (
    CommandFailed,
    CommandRefused,
    CommandStopped,
    ConnectionFailed,
    ConnectionLost,
    DeviceError,
    ProtocolViolation,
    ReplyTimeout,
)
from drivers.core.instrument import Command, Identity, Recall
from drivers.core.limits import Limits
from drivers.core.plr import TransportSocket, fenced
from drivers.core.roles import PlateMover
from drivers.core.transport import Port

T = TypeVar("T")
HOMED = 2800  # DataID: 1 when every axis is homed (PyLabRobot, brooks.precise_flex.data_ids)
TRAVEL, STRAIGHT = 1, 2  # the motion profiles this driver sets
COLUMN = 1  # the axis that lifts
JAWS = 4  # place of the fingers' distance in the answer to wherej
HALT_REPLY_S = 5.0
LISTEN_S = 0.5  # between two looks of the controller for clients (TCS, Main.gpl)
SAME_PLACE_MM = 0.1
LEVEL = 90.0, 180.0  # pitch and roll: the gripper is always level


class PF400(PlateMover[Options]):
    """Carries labware between the sites it was taught."""

    def __init__(self, name: str, port: Port, options: Options, limits: Limits) -> None:
        super().__init__(name, port, options, limits)
        self._arm = PreciseFlex400Backend(host=port.address, timeout=options.power_timeout_s)
        self._arm.io = self._line = TransportSocket(port.transport, options.reply_timeout_s)
        self._status = PreciseFlex400Backend(host=port.address)
        self._status.io = self._stop_line = TransportSocket(lambda: port.transport(options.status_port), HALT_REPLY_S)
        self._held: str | None = None  # labware in the gripper, as far as this driver knows
        self._sure = False  # whether the gripper was asked since the connection was made
        self._key = note.key("")  # of the command that runs
        self._clear = False  # whether the arm is known to stand free of every site
        self._begun = False  # whether anything moved since the command began

    async def open(self) -> None:
        """Dial both connections, switch power on if it is off, take the arm, and home it if it is not homed.

        Nothing else moves. The arm may stand anywhere on one of its ways, as after a crash or a stop: its next command
        first leads it out of the site. After a failure somebody must have looked. A command that still runs is ended
        first.
        """
        self.check("speed", self.options.speed_percent / 100)
        self.check("speed", self.options.approach_percent / 100)
        self._line.barred = True
        await self._hang_up()
        async with self._lock:
            await self._attach()

    async def _attach(self) -> None:
        self._line.barred = False
        try:
            await self._set_up()
        except BaseException:
            await self._hang_up()
            raise
        self._clear, self._sure = True, False

    async def _set_up(self) -> None:
        await self._open_stop_line()
        await self._take_line()
        await self._do(self._home_if_needed())
        self._raise_if_stopped()
        await self._set_profile(TRAVEL, self.options.speed_percent, straight=False)
        await self._set_profile(STRAIGHT, self.options.approach_percent, straight=True)

    async def _take_line(self) -> None:
        """Become the client of the robot's port: the controller takes none before the last one's command has ended."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + self.options.reply_timeout_s
        while True:
            try:
                return await self._do(self._arm.setup(skip_home=True))
            except ConnectionLost:
                if loop.time() > until_s:
                    raise
            self._raise_if_stopped()
            await asyncio.sleep(LISTEN_S)

    async def close(self) -> None:
        """Give the arm back; motor power stays on, so that it holds what it holds."""
        try:
            await self._do(self._arm.detach())
        except DeviceError:
            pass  # a connection that is gone needs no goodbye
        finally:
            await self._hang_up()

    async def stop(self, success: bool = True) -> None:
        """Halt on the status connection, now; a command that runs ends with `CommandStopped`."""
        self._line.barred = True
        if self._stop_line.connected:
            try:
                return await self._do(self._status.halt())
            except (ConnectionLost, ReplyTimeout):
                pass  # the connection may have gone unnoticed while nothing was sent
        await self._open_stop_line()
        await self._do(self._status.halt())

    async def identify(self) -> Identity:
        """Version of its command server and modules; it has no word here for its serial number."""
        async with self._lock:
            return Identity(firmware=str(await self._do(self._arm.get_version())).strip())

    async def recall(self, command: Command) -> Recall:
        """By the note at the controller and the distance of the fingers; the controller has answered its last client
        before it takes another, so nothing moves by now."""
        async with self._lock:
            found, jaws_mm = await self._read_note(), await self._jaws()
        if found.is_blank:
            return Recall("unknown", "its controller has no note of any command: it was switched on since, or new")
        if found.key != note.key(command.action):
            return Recall("not_done", "the note at its controller is of another command: this one was not begun")
        is_open = jaws_mm > self._open_from(command.args["source"])
        told = f"the note at its controller says {found.phase.name.lower()}, and its fingers are {jaws_mm:g} mm apart"
        if found.phase is Phase.DONE or (found.phase is Phase.RELEASING and is_open):
            return Recall("done", told)
        if found.phase in (Phase.BEGUN, Phase.RETURNED) or (found.phase is Phase.GRIPPING and is_open):
            return Recall("not_done", told)
        return Recall("unknown", f"{told}: half-way, it may hold {command.args['labware']}")

    async def make_safe(self) -> None:
        """Held labware back to where it was taken from, and the gripper up and out of every site; raises
        `CommandFailed`, and holds on, where it does not know where the labware came from."""
        if not self._opened:
            await self.connect()
        async with self._lock:
            await self._hang_up()
            await self._attach()
            if self.options.sites:
                self._clear = False
                await self._put_back()
                self._clear = True

    async def _put_back(self) -> None:
        """Out of the site it may be in, then to the labware's source if it holds any, then up."""
        found, source, sites = await self._read_note(), await self._source(), self.options.sites
        travel_mm = travel_height_mm(*sites.values())
        point = sites[source] if source is not None else next(iter(sites.values()))
        is_held = not await self._is_open() and await self._grasp(point)
        await self._leave(is_held)
        if is_held and source is None:
            raise CommandFailed(
                "it holds labware and does not know from where.", device=self.name, hint="Take it out by hand."
            )
        if is_held and source is not None:
            self._key = found.key
            await self._place("the labware", source, travel_mm)
            await self._note(Phase.RETURNED)
        await self._rise(travel_mm)
        self._held, self._sure = None, True

    async def move_labware(self, labware: str, source: str, destination: str) -> None:
        """Take the labware at `source` and put it down at `destination`; holding it already, only the latter."""
        start, end = self._taught(source), self._taught(destination)
        travel_mm = travel_height_mm(start, end)
        for point in (start, end):
            for pose in way_in(point, travel_mm, loaded=True):
                self.check("reach", pose.reach_mm)
                self.check("height", pose.z_mm)
        self._require_clear()
        self._line.barred = self._clear = False
        self._key, self._begun, is_new = note.key(self.action), False, not self._sure
        is_held = await self._holds(labware, start)
        self._begun = False
        try:
            if is_new:
                await self._leave(is_held)
            if not is_held:
                await self._command(note.store(note.SOURCE, start.at_mm))
                await self._note(Phase.BEGUN)
                await self._pick(labware, source, travel_mm)
            await self._place(labware, destination, travel_mm)
            await self._note(Phase.DONE)
        except CommandRefused as error:
            if not self._begun:
                raise
            raise CommandFailed(error.message, device=self.name, hint=error.hint) from error
        self._clear = True

    # The steps of a move

    async def _pick(self, labware: str, source: str, travel_mm: float) -> None:
        point = self.options.sites[source]
        await self._rise(travel_mm)
        await self._release(point)
        await self._follow(way_in(point, travel_mm, loaded=False))
        await self._note(Phase.GRIPPING)
        if not await self._grasp(point):
            await self._release(point)
            await self._follow(way_in(point, travel_mm, loaded=False)[-2::-1], straight=True)
            self._clear = True
            raise CommandFailed(f"there is no labware to grip at {source}.", device=self.name, hint="Look there.")
        self._held = labware
        await self._follow(way_in(point, travel_mm, loaded=True)[-2::-1], straight=True)

    async def _place(self, labware: str, destination: str, travel_mm: float) -> None:
        point = self.options.sites[destination]
        await self._rise(travel_mm)
        await self._follow(way_in(point, travel_mm, loaded=True)[:1])
        if not await self._grasp(point):
            self._held, self._clear = None, True
            raise CommandFailed(f"it lost {labware} on the way to {destination}.", device=self.name, hint="Find it.")
        await self._follow(way_in(point, travel_mm, loaded=True)[1:], straight=True)
        await self._note(Phase.RELEASING)
        await self._release(point)
        self._held = None
        await self._follow(way_in(point, travel_mm, loaded=False)[-2::-1], straight=True)

    async def _holds(self, labware: str, point: TeachPoint) -> bool:
        """Whether the gripper has this labware; after a new connection the gripper itself is asked, unless it is open.

        A note of this very command tells that it is the one that was gripped.
        """
        if not self._sure:
            gripped = not await self._is_open() and await self._grasp(point)
            found = await self._read_note()
            self._sure = True
            if not gripped:
                self._held = None
            elif self.action and found.key == self._key and found.phase in (Phase.GRIPPING, Phase.RELEASING):
                self._held = labware
            elif self._held is None:
                self._held = "labware that it was not told of"
        if self._held not in (None, labware):
            self._clear, self._sure = True, False
            raise CommandRefused(
                f"its gripper holds {self._held}.", device=self.name, hint="Move that first, or take it out by hand."
            )
        return self._held is not None

    async def _rise(self, travel_mm: float) -> None:
        """Straight up to the travel height, if it is lower."""
        missing_mm = travel_mm - await self._do(self._height())
        if missing_mm > 0:
            column = (await self._do(self._arm.get_joint_position()))[COLUMN]
            await self._move(self._arm.move_one_axis(COLUMN, column + missing_mm, STRAIGHT))

    async def _follow(self, poses: tuple[Pose, ...], straight: bool = False) -> None:
        """Through these poses; the way to the first one is straight too where it says so."""
        for pose in poses:
            target = PreciseFlexCartesianCoords(
                location=Coordinate(pose.x_mm, pose.y_mm, pose.z_mm),
                rotation=Rotation(x=LEVEL[1], y=LEVEL[0], z=pose.yaw_deg),
                orientation=ElbowOrientation(pose.elbow) if pose.elbow else None,
            )
            await self._move(self._arm.move_c(STRAIGHT if straight else TRAVEL, target))
            straight = True

    async def _move(self, motion: Awaitable[None]) -> None:
        await self._do(motion)
        self._begun = True
        await self._do(self._arm.wait_for_eom())
        self._raise_if_stopped()

    async def _grasp(self, point: TeachPoint) -> bool:
        """Close with limited force; -1 says that there is a plate, 0 that there is none."""
        options = self.options
        command = wire.command("GraspPlate", point.grip_mm, options.finger_percent, options.grip_force_n)
        answer = await self._do(self._arm.send_command(command))
        self._begun = True
        if answer not in ("-1", "0"):
            raise ProtocolViolation(f"GraspPlate was answered with '{answer}'.", device=self.name)
        return bool(answer == "-1")

    async def _release(self, point: TeachPoint) -> None:
        width = point.grip_mm + self.options.open_mm
        await self._do(self._arm.send_command(wire.command("ReleasePlate", width, self.options.finger_percent)))
        self._begun = True

    async def _leave(self, loaded: bool) -> None:
        """Out of a site in which it was left, on the straight way."""
        with self._readable():
            x, y, z, *_ = wire.numbers(await self._command("wherec"))
        for point in self.options.sites.values():
            await self._follow(way_out(point, (x, y, z), loaded), straight=True)

    # What is common to them

    async def _command(self, text: str) -> str:
        answer: str = await self._do(self._arm.send_command(text))
        return answer

    async def _note(self, phase: Phase) -> None:
        await self._command(Note(self._key, phase).write())

    async def _read_note(self) -> Note:
        with self._readable():
            return note.read(await self._command(note.ask(note.NOTE)))

    async def _source(self) -> str | None:
        """The site from which the noted labware was taken, if it is still taught there."""
        with self._readable():
            place = note.stored(await self._command(note.ask(note.SOURCE)))
        sites = self.options.sites.items()
        return next((name for name, point in sites if math.dist(point.at_mm, place) < SAME_PLACE_MM), None)

    async def _jaws(self) -> float:
        with self._readable():
            return wire.numbers(await self._command("wherej"))[JAWS]

    async def _is_open(self) -> bool:
        """Whether the fingers stand wider than any labware of its sites."""
        return await self._jaws() > max((self._open_from(site) for site in self.options.sites), default=math.inf)

    def _open_from(self, site: str) -> float:
        """Fingers wider than this hold nothing that fits the site."""
        return self._taught(site).grip_mm + self.options.open_mm / 2

    @contextlib.contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except (ValueError, IndexError) as error:
            raise ProtocolViolation(f"an answer cannot be read: {error}.", device=self.name) from error

    def _taught(self, site: str) -> TeachPoint:
        point = self.options.sites.get(site)
        if point is None:
            known = ", ".join(sorted(self.options.sites)) or "none"
            raise CommandRefused(f"it was not taught {site}.", device=self.name, hint=f"It knows: {known}.")
        return point

    def _require_clear(self) -> None:
        if not self._clear:
            raise CommandRefused(
                "its last command did not end where it should have.",
                device=self.name,
                hint="See where it stands and what it holds, bring it clear, then connect it again.",
            )

    def _raise_if_stopped(self) -> None:
        if self._line.barred:
            raise CommandStopped("it was stopped on the way.", device=self.name)

    async def _open_stop_line(self) -> None:
        try:
            await self._do(self._stop_line.setup())
            await self._do(self._status.select_robot(1))
        except (ConnectionFailed, ConnectionLost) as error:
            raise ConnectionFailed(
                f"no line for a stop: {error.message}",
                device=self.name,
                hint="Set status_port to a status port of its controller that is free (10000 to 10003).",
            ) from error

    async def _set_profile(self, number: int, percent: float, straight: bool) -> None:
        """Speed in percent, full acceleration, ramps of 0.1 s and TCS's usual exactness of the end (10)."""
        await self._do(self._arm.set_motion_profile_values(number, percent, 0, 100, 100, 0.1, 0.1, 10, straight))

    async def _height(self) -> float:
        return wire.numbers(await self._arm.send_command("wherec"))[2]

    async def _home_if_needed(self) -> None:
        if float(await self._arm.get_parameter(HOMED)) != 1:
            await self._arm.home()

    async def _hang_up(self) -> None:
        await self._line.stop()
        await self._stop_line.stop()

    async def _do(self, call: Awaitable[T]) -> T:
        with fenced(self.name, _explain):
            return await call


def _explain(error: BaseException) -> DeviceError | None:
    """What a code of the controller means for whoever must go on."""
    if not isinstance(error, PreciseFlexError):
        return None
    code = error.replycode
    if code == -1:  # what PyLabRobot raises for an answer that it cannot read
        return ProtocolViolation(f"{error.message}")
    text = wire.TCS_ERRORS.get(code) or ERROR_CODES.get(code, {}).get("text", error.message)
    kind: type[DeviceError] = CommandRefused if code in wire.REFUSALS else CommandFailed
    return kind(f"its controller answered {code}: {text}.")
