"""The edge of a cubic cell from scans over its reflections: a peak from each, its indices, and all of them together.

Bragg: sin2(theta) = wavelength2 N / (4 a2) with N = h2 + k2 + l2. A goniometer's zero is never quite right, so it is
fitted as well. The uncertainty is that of the fits, by how the counts scatter about the peaks and the peaks about the
law, whichever is more (JCGM 100:2008, 4.2); it knows nothing of a wavelength that is not what the beam line says.
"""

import math
from dataclasses import dataclass

import numpy as np

from orchestrator.analysis.bench import Bench, NoReading, r_squared
from orchestrator.analysis.least_squares import Array, NoFit, solve
from orchestrator.analysis.results import CurveFit, CurvePoint, Parameter
from protocols.expect import Fit

MM_IN_NM = 1e6
#: Half Lorentzian, half Gaussian: the position of a peak that is as wide on both sides does not ask which.
ETA = 0.5
#: How far N may lie from a whole number in the first look, and the largest N of a first reflection.
INTEGER, MOST_FIRST = 0.15, 24
#: The least height of a peak, by its background.
STANDS_OUT = 0.25
#: And by its own standard uncertainty: the highest count of a background makes a peak of some three.
CERTAIN = 6.0
#: A zero is fitted as one and so many degrees: the least squares want what is positive.
ONE = 1.0


@dataclass(frozen=True, slots=True)
class Reflection:
    """One peak: where it stands, deg, and how well that is known."""

    two_theta_deg: float
    uncertainty_deg: float


def edge(bench: Bench, spec: Fit) -> CurveFit:
    """The edge of the cell in nm; raises `NoReading` and `NoFit`."""
    scans = bench.scans(spec.reading)
    if len(scans) < 3:
        raise NoReading(f"step {spec.reading} has scanned {len(scans)} reflections; the edge and the zero need three")
    wavelength_nm = float(np.mean([nm for _, _, nm in scans]))
    found = [peak(angles, counts) for angles, counts, _ in scans]
    at = np.array([each.two_theta_deg for each in found])
    whole = indices(np.sin(np.radians(at / 2)) ** 2)

    def law(parameters: Array) -> Array:
        sines = wavelength_nm * np.sqrt(whole) / (2 * parameters[0])
        angles: Array = 2 * np.degrees(np.arcsin(np.clip(sines, -1, 1))) + parameters[1] - ONE
        return angles

    first_nm = wavelength_nm / 2 * math.sqrt(whole[0]) / math.sin(math.radians(at[0] / 2))
    sd = np.array([each.uncertainty_deg for each in found])
    solution = solve(law, at, np.array([first_nm, ONE]), sd)
    chi2 = float(np.sum((solution.residuals / sd) ** 2)) / (len(at) - 2)
    spread = np.sqrt(solution.gain**2 @ sd**2 * max(1.0, chi2))
    published = None if spec.published is None else spec.published * MM_IN_NM
    cell = Parameter("a", "nm", float(solution.values[0]), float(spread[0]), published)
    zero = Parameter("zero", "deg", float(solution.values[1]) - ONE, float(spread[1]))
    points = tuple(
        CurvePoint(f"N = {number:g}", float(number), float(y), float(y - left))
        for number, y, left in zip(whole, at, solution.residuals, strict=True)
    )
    return CurveFit(
        spec.reading, spec.fit, (spec.material or "",), wavelength_nm, "h2 + k2 + l2", "2 theta, deg", (cell, zero),
        points, r_squared(at, solution.residuals), spec.r2_at_least,
    )  # fmt: skip


def peak(angles: Array, intensity: Array) -> Reflection:
    """The one peak of a scan, over a flat background; raises `NoFit` where there is none inside it."""
    first, span = float(angles.min()), float(np.ptp(angles))
    floor, top = max(float(np.min(intensity)), 1e-3 * float(np.max(intensity))), float(np.max(intensity))
    if top - floor < STANDS_OUT * floor:
        raise NoFit(f"no peak stands out between {first:g} and {first + span:g} deg")
    sd = np.sqrt(np.maximum(intensity, 1e-3 * top + 1e-12))
    above = angles[intensity > (floor + top) / 2]
    width = max(float(np.ptp(above)), span / len(angles))
    along = max(float(angles[intensity.argmax()]) - first, span / len(angles))  # from the first angle: a small number
    start = np.array([max(top - floor, 1e-9), along, width, top + floor])  # the background as over `-top`: positive

    def shape(parameters: Array) -> Array:
        height, middle, fwhm, background = parameters
        away = ((angles - first - middle) / fwhm) ** 2
        curve: Array = background - top + height * (ETA / (1 + 4 * away) + (1 - ETA) * np.exp(-4 * math.log(2) * away))
        return curve

    try:
        solution = solve(shape, intensity, start, sd)
    except NoFit as error:
        raise NoFit(f"no peak stands out between {first:g} and {first + span:g} deg") from error
    scatter = float(np.sum((solution.residuals / sd) ** 2)) / max(len(angles) - len(start), 1)
    height, middle, _, _ = solution.values
    noise, uncertainty = (math.sqrt(float(np.sum((gain * sd) ** 2)) * scatter) for gain in solution.gain[:2])
    if not 0 < middle < span or height < max(STANDS_OUT * floor, CERTAIN * noise):
        raise NoFit(f"no peak stands out between {first:g} and {first + span:g} deg")
    return Reflection(first + float(middle), uncertainty)


def indices(sines2: Array) -> Array:
    """h2 + k2 + l2 of reflections, by the ratios of their sin2(theta): the smallest whole numbers that all are near to.

    >>> [int(n) for n in indices(np.array([3, 8, 11, 16]) * 0.0201)]
    [3, 8, 11, 16]
    """
    for first in range(1, MOST_FIRST + 1):
        numbers = sines2 / sines2[0] * first
        near = np.round(numbers)
        if np.all(np.abs(numbers - near) < INTEGER) and all(_possible(int(n)) for n in near):
            whole: Array = near.astype(float)
            return whole
    raise NoFit("the peaks are not at the angles of a cubic cell")


def _possible(number: int) -> bool:
    """Whether a number is the sum of three squares (Legendre): 7, 15, 23, 28, ... are not."""
    while number and number % 4 == 0:
        number //= 4
    return number % 8 != 7
