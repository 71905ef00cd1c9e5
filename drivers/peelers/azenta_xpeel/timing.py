"""How long an XPeel takes: estimates."""

from collections.abc import Mapping
from typing import Any

from drivers.core.timing import Timing

#: A peel beside its adhere time, a motion of the conveyor, a reset.
SECONDS: Mapping[str, float] = {"peel": 12.0, "motion": 3.0, "reset": 6.0}


#: A question and its two lines of answer at 9600 baud.
ASK_S = 0.05


class PeelerTiming(Timing):
    """One peeler."""

    @property
    def connect_s(self) -> float:
        """A second of silence shows that nothing old is to come."""
        return 1.0

    def seconds(self, verb: str, args: Mapping[str, Any]) -> float:
        """With the time for which the tape is pressed on."""
        peel_s = SECONDS["peel"] + float(self.options.adhere_s)
        return {"peel": peel_s, "advance_tape": SECONDS["motion"], "tape_left": ASK_S}[verb]
