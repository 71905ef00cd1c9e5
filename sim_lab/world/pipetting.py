"""A pipette's error in the world: a bias that stays and a scatter that does not, inside the maker's figures."""

import random
from dataclasses import dataclass

from drivers.core.accuracy import BIAS_SHARE_SD, pipetting


@dataclass(slots=True)
class Plunger:
    """One pipette's error: where in the specified band its bias lies is drawn once, for life."""

    pipette: str
    rng: random.Random
    bias_share: float = 0.0

    def __post_init__(self) -> None:
        self.bias_share = max(-1.0, min(1.0, self.rng.gauss(0.0, BIAS_SHARE_SD)))

    def actual(self, nominal_ul: float) -> float:
        """The volume that moves when `nominal_ul` is asked for."""
        systematic, scatter = pipetting(self.pipette, nominal_ul)
        return max(0.0, nominal_ul * (1 + systematic * self.bias_share + scatter * self.rng.gauss(0.0, 1.0)))
