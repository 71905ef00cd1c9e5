"""The substances that are known here, by CAS number (`substances.csv` says where each column comes from)."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from protocols.chemistry.cas import valid_cas as valid_cas
from protocols.chemistry.controlled import Listing, controlled
from protocols.chemistry.tables import number, rows

#: The short codes of the hazard classes (UN GHS, revision 10, parts 2 to 4; the categories are left out).
GHS: Mapping[str, str] = MappingProxyType(
    {
        "EX": "explosive",
        "FG": "flammable gas",
        "FL": "flammable liquid",
        "FS": "flammable solid",
        "SR": "self-reactive",
        "PY": "pyrophoric",
        "WR": "gives off flammable gas with water",
        "OX": "oxidising",
        "OP": "organic peroxide",
        "GP": "gas under pressure",
        "CM": "corrosive to metals",
        "AT": "acutely toxic, categories 1 to 3",
        "HA": "harmful (acute toxicity, category 4)",
        "SC": "corrosive to skin",
        "IR": "irritant",
        "SE": "sensitiser",
        "CA": "carcinogenic",
        "MU": "mutagenic",
        "RE": "toxic to reproduction",
        "ST": "toxic to specific organs",
        "AS": "dangerous when aspirated",
        "AQ": "hazardous to water life",
    }
)


@dataclass(frozen=True, slots=True)
class Substance:
    """What is known of a substance; None and empty: nobody said.

    `groups` are the reactivity groups of EPA-600/2-80-076; `inert` means known to be in none of them, and an empty
    `groups` without it means that nobody said. `kinds` are what `incompatible.csv` goes by beside the groups.
    Temperatures are in degrees Celsius, the molar mass in g/mol, the density in g/mL.
    """

    cas: str
    name: str
    groups: tuple[int, ...]
    inert: bool
    kinds: tuple[str, ...]
    flash_c: float | None
    boiling_c: float | None
    autoignition_c: float | None
    molar_mass_g_mol: float | None
    density_g_ml: float | None
    ghs: tuple[str, ...]
    controlled: Listing | None

    @property
    def classified(self) -> bool:
        """Whether its reactivity groups are known, be it that it has none."""
        return self.inert or bool(self.groups)


@cache
def substances() -> Mapping[str, Substance]:
    """All substances by CAS number."""
    return MappingProxyType({row["cas"]: _substance(row) for row in rows("substances.csv")})


def substance(cas: str) -> Substance | None:
    """The substance of a CAS number, or None where nothing is known of it: that is not the same as safe."""
    return substances().get(cas)


def _substance(row: dict[str, str]) -> Substance:
    return Substance(
        cas=row["cas"],
        name=row["name"],
        groups=tuple(int(text) for text in row["groups"].split()),
        inert=row["inert"] == "yes",
        kinds=tuple(row["kinds"].split()),
        flash_c=number(row["flash_c"]),
        boiling_c=number(row["boiling_c"]),
        autoignition_c=number(row["autoignition_c"]),
        molar_mass_g_mol=number(row["molar_mass_g_mol"]),
        density_g_ml=number(row["density_g_ml"]),
        ghs=tuple(row["ghs"].split()),
        controlled=controlled(row["cas"]),
    )
