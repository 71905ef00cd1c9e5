"""How exact a pipette is: a bias that stays and a scatter that does not, both larger for small volumes.

Figures: Opentrons' published accuracy (D, systematic) and precision (CV, random) of the GEN2 single-channel
pipettes, in percent at three volumes (uL). They are given here from memory of the maker's white paper and are the
twin's published values; GEN1 and multi-channel pipettes take those of the same size.
"""

import random
from bisect import bisect_right
from dataclasses import dataclass

#: size -> ((volume_ul, systematic, random), ...), relative
SPECIFIED: dict[str, tuple[tuple[float, float, float], ...]] = {
    "p20": ((1.0, 0.15, 0.05), (10.0, 0.02, 0.01), (20.0, 0.015, 0.008)),
    "p300": ((20.0, 0.04, 0.025), (150.0, 0.01, 0.004), (300.0, 0.006, 0.003)),
    "p1000": ((100.0, 0.02, 0.01), (500.0, 0.01, 0.005), (1000.0, 0.007, 0.0015)),
}
_SAME_AS = {"p10": "p20", "p50": "p300", "p200": "p300"}


def specified(pipette: str, volume_ul: float) -> tuple[float, float]:
    """Relative systematic and random error at a volume, linear between the specified ones.

    >>> specified("p300_single_gen2", 150.0)
    (0.01, 0.004)
    """
    size = pipette.split("_")[0]
    table = SPECIFIED[_SAME_AS.get(size, size)]
    place = bisect_right([row[0] for row in table], volume_ul)
    if place == 0 or place == len(table):
        _, systematic, scatter = table[min(place, len(table) - 1)]
        return systematic, scatter
    (v0, s0, r0), (v1, s1, r1) = table[place - 1], table[place]
    share = (volume_ul - v0) / (v1 - v0)
    return s0 + share * (s1 - s0), r0 + share * (r1 - r0)


@dataclass(slots=True)
class Plunger:
    """One pipette's error: where in the specified band its bias lies is drawn once, for life."""

    pipette: str
    rng: random.Random
    bias_share: float = 0.0

    def __post_init__(self) -> None:
        # The maker's figure bounds the bias; half of it is taken as one standard deviation, cut at the bound.
        self.bias_share = max(-1.0, min(1.0, self.rng.gauss(0.0, 0.5)))

    def actual(self, nominal_ul: float) -> float:
        """The volume that moves when `nominal_ul` is asked for."""
        systematic, scatter = specified(self.pipette, nominal_ul)
        return max(0.0, nominal_ul * (1 + systematic * self.bias_share + scatter * self.rng.gauss(0.0, 1.0)))
