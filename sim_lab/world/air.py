"""The air of the room and what it takes from open wells."""

import math
from dataclasses import dataclass

#: Diffusion coefficient of water vapour in air at 25 degC, m2/s (CRC Handbook of Chemistry and Physics).
DIFFUSION_M2_S = 2.5e-5
GAS_CONSTANT = 8.314462618  # J/(mol K), CODATA 2018
#: Still air above the rim that the vapour must also cross, mm: our estimate for an open bench.
BOUNDARY_LAYER_MM = 5.0


@dataclass(frozen=True, slots=True)
class Air:
    """Temperature (degC) and relative humidity (0 to 1)."""

    temperature_c: float = 22.0
    humidity: float = 0.45


def saturation_pa(temperature_c: float) -> float:
    """Vapour pressure of water, Pa (Buck, J. Appl. Meteorol. 20 (1981) 1527, over liquid)."""
    t = temperature_c
    return 611.21 * math.exp((18.678 - t / 234.5) * (t / (257.14 + t)))


def evaporation_mol_s(area_mm2: float, headspace_mm: float, liquid_c: float, air: Air) -> float:
    """Water lost by an open well, mol/s: diffusion through still air from the surface to the room.

    Fick's first law over the headspace and the boundary layer; concentrations by the ideal gas law.
    """
    at_surface = saturation_pa(liquid_c) / (GAS_CONSTANT * (liquid_c + 273.15))
    in_room = air.humidity * saturation_pa(air.temperature_c) / (GAS_CONSTANT * (air.temperature_c + 273.15))
    path_m = (max(headspace_mm, 0.0) + BOUNDARY_LAYER_MM) * 1e-3
    return max(0.0, DIFFUSION_M2_S * (at_surface - in_room) / path_m * area_mm2 * 1e-6)
