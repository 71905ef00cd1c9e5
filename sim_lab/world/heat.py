"""First-order heat: a body's temperature tends to a target with a time constant."""

import math
from dataclasses import dataclass


@dataclass(slots=True)
class Body:
    """Temperature of one thing at one time; moves towards `target_c` with time constant `tau_s`."""

    temperature_c: float
    target_c: float
    tau_s: float
    at_s: float = 0.0

    def at(self, now_s: float) -> float:
        """The temperature at `now_s`, exactly: T = target + (T0 - target) exp(-t/tau)."""
        passed, self.at_s = now_s - self.at_s, now_s
        self.temperature_c = self.target_c + (self.temperature_c - self.target_c) * math.exp(-passed / self.tau_s)
        return self.temperature_c

    def aim(self, target_c: float, now_s: float) -> None:
        """Change the target from `now_s` on."""
        self.at(now_s)
        self.target_c = target_c
