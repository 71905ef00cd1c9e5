"""How long an a4S takes: shuttle, film and press (estimates), the press's way to its heat, and PyLabRobot's looks.

A cold press takes `SECONDS["heat"]` times ln(difference / 0.5 degC) to be ready, which fits the first half minute of a
recorded warm-up (22.4, 43.2 and 58.8 degC 0, 14 and 22 s after the command; AD-SDL, `a4s_sealer_module`).
"""

import math
from collections.abc import Mapping
from typing import Any

from drivers.core.timing import Timing

SECONDS: Mapping[str, float] = {"shuttle": 4.0, "seal": 6.0, "heat": 40.0, "cool": 600.0}
ROOM_C, READY_C = 22.0, 0.5
#: What looking at states that come once a second adds, before and after the cycle.
LOOKS_S = 6.0


class SealerTiming(Timing):
    """One sealer; its press is taken to be cold before each seal."""

    @property
    def connect_s(self) -> float:
        """One state to be heard."""
        return 1.0

    def seconds(self, verb: str, args: Mapping[str, Any]) -> float:
        """Heating up, the shuttle in, film and press, the shuttle out."""
        if verb != "seal":
            raise KeyError(verb)
        heat_c = args.get("temperature_c") or self.options.temperature_c
        press_s = args.get("duration_s") or self.options.duration_s
        heating_s = SECONDS["heat"] * math.log(max(1.0, (heat_c - ROOM_C) / READY_C))
        return float(heating_s + 2 * SECONDS["shuttle"] + SECONDS["seal"] + press_s + LOOKS_S)
