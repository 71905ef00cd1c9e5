"""How long the reader takes, and how often the driver looks whether it has ended.

Times of tray, filter and wells: as typical data sheets of monochromator readers give them (a 96-well plate at one
wavelength in about 20 s).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from drivers.core.timing import Timing

TRAY_S = 1.5
FILTER_S = 2.0  # to set a wavelength
WELL_S = 0.2  # to move to a well and measure
#: Subscriptions of asyncua mix two clocks, so states are polled: soon near the expected end, else at most this often.
POLL_S, SELDOM_S = 0.5, 10.0


def reading_s(wells: int, wavelengths: int) -> float:
    """One program of the reader.

    >>> round(reading_s(96, 1), 1)
    21.2
    """
    return wavelengths * (FILTER_S + wells * WELL_S)


def pauses(expected_s: float = 0.0) -> Iterator[float]:
    """The pauses between two looks at the reader: seldom while it cannot have ended.

    >>> from itertools import islice
    >>> list(islice(pauses(4.0), 4))
    [2.0, 1.0, 0.5, 0.5]
    """
    while True:
        pause = min(max(POLL_S, expected_s / 2), SELDOM_S)
        expected_s -= pause
        yield pause


def seen_s(lasts_s: float, expected_s: float = 0.0) -> float:
    """When the driver sees the end of what `lasts_s`."""
    passed_s = 0.0
    for pause in pauses(expected_s):
        passed_s += pause
        if passed_s >= lasts_s:
            break
    return passed_s


class ReaderTiming(Timing):
    """The tray and the program of one reader."""

    def __init__(self, name: str, options: Any) -> None:
        super().__init__(name, options)
        self._tray = "close_tray"  # where it is: what was done last

    def seconds(self, verb: str, args: Mapping[str, Any]) -> float:
        """Nothing for a tray that is where it shall be."""
        if verb == "read_absorbance":
            lasts_s = reading_s(len(args["wells"]), len(args["wavelengths_nm"]))
            return seen_s(lasts_s, lasts_s)
        moves, self._tray = verb != self._tray, verb
        return seen_s(TRAY_S) if moves else 0.0
