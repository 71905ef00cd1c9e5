"""What the sensors of a room or cell tell, whatever they speak: quantities, units, and how a state is a number."""

from collections.abc import Mapping

from drivers.core.instrument import Reading, Readings

#: Quantity -> unit. `door` is 1 while any door of the cell is open, `e_stop` 1 while an emergency stop is pressed.
UNITS: Mapping[str, str] = {"temperature": "degC", "humidity": "%RH", "oxygen": "%", "door": "1", "e_stop": "1"}
#: States of the cell: read here, never changed. What they guard is wired past this software.
STATES = frozenset({"door", "e_stop"})


def readings(values: Mapping[str, float]) -> Readings:
    """The readings of what is known, in the order of `UNITS`.

    >>> [(r.quantity, r.unit, r.value) for r in readings({"door": 1.0, "oxygen": 20.9})]
    [('oxygen', '%', 20.9), ('door', '1', 1.0)]
    """
    return tuple(Reading(name, unit, value=float(values[name])) for name, unit in UNITS.items() if name in values)
