"""Light through a well from above: Beer-Lambert over every dissolved form, and the turbidity of cells.

The molar absorptivities are the twin's published values: what a calibration on the twin must find again. Bands are
Gaussians in wavelength; each has its source in `spectra.csv`.
"""

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from sim_lab.world.equilibria import forms
from sim_lab.world.liquids import Vessel
from sim_lab.world.reactions import E_COLI


@dataclass(frozen=True, slots=True)
class Band:
    """One absorption band: centre and standard deviation in nm, height in L/mol/cm."""

    centre_nm: float
    width_nm: float
    height: float


@cache
def spectra() -> Mapping[str, tuple[Band, ...]]:
    """Every form that absorbs, with its bands."""
    found: dict[str, tuple[Band, ...]] = {}
    text = files("sim_lab.world").joinpath("spectra.csv").read_text("utf-8")
    for row in csv.DictReader(text.splitlines()):
        band = Band(float(row["centre_nm"]), float(row["width_nm"]), float(row["height"]))
        found[row["species"]] = (*found.get(row["species"], ()), band)
    return found


#: Cells scatter: apparent absorptivity at 600 nm, L/mol/cm. Dry mass 0.35 g/L at OD 1 (order of the literature) with
#: 24.6 g for each mole of carbon gives 14 mmol/L. It falls with the square of the wavelength (Koch, Biochim. Biophys.
#: Acta 51 (1961) 429); multiple scattering is left out, so it is linear as real cultures are only below OD 0.5 or so.
TURBID: Mapping[str, float] = {E_COLI: 70.0}
TURBID_AT_NM = 600.0


@cache
def molar_absorptivity(species: str, wavelength_nm: float) -> float:
    """L/mol/cm (decadic) of a form, 0 for one that does not absorb.

    >>> round(molar_absorptivity("25956-17-6", 504.0))
    25900
    """
    scattered = TURBID.get(species, 0.0) * (TURBID_AT_NM / wavelength_nm) ** 2
    return scattered + sum(
        band.height * math.exp(-0.5 * ((wavelength_nm - band.centre_nm) / band.width_nm) ** 2)
        for band in spectra().get(species, ())
    )


def absorbance(liquid: Vessel, area_mm2: float, wavelength_nm: float) -> float:
    """Decadic absorbance of a vertical beam through a well of that cross-section.

    A = sum(eps * c * l) with l = V/area, so the volume cancels: A = eps * n / area. With eps in L/mol/cm
    and the area in cm2, n/area is mol/cm2 and one litre is 1000 cm3.
    """
    area_cm2 = area_mm2 * 1e-2
    seen = forms(liquid.mol, liquid.volume_ul)
    return sum(1e3 * molar_absorptivity(form, wavelength_nm) * amount for form, amount in seen.items()) / area_cm2
