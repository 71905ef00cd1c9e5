"""How long an OT-2 takes: its gantry's ways over the deck, its plungers, and what tips need.

Slots are those of `robots`. Speeds: the robot's default of
400 mm/s in the plane and 125 mm/s up and down (Opentrons Python API, default speeds); acceleration is left out.
Times of homing and of tips are our estimates.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from drivers.core.labware import LabwareKind, kind, pipettes
from drivers.core.timing import Timing, kind_told
from drivers.liquid_handlers.opentrons_ot2.robots import OT2, Robot

PLANE_MM_S = 400.0
LIFT_MM_S = 125.0
TRAVEL_HEIGHT_MM = 60.0  # up and down once for every well: our mean over the deck
HOME_S = 4.0
GRIPPER_S = 12.0  # one plate from slot to slot with the gripper of a Flex: our estimate
#: What a command takes beyond the way to its well, s.
SETTLE_S = {"pick_up_tip": 3.0, "drop_tip": 1.5, "blow_out": 0.5, "touch_tip": 1.0}


@dataclass(slots=True)
class Gantry:
    """Where the pipettes are."""

    robot: Robot = OT2
    x_mm: float = OT2.home_mm[0]
    y_mm: float = OT2.home_mm[1]

    def go(self, x_mm: float, y_mm: float) -> float:
        """Move over a point; returns the seconds it takes."""
        way = math.hypot(x_mm - self.x_mm, y_mm - self.y_mm)
        self.x_mm, self.y_mm = x_mm, y_mm
        return way / PLANE_MM_S + 2 * TRAVEL_HEIGHT_MM / LIFT_MM_S

    def go_to_well(self, slot: str, kind: LabwareKind, well: str) -> float:
        """Move over a well; a move inside the same well takes no time."""
        corner, place = self.robot.slots[slot], kind.definition["wells"][well]
        x, y = corner[0] + place["x"], corner[1] + place["y"]
        if math.hypot(x - self.x_mm, y - self.y_mm) < 1e-6:
            return 0.0
        return self.go(x, y)

    def home(self) -> float:
        """Go home; returns the seconds it takes."""
        self.x_mm, self.y_mm = self.robot.home_mm
        return HOME_S


class RobotTiming(Timing):
    """One robot with what it was told stands on its deck."""

    robot: ClassVar[Robot] = OT2

    def __init__(self, name: str, options: Any) -> None:
        super().__init__(name, options)
        self._gantry = Gantry(self.robot, *self.robot.home_mm)
        self._deck: dict[str, tuple[LabwareKind, str]] = {"trash": (kind(self.robot.trash), self.robot.trash_slot)}
        self._pipettes: dict[str, str] = {}

    def seconds(self, verb: str, args: Mapping[str, Any]) -> float:
        """The way to the well, the plunger's stroke, and the tip."""
        match verb:
            case "load_pipette":
                self._pipettes[args["mount"]] = args["pipette"]
                return 0.0
            case "load_labware":
                self._deck[args["labware"]] = kind_told(args["definition"]), args["slot"]
                return 0.0
            case "blink":
                return float(round(args["duration_s"]))
            case "lights":
                return 0.0
            case "move_plate":
                return GRIPPER_S + self._gantry.home()
            case "remove_labware" | "home":
                return self._gantry.home()
        found, slot = self._deck[args["labware"]]
        way_s = self._gantry.go_to_well(slot, found, args["well"])
        return way_s + self._stroke_s(verb, args) + SETTLE_S.get(verb, 0.0)

    def _stroke_s(self, verb: str, args: Mapping[str, Any]) -> float:
        if verb not in ("aspirate", "dispense"):
            return 0.0
        pipette = pipettes()[self._pipettes[args["mount"]]]
        usual = pipette.aspirate_ul_s if verb == "aspirate" else pipette.dispense_ul_s
        return float(args["volume_ul"] / (args.get("rate_ul_s") or usual))
