"""Numbers as people read them, and scales for drawings."""

import math
from collections.abc import Iterator
from dataclasses import dataclass


def number(value: float, digits: int = 4) -> str:
    """A number with so many significant digits, thousands grouped.

    >>> number(25904.6)
    '25,905'
    >>> number(0.01234567)
    '0.01235'
    """
    if value == 0:
        return "0"
    if abs(value) >= 10**digits:
        return f"{value:,.0f}"
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:,.{places}f}"


def short_hash(text: str) -> str:
    """The beginning of a hash."""
    return text[:12]


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to places on paper."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Where a value lies, rounded to a hundredth."""
        span = self.high - self.low or 1.0
        return round(self.start + (value - self.low) / span * (self.end - self.start), 2)

    def ticks(self, wanted: int = 5) -> Iterator[tuple[float, str, float]]:
        """Round values inside the scale: (value, text, place)."""
        span = self.high - self.low or 1.0
        raw = span / wanted
        power = 10.0 ** math.floor(math.log10(raw))
        step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw)
        places = max(0, -math.floor(math.log10(step)))
        value = math.ceil(self.low / step - 1e-9) * step
        while value <= self.high + step * 1e-6:
            yield value, f"{value:.{places}f}", self(value)
            value += step


#: Colours that stay apart for colour-blind readers (Okabe and Ito, 2008).
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a6d00")


def blend(share: float, low: tuple[int, int, int], high: tuple[int, int, int]) -> str:
    """A colour between two, as #rrggbb."""
    share = min(1.0, max(0.0, share))
    return "#" + "".join(f"{round(a + share * (b - a)):02x}" for a, b in zip(low, high, strict=True))
