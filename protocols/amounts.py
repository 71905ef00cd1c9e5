"""How much of its solute a liquid holds, as it was written: by amount of substance, by mass where the CAS number tells
how much a mole of it weighs, or that there is nothing else: a powder, or a liquid by itself."""

from collections.abc import Mapping
from typing import Any

from drivers.core.units import UnitError, parse
from protocols.chemistry.substances import substance

PURE = "pure"


def by_amount(material: Mapping[str, Any]) -> Mapping[str, Any]:
    """A material whose concentration by mass, such as 5 g/L, or `pure`, is told in mol/L; any other one as it is.

    Raises `UnitError` where the molar mass, or the density of what is pure, is not known here.

    >>> by_amount({"cas": "7647-14-5", "concentration": "5.844 g/L"})["concentration"]
    '0.1 mol/L'
    >>> by_amount({"cas": "7440-21-3", "concentration": "pure"})
    {'cas': '7440-21-3', 'concentration': '82.9477 mol/L', 'solvent': None}
    """
    written = material.get("concentration")
    if written == PURE:
        return {**material, "concentration": f"{_pure_m(material):.6g} mol/L", "solvent": None}
    try:
        grams = parse(written, "mass_concentration")
    except UnitError:
        return material
    return {**material, "concentration": f"{grams / _molar_mass_g(material, str(written)):.6g} mol/L"}


def _pure_m(material: Mapping[str, Any]) -> float:
    """mol/L of a substance in itself."""
    if material.get("solvent") is not None:
        raise UnitError(f"'{PURE}' has no solvent; leave `solvent` out, or write the concentration in it")
    molar_g = _molar_mass_g(material, PURE)
    known = substance(str(material["cas"]))
    if known is None or known.density_g_ml is None:
        raise UnitError(
            f"'{PURE}': the density of CAS {material['cas']} is not known here; write the mol/L that it is: "
            f"1000 times its g/mL divided by {molar_g:g} g/mol, and solvent: null"
        )
    return 1e3 * known.density_g_ml / molar_g


def _molar_mass_g(material: Mapping[str, Any], written: str) -> float:
    known = substance(str(material.get("cas")))
    if known is None or known.molar_mass_g_mol is None:
        whose = "a material without a CAS number" if material.get("cas") is None else f"CAS {material['cas']}"
        raise UnitError(
            f"{written!r}: the molar mass of {whose} is not known here; write mol/L: g/L divided by the g/mol"
        )
    return known.molar_mass_g_mol
