"""From the volume of a liquid to the piston's way, and back: the maker's curves for water, by tip.

Air is a spring: a piston has to move more than the liquid that it draws. The curves are those of the maker's liquid
classes in PyLabRobot 0.2.2 (water, at the surface, no blow-out). They go by the tip's nominal volume: PyLabRobot itself
finds none for its 300 uL tips without filter, whose capacity it gives as 400 uL, and leaves their volumes as they are.
What a tip holds goes by where its piston stands, so that many strokes add up to one.
"""

from bisect import bisect_right
from functools import cache
from typing import Any

from drivers.liquid_handlers.hamilton_star.labware import Tip

#: Pistons are counted in 0.1 uL, and the curve is steep in places.
ROUNDING_SHARE, ROUNDING_UL = 0.01, 0.3
Curve = tuple[tuple[float, float], ...]


@cache
def curve(tip: Tip, head96: bool) -> Curve:
    """Pairs of liquid and piston, uL, in rising order; empty where the maker gives none."""
    from pylabrobot.liquid_handling.liquid_classes.hamilton import star
    from pylabrobot.resources.liquid import Liquid

    find: Any = star.get_star_liquid_class
    for blow_out in (False, True):
        found = find(
            tip_volume=tip.nominal_ul, is_core=head96, is_tip=True, has_filter=tip.filtered, liquid=Liquid.WATER,
            jet=False, blow_out=blow_out,
        )  # fmt: skip
        if found is not None:
            return tuple(sorted(found.curve.items()))
    return ()


def piston_ul(tip: Tip, liquid_ul: float, head96: bool = False) -> float:
    """How far the piston must go for a volume of water."""
    return _along(curve(tip, head96), liquid_ul)


def liquid_ul(tip: Tip, piston: float, head96: bool = False) -> float:
    """The volume of water that a way of the piston moves."""
    return _along(tuple((there, here) for here, there in curve(tip, head96)), piston)


def drawn_ul(tip: Tip, piston: float, liquid_ul_: float) -> float:
    """How much further a piston that has moved so far must go to draw so much more."""
    return piston_ul(tip, liquid_ul(tip, piston) + liquid_ul_) - piston


def given_ul(tip: Tip, piston: float, liquid_ul_: float) -> float:
    """How far a piston must go back to give so much: to where it would stand for what stays. All of it where that is
    what is there but for `ROUNDING`; for more, what that takes, which the firmware then refuses."""
    left = liquid_ul(tip, piston) - liquid_ul_
    if left < -(ROUNDING_UL + ROUNDING_SHARE * liquid_ul_):
        return piston_ul(tip, liquid_ul_)
    return piston - piston_ul(tip, max(left, 0.0))


def _along(points: Curve, value: float) -> float:
    """Linear between the points, and in proportion beyond the last one."""
    if not points:
        return value
    place = bisect_right([x for x, _ in points], value)
    if place == len(points):
        return value * points[-1][1] / points[-1][0]
    (x0, y0), (x1, y1) = points[max(place - 1, 0)], points[max(place, 1)]
    return y0 + (value - x0) * (y1 - y0) / (x1 - x0)
