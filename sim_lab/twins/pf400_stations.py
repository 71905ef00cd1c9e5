"""What clients store at a PreciseFlex controller: motion profiles and stations, and the commands for them.

Every function here is one command of TCS (User's Guide 3.0C1, 4.4.2 and 4.4.3; StationType, GraspData,
GripOpenPos and GripClosePos: docstrings of PyLabRobot 0.2.2): it takes the settings and the request, and
returns the data of the reply. The defaults are TCS's (Class_command.gpl).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace

from drivers.arms.precise_pf400 import wire
from drivers.arms.precise_pf400.kinematics import Joints, Pose, forward
from drivers.arms.precise_pf400.wire import Request, TcsError

LOCATIONS = PROFILES = 20
OPEN_MM, CLOSE_MM = 110.0, 75.0  # of the fingers, until a client sets others
PITCH_DEG, ROLL_DEG = 90.0, 180.0  # the gripper is always level


@dataclass(slots=True)
class Profile:
    """How to move: percentages of full speed and acceleration, ramps in s."""

    speed: float = 50.0
    speed2: float = 0.0
    accel: float = 100.0
    decel: float = 100.0
    accramp: float = 0.1
    decramp: float = 0.1
    inrange: float = 10.0
    straight: float = 0.0


@dataclass(slots=True)
class Station:
    """A stored place; `xyz` holds x, y, z, yaw, pitch, roll unless it is of angles type."""

    xyz: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0, PITCH_DEG, ROLL_DEG)
    angles: tuple[float, ...] | None = None
    config: int = 0
    clearance_mm: float = 50.0
    above_mm: float = 0.0
    grasp_offset_mm: float = 0.0
    vertical: bool = True

    @property
    def pose(self) -> Pose:
        """Where the gripper goes."""
        return Pose(*self.xyz[:4]) if self.angles is None else forward(Joints(*self.angles[:4]))

    @property
    def elbow(self) -> str | None:
        """The elbow's side that the place asks for."""
        return elbow(self.config)

    def before(self, extra_mm: float = 0.0) -> Pose:
        """Where the arm begins and ends: above a vertical station, in front of a horizontal one."""
        pose, away = self.pose, self.clearance_mm + extra_mm
        if self.vertical:
            return replace(pose, z_mm=pose.z_mm + away)
        yaw = math.radians(pose.yaw_deg)
        x, y = pose.x_mm - away * math.cos(yaw), pose.y_mm - away * math.sin(yaw)
        return replace(pose, x_mm=x, y_mm=y, z_mm=pose.z_mm + self.above_mm)


@dataclass(slots=True)
class Settings:
    """Everything that clients set; places and profiles are counted from 1."""

    monitor_speed: float = 100.0
    payload: float = 0.0
    grasp: tuple[float, ...] = (0.0, 50.0, 10.0)  # width mm, finger speed %, force N
    open_mm: float = OPEN_MM
    close_mm: float = CLOSE_MM
    profiles: list[Profile] = field(default_factory=lambda: [Profile() for _ in range(PROFILES + 1)])
    stations: list[Station] = field(default_factory=lambda: [Station() for _ in range(LOCATIONS + 1)])

    def station(self, number: float) -> Station:
        """A place by its number; raises `TcsError`."""
        if number < 1:
            raise TcsError(-2814)
        if number > LOCATIONS:
            raise TcsError(-2816)
        return self.stations[int(number)]

    def profile(self, number: float) -> Profile:
        """A profile by its number; raises `TcsError`."""
        if not 1 <= number <= PROFILES:
            raise TcsError(-2815)
        return self.profiles[int(number)]

    def shares(self, profile: Profile) -> tuple[float, float]:
        """A profile's speed and acceleration as shares of the arm's full ones."""
        speed = max(profile.speed, 1.0) / 100.0 * self.monitor_speed / 100.0
        return speed, max(profile.accel, 1.0) / 100.0


def elbow(config: int) -> str | None:
    """The elbow's side in a `Config` value, if it names one."""
    return next((side for side, bit in wire.ELBOW.items() if config & bit), None)


