"""How long a Cytomat takes: estimates, inside what PyLabRobot's driver waits for (60 to 300 s)."""

from collections.abc import Mapping

from drivers.incubators.timing import ChamberTiming

#: `settle` is the time constant of the chamber's air; `looks` what PyLabRobot's looking once a second adds to a move.
SECONDS: Mapping[str, float] = {
    "move_labware": 24.0, "initialise": 20.0, "gate": 3.0, "settle": 1200.0, "looks": 0.5, "connect": 20.6,
}  # fmt: skip


class CytomatTiming(ChamberTiming):
    """One Cytomat."""

    figures = SECONDS
