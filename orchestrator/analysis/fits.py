"""What a protocol expects of its readings: one fit after the other, each with an uncertainty that can be explained.

The uncertainty is the standard deviation of the same fit over trials in which pipettes and reader err as their makers
allow (see `propagation`), so it holds what repeats would scatter and the bias as well.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.analysis.beer_lambert import calibrate, unmix
from orchestrator.analysis.bench import Bench, NoReading
from orchestrator.analysis.curves import FITTED
from orchestrator.analysis.lattice import edge
from orchestrator.analysis.least_squares import NoFit
from orchestrator.analysis.results import Calibration, CurveFit, Found
from orchestrator.analysis.unknowns import determine
from protocols.model import Protocol
from protocols.program import Program


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All that a protocol expected, evaluated; `failed` says of which fits nothing came, and why."""

    calibrations: tuple[Calibration, ...] = ()
    mixtures: tuple[Found, ...] = ()
    curves: tuple[CurveFit, ...] = ()
    failed: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every expectation holds: all fits, and 95 % of concentrations as U = 2 u means."""
        agreeing = sum(result.ok for result in self.mixtures)
        fits = [fit.ok for fit in self.calibrations] + [fit.ok for fit in self.curves]
        return not self.failed and all(fits) and agreeing >= 0.75 * len(self.mixtures)


def evaluate(protocol: Protocol, program: Program, readings: Iterable[Mapping[str, Any]]) -> Evaluation:
    """Evaluate a protocol's `expect` on the readings of a run."""
    if not protocol.expect:
        return Evaluation()
    bench = Bench(protocol, program, list(readings))
    calibrations: list[Calibration] = []
    found: list[Found] = []
    curves: list[CurveFit] = []
    failed: list[str] = []
    for spec in sorted(protocol.expect, key=lambda each: each.fit != "beer_lambert"):  # others build on these
        try:
            match spec.fit:
                case "beer_lambert":
                    calibrations.append(calibrate(bench, spec))
                case "mixture":
                    found += unmix(bench, spec, calibrations)
                case "calibration":
                    curve, samples = determine(bench, spec)
                    curves.append(curve)
                    found += samples
                case "cubic_cell":
                    curves.append(edge(bench, spec))
                case _:
                    curves.append(FITTED[spec.fit](bench, spec, calibrations))
        except (NoFit, NoReading) as error:
            failed.append(f"{spec.fit} of {spec.reading}: {error}")
    return Evaluation(tuple(calibrations), tuple(found), tuple(curves), tuple(failed))