def words(*values: float) -> str:
    """Numbers as TCS writes them, separated by blanks."""
    return " ".join(map(wire.number, values))


def _numbers(request: Request, *counts: int) -> tuple[float, ...]:
    """The arguments, of which there must be one of these counts; raises `TcsError`."""
    values = request.numbers()
    if not values:
        raise TcsError(-2801)
    if len(values) not in counts:
        raise TcsError(-2800)
    return values


def _loc_xyz(settings: Settings, request: Request) -> str:
    index, *values = _numbers(request, 1, 7)
    station = settings.station(index)
    if not values:
        pose = station.pose
        return f"0 {words(index, pose.x_mm, pose.y_mm, pose.z_mm, pose.yaw_deg, PITCH_DEG, ROLL_DEG)}"
    station.xyz, station.angles, station.config = tuple(values), None, 0
    return ""


def _loc_angles(settings: Settings, request: Request) -> str:
    index, *values = _numbers(request, *range(1, 14))
    station = settings.station(index)
    if not values:
        return f"1 {words(index, *(station.angles or (0.0,) * 5))}"
    station.angles = (*values, 0.0, 0.0, 0.0, 0.0)[:5]
    return ""


def _loc_config(settings: Settings, request: Request) -> str:
    index, *values = _numbers(request, 1, 2)
    station = settings.station(index)
    if not values:
        return words(index, station.config)
    station.config = int(values[0])
    return ""


def _loc_clearance(settings: Settings, request: Request) -> str:
    index, *values = _numbers(request, 1, 2, 3)
    station = settings.station(index)
    if not values:
        return words(index, station.clearance_mm, 0)
    station.clearance_mm = values[0]
    return ""


def _station_type(settings: Settings, request: Request) -> str:
    index, *values = _numbers(request, 1, 6)
    station = settings.station(index)
    if not values:
        lengths = station.clearance_mm, station.above_mm, station.grasp_offset_mm
        return words(index, station.vertical, 0, *lengths)
    station.vertical = values[0] != 0
    station.clearance_mm, station.above_mm, station.grasp_offset_mm = values[2:]
    return ""


def _profile(settings: Settings, request: Request) -> str:
    index, *values = _numbers(request, 1, 9)
    profile = settings.profile(index)
    if not values:
        return words(index, *(getattr(profile, each.name) for each in fields(Profile)))
    settings.profiles[int(index)] = Profile(*values)
    return ""


def _profile_property(settings: Settings, request: Request) -> str:
    index, *values = _numbers(request, 1, 2)
    profile = settings.profile(index)
    if values:
        setattr(profile, request.verb, values[0])
        return ""
    value = getattr(profile, request.verb)
    return f"{words(index)} {bool(value) if request.verb == 'straight' else words(value)}"


def _grasp_data(settings: Settings, request: Request) -> str:
    if not request.args:
        return words(*settings.grasp)
    settings.grasp = _numbers(request, 3)
    return ""


def _open_pos(settings: Settings, request: Request) -> str:
    if not request.args:
        return words(settings.open_mm)
    (settings.open_mm,) = _numbers(request, 1)
    return ""


def _close_pos(settings: Settings, request: Request) -> str:
    if not request.args:
        return words(settings.close_mm)
    (settings.close_mm,) = _numbers(request, 1)
    return ""


def _monitor_speed(settings: Settings, request: Request) -> str:
    if not request.args:
        return words(settings.monitor_speed)
    (speed,) = _numbers(request, 1)
    if not 1 <= speed <= 100:
        raise TcsError(-707)  # value out of range
    settings.monitor_speed = speed
    return ""


COMMANDS: dict[str, Callable[[Settings, Request], str]] = {
    "locxyz": _loc_xyz,
    "locangles": _loc_angles,
    "locconfig": _loc_config,
    "loczclearance": _loc_clearance,
    "stationtype": _station_type,
    "profile": _profile,
    **{each.name: _profile_property for each in fields(Profile)},
    "graspdata": _grasp_data,
    "gripopenpos": _open_pos,
    "gripclosepos": _close_pos,
    "mspeed": _monitor_speed,
}
