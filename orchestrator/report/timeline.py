"""What each device did when: a lane a device, a bar a step, and beneath it what was predicted."""

from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.report.figures import PALETTE, Scale
from orchestrator.result import Result, Span
from orchestrator.text import duration

WIDTH, LANE, LABEL = 1080, 34, 110
#: Bars of one step on one lane that are closer than this are drawn as one.
GAP_S = 20.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One step on one device."""

    x: float
    width: float
    y: float
    height: float
    colour: str
    title: str
    predicted: bool


@dataclass(frozen=True, slots=True)
class Timeline:
    """The drawing."""

    lanes: tuple[tuple[str, float], ...]
    bars: tuple[Bar, ...]
    ticks: tuple[tuple[float, str, float], ...]
    height: float
    width: int = WIDTH
    label: int = LABEL


def timeline(result: Result, predicted: Result | None) -> Timeline | None:
    """The drawing of a run; None when nothing ran."""
    if not result.spans:
        return None
    devices = list(dict.fromkeys(span.device for span in result.spans))
    steps = list(dict.fromkeys(span.step for span in result.spans))
    end = max(result.duration_s, predicted.duration_s if predicted else 0.0)
    x = Scale(0.0, end / 60, LABEL, WIDTH - 10)
    bars: list[Bar] = []
    for told, height, offset in ((result, 16, 4), (predicted, 5, 23)):
        if told is None:
            continue
        for step, device, start, stop in _merged(told.spans):
            if device not in devices:
                continue
            at, width = x(start / 60), max(1.0, round(x(stop / 60) - x(start / 60), 2))
            colour = PALETTE[steps.index(step) % len(PALETTE)] if step in steps else PALETTE[0]
            what = "predicted " if told is predicted else ""
            title = f"{step} on {device}: {what}{duration(start)} to {duration(stop)}"
            bars.append(Bar(at, width, devices.index(device) * LANE + offset, height, colour, title, told is predicted))
    lanes = tuple((device, i * LANE + 16.0) for i, device in enumerate(devices))
    return Timeline(lanes, tuple(bars), tuple(x.ticks(10)), len(devices) * LANE + 30)


def _merged(spans: Iterable[Span]) -> list[tuple[str, str, float, float]]:
    """Spans of one step on one device, joined where they nearly touch: (step, device, start, end)."""
    merged: list[tuple[str, str, float, float]] = []
    open_bars: dict[tuple[str, str], int] = {}
    for span in sorted(spans, key=lambda span: span.start_s):
        key = (span.step, span.device)
        if key in open_bars and span.start_s - merged[open_bars[key]][3] < GAP_S:
            step, device, start, stop = merged[open_bars[key]]
            merged[open_bars[key]] = (step, device, start, max(stop, span.end_s))
        else:
            open_bars[key] = len(merged)
            merged.append((span.step, span.device, span.start_s, span.end_s))
    return merged
