"""How long an Alicat takes: the time that it is told, and until the flow has settled.

The response is the maker's for the MC series, from memory of the data sheet: 100 ms.
"""

from collections.abc import Mapping
from typing import Any

from drivers.core.timing import Timing

TAU_S = 0.1
#: Until a flow counts as settled, and what is said about it at 19200 baud.
SETTLE_S, EXCHANGE_S = 0.4, 0.03


class GasTiming(Timing):
    """One controller."""

    @property
    def connect_s(self) -> float:
        """One question, on a line that has fallen silent."""
        return 0.2 + EXCHANGE_S

    def seconds(self, verb: str, args: Mapping[str, Any]) -> float:
        """The gas, the set-point, the flow, and none."""
        if verb == "flow":
            return float(args["duration_s"]) + SETTLE_S + 4 * EXCHANGE_S
        return {"measure": EXCHANGE_S, "deactivate": EXCHANGE_S}[verb]
