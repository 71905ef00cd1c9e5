"""Names of a diffractometer's process variables, and what a count of its scaler says.

Fields: the EPICS scaler module, scalerRecord documentation: CNT starts and stops, TP presets the time in s, S1 counts
the clock of FREQ Hz, S2 to S32 the detectors.
"""

import math
from dataclasses import dataclass

UNLIKELY = 12.0  # counts that are expected, so that none at all is a chance of one in 160,000


@dataclass(frozen=True, slots=True)
class Count:
    """One count of the scaler."""

    counts: float
    clock: float
    clock_hz: float

    @property
    def seconds(self) -> float:
        """How long it counted, by its own clock.

        >>> Count(500, 1e7, 1e7).seconds
        1.0
        """
        return self.clock / self.clock_hz if self.clock_hz > 0 else 0.0

    @property
    def rate_hz(self) -> float:
        """Counts a second; 0 where it did not count."""
        return self.counts / self.seconds if self.seconds > 0 else 0.0


def doubt(count: Count, asked_s: float, background_hz: float, ceiling_hz: float) -> str:
    """Why a count is not to be believed; empty where nothing speaks against it.

    >>> doubt(Count(500, 1e7, 1e7), 1.0, 5.0, 1e5)
    ''
    >>> doubt(Count(0, 3e7, 1e7), 3.0, 5.0, 1e5)
    'the detector counts nothing, not even the background'
    """
    if not all(math.isfinite(value) and value >= 0 for value in (count.counts, count.clock, count.clock_hz)):
        return "the scaler tells no numbers"
    if count.seconds < 0.99 * asked_s:
        return f"it counted {count.seconds:g} s, not {asked_s:g} s"
    if count.rate_hz > ceiling_hz:
        return f"{count.rate_hz:.3g} counts/s are more than the detector can tell apart ({ceiling_hz:g})"
    if count.counts == 0 and background_hz * count.seconds > UNLIKELY:
        return "the detector counts nothing, not even the background"
    return ""


def angles(first_deg: float, last_deg: float, step_deg: float) -> tuple[float, ...]:
    """The points of a pattern, both ends among them as far as the step goes.

    >>> angles(20.0, 20.2, 0.1)
    (20.0, 20.1, 20.2)
    """
    points = max(0, math.floor((last_deg - first_deg) / step_deg + 1e-6)) + 1
    return tuple(round(first_deg + point * step_deg, 6) for point in range(points))
