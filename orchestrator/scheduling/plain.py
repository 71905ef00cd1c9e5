"""Problems and schedules from plain data, as JSON has it; orjson writes them as they are."""

from collections.abc import Mapping
from typing import Any

from orchestrator.scheduling.model import Begun, Hold, Job, Lag, Machine, Mode, Placement, Problem, Schedule, Task


def to_problem(data: Mapping[str, Any]) -> Problem:
    """The problem of such data. Raises TypeError or KeyError where the shape is another."""
    return Problem(
        machines=tuple(Machine(**{**row, "closed": _pairs(row["closed"])}) for row in data["machines"]),
        jobs=tuple(Job(**row) for row in data["jobs"]),
        tasks=tuple(Task(row["id"], row["job"], tuple(map(_mode, row["modes"]))) for row in data["tasks"]),
        lags=tuple(Lag(**row) for row in data["lags"]),
        holds=tuple(Hold(**{**row, "machines": tuple(row["machines"])}) for row in data["holds"]),
        begun=tuple(Begun(**{**row, "held": _pairs(row["held"])}) for row in data["begun"]),
        now=data["now"],
    )


def to_schedule(data: Mapping[str, Any]) -> Schedule:
    """The schedule of such data. Raises TypeError or KeyError where the shape is another."""
    placements = tuple(Placement(**row) for row in data["placements"])
    return Schedule(**{**data, "placements": placements, "held": _pairs(data["held"])})


def _mode(row: Mapping[str, Any]) -> Mode:
    return Mode(tuple(row["machines"]), row["duration"], _pairs(row["inside"]))


def _pairs(rows: Any) -> tuple[Any, ...]:
    return tuple(tuple(row) for row in rows)
