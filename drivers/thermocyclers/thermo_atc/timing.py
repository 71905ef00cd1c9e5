"""How long an ATC takes: its lid, and the ramps of block and lid.

The block's is the greatest ramp that PyLabRobot writes into a method (6 degC/s); the others are estimates. A run begins
when the lid is hot.
"""

import math
from collections.abc import Mapping
from typing import Any

from drivers.core.timing import Timing

SECONDS: Mapping[str, float] = {"open_lid": 8.0, "close_lid": 8.0}
BLOCK_C_S, LID_C_S = 6.0, 0.8
ROOM_C = 22.0
#: How often our driver looks whether a run has ended.
POLL_S = 5.0


class CyclerTiming(Timing):
    """One cycler, whose lid is closed when a lab begins."""

    def __init__(self, name: str, options: Any) -> None:
        super().__init__(name, options)
        self._is_open = False

    def seconds(self, verb: str, args: Mapping[str, Any]) -> float:
        """A run closes the lid, heats it, and goes from hold to hold."""
        was_open, self._is_open = self._is_open, verb == "open_lid"
        if verb in SECONDS:
            return SECONDS[verb] if was_open is not self._is_open else 0.0
        if verb != "run_profile":
            raise KeyError(verb)
        lid_c = float(args.get("lid_c") or self.options.lid_c)
        lasts_s, at_c = (lid_c - ROOM_C) / LID_C_S, ROOM_C
        for cycle in args["cycles"]:
            for to_c, hold_s in list(cycle["holds"]) * int(cycle.get("times", 1)):
                lasts_s += abs(to_c - at_c) / BLOCK_C_S + hold_s
                at_c = to_c
        return (SECONDS["close_lid"] if was_open else 0.0) + math.ceil(lasts_s / POLL_S) * POLL_S
