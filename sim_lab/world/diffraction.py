"""Powder diffraction in the kinematic approximation: where the peaks of a crystal are, how strong, how wide.

Bragg's law and structure factors: International Tables for Crystallography B (2001), 1.2; powder intensity |F|2 m LP/V2
with multiplicity m and the Lorentz and polarisation factor (1 + cos2 2theta)/(sin2 theta cos theta) of an unpolarised
beam: B. E. Warren, X-ray Diffraction (1969), chapter 4. Scattering factors of neutral atoms: International Tables C
(1992), table 6.1.1.4; f' and f'' at Cu K alpha 1: Cromer and Liberman, J. Chem. Phys. 53 (1970) 1891. Widths: Caglioti,
Paoletti and Ricci, Nucl. Instrum. 3 (1958) 223. Left out: absorption, texture, extinction, the asymmetry of low angles.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from sim_lab.world.crystals import Crystal

CU_K_ALPHA_1_A = 1.5405929  # angstrom, as in the certificates of NIST's standards (Hoelzer et al. 1997)
#: Element -> four a, four b (square angstrom) and c of f(s) = sum a exp(-b s2) + c, s = sin(theta)/wavelength; then
#: f' + if''.
_FACTORS: Mapping[str, tuple[tuple[float, ...], tuple[float, ...], float, complex]] = {
    "B": ((2.0545, 1.3326, 1.0979, 0.7068), (23.2185, 1.021, 60.3498, 0.1403), -0.1932, 0.0092 + 0.0039j),
    "O": ((3.0485, 2.2868, 1.5463, 0.867), (13.2771, 5.7011, 0.3239, 32.9089), 0.2508, 0.0494 + 0.0322j),
    "Al": ((6.4202, 1.9002, 1.5936, 1.9646), (3.0387, 0.7426, 31.5472, 85.0886), 1.1151, 0.2126 + 0.2455j),
    "Si": ((6.2915, 3.0353, 1.9891, 1.541), (2.4386, 32.3337, 0.6785, 81.6937), 1.1407, 0.2547 + 0.3302j),
    "La": ((20.578, 19.599, 11.3727, 3.28719), (2.94817, 0.244475, 18.7726, 133.124), 2.14678, -1.3771 + 9.0341j),
    "Ce": ((21.1671, 19.7695, 11.8513, 3.33049), (2.81219, 0.226836, 17.6083, 127.113), 1.86264, -2.0848 + 9.6533j),
}
ALIKE = 1e-6  # planes whose spacings differ by less, relatively, are one peak
WEAK = 1e-6  # of the strongest peak: what is weaker is extinct
U, V, W = 0.012, -0.008, 0.009  # deg2: 0.09 deg wide at 30 deg, as laboratory instruments are
ETA = 0.5  # share of Lorentz in a peak's shape
REACH = 40.0  # half-widths beyond which a peak is not looked at


@dataclass(frozen=True, slots=True)
class Peak:
    """All planes of one spacing: the indices of one of them, how many there are, and the strength of all together."""

    hkl: tuple[int, int, int]
    d_a: float
    two_theta_deg: float
    multiplicity: int
    intensity: float


def bragg_deg(d_a: float, wavelength_a: float) -> float:
    """Bragg's law: the angle 2 theta at which planes of a spacing reflect.

    >>> round(bragg_deg(3.1356, 1.5405929), 2)
    28.44
    """
    return 2 * math.degrees(math.asin(wavelength_a / (2 * d_a)))


def metric(crystal: Crystal) -> Any:
    """The reciprocal metric tensor, 1/square angstrom: 1/d2 of planes hkl is hkl G* hkl."""
    edges, cosines = np.array(crystal.edges_a), np.cos(np.radians(crystal.angles_deg))
    between = np.array([[1, cosines[2], cosines[1]], [cosines[2], 1, cosines[0]], [cosines[1], cosines[0], 1]])
    return np.linalg.inv(np.outer(edges, edges) * between)


def scattering_factor(element: str, s_1_a: Any) -> Any:
    """Electrons that scatter, at s = sin(theta)/wavelength; without f' and f''."""
    a, b, c, _ = _FACTORS[element]
    return c + sum(height * np.exp(-width * s_1_a**2) for height, width in zip(a, b, strict=True))


