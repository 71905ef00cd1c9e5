"""First-order heat: a body's temperature tends to that of its surroundings with a time constant.

The surroundings may keep a temperature, move at a steady rate (a ramp), or be a body that itself tends to one: then two
time constants follow each other, as with a sample in a furnace. All are exact solutions of T' = (S(t) - T) / tau for
S(t) = target + rate t + gap exp(-t / gap_tau), with t since the last change.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

#: Nodes and weights of Gauss and Legendre with four points (Abramowitz and Stegun, table 25.4).
_NODES = (
    (-0.861136311594053, 0.347854845137454), (-0.339981043584856, 0.652145154862546),
    (0.339981043584856, 0.652145154862546), (0.861136311594053, 0.347854845137454),
)  # fmt: skip
ALIKE = 1e-6  # relative difference below which two time constants are taken apart: their difference divides
SETTLED = 12.0  # time constants after which a body is at its target, to 1e-5 of the way


@dataclass(slots=True)
class Body:
    """Temperature of one thing: `temperature_c` at `at_s`, and from then on towards `target_c` (constant `tau_s`)."""

    temperature_c: float
    target_c: float
    tau_s: float
    at_s: float = 0.0
    rate_c_s: float = 0.0  # at which the target moves
    gap_c: float = 0.0  # by how much the surroundings were from the target, and how fast that fades
    gap_tau_s: float = 1.0

    def at(self, now_s: float) -> float:
        """The temperature at `now_s`, exactly."""
        passed = now_s - self.at_s
        lag = fade = 0.0
        if self.gap_c:
            lag = self.gap_c * self.gap_tau_s / (self.gap_tau_s - self.tau_s)
            fade = math.exp(-passed / self.gap_tau_s)
        behind_c = self.rate_c_s * self.tau_s
        begin, end = self.target_c - behind_c + lag, self.target_c + self.rate_c_s * passed - behind_c + lag * fade
        return end + (self.temperature_c - begin) * math.exp(-passed / self.tau_s)

    def aim(self, target_c: float, now_s: float, rate_c_s: float = 0.0, *, tau_s: float | None = None) -> None:
        """Change the target from `now_s` on, and the time constant if one is given; the target may move from there."""
        self.temperature_c, self.at_s = self.at(now_s), now_s
        self.target_c, self.rate_c_s, self.gap_c, self.tau_s = target_c, rate_c_s, 0.0, tau_s or self.tau_s

    def follow(self, source: "Body", now_s: float, *, tau_s: float | None = None) -> None:
        """Be surrounded by a body, which itself follows none, from `now_s` on and as long as that one's aim stays."""
        target_c = source.target_c + source.rate_c_s * (now_s - source.at_s - source.tau_s)
        self.aim(target_c, now_s, source.rate_c_s, tau_s=tau_s)
        self.gap_c = source.at(now_s) - target_c
        alike = abs(source.tau_s - self.tau_s) < ALIKE * self.tau_s
        self.gap_tau_s = self.tau_s * (1 + ALIKE) if alike else source.tau_s

    def integral(self, of: Callable[[float], float], start_s: float, end_s: float) -> float:
        """A function of the temperature (degC), integrated over time since the last change of the target.

        Gauss-Legendre over pieces of at most a time constant while the temperature still changes.
        """
        moves = self.rate_c_s != 0.0
        if self.temperature_c == self.target_c and not moves and not self.gap_c:
            return of(self.target_c) * (end_s - start_s)
        slowest_s = max(self.tau_s, self.gap_tau_s) if self.gap_c else self.tau_s
        still_s = math.inf if moves else self.at_s + SETTLED * slowest_s
        total, begin = max(0.0, end_s - max(start_s, still_s)) * of(self.target_c), start_s
        moving_s = min(end_s, still_s) - start_s
        pieces = max(0, math.ceil(moving_s / self.tau_s))
        for _ in range(pieces):
            half = moving_s / pieces / 2
            total += half * sum(weight * of(self.at(begin + half * (1 + node))) for node, weight in _NODES)
            begin += 2 * half
        return total
