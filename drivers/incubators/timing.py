"""How long incubators with a shuttle take: one motion for a plate, and the chamber's way to another temperature."""

import math
from collections.abc import Mapping
from typing import Any

from drivers.core.timing import Timing

#: The chamber is at its temperature when it is so near to it; how often our drivers look.
TOLERANCE_C = 0.5
POLL_S = 15.0


def settle_s(from_c: float, to_c: float, tau_s: float) -> float:
    """A first-order lag: until the chamber is within `TOLERANCE_C`, and the driver has seen it.

    >>> settle_s(37.0, 37.4, 1200.0), settle_s(37.0, 30.0, 1200.0)
    (0.0, 3180.0)
    """
    away_c = abs(to_c - from_c)
    if away_c <= TOLERANCE_C:
        return 0.0
    return math.ceil(tau_s * math.log(away_c / TOLERANCE_C) / POLL_S) * POLL_S


class ChamberTiming(Timing):
    """One incubator; `begins_c` is what it is set to when a lab begins."""

    figures: Mapping[str, float] = {}

    def __init__(self, name: str, options: Any) -> None:
        super().__init__(name, options)
        self._set_c = self.begins_c

    @property
    def begins_c(self) -> float:
        """The set-point that it has kept."""
        return 37.0

    @property
    def connect_s(self) -> float:
        """With initialising, where that is a part of it."""
        return self.figures["connect"]

    def seconds(self, verb: str, args: Mapping[str, Any]) -> float:
        """A change of temperature begins where the last one ended."""
        if verb == "set_temperature":
            from_c, self._set_c = self._set_c, float(args["temperature_c"])
            return settle_s(from_c, self._set_c, self.figures["settle"])
        return {"move_labware": self.figures["move_labware"] + self.figures["looks"], "measure": 0.0}[verb]
