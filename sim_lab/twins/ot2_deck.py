"""Where things are on an OT-2's deck, and how long its gantry takes to get there.

Slots: Opentrons deck definition 3 (`ot2_standard`), lower left corners in mm. Speeds: the robot's default of
400 mm/s in the plane and 125 mm/s up and down (Opentrons Python API, default speeds); acceleration is left out.
"""

import json
import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from drivers.core.labware import LabwareKind

PLANE_MM_S = 400.0
LIFT_MM_S = 125.0
TRAVEL_HEIGHT_MM = 60.0  # up and down once for every well: our mean over the deck
HOME_S = 4.0
WELL_TOLERANCE_MM = 3.0


@cache
def slots() -> dict[str, tuple[float, float]]:
    """Slot -> (x, y) of its lower left corner."""
    path = files("opentrons_shared_data").joinpath("data/deck/definitions/3/ot2_standard.json")
    deck = json.loads(path.read_text("utf-8"))
    return {slot["id"]: (slot["position"][0], slot["position"][1]) for slot in deck["locations"]["orderedSlots"]}


def slot_at(x_mm: float, y_mm: float) -> str | None:
    """The slot below a point; slots are 127.76 x 85.48 mm (ANSI SLAS 1)."""
    for slot, (x, y) in slots().items():
        if -1.0 <= x_mm - x <= 128.8 and -1.0 <= y_mm - y <= 86.5:
            return slot
    return None


@dataclass(slots=True)
class Gantry:
    """Where the pipettes are."""

    x_mm: float = 0.0
    y_mm: float = 353.0

    def go(self, x_mm: float, y_mm: float) -> float:
        """Move over a point; returns the seconds it takes."""
        way = math.hypot(x_mm - self.x_mm, y_mm - self.y_mm)
        self.x_mm, self.y_mm = x_mm, y_mm
        return way / PLANE_MM_S + 2 * TRAVEL_HEIGHT_MM / LIFT_MM_S

    def go_to_well(self, slot: str, kind: LabwareKind, well: str) -> float:
        """Move over a well; a move inside the same well takes no time."""
        corner, place = slots()[slot], kind.definition["wells"][well]
        x, y = corner[0] + place["x"], corner[1] + place["y"]
        if math.hypot(x - self.x_mm, y - self.y_mm) < 1e-6:
            return 0.0
        return self.go(x, y)

    def home(self) -> float:
        """Go home; returns the seconds it takes."""
        self.x_mm, self.y_mm = 0.0, 353.0
        return HOME_S

    def nearest_well(self, slot: str, kind: LabwareKind) -> str | None:
        """The well below, within a tolerance; a large well counts over all its opening."""
        corner = slots()[slot]
        x, y = self.x_mm - corner[0], self.y_mm - corner[1]
        wells = kind.definition["wells"]
        best = min(wells, key=lambda well: math.hypot(wells[well]["x"] - x, wells[well]["y"] - y))
        spec = wells[best]
        half_x = spec.get("xDimension", spec.get("diameter", 0.0)) / 2
        half_y = spec.get("yDimension", spec.get("diameter", 0.0)) / 2
        inside = abs(spec["x"] - x) <= max(half_x, WELL_TOLERANCE_MM) and abs(spec["y"] - y) <= max(
            half_y, WELL_TOLERANCE_MM
        )
        return best if inside else None


def same_place(told: LabwareKind, well: str, really: LabwareKind) -> str | None:
    """The well of what really stands there at the place where the robot thinks `well` is."""
    if well in really.wells:
        return well
    spec, wells = told.definition["wells"].get(well), really.definition["wells"]
    if spec is None:
        return None
    best = min(wells, key=lambda name: math.hypot(wells[name]["x"] - spec["x"], wells[name]["y"] - spec["y"]))
    off = math.hypot(wells[best]["x"] - spec["x"], wells[best]["y"] - spec["y"])
    return best if off <= WELL_TOLERANCE_MM else None
