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
<<<<<<< HEAD
    """Temperature of one thing: `temperature_c` at `at_s`, and from then on towards `target_c` (constant `tau_s`)."""
=======
    """Temperature of one thing at one time; moves towards `target_c` with time constant `tau_s`.

    Its surroundings may themselves be on the way: they are then `lead_c` away from `target_c`, and that dies away with
    `lead_tau_s`, which must differ from `tau_s`.
    """
>>>>>>> 4628371 (Incubator: Thermo Cytomat behind PyLabRobot's backend, its twin, and the step incubate)

    temperature_c: float
    target_c: float
    tau_s: float
    at_s: float = 0.0
    lead_c: float = 0.0
    lead_tau_s: float = 1.0

    def at(self, now_s: float) -> float:
<<<<<<< HEAD
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
=======
        """The temperature at `now_s`, exactly: T = S + (T0 - S - a) exp(-t/tau) + a exp(-t/lead_tau).

        S is the target, and a = lead lead_tau / (lead_tau - tau): the solution of dT/dt = (S + lead(t) - T) / tau.
        """
        passed, self.at_s = now_s - self.at_s, now_s
        share = self.lead_c * self.lead_tau_s / (self.lead_tau_s - self.tau_s) if self.lead_c else 0.0
        fade = math.exp(-passed / self.lead_tau_s)
        self.temperature_c = (
            self.target_c
            + (self.temperature_c - self.target_c - share) * math.exp(-passed / self.tau_s)
            + share * fade
        )  # fmt: skip
        self.lead_c *= fade
        return self.temperature_c

    def aim(self, target_c: float, now_s: float) -> None:
        """Change the target from `now_s` on; the surroundings are at it."""
        self.at(now_s)
        self.target_c, self.lead_c = target_c, 0.0

    def follow(self, other: "Body", now_s: float) -> None:
        """Tend to another body from `now_s` on, which is on its own way to its target."""
        self.at(now_s)
        self.target_c, self.lead_c, self.lead_tau_s = other.target_c, other.at(now_s) - other.target_c, other.tau_s
>>>>>>> 4628371 (Incubator: Thermo Cytomat behind PyLabRobot's backend, its twin, and the step incubate)
