"""How long a STAR takes: its X arm over the deck, its channels down and up, its strokes, and what tips and plates need.

Speeds and times are our estimates, of the order of what is seen of such machines; no maker's figure stands behind them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drivers.core.labware import LabwareKind
from drivers.core.timing import Timing, kind_told
from drivers.liquid_handlers.hamilton_star.deck import TRASH, WASTE96_MM, WASTE_X_MM, Deck

ARM_MM_S = 500.0
PARKED_X_MM = 500.0
#: Down to the deck and up again, once for each command.
DIP_S = 3.0
#: What a command takes beside the way, the dip and the stroke.
TAKE_TIPS_S, DROP_TIPS_S, SETTLE_S = 2.0, 1.0, 1.0
GRIP_S, PARK_S, RAISE_S = 6.0, 4.0, 1.0
INITIALISE_S = {"C0VI": 20.0, "C0DI": 15.0, "C0EI": 10.0, "C0FI": 10.0, "C0II": 10.0}
#: uL/s where a step does not say: the usual of the maker's liquid classes for water (PyLabRobot 0.2.2).
ASPIRATE_UL_S, DISPENSE_UL_S = 100.0, 120.0


@dataclass(slots=True)
class XArm:
    """Where the arm with channels, head and gripper stands."""

    x_mm: float = PARKED_X_MM

    def go(self, x_mm: float) -> float:
        """Move there; returns the seconds it takes."""
        way, self.x_mm = abs(x_mm - self.x_mm), x_mm
        return way / ARM_MM_S


class StarTiming(Timing):
    """One STAR with what it was told stands on its deck."""

    def __init__(self, name: str, options: Any) -> None:
        super().__init__(name, options)
        self._deck = Deck(options.tip_carrier_rail, options.plate_carrier_rail)
        self._arm = XArm()
        self._told: dict[str, tuple[LabwareKind, str]] = {}

    @property
    def connect_s(self) -> float:
        """Every part to its zero, one after the other; the auto load beside them; then the gripper folds up."""
        return sum(INITIALISE_S.values()) - INITIALISE_S["C0II"] + PARK_S + RAISE_S

    def seconds(self, verb: str, args: Mapping[str, Any]) -> float:
        """The way, the dip, the stroke, and what tips and plates need."""
        match verb:
            case "load_pipette":
                return 0.0
            case "load_labware":
                self._told[args["labware"]] = kind_told(args["definition"]), args["slot"]
                return 0.0
            case "remove_labware" | "home":
                return RAISE_S + PARK_S
            case "move_plate":
                return self._carry_s(args["source"], args["destination"])
        way_s = self._arm.go(self._x(args)) + DIP_S
        match verb:
            case "pick_up_tip":
                return way_s + TAKE_TIPS_S
            case "drop_tip":
                return way_s + DROP_TIPS_S
            case "aspirate" | "dispense":
                usual = ASPIRATE_UL_S if verb == "aspirate" else DISPENSE_UL_S
                return way_s + float(args["volume_ul"]) / (args.get("rate_ul_s") or usual) + SETTLE_S
        return way_s + SETTLE_S

    def _x(self, args: Mapping[str, Any]) -> float:
        if args["labware"] == TRASH:
            return WASTE96_MM[0] if args["mount"] == "head96" else WASTE_X_MM
        kind, site = self._told[args["labware"]]
        return self._deck.well(site, kind, args["well"])[0]

    def _carry_s(self, source: str, destination: str) -> float:
        seconds = sum(self._arm.go(self._deck.middle(place)[0]) + GRIP_S for place in (source, destination))
        return seconds + PARK_S
