"""How long a furnace takes along its ramps. Time constants are our estimates for a small tube or box furnace."""

from collections.abc import Mapping
from typing import Any

from drivers.core.heating import ROOM_C, reach_s
from drivers.core.timing import Timing

HEAT_TAU_S, COOL_TAU_S = 120.0, 5400.0
#: How often the driver gives a set-point and looks at the temperature.
LOOK_S = 3.0


class FurnaceTiming(Timing):
    """One furnace, cold at first; between two programs it is taken to lose no heat."""

    def __init__(self, name: str, options: Any) -> None:
        super().__init__(name, options)
        self._at_c = ROOM_C

    def seconds(self, verb: str, args: Mapping[str, Any]) -> float:
        """Each ramp with what it lags behind, and each dwell; Modbus itself takes no time worth the name."""
        if verb != "run_program":
            return {"measure": 0.0, "deactivate": 0.0}[verb]
        seconds = 0.0
        for segment in args["segments"]:
            from_c, self._at_c = self._at_c, segment["temperature_c"]
            seconds += LOOK_S / 2 + float(segment.get("duration_s", 0.0))
            seconds += reach_s(from_c, self._at_c, segment.get("ramp_c_min"), heat_tau_s=HEAT_TAU_S,
                               cool_tau_s=COOL_TAU_S, tolerance_c=self.options.tolerance_c)  # fmt: skip
        return seconds
