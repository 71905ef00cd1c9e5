"""Unknown concentrations by a calibration curve, straight or bent."""

import numpy as np

from orchestrator.analysis.bench import Bench, mean, r_squared
from orchestrator.analysis.least_squares import Array, NoFit
from orchestrator.analysis.propagation import Samples
from orchestrator.analysis.results import CurveFit, CurvePoint, Found, Parameter
from protocols.expect import Fit
from protocols.wells import Wells

#: 99 % two-sided point of the normal distribution, from which that of Student follows.
_NORMAL_99 = 2.5758293035489
LEAST_STANDARDS = 5


def determine(bench: Bench, spec: Fit) -> tuple[CurveFit, list[Found]]:
    """The calibration function of the standards (ISO 8466-1 straight, ISO 8466-2 of second order), and with it the
    samples. Through the origin, for the blank is taken off; the second order only where Mandel's test asks for it.
    """
    analyte, at_nm, samples = spec.materials[0], spec.at or 0.0, spec.samples
    if samples is None or len(spec.wells.names) < LEAST_STANDARDS:
        raise NoFit(f"it needs samples, and at least {LEAST_STANDARDS} standards")
    read, asked = bench.values(spec.reading, at_nm, spec.wells), bench.values(spec.reading, at_nm, samples)
    blank = bench.values(spec.reading, at_nm, spec.blank)
    base = mean(blank.values())
    x, y = bench.believed(spec.wells, analyte), np.array(list(read.values())) - base
    order = 2 if _is_bent(x, y) else 1
    coefficients = np.linalg.pinv(_powers(x, order)) @ y
    standards = _trial(bench, spec, spec.wells, coefficients, base)
    curves = np.linalg.pinv(_powers(x, order)) @ standards  # coefficients x trials
    unknown = _trial(bench, spec, samples, coefficients, base)
    residuals = y - _powers(x, order) @ coefficients
    found = _inverse(np.array(list(asked.values())) - base, coefficients[:, None])[:, 0]
    spread = np.std(_inverse_trials(unknown, curves), axis=1)
    to_molar = 1 / bench.path_cm(samples)
    believed = bench.believed(samples, analyte) * to_molar
    results = [
        Found(spec.reading, well, analyte, float(a), float(u), float(b))
        for well, a, u, b in zip(samples.names, found * to_molar, spread * to_molar, believed, strict=True)
    ]
    names = ("slope", "bend")
    units = ("L/mol/cm", "(L/mol/cm)^2")
    parameters = tuple(
        Parameter(names[i], units[i], float(coefficients[i]), float(np.std(curves[i]))) for i in range(order)
    )
    points = tuple(
        CurvePoint(well, float(a * 1e6), float(b), float(b - r))
        for well, a, b, r in zip(spec.wells.names, x, y, residuals, strict=True)
    )
    curve = CurveFit(
        spec.reading, spec.fit, (analyte,), at_nm, "concentration x path, umol/L cm", "A - blank", parameters, points,
        r_squared(y, residuals), spec.r2_at_least,
    )  # fmt: skip
    return curve, results


def _trial(bench: Bench, spec: Fit, wells: Wells, coefficients: Array, base: float) -> Samples:
    """Readings less blank of these wells, as they would come if the program were run again and again.

    The reagent's own colour, which the blank has too, varies with the volume of reagent in each well.
    """
    trials = bench.sampled(wells, spec.materials[0])
    clean = sum(coefficient * trials ** (power + 1) for power, coefficient in enumerate(coefficients))
    if len(spec.materials) > 1:
        reagent = bench.sampled(wells, spec.materials[1])
        clean = clean + base * (reagent / reagent.mean(axis=1, keepdims=True) - 1)
    return bench.noisy(np.asarray(clean), base, len(spec.blank.names))


def _is_bent(x: Array, y: Array) -> bool:
    """Mandel's fitting test at 99 % (ISO 8466-1, 5.1.4)."""
    freedom = len(x) - 2
    straight, bent = (float(np.sum((y - _powers(x, n) @ (np.linalg.pinv(_powers(x, n)) @ y)) ** 2)) for n in (1, 2))
    if bent <= 0:
        return False
    return (straight - bent) / (bent / freedom) > student_99(freedom) ** 2


def student_99(freedom: int) -> float:
    """99 % two-sided point of Student's t (Abramowitz and Stegun, 26.7.5; within 1 % from 4 degrees of freedom on).

    >>> round(student_99(10), 2), round(student_99(1000), 2)
    (3.17, 2.58)
    """
    z, v = _NORMAL_99, float(freedom)
    return (
        z + (z**3 + z) / (4 * v) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3)
    )  # fmt: skip


def _powers(x: Array, order: int) -> Array:
    return np.column_stack([x**power for power in range(1, order + 1)])


def _inverse(y: Array, coefficients: Array) -> Array:
    """x of y = b x (+ c x^2), on the branch that goes through the origin (wells x trials)."""
    b = coefficients[0]
    if len(coefficients) == 1:
        return np.asarray(y[:, None] / b)
    c = coefficients[1]
    root = np.sqrt(np.maximum(b**2 + 4 * c * y[:, None], 0.0))
    return np.asarray(2 * y[:, None] / (b + root))


def _inverse_trials(y: Samples, curves: Samples) -> Samples:
    """Each trial's readings (wells x trials) by its own curve."""
    columns = [_inverse(y[:, trial], curves[:, trial : trial + 1])[:, 0] for trial in range(y.shape[1])]
    return np.column_stack(columns)
