"""Molar absorptivities by Beer and Lambert, and concentrations in mixtures with them.

A plate reader looks down through the well, so A - A_blank = eps * c * l with l = V/area: c * l = 1000 n/area
(mol/L times cm), in which the volume cancels. What counts is the amount in the well, as the lab believes it.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from orchestrator.analysis.bench import Bench, mean, r_squared
from orchestrator.analysis.least_squares import Array, NoFit
from orchestrator.analysis.results import Calibration, Found, Point
from protocols.expect import Fit
from protocols.wells import Wells

#: Beer and Lambert hold while stray light is small beside what passes: readings above are left out of a fit.
LINEAR_TO = 2.5


def calibrate(bench: Bench, spec: Fit) -> Calibration:
    """One molar absorptivity: least squares through the origin over blank-corrected absorbance."""
    material, at_nm = spec.material or "", spec.at or 0.0
    read, blank = bench.values(spec.reading, at_nm, spec.wells), bench.values(spec.reading, at_nm, spec.blank)
    base = mean(blank.values())
    kept = Wells(spec.wells.labware, tuple(well for well in read if read[well] <= LINEAR_TO))
    x = bench.believed(kept, material)
    if len(kept.names) < 2 or not np.any(x):
        raise NoFit("fewer than two wells below A = 2.5 hold it")
    y = np.array([read[well] - base for well in kept.names])
    slope = _slope(x, y)
    noisy = bench.noisy(slope * bench.sampled(kept, material), base, len(blank))
    spread = float(np.std(x @ noisy / (x @ x)))
    points = tuple(Point(well, float(a), float(b)) for well, a, b in zip(kept.names, x, y, strict=True))
    r2 = r_squared(y, y - slope * x)
    return Calibration(spec.reading, material, at_nm, slope, spread, r2, points, spec.published, spec.r2_at_least)


def unmix(bench: Bench, spec: Fit, calibrations: Sequence[Calibration]) -> Iterator[Found]:
    """Concentrations in mixed wells: least squares over the wavelengths, with the fitted absorptivities."""
    fits = {(fit.material, fit.at_nm): fit for fit in calibrations}
    wavelengths = sorted({at for name, at in fits if name in spec.materials})
    wanting = [f"{name} at {at:g} nm" for name in spec.materials for at in wavelengths if (name, at) not in fits]
    if wanting or len(wavelengths) < len(spec.materials):
        raise NoFit(f"it needs a beer_lambert fit of {', '.join(wanting) or 'each material at as many wavelengths'}")
    matrix = np.array([[fits[name, at].value for name in spec.materials] for at in wavelengths])
    doubt = np.array([[fits[name, at].uncertainty for name in spec.materials] for at in wavelengths])
    solve = np.linalg.pinv(matrix)
    read = {at: bench.values(spec.reading, at, spec.wells) for at in wavelengths}
    base = {at: mean(bench.values(spec.reading, at, spec.blank).values()) for at in wavelengths}
    to_molar = 1 / bench.path_cm(spec.wells)
    believed = {name: bench.believed(spec.wells, name) * to_molar for name in spec.materials}
    trials = np.array([bench.sampled(spec.wells, name) for name in spec.materials])
    for number, well in enumerate(spec.wells.names):
        y = np.array([read[at][well] - base[at] for at in wavelengths])
        found = solve @ y
        noisy = np.array([
            bench.noisy((matrix[i] @ trials[:, number])[None, :], base[at], len(spec.blank.names))[0]
            for i, at in enumerate(wavelengths)
        ])  # fmt: skip
        # The absorptivities err too: what that does to each wavelength is led through the same solution.
        doubts = solve**2 @ (doubt**2 @ found**2)
        spread = np.sqrt(np.var(solve @ noisy, axis=1) + doubts)
        for i, name in enumerate(spec.materials):
            u = float(spread[i] * to_molar[number])
            told = float(found[i] * to_molar[number])
            yield Found(spec.reading, well, name, told, u, float(believed[name][number]))


def _slope(x: Array, y: Array) -> float:
    solution, *_ = np.linalg.lstsq(x[:, None], y, rcond=None)
    return float(solution[0])
