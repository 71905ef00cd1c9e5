"""How long a person takes for a task: our estimates of a trained technician."""

from collections.abc import Mapping
from typing import Any

from drivers.core.timing import Timing

SECONDS = {
    "place": 20.0,
    "remove": 15.0,
    "fill": 20.0,
    "attach_pipette": 120.0,
    "seal": 15.0,
    "peel": 10.0,
    "confirm": 30.0,
}
SECONDS_A_WELL = 2.0


def task_s(verb: str, args: Mapping[str, Any]) -> float:
    """One task, s.

    >>> task_s("fill", {"volumes_ul": {"A1": 100.0, "A2": 100.0}})
    24.0
    """
    return SECONDS[verb] + SECONDS_A_WELL * len(args.get("volumes_ul", ()))


class Hands(Timing):
    """A person, who does one thing after the other."""

    def seconds(self, verb: str, args: Mapping[str, Any]) -> float:
        """One task."""
        return task_s(verb, args)
