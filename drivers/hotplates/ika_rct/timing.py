"""How long an IKA RCT takes to heat and to cool.

Time constants are our estimates: a plate of aluminium alloy with 600 W comes to a new target within minutes, and loses
its heat to the air over half an hour.
"""

from collections.abc import Mapping
from typing import Any

from drivers.core.heating import ROOM_C, reach_s
from drivers.core.timing import Timing

HEAT_TAU_S, COOL_TAU_S = 90.0, 1800.0
#: One setting that is read back, at 9600 baud; and how often the driver looks at the temperature.
EXCHANGE_S, LOOK_S = 0.08, 5.0
#: Settings and readings with which `heat` begins and ends.
ABOUT = 8


class HotplateTiming(Timing):
    """One hotplate, cold at first; between two commands it is taken to lose no heat."""

    def __init__(self, name: str, options: Any) -> None:
        super().__init__(name, options)
        self._at_c = ROOM_C

    def seconds(self, verb: str, args: Mapping[str, Any]) -> float:
        """For `heat`: the ramp, what it lags behind, and the hold."""
        if verb == "heat":
            from_c, self._at_c = self._at_c, args["temperature_c"]
            way_s = reach_s(from_c, self._at_c, args.get("ramp_c_min"), heat_tau_s=HEAT_TAU_S, cool_tau_s=COOL_TAU_S,
                            tolerance_c=self.options.tolerance_c)  # fmt: skip
            return way_s + LOOK_S / 2 + float(args.get("duration_s", 0.0)) + ABOUT * EXCHANGE_S
        return {"stir": 2, "deactivate": 5, "measure": 1}[verb] * EXCHANGE_S
