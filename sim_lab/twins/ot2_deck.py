"""What is below the pipettes of an OT-2, by where its gantry is."""

import math

from drivers.core.labware import LabwareKind
from drivers.liquid_handlers.opentrons_ot2.robots import Robot
from drivers.liquid_handlers.opentrons_ot2.timing import Gantry

WELL_TOLERANCE_MM = 3.0


def slot_at(robot: Robot, x_mm: float, y_mm: float) -> str | None:
    """The slot below a point; slots are 127.76 x 85.48 mm (ANSI SLAS 1)."""
    for slot, (x, y) in robot.slots.items():
        if -1.0 <= x_mm - x <= 128.8 and -1.0 <= y_mm - y <= 86.5:
            return slot
    return None


def nearest_well(gantry: Gantry, slot: str, kind: LabwareKind) -> str | None:
    """The well below the pipettes, within a tolerance; a large well counts over all its opening."""
    corner = gantry.robot.slots[slot]
    x, y = gantry.x_mm - corner[0], gantry.y_mm - corner[1]
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
