"""What came of a run, in lines for a terminal."""

from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.result import Result
from protocols.program import Program

MAX_LINES, MAX_WELLS = 12, 8  # of readings, and of wells in each: the report and `--json` have all


def what_came(program: Program, result: Result) -> Iterator[str]:
    """Lines of what a run read, what it passed over, and what it told a person; not more than a screen has."""
    done = {span.action for span in result.spans}
    steps = {action.step for action in program.actions if action.id in done}
    passed = dict.fromkeys(action.step for action in program.actions if action.step not in steps)
    lines = [f"{reading['step']}: {_reading(reading)}" for reading in result.readings]
    yield from (f"  {line}" for line in lines[:MAX_LINES])
    if len(lines) > MAX_LINES:
        yield f"  and {len(lines) - MAX_LINES} more readings"
    for action in program.actions:
        if action.verb == "confirm" and action.id in done:
            yield f"  {action.step}: a person is told: {action.args['message']}"
    if passed:
        yield f"  passed over, for the condition was not met: {', '.join(passed)}"


def _reading(reading: Mapping[str, Any]) -> str:
    unit = "" if reading["unit"] == "1" else f" {reading['unit']}"
    if "wells" not in reading:
        return f"{reading['quantity']} {reading['value']:.6g}{unit}"
    wells = [f"{well} {value:.4g}" for well, value in reading["wells"].items()]
    more = f", ... ({len(wells)} wells)" if len(wells) > MAX_WELLS else ""
    return f"{reading['quantity']}{unit}: {', '.join(wells[:MAX_WELLS])}{more}"
