"""What came of a protocol's expectations, in lines for people."""

import math
from collections.abc import Iterator

from orchestrator.analysis.fits import Evaluation
from orchestrator.analysis.results import Calibration, CurveFit, Parameter


def told(evaluation: Evaluation) -> Iterator[str]:
    """One line for each fit, and one for all concentrations that were determined; U = 2 u."""
    for fit in evaluation.calibrations:
        yield f"  {fit.material} at {fit.at_nm:g} nm: {_absorptivity(fit)}"
    for curve in evaluation.curves:
        if curve.fit != "calibration":
            yield f"  {_title(curve)}: {'; '.join(map(parameter, curve.parameters))}"
    agreeing = sum(found.ok for found in evaluation.mixtures)
    if evaluation.mixtures:
        yield f"  concentrations: {agreeing} of {len(evaluation.mixtures)} agree within 2 u"
    for failed in evaluation.failed:
        yield f"  NO FIT: {failed}"


def _absorptivity(fit: Calibration) -> str:
    digits = 0 if fit.value > 100 else 2
    line = f"{fit.value:,.{digits}f} ± {2 * fit.uncertainty:,.{digits}f} L/mol/cm"
    return line + _compared(fit.published, fit.deviation, fit.ok)


def parameter(fitted: Parameter) -> str:
    """A fitted value with its U, and how it compares.

    >>> parameter(Parameter("Km", "mol/L", 5.12e-4, 2e-5, 5e-4))
    'Km 0.000512 ± 4e-05 mol/L; published 0.0005: agrees (+0.6 u)'
    """
    known = math.log10(abs(fitted.value) / fitted.uncertainty) if fitted.value and fitted.uncertainty else 0
    line = f"{fitted.name} {fitted.value:.{max(4, int(known) + 2)}g} ± {2 * fitted.uncertainty:.2g} {fitted.unit}"
    return line + _compared(fitted.published, fitted.deviation, fitted.ok)


def _compared(published: float | None, deviation: float | None, ok: bool) -> str:
    if published is None:
        return ""
    return f"; published {published:,.6g}: {'agrees' if ok else 'DOES NOT AGREE'} ({deviation:+.1f} u)"


def _title(curve: CurveFit) -> str:
    return f"{curve.fit.replace('_', ' ')} of {', '.join(curve.materials)} at {curve.at_nm:g} nm"
