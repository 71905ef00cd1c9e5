"""How long a BioShake takes: its own motions, and the pauses that PyLabRobot's driver makes after each command.

The times of lock, homing and restart are our estimates, inside what PyLabRobot's driver waits for.
"""

import math
from collections.abc import Mapping
from typing import Any

from drivers.core.timing import Timing

LOCK_S, HOMING_S, BOOT_S = 1.0, 1.5, 5.0
SHORTEST_RAMP_S = 0.3
# PyLabRobot 0.2.2, bioshake_backend: the pause after a command, the number of commands of each verb, and the rest
# that it gives the motor after a stop.
PAUSE_S, LOCK_PAUSE_S, SPEED_PAUSE_S, STOPPED_PAUSE_S = 0.2, 0.3, 0.5, 3.0
START_COMMANDS, STOP_COMMANDS, HEAT_COMMANDS = 6, 4, 4
#: How often our driver looks whether the table is at home.
POLL_S = 0.2


class ShakerTiming(Timing):
    """One shaker; its block's temperature is set, and not waited for."""

    @property
    def connect_s(self) -> float:
        """The lock opens, or is found open."""
        return LOCK_PAUSE_S

    def seconds(self, verb: str, args: Mapping[str, Any]) -> float:
        """Shaking counts from the command to shake on to the one to stop; then the table comes home."""
        match verb:
            case "shake":
                home_s = max(float(self.options.ramp_s), SHORTEST_RAMP_S) + HOMING_S
                looks = math.ceil(max(0.0, home_s - STOPPED_PAUSE_S - PAUSE_S) / POLL_S)
                start_s = (START_COMMANDS - 1) * PAUSE_S + SPEED_PAUSE_S
                stop_s = STOP_COMMANDS * PAUSE_S + STOPPED_PAUSE_S
                return 2 * LOCK_S + start_s + float(args["duration_s"]) + stop_s + looks * POLL_S
            case "set_temperature":
                return HEAT_COMMANDS * PAUSE_S
            case "deactivate":
                return PAUSE_S + LOCK_PAUSE_S
        raise KeyError(verb)
