"""How long a balance takes. Its time constant is our estimate, within the seconds that its maker gives."""

from collections.abc import Mapping
from typing import Any

from drivers.core.timing import Timing

TAU_S = 0.2
#: One question and its answer at 9600 baud.
EXCHANGE_S = 0.04
#: The line's rest after a cancel, with which the driver begins.
QUIET_S = 0.2
#: The internal weight goes on and off, and each time rest is waited for: our estimate.
TEST_S = 15.0


class BalanceTiming(Timing):
    """One balance: a load that an arm or a person has put down is at rest before they are out of its way."""

    @property
    def connect_s(self) -> float:
        """A cancel, and two questions."""
        return QUIET_S + 3 * EXCHANGE_S

    def seconds(self, verb: str, args: Mapping[str, Any]) -> float:
        """One question, or a test."""
        return {"zero": EXCHANGE_S, "tare": EXCHANGE_S, "weigh": EXCHANGE_S, "self_test": EXCHANGE_S + TEST_S}[verb]
