"""What a fit needs to know of a run: its readings, what the lab believes is in the wells, and how both may err."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from drivers.core.accuracy import absorbance_sd
from orchestrator.analysis.least_squares import Array
from orchestrator.analysis.propagation import TRIALS, Propagation, Samples
from protocols.ledger import Ledger, fold, kind_of
from protocols.model import Protocol
from protocols.program import Program
from protocols.setup import solute_of
from protocols.wells import Wells

_DIFFRACTION = ("two_theta", "intensity", "wavelength")


class NoReading(ValueError):
    """A run has no such reading; the text says which."""


class Bench:
    """The readings, the belief and the error trials of one run, for all of its fits.

    Amounts are given as concentration times path (mol/L cm): 1000 n/area, in which the volume cancels.
    """

    def __init__(self, protocol: Protocol, program: Program, readings: Sequence[Mapping[str, Any]]) -> None:
        self._protocol = protocol
        self._ledger: Ledger = fold(program)[0]
        self._kinds = {name: kind_of(source) for name, source in program.labware.items()}
        self._species = program.species
        self._trials = Propagation(program)
        self._rng = np.random.default_rng(1)
        self._readings = readings

    # Readings

    def values(self, step: str, at_nm: float, wells: Wells) -> dict[str, float]:
        """Absorbance of wells in a step; raises `NoReading`."""
        found = self._of(step, at_nm)
        if not found:
            raise NoReading(f"the run has no absorbance at {at_nm:g} nm of step {step}")
        return self._picked(found[0], wells)

    def course(self, step: str, at_nm: float, wells: Wells) -> tuple[Array, Array]:
        """Times (s since the run began) and absorbances (times x wells) of a step that was repeated."""
        found = self._of(step, at_nm)
        if len(found) < 2:
            raise NoReading(f"step {step} was not read at {at_nm:g} nm again and again: put it into a `repeat`")
        values = [list(self._picked(reading, wells).values()) for reading in found]
        return np.array([reading["at_s"] for reading in found]), np.array(values)

    def _of(self, step: str, at_nm: float) -> list[Mapping[str, Any]]:
        """Readings of a step, and of its n-th time in a loop, in their order."""
        name = re.compile(rf"{re.escape(step)}(\.\d+)*")
        quantity = f"absorbance_{at_nm:g}nm"
        return [r for r in self._readings if r["quantity"] == quantity and name.fullmatch(r["step"])]

    def scans(self, step: str) -> list[tuple[Array, Array, float]]:
        """Angles (deg), intensities (counts/s) and the wavelength (nm) of each time that a step has scanned."""
        name = re.compile(rf"{re.escape(step)}(\.\d+)*")
        found: dict[str, dict[str, list[float]]] = {}
        for reading in self._readings:
            if name.fullmatch(reading["step"]) and reading["quantity"] in _DIFFRACTION:
                found.setdefault(reading["step"], {}).setdefault(reading["quantity"], []).append(reading["value"])
        whole = [told for told in found.values() if told.keys() == set(_DIFFRACTION)]
        return [(np.array(told["two_theta"]), np.array(told["intensity"]), told["wavelength"][0]) for told in whole]

    @staticmethod
    def _picked(reading: Mapping[str, Any], wells: Wells) -> dict[str, float]:
        missing = [well for well in wells.names if well not in reading["wells"]]
        if missing:
            raise NoReading(f"step {reading['step']} did not read {', '.join(missing)} of {wells.labware}")
        return {well: reading["wells"][well] for well in wells.names}

    # What is in the wells, as believed and as 1,000 trials of the program have it

    def believed(self, wells: Wells, material: str) -> Array:
        """Concentration times path of a material's solute."""
        solute = self.solute(material)
        return np.array([self._mol(wells.labware, well, solute) for well in wells.names]) * self._scale(wells)

    def sampled(self, wells: Wells, material: str) -> Samples:
        """The same in every trial (wells x trials)."""
        solute = self.solute(material)
        trials = [
            self._trials.amounts(wells.labware, well).get(solute, np.zeros(TRIALS)) for well in wells.names
        ]  # fmt: skip
        return np.array(trials) * self._scale(wells)[:, None]

    def path_cm(self, wells: Wells) -> Array:
        """Path through each well as believed: volume over area, 1 uL being 1e-3 cm3."""
        volumes = [sum(self._ledger.items[wells.labware].wells[well].values()) for well in wells.names]
        return np.array(volumes) * 1e-3 / self._areas_cm2(wells)

    def sampled_path_cm(self, wells: Wells) -> Samples:
        """The same in every trial (wells x trials)."""
        volumes = np.array([self._trials.volume_ul(wells.labware, well) for well in wells.names])
        return volumes * 1e-3 / self._areas_cm2(wells)[:, None]

    def solute(self, material: str) -> str:
        """What a material's solute is called where amounts are kept."""
        return solute_of(self._protocol.materials[material]) or material

    def stock(self, material: str) -> float:
        """The concentration that the author gave, mol/L."""
        return self._protocol.materials[material].concentration or 0.0

    def _mol(self, labware: str, well: str, solute: str) -> float:
        contents = self._ledger.items[labware].wells[well]
        return sum(self._species.get(liquid, {}).get(solute, 0.0) * ul * 1e-6 for liquid, ul in contents.items())

    def _areas_cm2(self, wells: Wells) -> Array:
        return np.array([self._kinds[wells.labware].wells[well].area_mm2 * 1e-2 for well in wells.names])

    def _scale(self, wells: Wells) -> Array:
        return 1e3 / self._areas_cm2(wells)

    # How readings err

    def noisy(self, absorbance: Samples, base: float, blanks: int) -> Samples:
        """Readings of these absorbances as a reader would scatter them, less a blank that scatters as well."""
        sd = sds(absorbance + base)
        blank = absorbance_sd(base) / np.sqrt(blanks) * self._rng.normal(size=absorbance.shape[1])
        noisy: Samples = absorbance + sd * self._rng.normal(size=absorbance.shape) - blank
        return noisy

    def noise(self, sd: Array) -> Samples:
        """Normal scatter of these standard deviations (in every trial)."""
        scatter: Samples = sd[..., None] * self._rng.normal(size=(*sd.shape, TRIALS))
        return scatter


def sds(absorbance: Any) -> Array:
    """Standard deviation of each reading."""
    return np.vectorize(absorbance_sd)(absorbance)  # type: ignore[no-any-return]


def r_squared(y: Array, residuals: Array) -> float:
    """The share of the scatter that a fit explains."""
    return 1.0 - float(residuals @ residuals) / float(np.sum((y - y.mean()) ** 2))


def mean(values: Iterable[float]) -> float:
    """The mean as a plain number."""
    return float(np.mean(list(values)))
