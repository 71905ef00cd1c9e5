"""Fits beyond straight lines: binding, enzyme kinetics, growth, decay, titration.

Each is a model of what the wells should read by what the lab believes is in them. Its uncertainty: the readings that
1,000 trials of the program would give are led through the fit, linear about its result (as JCGM 101:2008 allows where
the errors are small beside the curvature).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from orchestrator.analysis.bench import Bench, mean, r_squared, sds
from orchestrator.analysis.least_squares import Array, NoFit, Solution, solve
from orchestrator.analysis.propagation import Samples
from orchestrator.analysis.results import Calibration, CurveFit, CurvePoint, Parameter
from protocols.expect import Fit

#: Noise of a reading within which a first and a last one are the same.
UNCHANGED = 3.0


@dataclass(frozen=True, slots=True)
class Fitted:
    """A solution with the trials of its parameters (parameters x trials)."""

    solution: Solution
    trials: Samples

    @property
    def spread(self) -> Array:
        """Standard uncertainties."""
        return np.asarray(np.std(self.trials, axis=1))


def _fit(model: Callable[..., Array], believed: Sequence[Array], sampled: Sequence[Samples], y: Array, noise: Samples,
         start: Sequence[float]) -> Fitted:  # fmt: skip
    """Fit `model(parameters, *inputs)`: once as it is, then weighted by what the trials say of each point."""

    def nominal(parameters: Array) -> Array:
        return model(parameters, *believed)

    first = solve(nominal, y, np.array(start, float))
    trials = model(first.values[:, None], *sampled) + noise
    sd = np.maximum(np.std(trials, axis=1), 1e-12 * np.max(np.abs(y)))
    solution = solve(nominal, y, first.values, sd)
    moved = model(solution.values[:, None], *sampled) + noise
    return Fitted(solution, solution.gain @ (moved - nominal(solution.values)[:, None]))


def _told(
    spec: Fit, axes: tuple[str, str], parameters: Sequence[Parameter], labels: Sequence[str], x: Array, y: Array,
    residuals: Array,
) -> CurveFit:  # fmt: skip
    points = tuple(
        CurvePoint(label, float(a), float(b), float(b - r))
        for label, a, b, r in zip(labels, x, y, residuals, strict=True)
    )
    return CurveFit(
        spec.reading, spec.fit, tuple(spec.materials), spec.at or 0.0, *axes, tuple(parameters), points,
        r_squared(y, residuals), spec.r2_at_least,
    )  # fmt: skip


def _above_blank(bench: Bench, spec: Fit) -> tuple[Array, Array, float]:
    """Absorbances less the blank, their standard deviations, and the blank."""
    read = np.array(list(bench.values(spec.reading, spec.at or 0.0, spec.wells).values()))
    blank = bench.values(spec.reading, spec.at or 0.0, spec.blank)
    base = mean(blank.values())
    return read - base, sds(read), base


def binding(bench: Bench, spec: Fit, _: Sequence[Calibration]) -> CurveFit:
    """Dissociation constant of guest and host, 1:1, with what is bound taken off both (Morrison, Biochim. Biophys. Acta
    185 (1969) 269). Where the host is dilute it is Langmuir's isotherm."""
    guest, host = spec.materials
    y, sd, base = _above_blank(bench, spec)
    paths = bench.path_cm(spec.wells), bench.sampled_path_cm(spec.wells)
    guests = bench.believed(spec.wells, guest) / paths[0], bench.sampled(spec.wells, guest) / paths[1]
    hosts = bench.believed(spec.wells, host) / paths[0], bench.sampled(spec.wells, host) / paths[1]
    noise = bench.noise(sd) - _blank_noise(bench, base, len(spec.blank.names))
    start = (float(np.median(guests[0])), float(np.max(y) / np.max(hosts[0] * paths[0])))
    inputs = [(guests[i], hosts[i], paths[i]) for i in (0, 1)]
    done = _fit(_bound, inputs[0], inputs[1], y, noise, start)
    values, spread = done.solution.values, done.spread
    parameters = (
        Parameter("dissociation constant", "mol/L", float(values[0]), float(spread[0]), spec.published),
        Parameter("change of absorptivity", "L/mol/cm", float(values[1]), float(spread[1])),
    )
    axes = (f"{guest}, umol/L", "A - blank")
    return _told(spec, axes, parameters, spec.wells.names, guests[0] * 1e6, y, done.solution.residuals)


def _bound(parameters: Array, guest: Array, host: Array, path: Array) -> Array:
    kd, change = parameters[0], parameters[1]
    total = guest + host + kd
    return np.asarray(change * path * 2 * guest * host / (total + np.sqrt(total**2 - 4 * guest * host)))


