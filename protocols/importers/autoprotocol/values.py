"""Values of Autoprotocol: quantities such as `50:microliter` in our units, and anything else in words."""

import math
import re
from typing import Any

from drivers.core.units import DIMENSIONS
from protocols.importers.text import clean

_QUANTITY = re.compile(r"([+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?):([a-z/*^0-9]+)", re.ASCII)
#: Spellings of Autoprotocol (pint's long names) -> dimension and our unit.
_UNITS = {
    "nanoliter": ("volume", "nL"), "microliter": ("volume", "uL"), "milliliter": ("volume", "mL"),
    "liter": ("volume", "L"), "millisecond": ("time", "ms"), "second": ("time", "s"), "minute": ("time", "min"),
    "hour": ("time", "h"), "day": ("time", "d"), "celsius": ("temperature", "degC"), "degC": ("temperature", "degC"),
    "kelvin": ("temperature", "K"), "nanometer": ("wavelength", "nm"), "micrometer": ("wavelength", "um"),
    "g": ("acceleration", "xg"), "rpm": ("rotation", "rpm"),
}  # fmt: skip
MAX_DEPTH = 8


class Unreadable(Exception):
    """A value that is not what the format says; the message names it."""


def quantity(value: Any, dimension: str) -> str:
    """A quantity as text in our units; raises `Unreadable`."""
    match = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
    known = _UNITS.get(match[2]) if match else None
    if match is None or known is None or known[0] != dimension or not math.isfinite(float(match[1])):
        example = DIMENSIONS[dimension][0]
        raise Unreadable(f"{clean(str(value))[:60]!r} is no {dimension} (such as 5 {example})")
    return f"{float(match[1]):.12g} {known[1]}"


def words(value: Any, depth: int = 0) -> str:
    """Any value in words, nothing left out; of what lies too deep, how much there is."""
    if depth > MAX_DEPTH:
        return "(more, see the source)"
    if isinstance(value, dict):
        return ", ".join(f"{clean(str(key))}: {words(each, depth + 1)}" for key, each in value.items()) or "nothing"
    if isinstance(value, list):
        return "; ".join(f"({words(each, depth + 1)})" if isinstance(each, dict) else words(each, depth + 1)
                         for each in value) or "none"  # fmt: skip
    return clean(str(value)).replace(":", " ", 1) if isinstance(value, str) else str(value)
