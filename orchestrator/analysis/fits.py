"""Least squares over absorbance readings: molar absorptivities by Beer and Lambert, and mixtures by them.

Model: A - A_blank = eps * c * l. For a vertical beam c * l = 1000 n / area (n in mol, area in cm2, eps in L/mol/cm),
with n as the lab believes it. The uncertainty is the standard deviation of the same fit over trials in which pipettes
and reader err as their makers allow (see `propagation`), so it holds what repeats would scatter and the bias as well.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivers.core.accuracy import absorbance_sd
from orchestrator.analysis.propagation import TRIALS, Propagation, Samples
from protocols.ledger import Ledger, fold, kind_of
from protocols.model import Absorptivity, Mixture, Protocol
from protocols.program import Program
from protocols.wells import Wells

COVERAGE = 2.0  # expanded uncertainty U = 2 u, about 95 % (JCGM 100:2008, 6.2)
#: Beer and Lambert hold while stray light is small beside what passes: readings above are left out of a fit.
LINEAR_TO = 2.5


@dataclass(frozen=True, slots=True)
class Point:
    """One well of a fit: concentration times path (mol/L cm) and blank-corrected absorbance."""

    well: str
    path_concentration: float
    absorbance: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """A fitted molar absorptivity (L/mol/cm), its standard uncertainty, and how it compares."""

    reading: str
    material: str
    at_nm: float
    value: float
    uncertainty: float
    r2: float
    points: tuple[Point, ...]
    published: float | None
    r2_at_least: float | None

    @property
    def deviation(self) -> float | None:
        """Fitted minus published, in standard uncertainties."""
        return None if self.published is None else (self.value - self.published) / self.uncertainty

    @property
    def ok(self) -> bool:
        """Whether it agrees with the published value within U = 2 u, and is as straight as asked for."""
        agrees = self.deviation is None or abs(self.deviation) <= COVERAGE
        return agrees and (self.r2_at_least is None or self.r2 >= self.r2_at_least)


@dataclass(frozen=True, slots=True)
class MixtureResult:
    """One material in one mixed well: concentration found and believed, mol/L."""

    reading: str
    well: str
    material: str
    found: float
    uncertainty: float
    believed: float

    @property
    def deviation(self) -> float:
        """Found minus believed, in standard uncertainties."""
        return (self.found - self.believed) / self.uncertainty

    @property
    def ok(self) -> bool:
        """Whether it agrees within U = 2 u."""
        return abs(self.deviation) <= COVERAGE


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All that a protocol expected, evaluated."""

    calibrations: tuple[Calibration, ...] = ()
    mixtures: tuple[MixtureResult, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every expectation holds: all calibrations, and 95 % of mixtures as U = 2 u means."""
        agreeing = sum(result.ok for result in self.mixtures)
        return all(fit.ok for fit in self.calibrations) and agreeing >= 0.75 * len(self.mixtures)


def evaluate(protocol: Protocol, program: Program, readings: Iterable[Mapping[str, Any]]) -> Evaluation:
    """Evaluate a protocol's `expect` on the readings of a run."""
    if not protocol.expect:
        return Evaluation()
    bench = _Bench(protocol, program, list(readings))
    calibrations = [bench.calibrate(e) for e in protocol.expect if isinstance(e, Absorptivity)]
    bench.calibrations = calibrations
    mixtures = [result for e in protocol.expect if isinstance(e, Mixture) for result in bench.unmix(e)]
    return Evaluation(tuple(calibrations), tuple(mixtures))


class _Bench:
    """The readings, the belief and the error trials of one run, for all of its fits."""

    def __init__(self, protocol: Protocol, program: Program, readings: Sequence[Mapping[str, Any]]) -> None:
        self._protocol = protocol
        self._ledger: Ledger = fold(program)[0]
        self._kinds = {name: kind_of(source) for name, source in program.labware.items()}
        self._species = program.species
        self._trials = Propagation(program)
        self._rng = np.random.default_rng(1)
        self._readings = readings
        self.calibrations: list[Calibration] = []

    def calibrate(self, spec: Absorptivity) -> Calibration:
        """One molar absorptivity: least squares through the origin over blank-corrected absorbance."""
        cas = self._cas(spec.material)
        wells, blank = (
            self._values(spec.reading, spec.at, spec.wells),
            self._values(spec.reading, spec.at, spec.blank),
        )
        base = float(np.mean(list(blank.values())))
        kept = [well for well in wells if wells[well] <= LINEAR_TO]
        x = np.array([self._believed(spec.wells.labware, well, cas) for well in kept])
        y = np.array([wells[well] - base for well in kept])
        slope = _slope(x, y)
        trials = np.array([self._sampled(spec.wells.labware, well, cas) for well in kept])
        noisy = self._noisy(slope * trials, base, len(blank))
        spread = float(np.std(x @ noisy / (x @ x)))
        residual = float(np.sum((y - slope * x) ** 2))
        r2 = 1.0 - residual / float(np.sum((y - y.mean()) ** 2))
        points = tuple(Point(well, float(a), float(b)) for well, a, b in zip(kept, x, y, strict=True))
        return Calibration(
            spec.reading, spec.material, spec.at, slope, spread, r2, points, spec.published, spec.r2_at_least
        )

    def unmix(self, spec: Mixture) -> Iterable[MixtureResult]:
        """Concentrations in mixed wells: least squares over the wavelengths, with the fitted absorptivities."""
        fits = {(fit.material, fit.at_nm): fit for fit in self.calibrations}
        wavelengths = sorted({at for _, at in fits})
        matrix = np.array([[fits[name, at].value for name in spec.materials] for at in wavelengths])
        solve = np.linalg.pinv(matrix)
        read = {at: self._values(spec.reading, at, spec.wells) for at in wavelengths}
        base = {at: float(np.mean(list(self._values(spec.reading, at, spec.blank).values()))) for at in wavelengths}
        for well in spec.wells.names:
            y = np.array([read[at][well] - base[at] for at in wavelengths])
            found = solve @ y
            sampled = np.array([self._sampled(spec.wells.labware, well, self._cas(n)) for n in spec.materials])
            noisy = np.array([
                self._noisy((matrix[i] @ sampled)[None, :], base[at], len(spec.blank.names))[0]
                for i, at in enumerate(wavelengths)
            ])  # fmt: skip
            # The absorptivities err too, and by the same bias of the same pipette; their own spread is added.
            spread = np.std(solve @ noisy, axis=1)
            to_molar = self._per_path(spec.wells.labware, well)
            for i, name in enumerate(spec.materials):
                relative = max(fits[name, at].uncertainty / fits[name, at].value for at in wavelengths)
                u = float(np.hypot(spread[i], relative * found[i])) * to_molar
                believed = self._believed(spec.wells.labware, well, self._cas(name)) * to_molar
                yield MixtureResult(spec.reading, well, name, float(found[i]) * to_molar, u, believed)

    def _cas(self, material: str) -> str:
        cas = self._protocol.materials[material].cas
        return cas or material

    def _values(self, step: str, at_nm: float, wells: Wells) -> dict[str, float]:
        quantity = f"absorbance_{at_nm:g}nm"
        for reading in self._readings:
            if reading["step"] == step and reading["quantity"] == quantity:
                return {well: reading["wells"][well] for well in wells.names}
        raise KeyError(f"the run has no reading {quantity} in step {step}")

    def _area_cm2(self, labware: str, well: str) -> float:
        return self._kinds[labware].wells[well].area_mm2 * 1e-2

    def _per_path(self, labware: str, well: str) -> float:
        """1 / path length (1/cm) of a well as believed: path = V / area, 1 uL being 1e-3 cm3."""
        volume_cm3 = sum(self._ledger.items[labware].wells[well].values()) * 1e-3
        return self._area_cm2(labware, well) / volume_cm3

    def _believed(self, labware: str, well: str, cas: str) -> float:
        contents = self._ledger.items[labware].wells[well]
        mol = sum(self._species.get(liquid, {}).get(cas, 0.0) * volume * 1e-6 for liquid, volume in contents.items())
        return 1e3 * mol / self._area_cm2(labware, well)

    def _sampled(self, labware: str, well: str, cas: str) -> Samples:
        amounts: Samples = self._trials.amounts(labware, well).get(cas, np.zeros(TRIALS))
        return 1e3 * amounts / self._area_cm2(labware, well)

    def _noisy(self, absorbance: Samples, base: float, blanks: int) -> Samples:
        """Readings of these absorbances as a reader would scatter them, less a blank that scatters as well."""
        sd = np.vectorize(absorbance_sd)(absorbance + base)
        blank = absorbance_sd(base) / np.sqrt(blanks) * self._rng.normal(size=absorbance.shape[1])
        noisy: Samples = absorbance + sd * self._rng.normal(size=absorbance.shape) - blank
        return noisy


def _slope(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    solution, *_ = np.linalg.lstsq(x[:, None], y, rcond=None)
    return float(solution[0])