def structure_factors(crystal: Crystal, hkl: Any) -> Any:
    """F of planes, an array of three indices each; complex, in electrons."""
    s = 0.5 * np.sqrt(np.einsum("ni,ij,nj->n", hkl, metric(crystal), hkl))
    total = np.zeros(len(hkl), complex)
    for atom in crystal.atoms:
        scatters = (scattering_factor(atom.element, s) + _FACTORS[atom.element][3]) * np.exp(-atom.b_a2 * s**2)
        total += scatters * np.exp(2j * math.pi * (hkl @ np.array(atom.at)))
    return total


@lru_cache(maxsize=64)
def peaks(crystal: Crystal, wavelength_a: float = CU_K_ALPHA_1_A) -> tuple[Peak, ...]:
    """Every peak that the wavelength reaches, by angle; extinct ones are left out."""
    reach = [int(2 * edge / wavelength_a) + 1 for edge in crystal.edges_a]  # h = g a, so |h| is at most |g| |a|
    axes = [np.arange(-most, most + 1) for most in reach]
    hkl = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    g2 = np.einsum("ni,ij,nj->n", hkl, metric(crystal), hkl)
    seen = (g2 > 1e-9) & (g2 < (2 / wavelength_a) ** 2 * (1 - 1e-6))
    order = np.argsort(g2[seen], kind="stable")
    hkl, g2 = hkl[seen][order], g2[seen][order]
    strength = np.abs(structure_factors(crystal, hkl)) ** 2
    groups = np.split(np.arange(len(g2)), np.flatnonzero(np.diff(g2) > ALIKE * g2[1:]) + 1)
    volume_a3 = 1 / math.sqrt(np.linalg.det(metric(crystal)))
    found = [_peak(hkl[group], 1 / math.sqrt(g2[group[0]]), strength[group], volume_a3, wavelength_a)
             for group in groups]  # fmt: skip
    least = WEAK * max(peak.intensity for peak in found)
    return tuple(peak for peak in found if peak.intensity > least)


def _peak(hkl: Any, d_a: float, strength: Any, volume_a3: float, wavelength_a: float) -> Peak:
    there = strength > WEAK * strength.max()
    sample = max((int(one[0]), int(one[1]), int(one[2])) for one in hkl[there])
    two_theta_deg = bragg_deg(d_a, wavelength_a)
    intensity = float(strength.sum()) * lorentz_polarisation(two_theta_deg) / volume_a3**2
    return Peak(sample, d_a, two_theta_deg, int(there.sum()), intensity)


def lorentz_polarisation(two_theta_deg: float) -> float:
    """The powder's Lorentz factor with the polarisation of an unpolarised beam.

    >>> round(lorentz_polarisation(90.0), 3)
    2.828
    """
    theta = math.radians(two_theta_deg / 2)
    return (1 + math.cos(2 * theta) ** 2) / (math.sin(theta) ** 2 * math.cos(theta))


def width_deg(two_theta_deg: Any) -> Any:
    """Full width of a peak at half its height."""
    tangent = np.tan(np.radians(two_theta_deg) / 2)
    return np.sqrt(U * tangent**2 + V * tangent + W)


def pattern(sample: Mapping[Crystal, float], two_theta_deg: Sequence[float] | Any, offset_deg: float = 0.0) -> Any:
    """Intensity of a mixture (crystal -> share of the volume) at angles; each peak a pseudo-Voigt of its area.

    `offset_deg` is by how much every peak is shifted, as by a goniometer whose zero is wrong.
    """
    angles = np.asarray(two_theta_deg, float)
    total = np.zeros(angles.shape)
    for crystal, share in sample.items():
        for peak in peaks(crystal):
            width = float(width_deg(peak.two_theta_deg))
            away = (angles - peak.two_theta_deg - offset_deg) / width
            near = np.abs(away) < REACH
            shape = ETA * 2 / math.pi / (1 + 4 * away[near] ** 2)
            shape += (1 - ETA) * 2 * math.sqrt(math.log(2) / math.pi) * np.exp(-4 * math.log(2) * away[near] ** 2)
            total[near] += share * peak.intensity * shape / width
    return total
