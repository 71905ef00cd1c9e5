"""How long the goniometer takes: its records' speed and ramp at first (of the usual order; ours)."""

from collections.abc import Mapping
from typing import Any

from drivers.beamline.epics_diffractometer.wire import angles
from drivers.core.ramp import Ramp
from drivers.core.timing import Timing

SPEED_DEG_S, RAMP_S = 10.0, 0.1
#: What telling and asking the records takes for each drive and each count: as seen on one machine.
TALK_S = 0.03


class DiffractometerTiming(Timing):
    """One goniometer, which is taken to stand at zero when the run begins."""

    def __init__(self, name: str, options: Any) -> None:
        super().__init__(name, options)
        self._at_deg = 0.0

    def seconds(self, verb: str, args: Mapping[str, Any]) -> float:
        """From rest to rest, and what is counted."""
        match verb:
            case "drive":
                return self._way(args["two_theta_deg"])
            case "measure":
                return float(args.get("exposure_s") or self.options.exposure_s) + TALK_S
            case "pattern":
                places = angles(args["first_deg"], args["last_deg"], args["step_deg"])
                return sum(self._way(place) + float(args["exposure_s"]) + TALK_S for place in places)
        raise KeyError(verb)

    def _way(self, to_deg: float) -> float:
        way, self._at_deg = abs(to_deg - self._at_deg), to_deg
        return Ramp(way, SPEED_DEG_S, SPEED_DEG_S / RAMP_S).duration_s + TALK_S
