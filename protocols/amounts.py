"""How much of its solute a liquid holds, as it was written: by amount of substance, or by mass where the CAS number
tells how much a mole of it weighs."""

from collections.abc import Mapping
from typing import Any

from drivers.core.units import UnitError, parse
from protocols.chemistry.substances import substance


def by_amount(material: Mapping[str, Any]) -> Mapping[str, Any]:
    """A material whose concentration by mass, such as 5 g/L, is told in mol/L; any other one as it is.

    Raises `UnitError` for one by mass of a solute whose molar mass is not known here.

    >>> by_amount({"cas": "7647-14-5", "concentration": "5.844 g/L"})["concentration"]
    '0.1 mol/L'
    """
    written = material.get("concentration")
    try:
        grams = parse(written, "mass_concentration")
    except UnitError:
        return material
    known = substance(str(material.get("cas")))
    if known is None or known.molar_mass_g_mol is None:
        whose = "a material without a CAS number" if material.get("cas") is None else f"CAS {material['cas']}"
        raise UnitError(
            f"{written!r}: the molar mass of {whose} is not known here; write mol/L: g/L divided by the g/mol"
        )
    return {**material, "concentration": f"{grams / known.molar_mass_g_mol:.6g} mol/L"}
