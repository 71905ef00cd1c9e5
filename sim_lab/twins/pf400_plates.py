"""What a PreciseFlex does with plates: the commands of TCS's plug-ins PARobot and SSGrip.

Meaning and replies (-1 for a plate, 0 for none): the docstrings of PyLabRobot 0.2.2. Assumed, because no
document at hand says it: `pickplate` and `placeplate` move with profile 1 between places and straight into
them, and a halt during either ends it with -214 (Cancelled).
"""

from collections.abc import Awaitable, Callable

from drivers.arms.precise_pf400.kinematics import Pose
from drivers.arms.precise_pf400.wire import Request, TcsError
from sim_lab.twins.pf400_arm import Arm
from sim_lab.twins.pf400_stations import Settings, Station

CANCELLED = -214
FULL_SPEED = 100.0


async def _go(arm: Arm, settings: Settings, station: Station, *stages: tuple[Pose, bool]) -> None:
    """Through poses, each straight or not; raises `TcsError` where a halt comes between."""
    halts = arm.halts
    for pose, is_straight in stages:
        joints = arm.solve(pose, station.elbow)
        await arm.start(joints, is_straight, *settings.shares(settings.profiles[1]))
        await arm.rest()
        if arm.halts != halts:
            raise TcsError(CANCELLED)


def _station(settings: Settings, request: Request) -> Station:
    values = request.numbers()
    if not values:
        raise TcsError(-2801)
    return settings.station(values[0])


async def _pick_plate(arm: Arm, settings: Settings, request: Request) -> str:
    station = _station(settings, request)
    width, percent, _ = settings.grasp
    await _go(arm, settings, station, (station.before(), False))
    await arm.open_to(settings.open_mm, percent)
    await _go(arm, settings, station, (station.pose, True))
    grasped = await arm.grasp(width, percent)
    extra = station.grasp_offset_mm if grasped else 0.0
    await _go(arm, settings, station, (station.before(extra), True))
    return "-1" if grasped else "0"


async def _place_plate(arm: Arm, settings: Settings, request: Request) -> str:
    station = _station(settings, request)
    await _go(arm, settings, station, (station.before(station.grasp_offset_mm), False), (station.pose, True))
    await arm.open_to(settings.open_mm, settings.grasp[1])
    await _go(arm, settings, station, (station.before(), True))
    return ""


async def _grasp_plate(arm: Arm, settings: Settings, request: Request) -> str:
    if len(request.args) != 3:
        raise TcsError(-2800)
    width, percent, _ = request.numbers()
    await arm.rest()
    return "-1" if await arm.grasp(width, percent) else "0"


async def _release_plate(arm: Arm, settings: Settings, request: Request) -> str:
    if len(request.args) not in (2, 3):
        raise TcsError(-2800)
    width, percent = request.numbers()[:2]
    await arm.rest()
    await arm.open_to(width, percent)
    return ""


async def _gripper(arm: Arm, settings: Settings, request: Request) -> str:
    if len(request.args) != 1:
        raise TcsError(-2800)
    await arm.rest()
    if request.numbers()[0] == 1:
        await arm.open_to(settings.open_mm, FULL_SPEED)
    else:
        await arm.grasp(settings.close_mm, FULL_SPEED)
    return ""


COMMANDS: dict[str, Callable[[Arm, Settings, Request], Awaitable[str]]] = {
    "pickplate": _pick_plate,
    "placeplate": _place_plate,
    "graspplate": _grasp_plate,
    "releaseplate": _release_plate,
    "gripper": _gripper,
}
