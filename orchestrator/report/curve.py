"""The measured lines: absorbance over concentration times path, with the fit and what it leaves over."""

from dataclasses import dataclass

from orchestrator.analysis.fits import Evaluation
from orchestrator.analysis.results import Calibration
from orchestrator.report.figures import PALETTE, Scale

WIDTH, HEIGHT, RESIDUALS = 460, 250, 70
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 10, 34


@dataclass(frozen=True, slots=True)
class Series:
    """One wavelength of a drawing."""

    label: str
    colour: str
    line: tuple[float, float, float, float]
    dots: tuple[tuple[float, float, str], ...]
    left_over: tuple[tuple[float, float, str], ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """One material's drawing."""

    material: str
    series: tuple[Series, ...]
    x_ticks: tuple[tuple[float, str, float], ...]
    y_ticks: tuple[tuple[float, str, float], ...]
    r_ticks: tuple[tuple[float, str, float], ...]
    zero_y: float
    width: int = WIDTH
    height: int = HEIGHT
    residuals: int = RESIDUALS
    left: int = LEFT
    right: int = RIGHT
    top: int = TOP
    bottom: int = BOTTOM


def curves(evaluation: Evaluation) -> list[Curve]:
    """A drawing for each calibrated material, all its wavelengths in it."""
    materials = dict.fromkeys(fit.material for fit in evaluation.calibrations)
    return [_curve(name, [fit for fit in evaluation.calibrations if fit.material == name]) for name in materials]


def _curve(material: str, fits: list[Calibration]) -> Curve:
    points = [point for fit in fits for point in fit.points]
    # x in umol/L cm, for numbers one can read
    x = Scale(0.0, 1.05e6 * max(p.path_concentration for p in points), LEFT, WIDTH - RIGHT)
    y = Scale(min(0.0, *(p.absorbance for p in points)), 1.05 * max(p.absorbance for p in points), HEIGHT - BOTTOM, TOP)
    gaps = [p.absorbance - fit.value * p.path_concentration for fit in fits for p in fit.points]
    widest = max(map(abs, gaps)) * 1.1 or 1.0
    r = Scale(-widest, widest, HEIGHT + RESIDUALS - 6, HEIGHT + 6)
    series = []
    for fit, colour in zip(fits, PALETTE, strict=False):
        dots = tuple(
            (x(p.path_concentration * 1e6), y(p.absorbance), f"{p.well}: A = {p.absorbance:.3f}") for p in fit.points
        )
        over = tuple(
            (x(p.path_concentration * 1e6), r(gap), f"{p.well}: {gap:+.4f}")
            for p in fit.points
            for gap in [p.absorbance - fit.value * p.path_concentration]
        )
        line = (x(0), y(0), x(x.high), y(fit.value * x.high * 1e-6))
        series.append(Series(f"{fit.at_nm:g} nm", colour, line, dots, over))
    return Curve(material, tuple(series), tuple(x.ticks()), tuple(y.ticks()), tuple(r.ticks(2)), r(0))
