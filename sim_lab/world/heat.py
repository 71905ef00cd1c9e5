"""First-order heat: a body's temperature tends to that of its surroundings with a time constant."""

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
    """Temperature of one thing: `temperature_c` at `at_s`, and from then on towards `target_c` (constant `tau_s`).

    Its surroundings may themselves be on the way: they are then `lead_c` away from `target_c` at `at_s`, and that dies
    away with `lead_tau_s`, which must differ from `tau_s`.
    """

    temperature_c: float
    target_c: float
    tau_s: float
    at_s: float = 0.0
    lead_c: float = 0.0
    lead_tau_s: float = 1.0

    def at(self, now_s: float) -> float:
        """The temperature at `now_s`, exactly: T = S + (T0 - S - a) exp(-t/tau) + a exp(-t/lead_tau).

        S is the target, and a = lead lead_tau / (lead_tau - tau): the solution of dT/dt = (S + lead(t) - T) / tau.
        """
        passed = now_s - self.at_s
        share = self.lead_c * self.lead_tau_s / (self.lead_tau_s - self.tau_s) if self.lead_c else 0.0
        own = (self.temperature_c - self.target_c - share) * math.exp(-passed / self.tau_s)
        return self.target_c + own + (share * math.exp(-passed / self.lead_tau_s) if share else 0.0)

    def aim(self, target_c: float, now_s: float, tau_s: float | None = None) -> None:
        """Change the target from `now_s` on, and the time constant if one is given; the surroundings are at it."""
        self.temperature_c, self.at_s = self.at(now_s), now_s
        self.target_c, self.lead_c, self.tau_s = target_c, 0.0, tau_s or self.tau_s

    def follow(self, other: "Body", now_s: float, tau_s: float | None = None) -> None:
        """Tend to another body from `now_s` on, which is on its own way to its target."""
        self.aim(other.target_c, now_s, tau_s)
        self.lead_c, self.lead_tau_s = other.at(now_s) - other.target_c, other.tau_s

    def integral(self, of: Callable[[float], float], start_s: float, end_s: float) -> float:
        """A function of the temperature (degC), integrated over time since the last change of the target.

        Gauss-Legendre over pieces of at most a time constant while the temperature still changes.
        """
        if self.temperature_c == self.target_c and not self.lead_c:
            return of(self.target_c) * (end_s - start_s)
        still_s = self.at_s + SETTLED * max(self.tau_s, self.lead_tau_s if self.lead_c else 0.0)
        total, begin = max(0.0, end_s - max(start_s, still_s)) * of(self.target_c), start_s
        moving_s = min(end_s, still_s) - start_s
        pieces = max(0, math.ceil(moving_s / self.tau_s))
        for _ in range(pieces):
            half = moving_s / pieces / 2
            total += half * sum(weight * of(self.at(begin + half * (1 + node))) for node, weight in _NODES)
            begin += 2 * half
        return total
