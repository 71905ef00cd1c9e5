"""Where things lie on the deck of a STARlet: two carriers of five sites, and the waste.

The deck's frame: x to the right, y to the back, z up, mm; rails are 22.5 mm apart from x = 100. Sites of the carriers
TIP_CAR_480_A00 and PLT_CAR_L5AC_A00, waste and the head's range: PyLabRobot 0.2.2, `resources.hamilton`. `PLATE_Z_MM`
is the outer floor of a skirted plate on its pedestal; the bottoms of its wells stand some 3 mm higher.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from drivers.core.labware import LabwareKind

RAIL_MM, FIRST_RAIL_MM = 22.5, 100.0
FRONT_MM = 63.0
TIP_SITES = tuple(f"tips{n}" for n in range(1, 6))
PLATE_SITES = tuple(f"plates{n}" for n in range(1, 6))
SITES = TIP_SITES + PLATE_SITES
#: Inside a carrier: lower left corner of its first site, and from one site to the next.
TIP_CORNER_MM, PLATE_CORNER_MM, NEXT_MM = (6.2, 10.0), (4.0, 8.5), 96.0
TIP_Z_MM, PLATE_Z_MM = 214.95, 183.12
SIZE_MM = (127.76, 86.0)
WASTE_X_MM = 800.0
WASTE_Y_MM = (190.6, 431.8)
WASTE_Z_MM = 137.1
#: Where nozzle A1 of the 96 head goes to throw tips off.
WASTE96_MM = (-42.0, 120.3, 216.4)
TRAVERSE_MM, ISWAP_TRAVERSE_MM = 245.0, 280.0
#: How near the axis of a channel must come to the middle of a tip, and to that of a narrow well.
TOLERANCE_MM = 1.5
TRASH = "trash"


@dataclass(frozen=True, slots=True)
class Deck:
    """The rails on which the two carriers stand."""

    tip_rail: int
    plate_rail: int

    def corner(self, site: str) -> tuple[float, float, float]:
        """Lower left corner of a site; raises `KeyError`."""
        if site not in SITES:
            raise KeyError(site)
        tips = site in TIP_SITES
        rail, (dx, dy) = (self.tip_rail, TIP_CORNER_MM) if tips else (self.plate_rail, PLATE_CORNER_MM)
        number = (TIP_SITES if tips else PLATE_SITES).index(site)
        x = FIRST_RAIL_MM + (rail - 1) * RAIL_MM + dx
        return x, FRONT_MM + dy + number * NEXT_MM, TIP_Z_MM if tips else PLATE_Z_MM

    def well(self, site: str, kind: LabwareKind, well: str) -> tuple[float, float, float]:
        """The middle of a well's bottom, of labware on a site."""
        x, y, z = self.corner(site)
        spec = kind.definition["wells"][well]
        return x + spec["x"], y + spec["y"], z + spec["z"]

    def middle(self, site: str) -> tuple[float, float]:
        """Where the iSWAP grips a plate: over the middle of its footprint."""
        x, y, _ = self.corner(site)
        return x + SIZE_MM[0] / 2, y + 85.48 / 2

    def site_at(self, x: float, y: float) -> str | None:
        """The site below a point."""
        for site in SITES:
            left, front, _ = self.corner(site)
            if 0 <= x - left <= SIZE_MM[0] and 0 <= y - front <= SIZE_MM[1]:
                return site
        return None

    def well_at(self, site: str, kind: LabwareKind, x: float, y: float) -> str | None:
        """The well whose opening is below a point."""
        left, front, _ = self.corner(site)
        for well, spec in kind.definition["wells"].items():
            half_x = half_y = spec.get("diameter", 0.0) / 2
            if "xDimension" in spec:
                half_x, half_y = spec["xDimension"] / 2, spec["yDimension"] / 2
            off_x, off_y = abs(x - left - spec["x"]), abs(y - front - spec["y"])
            if off_x <= max(half_x, TOLERANCE_MM) and off_y <= max(half_y, TOLERANCE_MM):
                return str(well)
        return None


def over_waste(x: float, y: float) -> bool:
    """Whether a tip that falls here falls into the waste of the channels."""
    return abs(x - WASTE_X_MM) <= 15.0 and WASTE_Y_MM[0] - 20 <= y <= WASTE_Y_MM[1] + 20


def over_waste96(x: float, y: float) -> bool:
    """Whether a head whose nozzle A1 is here stands over the waste of the 96 head."""
    return math.hypot(x - WASTE96_MM[0], y - WASTE96_MM[1]) <= 100.0


def spread(y_first: float, count: int) -> Iterator[float]:
    """Where channels stand one behind the other, from the back to the front, 9 mm apart."""
    return (y_first - 9.0 * number for number in range(count))
