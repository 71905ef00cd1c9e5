"""The air of the room and what it takes from open wells."""

import math
from dataclasses import dataclass
from functools import cache

#: Diffusion coefficient of water vapour in air at 25 degC, m2/s (CRC Handbook of Chemistry and Physics).
DIFFUSION_M2_S = 2.5e-5
GAS_CONSTANT = 8.314462618  # J/(mol K), CODATA 2018
#: Still air above the rim that the vapour must also cross, mm: our estimate for an open bench.
BOUNDARY_LAYER_MM = 5.0
#: How much thinner that layer is for each open side of a well.
EDGE_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Air:
    """Temperature (degC), relative humidity (0 to 1), and the share of oxygen by volume.

    Dry air has 0.20946 of it (US Standard Atmosphere 1976).
    """

    temperature_c: float = 22.0
    humidity: float = 0.45
    oxygen: float = 0.20946


def saturation_pa(temperature_c: float) -> float:
    """Vapour pressure of water, Pa (Buck, J. Appl. Meteorol. 20 (1981) 1527, over liquid)."""
    t = temperature_c
    return 611.21 * math.exp((18.678 - t / 234.5) * (t / (257.14 + t)))


def evaporation_mol_s(
    area_mm2: float, headspace_mm: float, liquid_c: float, air: Air, open_sides: float = 0.0
) -> float:
    """Water lost by an open well, mol/s: diffusion through still air from the surface to the room.

    Fick's first law over the headspace and the boundary layer; concentrations by the ideal gas law. The layer is
    thinner over a well with sides (of four) on which no well stands: there the vapour has more room to go to. That
    wells at the edge lose more, and those in the corners most, is seen everywhere (Mansoury et al., Biochem. Biophys.
    Rep. 26 (2021) 100987); how much depends on plate and place, and `EDGE_SHARE` is our estimate.
    """
    at_surface = saturation_pa(liquid_c) / (GAS_CONSTANT * (liquid_c + 273.15))
    in_room = air.humidity * saturation_pa(air.temperature_c) / (GAS_CONSTANT * (air.temperature_c + 273.15))
    path_m = (max(headspace_mm, 0.0) + BOUNDARY_LAYER_MM * (1 - EDGE_SHARE * open_sides)) * 1e-3
    return max(0.0, DIFFUSION_M2_S * (at_surface - in_room) / path_m * area_mm2 * 1e-6)


@cache
def open_sides(columns: tuple[tuple[str, ...], ...], well: str) -> int:
    """How many of a well's four sides have no neighbour: 2 in the corners of a plate, 1 at its edges.

    >>> plate = (("A1", "B1", "C1"), ("A2", "B2", "C2"), ("A3", "B3", "C3"))
    >>> [open_sides(plate, well) for well in ("A1", "B1", "B2")]
    [2, 1, 0]
    """
    column = next(number for number, wells in enumerate(columns) if well in wells)
    row = columns[column].index(well)
    return (column == 0) + (column == len(columns) - 1) + (row == 0) + (row == len(columns[column]) - 1)
