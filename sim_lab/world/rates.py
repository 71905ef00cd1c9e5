"""How fast reactions go, and how far they get: rate constants by temperature, and integrated rate laws. Pure.

Concentrations in mol/L. Every law takes the integral of its rate constant over time, so that a temperature that
changes is taken exactly.
"""

import math

GAS_CONSTANT = 8.314462618  # J/(mol K), CODATA 2018
KELVIN = 273.15


def arrhenius(at_25c: float, activation_j_mol: float, temperature_c: float) -> float:
    """A rate constant at a temperature, from its value at 25 degC (Arrhenius, Z. Phys. Chem. 4 (1889) 226).

    >>> round(arrhenius(1.0, 50e3, 35.0), 3)
    1.924
    """
    inverse = 1 / (temperature_c + KELVIN) - 1 / (25.0 + KELVIN)
    return at_25c * math.exp(-activation_j_mol / GAS_CONSTANT * inverse)


def square_root(at_37c: float, low_c: float, high_c: float, bend: float, temperature_c: float) -> float:
    """A growth rate at a temperature, from its value at 37 degC: sqrt(r) = b (T - low) (1 - exp(bend (T - high))).

    Ratkowsky et al., J. Bacteriol. 154 (1983) 1222. Nothing grows beyond `low_c` and `high_c`.
    """

    def root(at_c: float) -> float:
        return (at_c - low_c) * -math.expm1(bend * (at_c - high_c))

    if not low_c < temperature_c < high_c:
        return 0.0
    return float(at_37c * (root(temperature_c) / root(37.0)) ** 2)


def first_order(amount: float, integral: float) -> float:
    """What has reacted of A -> ...: a (1 - exp(-kt))."""
    return -amount * math.expm1(-integral)


def second_order(a: float, b: float, integral: float) -> float:
    """What has reacted of A + B -> ... (Laidler, Chemical Kinetics, 3rd ed. (1987), section 2.2).

    >>> second_order(1.0, 1.0, 1.0)
    0.5
    """
    low, high = sorted((a, b))
    over = high - low
    if over * integral < 1e-12:
        return low * high * integral / (1 + low * integral)
    share = -math.expm1(-over * integral)
    return low * high * share / (over + low * share)


def michaelis_menten(substrate: float, km: float, integral: float) -> float:
    """What has reacted of a substrate after the time in which a saturated enzyme would have turned `integral` over.

    Closed form with Lambert's W: S = Km W(S0/Km exp((S0 - Vt)/Km)) (Schnell and Mendoza, J. Theor. Biol. 187 (1997)
    207).
    """
    if substrate <= 0:
        return 0.0
    return max(0.0, substrate - km * _lambert_of_exp(math.log(substrate / km) + (substrate - integral) / km))


def _lambert_of_exp(z: float) -> float:
    """W(exp(z)): the w for which w + ln w = z, by Newton's method from either asymptote."""
    w = math.exp(z) if z < 0 else max(z - math.log(z + 1e-300), 0.5) if z > 1 else 0.5
    if w < 1e-280:
        return w
    for _ in range(50):
        step = (w + math.log(w) - z) / (1 + 1 / w)
        w = max(w - step, w / 10)
        if abs(step) <= 1e-15 * w:
            break
    return w


def logistic(grown: float, limit: float, integral: float) -> float:
    """What has grown beside `grown`, which cannot become more than `limit` (Verhulst, 1838): B = L/(1 + (L/B0 - 1)
    exp(-rt))."""
    if grown <= 0 or limit <= grown:
        return 0.0
    return limit / (1 + (limit / grown - 1) * math.exp(-integral)) - grown
