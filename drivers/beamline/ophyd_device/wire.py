"""From what a Bluesky device reads and describes to our readings; no I/O.

Shapes: the event model of Bluesky, `read` and `describe` of its protocols (`bluesky.protocols.Readable`).
"""

import math
from collections.abc import Mapping
from typing import Any

from drivers.core.instrument import Reading, Readings


def readings(name: str, read: Mapping[str, Any], described: Mapping[str, Any]) -> Readings:
    """Every number, with the unit it is described in; words and arrays have no place among readings.

    >>> readings("m", {"m": {"value": 2}, "m_setpoint": {"value": 3.0}}, {"m": {"units": "deg"}, "m_setpoint": {}})
    (Reading(quantity='value', unit='deg', value=2.0, wells=None), Reading(quantity='setpoint', unit='1', value=3.0, wells=None))
    """  # noqa: E501
    found = []
    for key, told in read.items():
        value = told["value"]
        if isinstance(value, bool | str | bytes) or getattr(value, "shape", ()) not in ((), (1,)):
            continue
        try:
            number = float(value)
        except (TypeError, ValueError):
            continue
        if math.isfinite(number):
            quantity = key.removeprefix(name).lstrip("-_") or "value"
            found.append(Reading(quantity, str(described.get(key, {}).get("units") or "1"), value=number))
    return tuple(found)
