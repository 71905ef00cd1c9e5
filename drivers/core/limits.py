"""The bounds inside which a device may be commanded; a lab may narrow them, never widen them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from drivers.core.errors import LimitError
from drivers.core.units import DIMENSIONS, UnitError, parse


@dataclass(frozen=True, slots=True)
class Range:
    """A closed interval in the unit the code keeps for `dimension`."""

    low: float
    high: float
    dimension: str

    @property
    def unit(self) -> str:
        """The unit of both ends."""
        return DIMENSIONS[self.dimension][0]

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g} {self.unit}"


def between(low: str, high: str, dimension: str) -> Range:
    """A range from two quantities as people write them.

    >>> between("1 uL", "1 mL", "volume")
    Range(low=1.0, high=1000.0, dimension='volume')
    """
    ends = parse(low, dimension), parse(high, dimension)
    if ends[0] > ends[1]:
        raise UnitError(f"{low!r} is more than {high!r}; write the lower end first")
    return Range(*ends, dimension)


@dataclass(frozen=True, slots=True)
class Limits:
    """Named ranges; a name is what the driver's verbs call the quantity, such as `volume`."""

    ranges: Mapping[str, Range] = field(default_factory=dict)

    def check(self, name: str, value: float, *, device: str) -> None:
        """Raise `LimitError` unless `value` (in the kept unit) is finite and inside the range `name`."""
        allowed = self.ranges[name]
        if not math.isfinite(value) or not allowed.low <= value <= allowed.high:
            raise LimitError(
                f"{name} {value:g} {allowed.unit} is outside {allowed}.",
                device=device,
                hint="Choose a value inside, or another device.",
            )

    def narrowed(self, wanted: Mapping[str, object]) -> tuple["Limits", list[tuple[str, str]]]:
        """These limits with the ranges of `lab.toml` put in, and what is wrong with any: (name, message)."""
        ranges, wrong = dict(self.ranges), []
        for name, ends in wanted.items():
            try:
                ranges[name] = self._narrow(name, ends)
            except UnitError as error:
                wrong.append((name, str(error)))
        return Limits(ranges), wrong

    def _narrow(self, name: str, ends: object) -> Range:
        outer = self.ranges.get(name)
        if outer is None:
            raise UnitError(
                f"this driver has no limit of that name; it has: {', '.join(sorted(self.ranges)) or 'none'}"
            )
        if not isinstance(ends, list) or len(ends) != 2 or not all(isinstance(e, str) for e in ends):
            example = f"['{outer.low:g} {outer.unit}', '{outer.high:g} {outer.unit}']"
            raise UnitError(f"write two quantities, lower and upper, such as {example}")
        inner = between(ends[0], ends[1], outer.dimension)
        if inner.low < outer.low or inner.high > outer.high:
            raise UnitError(f"{inner} is wider than the driver allows ({outer}); a lab may only narrow")
        return inner