def michaelis_menten(bench: Bench, spec: Fit, calibrations: Sequence[Calibration]) -> CurveFit:
    """Km and Vmax from the rate of each well, a straight line over the times; the product's absorptivity is that of a
    `beer_lambert` fit of this run. What was used up by the middle of the time is taken off the substrate."""
    substrate, enzyme, product = spec.materials
    known = [fit for fit in calibrations if (fit.material, fit.at_nm) == (product, spec.at)]
    if not known:
        raise NoFit(f"it needs a beer_lambert fit of {product} at {spec.at:g} nm")
    absorptivity, doubt = known[0].value, known[0].uncertainty
    times, read = bench.course(spec.reading, spec.at or 0.0, spec.wells)
    _, blank = bench.course(spec.reading, spec.at or 0.0, spec.blank)
    centred = times - times.mean()
    weights = centred / (centred @ centred)
    y = weights @ read
    noise = bench.noise(np.sqrt(np.einsum("t,tw->w", weights**2, sds(read) ** 2)))
    made = np.maximum(read.mean(axis=0) - blank.mean(), 0.0) / absorptivity
    paths = bench.path_cm(spec.wells), bench.sampled_path_cm(spec.wells)
    enzymes = bench.believed(spec.wells, enzyme), bench.sampled(spec.wells, enzyme)
    there = mean(enzymes[0] / paths[0])
    substrates = (
        np.maximum(bench.believed(spec.wells, substrate) - made, 1e-12) / paths[0],
        np.maximum(bench.sampled(spec.wells, substrate) - made[:, None], 1e-12) / paths[1],
    )

    def rate(parameters: Array, s: Array, e: Array) -> Array:
        return np.asarray(parameters[1] * absorptivity * e / there * s / (parameters[0] + s))

    start = (float(np.median(substrates[0])), float(np.max(y) / absorptivity / mean(paths[0])))
    done = _fit(rate, (substrates[0], enzymes[0]), (substrates[1], enzymes[1]), y, noise, start)
    values, spread = done.solution.values, done.spread
    spread[1] = np.hypot(spread[1], values[1] * doubt / absorptivity)
    parameters = (
        Parameter("Km", "mol/L", float(values[0]), float(spread[0]), spec.published),
        Parameter("Vmax", "mol/L/s", float(values[1]), float(spread[1])),
        Parameter("kcat", "1/s", float(values[1] / there), float(spread[1] / there)),
    )
    axes = (f"{substrate}, umol/L", "rate, mA/min")
    residuals = done.solution.residuals * 6e4
    return _told(spec, axes, parameters, spec.wells.names, substrates[0] * 1e6, y * 6e4, residuals)


def growth(bench: Bench, spec: Fit, _: Sequence[Calibration]) -> CurveFit:
    """Specific growth rate by Verhulst's logistic (Zwietering et al., Appl. Environ. Microbiol. 56 (1990) 1875, compare
    it with others): each well its own inoculum and end, the rate is their mean."""
    times, read, base = _courses(bench, spec)
    hours = (times - times[0]) / 3600

    def grown(parameters: Array) -> Array:
        first, last, rate = parameters
        return np.asarray(last / (1 + (last / first - 1) * np.exp(-rate * hours)))

    rates, moved, fitted = [], [], []
    shared = _course_blank_noise(bench, spec, base)
    for well in range(read.shape[1]):
        y = read[:, well]
        begin = max(float(y[0]), 1e-3)
        found = solve(grown, y, np.array([begin, max(float(y.max()), 2 * begin), 0.5]), sds(y + base))
        rates.append(float(found.values[2]))
        moved.append(found.gain[2] @ (bench.noise(sds(y + base)) - shared))
        fitted.append(grown(found.values))
    u = max(float(np.std(np.mean(moved, axis=0))), float(np.std(rates) / np.sqrt(len(rates))))
    rate = Parameter("growth rate", "1/h", mean(rates), u, None if spec.published is None else spec.published * 3600)
    doubling = Parameter("doubling time", "h", math.log(2) / rate.value, math.log(2) * u / rate.value**2)
    y, model = read.mean(axis=1), np.mean(fitted, axis=0)
    labels = [f"{time:.2f} h" for time in hours]
    return _told(spec, ("time, h", "A - blank, mean of the wells"), (rate, doubling), labels, hours, y, y - model)


