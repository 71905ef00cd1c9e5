"""The measured curves: what was read over what the wells hold (or over time), with the fit and what it leaves over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.analysis.fits import Evaluation
from orchestrator.analysis.results import Calibration, CurveFit, CurvePoint
from orchestrator.report.figures import PALETTE, Scale

WIDTH, HEIGHT, RESIDUALS = 460, 250, 70
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 10, 34


@dataclass(frozen=True, slots=True)
class Series:
    """One wavelength of a drawing."""

    label: str
    colour: str
    line: str  # places for an SVG polyline
    dots: tuple[tuple[float, float, str], ...]
    left_over: tuple[tuple[float, float, str], ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """One drawing."""

    title: str
    x_label: str
    y_label: str
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
    """A drawing for each calibrated material, all its wavelengths in it, and one for every other fit."""
    materials = dict.fromkeys(fit.material for fit in evaluation.calibrations)
    straight = [_lines(name, [fit for fit in evaluation.calibrations if fit.material == name]) for name in materials]
    return straight + [_bent(fit) for fit in evaluation.curves]


def lines(title: str, x_label: str, y_label: str, sets: Mapping[str, Sequence[tuple[float, float]]]) -> Curve:
    """Plain lines, at most as many as there are colours, each by its (x, y) in the order of x."""
    x = _scale([x for each in sets.values() for x, _ in each], LEFT, WIDTH - RIGHT)
    y = _scale([y for each in sets.values() for _, y in each], HEIGHT - BOTTOM, TOP)
    series = []
    for (label, each), colour in zip(sets.items(), PALETTE, strict=False):
        dots = tuple((x(a), y(b), f"{label}: {b:.4g}") for a, b in each)
        series.append(Series(label, colour, " ".join(f"{x(a)},{y(b)}" for a, b in sorted(each)), dots, ()))
    return Curve(title, x_label, y_label, tuple(series), tuple(x.ticks()), tuple(y.ticks()), (), 0.0, residuals=0)


def _scale(values: Sequence[float], start: float, end: float) -> Scale:
    """From the least to the most, with a little room; what never changes stands in the middle."""
    low, high = min(values), max(values)
    room = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    return Scale(low - room, high + room, start, end)


def _lines(material: str, fits: list[Calibration]) -> Curve:
    """Straight lines through the origin; x in umol/L cm, for numbers one can read."""
    sets = [
        (f"{fit.at_nm:g} nm", [
            CurvePoint(p.well, p.path_concentration * 1e6, p.absorbance, fit.value * p.path_concentration)
            for p in fit.points
        ])
        for fit in fits
    ]  # fmt: skip
    return _drawn(material, "concentration x path, umol/L cm", "A - blank", sets, from_zero=True)


def _bent(fit: CurveFit) -> Curve:
    title = f"{fit.fit.replace('_', ' ')} of {', '.join(fit.materials)}"
    return _drawn(title, fit.x_label, fit.y_label, [(f"{fit.at_nm:g} nm", list(fit.points))])


def _drawn(
    title: str, x_label: str, y_label: str, sets: list[tuple[str, list[CurvePoint]]], from_zero: bool = False
) -> Curve:
    points = [point for _, each in sets for point in each]
    x = Scale(0.0, 1.05 * max(p.x for p in points), LEFT, WIDTH - RIGHT)
    y = Scale(min(0.0, *(p.y for p in points)), 1.05 * max(p.y for p in points), HEIGHT - BOTTOM, TOP)
    widest = max(abs(p.y - p.fitted) for p in points) * 1.1 or 1.0
    r = Scale(-widest, widest, HEIGHT + RESIDUALS - 6, HEIGHT + 6)
    series = []
    for (label, each), colour in zip(sets, PALETTE, strict=False):
        dots = tuple((x(p.x), y(p.y), f"{p.label}: {p.y:.4g}") for p in each)
        over = tuple((x(p.x), r(p.y - p.fitted), f"{p.label}: {p.y - p.fitted:+.2g}") for p in each)
        way = sorted({(p.x, p.fitted) for p in each} | ({(0.0, 0.0)} if from_zero else set()))
        line = " ".join(f"{x(a)},{y(b)}" for a, b in way)
        series.append(Series(label, colour, line, dots, over))
    ticks = tuple(x.ticks()), tuple(y.ticks()), tuple(r.ticks(2))
    return Curve(title, x_label, y_label, tuple(series), *ticks, r(0))
