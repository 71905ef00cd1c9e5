"""How long a New Era pump takes: volume over rate, and what is said before and after at 19200 baud."""

from collections.abc import Mapping
from typing import Any

from drivers.core.timing import Timing

#: One command and its answer; those of a stroke; and how often the driver looks whether it has ended.
EXCHANGE_S, STROKE_EXCHANGES, LOOK_S = 0.012, 18, 0.5


class PumpTiming(Timing):
    """One pump."""

    @property
    def connect_s(self) -> float:
        """The frame twice, and a look; the line is let fall silent before."""
        return 0.2 + 3 * EXCHANGE_S

    def seconds(self, verb: str, args: Mapping[str, Any]) -> float:
        """One stroke."""
        if verb not in ("withdraw", "infuse"):
            raise KeyError(verb)
        rate_ul_s = args.get("rate_ul_s") or self.options.rate_ul_s
        return float(args["volume_ul"] / rate_ul_s) + STROKE_EXCHANGES * EXCHANGE_S + LOOK_S / 10
