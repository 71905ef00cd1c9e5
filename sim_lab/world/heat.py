"""First-order heat: a body's temperature tends to a target with a time constant."""

import math
from collections.abc import Callable
from dataclasses import dataclass

#: Nodes and weights of Gauss and Legendre with four points (Abramowitz and Stegun, table 25.4).
_NODES = (
    (-0.861136311594053, 0.347854845137454), (-0.339981043584856, 0.652145154862546),
    (0.339981043584856, 0.652145154862546), (0.861136311594053, 0.347854845137454),
)  # fmt: skip
SETTLED = 12.0  # time constants after which a body is at its target, to 1e-5 of the way


@dataclass(slots=True)
class Body:
    """Temperature of one thing: `temperature_c` at `at_s`, and from then on towards `target_c` (constant `tau_s`)."""

    temperature_c: float
    target_c: float
    tau_s: float
    at_s: float = 0.0

    def at(self, now_s: float) -> float:
        """The temperature at `now_s`, exactly: T = target + (T0 - target) exp(-t/tau)."""
        return self.target_c + (self.temperature_c - self.target_c) * math.exp(-(now_s - self.at_s) / self.tau_s)

    def aim(self, target_c: float, now_s: float) -> None:
        """Change the target from `now_s` on."""
        self.temperature_c, self.at_s = self.at(now_s), now_s
        self.target_c = target_c

    def integral(self, of: Callable[[float], float], start_s: float, end_s: float) -> float:
        """A function of the temperature (degC), integrated over time since the last change of the target.

        Gauss-Legendre over pieces of at most a time constant while the temperature still changes.
        """
        if self.temperature_c == self.target_c:
            return of(self.target_c) * (end_s - start_s)
        still_s = self.at_s + SETTLED * self.tau_s
        total, begin = max(0.0, end_s - max(start_s, still_s)) * of(self.target_c), start_s
        moving_s = min(end_s, still_s) - start_s
        pieces = max(0, math.ceil(moving_s / self.tau_s))
        for _ in range(pieces):
            half = moving_s / pieces / 2
            total += half * sum(weight * of(self.at(begin + half * (1 + node))) for node, weight in _NODES)
            begin += 2 * half
        return total
