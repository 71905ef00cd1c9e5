"""The tips of a STAR: CO-RE tips in their racks, as labware definitions that others can carry.

Lengths, volumes and the places in the rack: PyLabRobot 0.2.2, `resources.hamilton.tip_racks` and `tip_creators`. A tip
hangs through the rack into its carrier, so the bottom of a place lies below the rack's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from drivers.core.labware import LabwareKind, from_definition

FITTING_MM = 8.0  # how deep a channel goes into a tip


@dataclass(frozen=True, slots=True)
class Tip:
    """One kind of tip; `index` is our place for it in the firmware's table, `size` its collar, both in the firmware."""

    load_name: str
    nominal_ul: float
    capacity_ul: float
    length_mm: float
    filtered: bool
    index: int
    size: int

    @property
    def reach_mm(self) -> float:
        """How far a fitted tip stands out of the channel."""
        return self.length_mm - FITTING_MM


TIPS: Mapping[str, Tip] = {
    tip.load_name: tip
    for tip in (
        Tip("hamilton_96_tiprack_50ul", 50.0, 65.0, 50.4, False, 1, 2),
        Tip("hamilton_96_tiprack_300ul", 300.0, 400.0, 59.9, False, 2, 2),
        Tip("hamilton_96_tiprack_300ul_filter", 300.0, 360.0, 59.9, True, 3, 2),
        Tip("hamilton_96_tiprack_1000ul", 1000.0, 1250.0, 95.1, False, 4, 3),
        Tip("hamilton_96_tiprack_1000ul_filter", 1000.0, 1065.0, 95.1, True, 5, 3),
    )
}
#: How far the bottom of a tip's place lies below the rack.
_BELOW_MM = {50.0: 40.5, 300.0: 50.5, 1000.0: 83.5}


@cache
def rack_definition(load_name: str) -> Mapping[str, Any]:
    """The labware definition (schema 2) of a rack of 96 tips; raises `KeyError` for an unknown name."""
    tip = TIPS[load_name]
    wells = {
        f"{row}{column + 1}": {
            "shape": "circular", "diameter": 9.0, "depth": tip.length_mm, "totalLiquidVolume": tip.capacity_ul,
            "x": 11.7 + 9 * column, "y": 72.8 - 9 * number, "z": -_BELOW_MM[tip.nominal_ul],
        }
        for column in range(12)
        for number, row in enumerate("ABCDEFGH")
    }  # fmt: skip
    return {
        "schemaVersion": 2, "version": 1, "namespace": "hamilton", "brand": {"brand": "Hamilton"},
        "metadata": {"displayName": f"CO-RE tips {tip.nominal_ul:g} uL{' with filter' if tip.filtered else ''}",
                     "displayCategory": "tipRack", "displayVolumeUnits": "uL"},
        "parameters": {"loadName": load_name, "isTiprack": True, "format": "96Standard", "quirks": [],
                       "isMagneticModuleCompatible": False, "tipLength": tip.length_mm},
        "dimensions": {"xDimension": 122.4, "yDimension": 82.6, "zDimension": 20.0},
        "cornerOffsetFromSlot": {"x": 0, "y": 0, "z": 0},
        "ordering": [[f"{row}{column + 1}" for row in "ABCDEFGH"] for column in range(12)],
        "wells": wells, "groups": [{"wells": list(wells), "metadata": {}}],
    }  # fmt: skip


@cache
def rack(load_name: str) -> LabwareKind:
    """The kind of a rack of tips."""
    return from_definition(rack_definition(load_name))


def tip_of(kind: LabwareKind) -> Tip | None:
    """The CO-RE tip of a rack; None for any other labware, and for tips that no channel of a STAR can take."""
    return TIPS.get(kind.load_name) if kind.is_tip_rack else None
