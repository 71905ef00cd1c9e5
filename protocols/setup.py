"""What a person fills before a run: volumes the author gave, or just enough for what the steps draw."""

from collections.abc import Iterator, Mapping, Sequence

from drivers.core.labware import LabwareKind
from protocols.chemistry.substances import substance
from protocols.drafts import Draft, sequence
from protocols.ledger import Ledger
from protocols.model import Dose, Fill, Material, PlainStep, Protocol
from protocols.wells import parse_wells

WATER = "7732-18-5"
#: mol/L of water in itself: 998.2 g/L (20 degC) over 18.01528 g/mol; solutes are taken as dilute.
WATER_MOLAR = 998.2 / 18.01528
#: Density of dilute solutions, all that this format knows: of water at 20 degC (CIPM, Metrologia 38 (2001) 301).
WATER_G_UL = 0.9982e-3
#: Tips stand this far above the bottom, so a film of that height stays: the dead volume is area x height.
DEAD_HEIGHT_MM = 1.0
MARGIN = 0.05  # more than drawn, for pipetting error and evaporation


def species_of(material: Material) -> dict[str, float]:
    """mol/L of solvent and solute, which is called as `solute_of` says; empty where nothing tells what is in it."""
    if material.cas == WATER:
        return {WATER: WATER_MOLAR}
    solute = solute_of(material)
    if solute is None or (material.cas is None and material.concentration is None):
        return {}
    species = {WATER: WATER_MOLAR} if material.solvent == WATER else {}
    return species | ({solute: material.concentration} if material.concentration is not None else {})


def species_of_all(materials: Mapping[str, Material], steps: Sequence[PlainStep]) -> dict[str, dict[str, float]]:
    """mol/L of every material, by its name.

    A substance itself that a step weighs in is counted by its mass wherever it stands, with the density of water as all
    that a balance sees here: what was weighed must be what is there.
    """
    weighed = {step.material for step in steps if isinstance(step, Dose)}
    return {
        name: _by_mass(material) if name in weighed else species_of(material) for name, material in materials.items()
    }


def _by_mass(material: Material) -> dict[str, float]:
    """What has no solvent, or of which nobody says how much of it there is, is the substance itself."""
    if material.cas in (None, WATER) or (material.concentration is not None and material.solvent is not None):
        return species_of(material)
    known = substance(str(material.cas))
    molar_g = known.molar_mass_g_mol if known is not None else None
    return {str(material.cas): 1e6 * WATER_G_UL / molar_g} if molar_g else {}


def solute_of(material: Material) -> str | None:
    """What the solute is called wherever amounts are kept: its CAS number, else its name (cells have none)."""
    return material.cas or material.name


def fills(
    protocol: Protocol,
    species: Mapping[str, Mapping[str, float]],
    kinds: Mapping[str, LabwareKind],
    needed: Sequence[Draft],
    operator: str,
    roles: Mapping[str, str],
) -> Iterator[Draft]:
    """The fill commands of the set-up; `species` are the mol/L of each material, `needed` all other drafts, from which
    open volumes follow."""
    given, unsaid = _declared(protocol)
    by_hand = [_fill(operator, labware, liquid, wells, species) for (labware, liquid), wells in given.items()]
    places = [draft for draft in needed if draft.verb == "place"]
    rest = [draft for draft in needed if draft.verb != "place"]
    ledger = Ledger(lend=unsaid)
    for action in sequence([*places, *by_hand, *rest], roles):
        ledger.apply(action)
    for (labware, well), liquid in unsaid.items():
        drawn = ledger.lent_ul.get((labware, well), 0.0)
        if drawn:
            shape = kinds[labware].wells[well]
            wanted = drawn * (1 + MARGIN) + shape.area_mm2 * DEAD_HEIGHT_MM
            given.setdefault((labware, liquid), {})[well] = round(min(wanted, shape.capacity_ul), 1)
    for (labware, liquid), wells in given.items():
        yield _fill(operator, labware, liquid, wells, species)


def _declared(
    protocol: Protocol,
) -> tuple[dict[tuple[str, str], dict[str, float]], dict[tuple[str, str], str]]:
    """(labware, liquid) -> volumes that the author gave; (labware, well) -> liquid where he gave none."""
    given: dict[tuple[str, str], dict[str, float]] = {}
    unsaid: dict[tuple[str, str], str] = {}
    for name, spec in protocol.labware.items():
        for wells, fill in spec.holds.items():
            for well in parse_wells(f"{name}/{wells}").names:
                if isinstance(fill, Fill):
                    given.setdefault((name, fill.material), {})[well] = fill.volume
                else:
                    unsaid[name, well] = fill
    return given, unsaid


def _fill(
    operator: str, labware: str, liquid: str, wells: Mapping[str, float], species: Mapping[str, Mapping[str, float]]
) -> Draft:
    told = dict(species.get(liquid, {WATER: WATER_MOLAR}))
    args = {"labware": labware, "liquid": liquid, "volumes_ul": dict(wells), "species": told}
    return Draft("setup", operator, "fill", args, (labware,))
