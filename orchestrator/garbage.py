"""When a worker looks for garbage. Python's own looks through all there is hold its loop up for tenths of a second.

What young things leave behind is collected as ever, in a millisecond. The whole is looked through while nothing moves,
and in a lab where something always moves once an hour. Measured by `python -m benchmarks.interface`.
"""

import gc
import time
from collections.abc import Callable

#: By default 700, 10, 10. The last one, for the whole, never comes: `Garbage.look` does that; and what a long program
#: brings in is not all young at once.
_THRESHOLDS = (2_000, 10, 1_000_000_000)
_QUIET_S, _LONGEST_S = 60.0, 3600.0  # between looks through the whole, at rest and at work


class Garbage:
    """Decides when the whole is looked through; of one process, since Python's collector is."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._looked = clock()
        gc.set_threshold(*_THRESHOLDS)

    def look(self, *, at_rest: bool) -> bool:
        """Collect if it is time; whether it was."""
        since = self._clock() - self._looked
        if since < (_QUIET_S if at_rest else _LONGEST_S):
            return False
        if at_rest:
            gc.unfreeze()  # what was kept out of every look may have ended meanwhile
        gc.collect()
        gc.freeze()
        self._looked = self._clock()
        return True
