"""Single vessels that the library of Opentrons lacks: beakers, a vial, a boat for a furnace; labware of one well.

Beakers: outer diameter and height of the low form in ISO 3819. Vial and boat: of the order of makers' catalogues, from
memory; a protocol that needs more gives a `definition` of its own. All stand in the middle of the footprint of a plate,
as in a holder, so that a nest or a deck takes them. Walls are taken to be 2 mm. Glass is taken to be borosilicate 3.3,
used up to 500 degC for a short time (ISO 3585), the boat to be unglazed porcelain, up to 1000 degC.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

WALL_MM = 2.0
FOOTPRINT_MM = (127.76, 85.48)  # ANSI SLAS 1-2004


@dataclass(frozen=True, slots=True)
class VesselKind:
    """Outer sizes, mm, what it holds, mL, and how hot it may get; a length beside the width makes it rectangular."""

    what: str
    capacity_ml: float
    width_mm: float
    height_mm: float
    bears_c: float = 500.0
    length_mm: float | None = None


VESSELS: Mapping[str, VesselKind] = {
    "beaker_100": VesselKind("Beaker 100 mL, low form", 100.0, 50.0, 70.0),
    "beaker_250": VesselKind("Beaker 250 mL, low form", 250.0, 70.0, 95.0),
    "beaker_600": VesselKind("Beaker 600 mL, low form", 600.0, 90.0, 125.0),
    "vial_20": VesselKind("Vial 20 mL", 20.0, 28.0, 61.0),
    "boat": VesselKind("Combustion boat 6 mL", 6.0, 16.0, 12.0, 1000.0, 90.0),
}


def definition(name: str) -> Mapping[str, Any]:
    """An Opentrons labware definition (schema 2) of one of `VESSELS`."""
    vessel = VESSELS[name]
    inside_mm = vessel.width_mm - 2 * WALL_MM
    shape: dict[str, Any] = {"shape": "circular", "diameter": inside_mm}
    if vessel.length_mm is not None:
        shape = {"shape": "rectangular", "xDimension": vessel.length_mm - 2 * WALL_MM, "yDimension": inside_mm}
    x_mm, y_mm = FOOTPRINT_MM
    well = {
        **shape, "depth": vessel.height_mm - WALL_MM, "totalLiquidVolume": vessel.capacity_ml * 1e3,
        "x": x_mm / 2, "y": y_mm / 2, "z": WALL_MM,
    }  # fmt: skip
    return {
        "ordering": [["A1"]],
        "brand": {"brand": "generic"},
        "metadata": {"displayName": vessel.what, "displayCategory": "other", "displayVolumeUnits": "mL", "tags": []},
        "dimensions": {"xDimension": x_mm, "yDimension": max(y_mm, vessel.width_mm), "zDimension": vessel.height_mm},
        "wells": {"A1": well},
        "groups": [{"metadata": {}, "wells": ["A1"]}],
        "parameters": {"format": "irregular", "isTiprack": False, "isMagneticModuleCompatible": False,
                       "loadName": name},
        "namespace": "genesislab",
        "version": 1,
        "schemaVersion": 2,
        "cornerOffsetFromSlot": {"x": 0, "y": 0, "z": 0},
    }  # fmt: skip