def decay(bench: Bench, spec: Fit, _: Sequence[Calibration]) -> CurveFit:
    """Rate of what fades: A = A0 exp(-kt) in each well. With an excess of a second reactant k grows with it, and the
    slope is the constant of second order; else the mean of the wells is that of first order."""
    times, read, base = _courses(bench, spec)
    since = times - times[0]

    def fading(parameters: Array) -> Array:
        return np.asarray(parameters[0] * np.exp(-parameters[1] * since))

    shared = _course_blank_noise(bench, spec, base)
    if np.all(np.abs(read[-1] - read[0]) < UNCHANGED * sds(read[0] + base)):
        raise NoFit(f"the absorbance at {spec.at:g} nm does not change in {since[-1]:.0f} s: nothing fades")
    rates, moved = [], []
    for well in range(read.shape[1]):
        y = read[:, well]
        fall = max(float(np.log(max(y[0], 1e-3) / max(y[-1], 1e-3)) / since[-1]), 1e-3 / since[-1])
        found = solve(fading, y, np.array([max(float(y[0]), 1e-3), fall]), sds(y + base))
        rates.append(float(found.values[1]))
        moved.append(found.gain[1] @ (bench.noise(sds(y + base)) - shared))
    k, noise = np.array(rates), np.array(moved)
    if len(spec.materials) == 1:
        if spec.published is not None:
            raise NoFit("`published` is a constant of second order, and there is no excess")
        u = max(float(np.std(noise.mean(axis=0))), float(np.std(k) / np.sqrt(len(k))))
        parameters = [Parameter("rate constant", "1/s", mean(k), u)]
        y, model = read.mean(axis=1), np.exp(-mean(k) * since) * read[0].mean()
        labels = [f"{time / 60:.1f} min" for time in since]
        return _told(spec, ("time, min", "A - blank, mean of the wells"), parameters, labels, since / 60, y, y - model)
    excess = spec.materials[1]
    molar = bench.believed(spec.wells, excess) / bench.path_cm(spec.wells)
    trials = bench.sampled(spec.wells, excess) / bench.sampled_path_cm(spec.wells)
    done = _fit(lambda p, c: p[0] * c, (molar,), (trials,), k, noise, (float(np.max(k) / np.max(molar)),))
    constant = Parameter(
        "second-order constant", "L/mol/s", float(done.solution.values[0]), float(done.spread[0]), spec.published
    )
    axes = (f"{excess}, mmol/L", "rate constant, 1/ks")
    return _told(spec, axes, (constant,), spec.wells.names, molar * 1e3, k * 1e3, done.solution.residuals * 1e3)


def titration(bench: Bench, spec: Fit, _: Sequence[Calibration]) -> CurveFit:
    """Concentration of a strong titrant by the colour of an indicator, while it turns a weak acid or base over: when a
    share q is turned, so is q/(q + c(1 - q)) of the indicator, by two equations of Henderson and Hasselbalch."""
    titrant, titrated, indicator = spec.materials
    y, sd, base = _above_blank(bench, spec)
    ratios = [
        bench.believed(spec.wells, titrant) / bench.believed(spec.wells, titrated),
        bench.sampled(spec.wells, titrant) / bench.sampled(spec.wells, titrated),
    ]
    dyes = bench.believed(spec.wells, indicator), bench.sampled(spec.wells, indicator)
    noise = bench.noise(sd) - _blank_noise(bench, base, len(spec.blank.names))

    def turned(parameters: Array, ratio: Array, dye: Array) -> Array:
        strength, contrast, height = parameters[0], parameters[1], parameters[2]
        q = np.minimum(strength * ratio, 1.0)
        return np.asarray(height * dye * q / (q + contrast * (1 - q)))

    start = (1.0, 1.0, float(np.max(y / dyes[0])))
    done = _fit(turned, (ratios[0], dyes[0]), (ratios[1], dyes[1]), y, noise, start)
    values, spread = done.solution.values, done.spread
    stock = bench.stock(titrant)
    parameters = (
        Parameter(f"{titrant}", "mol/L", float(values[0]) * stock, float(spread[0]) * stock, spec.published),
        Parameter("contrast of indicator and acid", "1", float(values[1]), float(spread[1])),
    )
    axes = (f"{titrant} for each {titrated}, as believed", "A - blank")
    return _told(spec, axes, parameters, spec.wells.names, ratios[0], y, done.solution.residuals)


def _courses(bench: Bench, spec: Fit) -> tuple[Array, Array, float]:
    """Times, absorbances less the blank of the same time (times x wells), and the mean blank."""
    times, read = bench.course(spec.reading, spec.at or 0.0, spec.wells)
    _, blank = bench.course(spec.reading, spec.at or 0.0, spec.blank)
    return times, read - blank.mean(axis=1, keepdims=True), float(blank.mean())


def _course_blank_noise(bench: Bench, spec: Fit, base: float) -> Samples:
    """Of the blank of each time, which all wells share (times x trials)."""
    times, _ = bench.course(spec.reading, spec.at or 0.0, spec.blank)
    return bench.noise(sds(np.full(len(times), base)) / np.sqrt(len(spec.blank.names)))


def _blank_noise(bench: Bench, base: float, blanks: int) -> Samples:
    return bench.noise(sds(np.array([base])) / np.sqrt(blanks))


FITTED: dict[str, Callable[[Bench, Fit, Sequence[Calibration]], CurveFit]] = {
    "binding": binding,
    "michaelis_menten": michaelis_menten,
    "growth": growth,
    "decay": decay,
    "titration": titration,
}
