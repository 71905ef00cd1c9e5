"""What tells one robot of Opentrons from another: its deck, its trash, its name; the API is the same.

Decks: the package `opentrons-shared-data`, deck definitions 3 (`ot2_standard`) and 5 (`ot3_standard`), lower left
corners in mm. Where a Flex has its trash bin is the lab's choice; here it is A3, as it is delivered.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class Robot:
    """One kind of robot. `trash` is the labware that stands for it, `area` its name on the deck."""

    model: str  # a part of what `/health` tells
    deck: str
    trash_slot: str
    trash: str
    area: str
    #: Whether the server has the trash as labware; where not, tips are let go in place over its area.
    fixed_trash: bool
    home_mm: tuple[float, float]

    @property
    def slots(self) -> Mapping[str, tuple[float, float]]:
        """Slot -> (x, y) of its lower left corner."""
        return _slots(self.deck)

    def own_slot(self, name: str) -> str:
        """A slot by this robot's name for it: the server takes the other robot's as well.

        >>> FLEX.own_slot("1"), FLEX.own_slot("12"), OT2.own_slot("B3"), FLEX.own_slot("B4")
        ('D1', 'A3', '9', 'B4')
        """
        others = _TO_FLEX if self is FLEX else _TO_OT2
        return others.get(name, name)

    def location(self, slot: str) -> dict[str, str]:
        """A slot as the API names it: the staging slots of a Flex are areas."""
        return {"addressableAreaName" if slot.endswith("4") and slot[0] in "ABCD" else "slotName": slot}


@cache
def _slots(deck: str) -> Mapping[str, tuple[float, float]]:
    told = json.loads(files("opentrons_shared_data").joinpath("data/deck/definitions", deck).read_text("utf-8"))
    locations: Mapping[str, Any] = told["locations"]
    if "orderedSlots" in locations:
        return {slot["id"]: (slot["position"][0], slot["position"][1]) for slot in locations["orderedSlots"]}
    cutouts = {each["id"]: each["position"] for each in locations["cutouts"]}
    found = {}
    for area in locations["addressableAreas"]:
        if area["areaType"] in ("slot", "stagingSlot"):
            row, column = area["id"]
            x, y, _ = cutouts[f"cutout{row}{min(int(column), 3)}"]
            found[area["id"]] = (x + area["offsetFromCutoutFixture"][0], y + area["offsetFromCutoutFixture"][1])
    return found


_TO_FLEX = {str(n + 1): f"{'DCBA'[n // 3]}{n % 3 + 1}" for n in range(12)}
_TO_OT2 = {flex: ot2 for ot2, flex in _TO_FLEX.items()}
OT2 = Robot(
    "OT-2", "3/ot2_standard.json", "12", "opentrons_1_trash_1100ml_fixed", "fixedTrash", True, (0.0, 353.0)
)  # fmt: skip
FLEX = Robot(
    "OT-3", "5/ot3_standard.json", "A3", "opentrons_1_trash_3200ml_fixed", "movableTrashA3", False, (477.2, 493.8)
)  # fmt: skip
