"""How acid a solution is: the pH from what was put in, by the balance of charges.

Concentrations stand for activities, so the model is that of dilute solutions (a strong acid of 0.1 mol/L reads 0.1
lower here than on a meter). Constants at 25 degC, as the CRC Handbook of Chemistry and Physics gives them.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

WATER_CONSTANT = 1.0e-14  # of water's own dissociation, at 25 degC


@dataclass(frozen=True, slots=True)
class Acid:
    """What a species brings: a weak acid with its pKa values and the charge of its most acid form, if it has one, and
    the charge of the ions that come with it and stay as they are."""

    pkas: tuple[float, ...] = ()
    charge: int = 0
    ions: int = 0


_PHOSPHORIC = (2.16, 7.21, 12.32)
ACIDS: Mapping[str, Acid] = {
    "7647-01-0": Acid(ions=-1),  # hydrogen chloride
    "7664-93-9": Acid((1.99,), 0, ions=-1),  # sulfuric acid: its first proton is always gone
    "1310-73-2": Acid(ions=1),  # sodium hydroxide
    "75-59-2": Acid(ions=1),  # tetramethylammonium hydroxide
    "64-19-7": Acid((4.756,)),  # acetic acid
    "127-09-3": Acid((4.756,), ions=1),  # sodium acetate
    "1336-21-6": Acid((9.25,), 1),  # ammonia
    "12125-02-9": Acid((9.25,), 1, ions=-1),  # ammonium chloride
    "77-86-1": Acid((8.06,), 1),  # tris
    "7664-38-2": Acid(_PHOSPHORIC),  # phosphoric acid
    "7778-77-0": Acid(_PHOSPHORIC, ions=1),  # potassium dihydrogen phosphate
    "7758-11-4": Acid(_PHOSPHORIC, ions=2),  # dipotassium hydrogen phosphate
    "10043-35-3": Acid((9.27,)),  # boric acid
}
#: Indicators: pKa (Bishop, Indicators (1972); Kolthoff). They are too dilute to count in the balance.
INDICATORS: Mapping[str, float] = {
    "76-59-5": 7.10,  # bromothymol blue
    "143-74-8": 7.77,  # phenol red
    "76-60-8": 4.68,  # bromocresol green
}


def ph(molar: Mapping[str, float]) -> float:
    """The pH of a solution of these species, mol/L each; what is no acid or base counts for nothing.

    >>> round(ph({"7647-01-0": 0.01}), 3), round(ph({}), 3), round(ph({"64-19-7": 0.1, "127-09-3": 0.1}), 2)
    (2.0, 7.0, 4.76)
    """
    present = [(ACIDS[name], amount) for name, amount in molar.items() if name in ACIDS and amount > 0]
    low, high = -1.5, 15.5
    for _ in range(60):
        middle = (low + high) / 2
        if _charge(10.0**-middle, present) > 0:  # too acid: the true pH is higher
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _charge(h: float, present: list[tuple[Acid, float]]) -> float:
    """The net charge at a concentration of protons; it falls with the pH."""
    total = h - WATER_CONSTANT / h
    for acid, amount in present:
        total += amount * (acid.ions + acid.charge - _gone(h, acid.pkas))
    return total


def _gone(h: float, pkas: tuple[float, ...]) -> float:
    """How many protons an acid has lost, on average."""
    weight, weights, lost = 1.0, 1.0, 0.0
    for number, pka in enumerate(pkas, 1):
        weight *= 10.0**-pka / h
        weights += weight
        lost += number * weight
    return lost / weights


def basic_share(indicator: str, at_ph: float) -> float:
    """The share of an indicator that is in its basic form (Henderson and Hasselbalch).

    >>> basic_share("76-59-5", 7.10)
    0.5
    """
    return 1 / (1 + math.pow(10.0, INDICATORS[indicator] - at_ph))


@cache
def _names() -> frozenset[str]:
    return frozenset(INDICATORS)


def holds_indicator(mol: Mapping[str, float]) -> bool:
    """Whether the colour of a liquid depends on its pH."""
    return not _names().isdisjoint(mol)
