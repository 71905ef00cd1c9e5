"""What was predicted beside what came: steps and readings."""

from dataclasses import dataclass
from statistics import fmean

from orchestrator.result import Result


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step: when it ran, with how many actions on which devices, and how late it ended."""

    step: str
    actions: int
    devices: str
    start_s: float
    end_s: float
    late_s: float | None


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """One reading: its value or range, and how far it is from the prediction."""

    step: str
    quantity: str
    unit: str
    value: str
    predicted: str
    mean_difference: float | None
    largest_difference: float | None


def steps(result: Result, predicted: Result | None) -> list[StepRow]:
    """One row a step, in the order in which they began."""
    ends: dict[str, float] = {}
    for span in predicted.spans if predicted else ():
        ends[span.step] = max(ends.get(span.step, 0.0), span.end_s)
    rows = []
    for step in dict.fromkeys(span.step for span in sorted(result.spans, key=lambda span: span.start_s)):
        own = [span for span in result.spans if span.step == step]
        end = max(span.end_s for span in own)
        devices = ", ".join(dict.fromkeys(span.device for span in own))
        late = end - ends[step] if step in ends else None
        rows.append(StepRow(step, len(own), devices, min(span.start_s for span in own), end, late))
    return rows


def readings(result: Result, predicted: Result | None) -> list[ReadingRow]:
    """One row a reading, matched with its prediction by step and quantity."""
    expected = {(r["step"], r["quantity"]): r for r in (predicted.readings if predicted else ())}
    rows = []
    for reading in result.readings:
        before = expected.get((reading["step"], reading["quantity"]))
        gaps: list[float] = []
        if before is not None and "wells" in reading:
            gaps = [
                value - before["wells"][well] for well, value in reading["wells"].items() if well in before["wells"]
            ]
        elif before is not None:
            gaps = [reading["value"] - before["value"]]
        rows.append(
            ReadingRow(
                reading["step"], reading["quantity"], reading["unit"], _told(reading), _told(before) if before else "",
                fmean(gaps) if gaps else None, max(map(abs, gaps)) if gaps else None,
            )
        )  # fmt: skip
    return rows


def _told(reading: dict[str, object]) -> str:
    wells = reading.get("wells")
    if isinstance(wells, dict):
        return f"{min(wells.values()):.3f} to {max(wells.values()):.3f} in {len(wells)} wells"
    return f"{reading['value']:.3f}"
