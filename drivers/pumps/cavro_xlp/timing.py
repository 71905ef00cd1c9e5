"""How long a Cavro XLP takes: the valve, the stroke, and how often the driver looks. Ramps of speed are left out.

The valve's time is the maker's 250 ms between neighbouring ports.
"""

from collections.abc import Mapping
from typing import Any

from drivers.core.timing import Timing

VALVE_S = 0.25
#: Half steps a second with which it initialises itself.
INITIALISE_SPEED = 500
#: One command and its answer at 9600 baud; and how often the driver looks whether a stroke has ended.
EXCHANGE_S, STROKE_EXCHANGES, LOOK_S = 0.02, 7, 0.25


class PumpTiming(Timing):
    """One pump, its syringe empty and its valve at the first port at first."""

    def __init__(self, name: str, options: Any) -> None:
        super().__init__(name, options)
        self._port = options.waste

    @property
    def connect_s(self) -> float:
        """It finds its end, with the valve at `waste`."""
        return VALVE_S + LOOK_S + 4 * EXCHANGE_S

    def seconds(self, verb: str, args: Mapping[str, Any]) -> float:
        """The valve, where it has to turn, and one stroke."""
        port = {"withdraw": self.options.inlet, "infuse": self.options.outlet}[verb]
        turn_s, self._port = VALVE_S * (port != self._port), port
        rate_ul_s = args.get("rate_ul_s") or self.options.rate_ul_s
        stroke_s: float = float(args["volume_ul"]) / float(rate_ul_s)
        return float(turn_s) + stroke_s + STROKE_EXCHANGES * EXCHANGE_S + LOOK_S / 2
