"""The ways of a plate mover: how the gripper comes to a taught site and leaves it. Pure.

Between sites the gripper travels at one height, above the approach of both; it enters and leaves a site on
straight lines only, from above or from the side, loaded labware lifted before it is drawn out.
"""

import math
from dataclasses import dataclass
from typing import Literal

from drivers.arms.precise_pf400.options import TeachPoint

#: How far from a way the gripper may stand and still be on it.
ON_THE_WAY_MM = 5.0


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the gripper goes: mm, degrees about the vertical, and the elbow's side if it matters."""

    x_mm: float
    y_mm: float
    z_mm: float
    yaw_deg: float
    elbow: Literal["left", "right"] | None

    @property
    def reach_mm(self) -> float:
        """Distance from the axis of the column."""
        return math.hypot(self.x_mm, self.y_mm)


def travel_height_mm(*points: TeachPoint) -> float:
    """The height at which the gripper goes from one of these sites to another."""
    return max(
        point.at_mm[2] + (point.approach_mm if point.access == "vertical" else point.lift_mm) for point in points
    )


def way_in(point: TeachPoint, travel_mm: float, loaded: bool) -> tuple[Pose, ...]:
    """From the travel height to the gripper's pose on the site; reversed, the way out.

    >>> [pose.z_mm for pose in way_in(TeachPoint(at_mm=(400, 0, 70), yaw_deg=0), 130, loaded=True)]
    [130, 70.0]
    """
    x, y, z = point.at_mm
    if point.access == "vertical":
        return _pose(point, x, y, travel_mm), _pose(point, x, y, z)
    yaw = math.radians(point.yaw_deg)
    front = x - point.approach_mm * math.cos(yaw), y - point.approach_mm * math.sin(yaw)
    if not loaded:
        return _pose(point, *front, travel_mm), _pose(point, *front, z), _pose(point, x, y, z)
    lifted = z + point.lift_mm
    return (
        _pose(point, *front, travel_mm),
        _pose(point, *front, lifted),
        _pose(point, x, y, lifted),
        _pose(point, x, y, z),
    )


def way_out(point: TeachPoint, at: tuple[float, float, float], loaded: bool) -> tuple[Pose, ...]:
    """Straight lines out of a site into which one goes sideways, for a gripper (x, y, z in mm) that stands on the way
    into it; none where it does not, or where the way is up.

    >>> hotel = TeachPoint(at_mm=(400, 0, 70), yaw_deg=0, access="horizontal")
    >>> [(pose.x_mm, pose.z_mm) for pose in way_out(hotel, (400.0, 0.0, 70.0), loaded=True)]
    [(400.0, 80.0), (340.0, 80.0)]
    >>> way_out(hotel, (300, 0, 70), loaded=True)
    ()
    """
    x, y, z = point.at_mm
    if point.access == "vertical":
        return ()
    front, *_ = way_in(point, z, loaded=False)
    inside = math.hypot(at[0] - front.x_mm, at[1] - front.y_mm) > ON_THE_WAY_MM
    detour = math.dist(at[:2], (front.x_mm, front.y_mm)) + math.dist(at[:2], (x, y)) - point.approach_mm
    if not inside or detour > ON_THE_WAY_MM or not z - ON_THE_WAY_MM <= at[2] <= z + point.lift_mm + ON_THE_WAY_MM:
        return ()
    height_mm = z + point.lift_mm if loaded else at[2]
    return _pose(point, at[0], at[1], height_mm), _pose(point, front.x_mm, front.y_mm, height_mm)


def _pose(point: TeachPoint, x_mm: float, y_mm: float, z_mm: float) -> Pose:
    return Pose(x_mm, y_mm, z_mm, point.yaw_deg, point.elbow)
