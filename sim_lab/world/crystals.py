"""Crystals that a sample may be made of: cell, atoms and how they grow with heat, by CAS number.

Cells: certificates of NIST standard reference materials 640f (Si), 660c (LaB6), 674b (CeO2) and 676a (Al2O3), at
22.5 degC. Atoms: R. W. G. Wyckoff, Crystal Structures, 2nd ed. (Si, CeO2, CaB6 type); Lewis, Schwarzenbach and Flack,
Acta Cryst. A38 (1982) 733 (Al2O3). Expansion near room temperature: Okada and Tokumaru, J. Appl. Phys. 56 (1984) 314
(Si); of the order of the literature for the others. B factors are of the usual order at room temperature.
"""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

AT_C = 22.5  # degC at which the cells were certified
Place = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Atom:
    """One atom of the whole cell, in fractions of its edges; `b_a2` is its B factor in square angstrom."""

    element: str
    at: Place
    b_a2: float


@dataclass(frozen=True, slots=True)
class Crystal:
    """A phase: edges in angstrom, angles in degrees, every atom of the cell, expansion of a and c in 1/K."""

    name: str
    edges_a: Place
    angles_deg: Place
    atoms: tuple[Atom, ...]
    expansion_1_k: tuple[float, float]
    molar_g: float
    density_g_cm3: float

    def warmed(self, temperature_c: float) -> "Crystal":
        """The same at another temperature; far from room temperature the expansion is another."""
        (a, b, c), (along_a, along_c) = self.edges_a, self.expansion_1_k
        more, more_c = 1 + along_a * (temperature_c - AT_C), 1 + along_c * (temperature_c - AT_C)
        return replace(self, edges_a=(a * more, b * more, c * more_c))


def _repeated(element: str, b_a2: float, places: Iterable[Place], shifts: Iterable[Place]) -> tuple[Atom, ...]:
    """The places at every lattice point of a centred cell."""
    return tuple(
        Atom(element, tuple((x + more) % 1.0 for x, more in zip(place, shift, strict=True)), b_a2)  # type: ignore[arg-type]
        for place, shift in itertools.product(places, tuple(shifts))
    )


_ONE: tuple[Place, ...] = ((0, 0, 0),)
_FACES: tuple[Place, ...] = ((0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0))
_RHOMBOHEDRAL: tuple[Place, ...] = ((0, 0, 0), (2 / 3, 1 / 3, 1 / 3), (1 / 3, 2 / 3, 2 / 3))
_B, _O, _AL = 0.1993, 0.30633, 0.35216  # the free coordinates: x of B, x of O, z of Al


def _cube(edge_a: float) -> tuple[Place, Place]:
    return (edge_a, edge_a, edge_a), (90.0, 90.0, 90.0)


_SILICON = _repeated("Si", 0.46, ((0, 0, 0), (0.25, 0.25, 0.25)), _FACES)
_HEXABORIDE = (
    *_repeated("La", 0.4, _ONE, _ONE),
    *_repeated("B", 0.3, ((_B, 0.5, 0.5), (1 - _B, 0.5, 0.5), (0.5, _B, 0.5), (0.5, 1 - _B, 0.5), (0.5, 0.5, _B),
                          (0.5, 0.5, 1 - _B)), _ONE),
)  # fmt: skip
_CERIA = (
    *_repeated("Ce", 0.3, _ONE, _FACES), *_repeated("O", 0.4, ((0.25, 0.25, 0.25), (0.75, 0.75, 0.75)), _FACES),
)  # fmt: skip
_CORUNDUM = (
    *_repeated("Al", 0.3, ((0, 0, _AL), (0, 0, 0.5 - _AL), (0, 0, -_AL), (0, 0, 0.5 + _AL)), _RHOMBOHEDRAL),
    *_repeated("O", 0.3, ((_O, 0, 0.25), (0, _O, 0.25), (-_O, -_O, 0.25), (-_O, 0, 0.75), (0, -_O, 0.75),
                          (_O, _O, 0.75)), _RHOMBOHEDRAL),
)  # fmt: skip

SILICON, HEXABORIDE, CERIA, CORUNDUM = "7440-21-3", "12008-21-8", "1306-38-3", "1344-28-1"
CRYSTALS: Mapping[str, Crystal] = {
    SILICON: Crystal("silicon", *_cube(5.431144), _SILICON, (2.6e-6, 2.6e-6), 28.085, 2.329),
    HEXABORIDE: Crystal("lanthanum hexaboride", *_cube(4.156826), _HEXABORIDE, (6.4e-6, 6.4e-6), 203.77, 4.711),
    CERIA: Crystal("cerium(IV) oxide", *_cube(5.411651), _CERIA, (11e-6, 11e-6), 172.115, 7.215),
    CORUNDUM: Crystal("corundum", (4.759091, 4.759091, 12.991779), (90.0, 90.0, 120.0), _CORUNDUM, (5.0e-6, 5.7e-6),
                      101.961, 3.987),
}  # fmt: skip
