"""Conditions of `if` steps: what they compare, and what the readings of a run make of them. Pure."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from drivers.core.command import Reading

#: A guard of an action: the id of an `if` step, and whether its condition must be met or must not.
Guard = tuple[str, bool]


@dataclass(frozen=True, slots=True)
class Condition:
    """A reading of step `reading` lies above or below a number, in the unit of that reading.

    Of several wells the mean counts; without `wells` all that were read. One of `above` and `below` is given.
    """

    reading: str
    quantity: str | None = None
    wells: tuple[str, ...] | None = None
    above: float | None = None
    below: float | None = None

    def met(self, readings: Sequence[Reading]) -> bool | None:
        """Whether it is met by what the step read; None where that cannot be told."""
        values = [self._value(reading) for reading in readings if self.quantity in (None, reading.quantity)]
        if len(values) != 1 or values[0] is None:
            return None
        return values[0] > self.above if self.above is not None else values[0] < (self.below or 0.0)

    def _value(self, reading: Reading) -> float | None:
        if reading.wells is None:
            return reading.value
        wells = reading.wells if self.wells is None else self.wells
        found = [reading.wells[well] for well in wells if well in reading.wells]
        return statistics.fmean(found) if found and len(found) == len(wells) else None


def due(
    when: Iterable[Guard], conditions: Mapping[str, Condition], readings: Mapping[str, Sequence[Reading]]
) -> bool | str:
    """Whether an action with these guards is to be done; else the name of the first condition that nobody can tell."""
    for name, wanted in when:
        met = conditions[name].met(readings.get(conditions[name].reading, ()))
        if met is None:
            return name
        if met != wanted:
            return False
    return True
