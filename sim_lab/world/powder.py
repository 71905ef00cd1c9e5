"""What a beam meets on a site: the crystals in the labware there, or the standard that people leave on the stage."""

from collections.abc import Mapping

from sim_lab.world.crystals import CRYSTALS, HEXABORIDE, Crystal
from sim_lab.world.model import World


def powder_on(world: World, site: str) -> Mapping[Crystal, float]:
    """The crystals in the beam, by their share of the volume of all, at the temperature that they have."""
    labware = world.on(site)
    if labware is None:
        return {CRYSTALS[HEXABORIDE].warmed(world.air.temperature_c): 1.0}
    held = {cas: sum(vessel.mol.get(cas, 0.0) for vessel in labware.vessels.values()) for cas in CRYSTALS}
    volumes = {cas: mol * CRYSTALS[cas].molar_g / CRYSTALS[cas].density_g_cm3 for cas, mol in held.items() if mol}
    warm_c = labware.body.at(world.now())
    return {CRYSTALS[cas].warmed(warm_c): volume / sum(volumes.values()) for cas, volume in volumes.items()}
