"""What things weigh: labware by its shape, liquids by their density, and what a balance in air makes of it."""

import math

from drivers.core.labware import LabwareKind
from sim_lab.world.liquids import Vessel

#: Polystyrene (CRC Handbook of Chemistry and Physics), g/cm3.
POLYSTYRENE_G_CM3 = 1.05
#: Walls of moulded labware, mm: our estimates; a 96-well plate comes to 45 g, of the order of makers' 40 to 55 g.
SHELL_MM, WELL_MM = 1.5, 0.8
#: By how much two pieces of one kind differ, as a share (one standard deviation): our estimate.
EMPTY_SD = 0.003
#: Air at 20 degC, 1013 hPa and 45 % humidity, and the steel of which conventional mass is defined, g/cm3 (OIML D 28).
AIR_G_CM3, WEIGHTS_G_CM3 = 0.0012, 8.0


def water_g_ul(temperature_c: float) -> float:
    """Density of water between 0 and 40 degC, g/uL (Tanaka et al., Metrologia 38 (2001) 301, eq. 1); held beyond.

    >>> round(water_g_ul(20.0) * 1e3, 6)
    0.998207
    """
    t = min(40.0, max(0.0, temperature_c))
    return 0.99997495e-3 * (1 - (t - 3.983035) ** 2 * (t + 301.797) / (522528.9 * (t + 69.34881)))


def liquid_g(vessel: Vessel, temperature_c: float) -> float:
    """Mass of what a vessel holds, g: the solutions here are dilute, so by the density of water."""
    return vessel.volume_ul * water_g_ul(temperature_c)


def empty_g(kind: LabwareKind) -> float:
    """Mass of empty labware, g: a shell with its wells in it, of polystyrene."""
    size = kind.definition["dimensions"]
    x, y, z = (float(size[axis]) for axis in ("xDimension", "yDimension", "zDimension"))
    shell_mm3 = (x * y + 2 * (x + y) * z) * SHELL_MM
    wells_mm3 = sum(2 * math.sqrt(math.pi * well.area_mm2) * well.depth_mm for well in kind.wells.values()) * WELL_MM
    return (shell_mm3 + wells_mm3) * 1e-3 * POLYSTYRENE_G_CM3


def apparent_g(mass_g: float, density_g_cm3: float = 1.0) -> float:
    """What a balance adjusted with steel weights shows of a mass in air, g (ISO 8655-6: the inverse of Z).

    >>> round(apparent_g(100.0), 3)
    99.895
    """
    return mass_g * (1 - AIR_G_CM3 / density_g_cm3) / (1 - AIR_G_CM3 / WEIGHTS_G_CM3)
