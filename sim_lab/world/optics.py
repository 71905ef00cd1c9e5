"""Light through a well from above: Beer-Lambert over every dissolved species.

The molar absorptivities are the twin's published values: what a calibration on the twin must find again.
Bands are Gaussians in wavelength; the peaks are of the order of the literature (tartrazine about 2.1e4 at
427 nm, Allura Red AC about 2.6e4 at 504 nm, in L/mol/cm), the second band is our choice of a plausible overlap.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Band:
    """One absorption band: centre and standard deviation in nm, height in L/mol/cm."""

    centre_nm: float
    width_nm: float
    height: float


SPECTRA: Mapping[str, tuple[Band, ...]] = {
    "25956-17-6": (Band(504.0, 38.0, 25_900.0), Band(330.0, 30.0, 9_000.0)),  # Allura Red AC
    "1934-21-0": (Band(427.0, 36.0, 21_600.0), Band(258.0, 25.0, 18_000.0)),  # tartrazine
}


def molar_absorptivity(species: str, wavelength_nm: float) -> float:
    """L/mol/cm (decadic) of a species, 0 for one that does not absorb.

    >>> round(molar_absorptivity("25956-17-6", 504.0))
    25900
    """
    return sum(
        band.height * math.exp(-0.5 * ((wavelength_nm - band.centre_nm) / band.width_nm) ** 2)
        for band in SPECTRA.get(species, ())
    )


def absorbance(mol: Mapping[str, float], area_mm2: float, wavelength_nm: float) -> float:
    """Decadic absorbance of a vertical beam through a well of that cross-section.

    A = sum(eps * c * l) with l = V/area, so the volume cancels: A = eps * n / area. With eps in L/mol/cm
    and the area in cm2, n/area is mol/cm2 and one litre is 1000 cm3.
    """
    area_cm2 = area_mm2 * 1e-2
    return sum(1e3 * molar_absorptivity(s, wavelength_nm) * amount for s, amount in mol.items()) / area_cm2
