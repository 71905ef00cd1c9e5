"""How long a MicroSpin takes: its motions, and the ramps of a spin.

`accelerate` is the time from rest to 3000 x g at full acceleration (an estimate), `brake` that back to rest at full
deceleration. At a share d of it braking takes `brake` / d ** `BRAKE_POWER`, and as much less as the speed is lower:
fitted to the spin-downs that PyLabRobot reports (1000 x g at 20 %: 7 min; at 10 %: more than 17 min).
"""

import math
from collections.abc import Mapping
from typing import Any

from drivers.core.timing import Timing

SECONDS: Mapping[str, float] = {"home": 15.0, "open_door": 6.0, "close": 4.0, "accelerate": 15.0, "brake": 79.0}
BRAKE_POWER = 1.35
MAX_G = 3000


def ramps_s(
    force_g: float, acceleration: float, deceleration: float, figures: Mapping[str, float]
) -> tuple[float, float]:
    """Up to speed and back to rest; the force grows with the square of the speed.

    >>> [round(ramp) for ramp in ramps_s(1000.0, 1.0, 0.2, SECONDS)]
    [9, 401]
    """
    speed = math.sqrt(force_g / MAX_G)
    return figures["accelerate"] * speed / acceleration, figures["brake"] * speed / deceleration**BRAKE_POWER


class CentrifugeTiming(Timing):
    """One centrifuge, whose door is closed when a lab begins."""

    def __init__(self, name: str, options: Any) -> None:
        super().__init__(name, options)
        self._is_open = False

    @property
    def connect_s(self) -> float:
        """It has to be homed when it was switched on."""
        return SECONDS["home"]

    def seconds(self, verb: str, args: Mapping[str, Any]) -> float:
        """A spin closes the door first."""
        was_open, self._is_open = self._is_open, verb == "open_door"
        if verb == "open_door":
            return SECONDS["open_door"]
        if verb != "spin":
            raise KeyError(verb)
        up_s, down_s = ramps_s(args["force_g"], self.options.acceleration, self.options.deceleration, SECONDS)
        return (SECONDS["close"] if was_open else 0.0) + up_s + float(args["duration_s"]) + down_s
