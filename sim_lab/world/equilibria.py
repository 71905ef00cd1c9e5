"""What a solution looks like: the coloured forms of what is in it, at equilibrium.

Complexes form and indicators turn faster than anybody looks, and turn back: a vessel keeps what was put in, and which
forms that takes is worked out when light goes through. Constants are those of the conditions (pH, medium) of the
procedures that `protocols/library` cites.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sim_lab.world.acids import INDICATORS, basic_share, holds_indicator, ph


@dataclass(frozen=True, slots=True)
class Complex:
    """A host takes up guests and becomes `product`: each of `sites` on a host takes `count` guests at once.

    `log_beta` is the decadic logarithm of the constant [product] / ([site] [guest]^count).
    """

    host: str
    guest: str
    count: int
    log_beta: float
    product: str
    source: str
    sites: float = 1.0


COMPLEXES: tuple[Complex, ...] = (
    Complex(
        "9048-46-8", "6104-58-1", 1, 4.7, "Coomassie G-250 on protein",
        "sites and constant: our choice, so that the curve bends as in Bradford, Anal. Biochem. 72 (1976) 248",
        sites=80.0,
    ),
    Complex(
        "7720-78-7", "66-71-7", 3, 21.3, "tris(phenanthroline)iron(II)",
        "log beta3 21.3 at 25 degC: Martell and Smith, Critical Stability Constants",
    ),
    Complex(
        "10045-95-1", "1668-00-4", 1, 5.5, "neodymium arsenazo III",
        "1:1 at pH 3 and below: Savvin, Talanta 8 (1961) 673; conditional constant from memory of its order",
    ),
    Complex(
        "10043-35-3", "5941-07-1", 1, 5.0, "boron azomethine-H",
        "1:1, constant above 1e5: 11B NMR of boric acid with azomethine-H, Polyhedron (2004)",
    ),
    Complex(
        "7722-84-1", "7681-11-0", 3, 12.0, "triiodide",
        "H2O2 + 3 I- + 2 H+ -> I3- + 2 H2O, complete with molybdate: Allen et al., J. Phys. Chem. 56 (1952) 575; the "
        "constant only says that it is complete",
    ),
    Complex(
        "7722-84-1", "13825-74-6", 1, 5.0, "peroxotitanium(IV)",
        "complete in 1 mol/L sulfuric acid: Eisenberg, Ind. Eng. Chem. Anal. Ed. 15 (1943) 327; the constant only says "
        "that it is complete",
    ),
)  # fmt: skip
_GUESTS: Mapping[str, tuple[Complex, ...]] = {
    each.guest: tuple(other for other in COMPLEXES if other.guest == each.guest) for each in COMPLEXES
}


def forms(mol: Mapping[str, float], volume_ul: float) -> Mapping[str, float]:
    """Moles of every form in a liquid: free species, complexes, and both colours of an indicator."""
    if volume_ul <= 0 or (_GUESTS.keys().isdisjoint(mol) and not holds_indicator(mol)):
        return mol
    litres = volume_ul * 1e-6
    found = dict(mol)
    for guest, complexes in _GUESTS.items():
        if found.get(guest, 0.0) > 0:
            _bind(found, [c for c in complexes if found.get(c.host, 0.0) > 0], litres)
    if holds_indicator(mol):
        at_ph = ph({name: amount / litres for name, amount in mol.items()})
        for name in INDICATORS.keys() & mol.keys():
            whole, share = found.pop(name), basic_share(name, at_ph)
            found[f"{name} base"], found[f"{name} acid"] = whole * share, whole * (1 - share)
    return found


def _bind(found: dict[str, float], complexes: Sequence[Complex], litres: float) -> None:
    """Replace hosts and their guest by what is free and what is bound."""
    if not complexes:
        return
    guest = complexes[0].guest
    whole = found[guest] / litres
    hosts = {c.host: found[c.host] / litres for c in complexes}
    free = free_guest(whole, [(c.count, c.sites * hosts[c.host], 10.0**c.log_beta) for c in complexes])
    for c in complexes:
        share = _bound_share(free, c.count, 10.0**c.log_beta)
        bound = c.sites * hosts[c.host] * share
        found[c.product] = found.get(c.product, 0.0) + bound * litres
        found[c.host] = hosts[c.host] * (1 - share) * litres
    found[guest] = free * litres


def free_guest(whole: float, sites: Sequence[tuple[int, float, float]]) -> float:
    """The free concentration of a guest of which `whole` is there, beside sites (guests a site, mol/L, beta).

    The balance of the guest, whole = free + sum of count x bound, rises with what is free: by bisection.

    >>> round(free_guest(2.0, [(1, 1.0, 1e9)]), 6)
    1.0
    """
    low, high = 0.0, whole
    for _ in range(200):
        middle = (low + high) / 2
        bound = sum(count * there * _bound_share(middle, count, beta) for count, there, beta in sites)
        if middle + bound > whole:
            high = middle
        else:
            low = middle
        if high - low <= 1e-15 * whole:
            break
    return (low + high) / 2


def _bound_share(free: float, count: int, beta: float) -> float:
    """The share of sites that is taken (1:n, all at once)."""
    taken = beta * free**count
    return taken / (1 + taken)
