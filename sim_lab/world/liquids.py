"""What is in a vessel, and what a transfer does to it: volumes in uL, amounts in mol, nothing lost."""

from collections.abc import Mapping
from dataclasses import dataclass, field

WATER = "7732-18-5"  # CAS number
#: Amount of water in 1 uL of it: 998.2 g/L at 20 degC (CIPM, Metrologia 38 (2001) 301) over 18.01528 g/mol.
WATER_MOL_PER_UL = 998.2 / 18.01528 * 1e-6


@dataclass(slots=True)
class Vessel:
    """A volume of one well-mixed liquid; `mol` is keyed by CAS number, or by name where none is known."""

    volume_ul: float = 0.0
    mol: dict[str, float] = field(default_factory=dict)

    def add(self, other: "Vessel") -> None:
        """Pour all of `other` in."""
        self.volume_ul += other.volume_ul
        for species, amount in other.mol.items():
            self.mol[species] = self.mol.get(species, 0.0) + amount

    def take(self, volume_ul: float) -> "Vessel":
        """Draw off up to `volume_ul`, in the proportions of what is there; less if there is less."""
        if volume_ul >= self.volume_ul:
            taken = Vessel(self.volume_ul, self.mol)
            self.volume_ul, self.mol = 0.0, {}
            return taken
        share = volume_ul / self.volume_ul
        taken = Vessel(volume_ul, {})
        for species, amount in self.mol.items():
            part = amount * share
            taken.mol[species] = part
            self.mol[species] = amount - part
        self.volume_ul -= volume_ul
        return taken

    def evaporate(self, water_mol: float) -> float:
        """Lose water to the air, at most what is there; returns the volume that went (uL)."""
        there = self.mol.get(WATER, 0.0)
        lost = min(water_mol, there, self.volume_ul * WATER_MOL_PER_UL)
        volume = lost / WATER_MOL_PER_UL
        self.mol[WATER] = there - lost
        self.volume_ul -= volume
        return volume


def solution(volume_ul: float, species: Mapping[str, float]) -> Vessel:
    """A dilute solution; `species` gives mol/L of each solute. An entry for water marks an aqueous liquid."""
    mol = {name: molar * volume_ul * 1e-6 for name, molar in species.items() if name != WATER}
    if WATER in species:
        mol[WATER] = volume_ul * WATER_MOL_PER_UL
    return Vessel(volume_ul, mol)
