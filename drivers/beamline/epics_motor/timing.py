"""How long a stage takes: the speed and ramp that its record has at first.

An estimate where the record was given others (VELO, ACCL): the record is not asked.
"""

from collections.abc import Mapping
from typing import Any

from drivers.core.ramp import Ramp
from drivers.core.timing import Timing

SPEED_MM_S, RAMP_S = 5.0, 0.2


class StageTiming(Timing):
    """One stage, which is taken to stand at zero when the run begins."""

    def __init__(self, name: str, options: Any) -> None:
        super().__init__(name, options)
        self._place_mm = 0.0

    def seconds(self, verb: str, args: Mapping[str, Any]) -> float:
        """From rest to rest."""
        if verb == "position":
            return 0.0
        way_mm, self._place_mm = abs(args["position_mm"] - self._place_mm), args["position_mm"]
        return Ramp(way_mm, SPEED_MM_S, SPEED_MM_S / RAMP_S).duration_s
