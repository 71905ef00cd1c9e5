"""What a well holds to its brim, by its inner geometry: `totalLiquidVolume` is the volume that its maker names.

Source: `innerLabwareGeometry` of the definitions in `opentrons-shared-data` (8.8.2), sections of frusta of cones and
pyramids and of spheres; a `nest_96_wellplate_100ul_pcr_full_skirt` holds 217 uL.
"""

import math
from collections.abc import Mapping
from typing import Any

from drivers.core.labware import kind, library


def brim_ul(definition: Mapping[str, Any], well: str) -> float | None:
    """To the brim (uL); None where neither the definition nor the library's newest of that name has a geometry."""
    load_name = definition["parameters"]["loadName"]
    known = kind(load_name).definition if definition.get("namespace") == "opentrons" and load_name in library() else {}
    for each in (definition, known):
        try:
            geometry = each["innerLabwareGeometry"][each["wells"][well]["geometryDefinitionId"]]
            return sum(_section_ul(section) for section in geometry["sections"])
        except (KeyError, TypeError, ValueError):
            continue
    return None


def _section_ul(section: Mapping[str, Any]) -> float:
    """One section (mm3).

    >>> tube = {"shape": "conical", "bottomDiameter": 2, "topDiameter": 2, "bottomHeight": 0, "topHeight": 1}
    >>> round(_section_ul(tube), 4)
    3.1416
    """
    height = section["topHeight"] - section["bottomHeight"]
    match section["shape"]:
        case "conical":
            low, high = (math.pi * section[f"{end}Diameter"] ** 2 / 4 for end in ("bottom", "top"))
        case "cuboidal":
            low, high = (section[f"{end}XDimension"] * section[f"{end}YDimension"] for end in ("bottom", "top"))
        case "spherical":
            return float(math.pi * height**2 * (3 * section["radiusOfCurvature"] - height) / 3)
        case other:
            raise ValueError(f"a section of shape {other}")
    return float(height / 3 * (low + high + math.sqrt(low * high)))
