"""How long an STX44 takes: estimates, inside the 60 s that PyLabRobot's driver waits for."""

from collections.abc import Mapping

from drivers.incubators.timing import ChamberTiming

#: `settle` is the time constant of the chamber's air; `connect` holds a break and the rests around it.
SECONDS: Mapping[str, float] = {
    "move_labware": 20.0, "initialise": 12.0, "gate": 3.0, "settle": 1500.0, "looks": 0.2, "connect": 0.4,
}  # fmt: skip
COLD_C, WARM_C = 4.0, 37.0


def begins_c(model: str) -> float:
    """What a new one stands at: a cooler (HC) is cold.

    >>> begins_c("STX44_HC")
    4.0
    """
    return COLD_C if model.endswith("_HC") else WARM_C


class StxTiming(ChamberTiming):
    """One STX44."""

    figures = SECONDS

    @property
    def begins_c(self) -> float:
        """By its model."""
        return begins_c(self.options.model)
