"""What a sensor of the room senses of the world: air with the errors of its kind, door and emergency stop as they are.

Temperature and humidity: those of a Sensirion SHT31, typically +-0.2 degC and +-2 %RH, repeatability 0.04 degC and
0.08 %RH (3 sigma). Oxygen: an electrochemical cell, +-0.2 % by volume. All from memory of data sheets.
"""

import random
from collections.abc import Callable
from dataclasses import replace

from sim_lab.world.model import World

#: Of one sensor, for ever: half of the typical accuracy is taken as its standard deviation.
BIAS_SD = {"temperature": 0.1, "humidity": 1.0, "oxygen": 0.1}
#: Of one value: a third of the repeatability.
NOISE_SD = {"temperature": 0.04 / 3, "humidity": 0.08 / 3, "oxygen": 0.01}


class RoomSensor:
    """One sensor; `read` is what it shows now."""

    def __init__(self, rng: random.Random, world: World, fails: Callable[[str], float | None]) -> None:
        self._rng, self._world, self._fails = rng, world, fails
        self._bias = {quantity: rng.gauss(0.0, sd) for quantity, sd in BIAS_SD.items()}

    def read(self) -> dict[str, float]:
        """Quantity -> value: degC, %RH, % by volume, and 1 for an open door or a pressed emergency stop."""
        self._happen()
        air, room = self._world.air, self._world.room
        shown = {
            name: true + self._bias[name] + self._rng.gauss(0.0, NOISE_SD[name])
            for name, true in (
                ("temperature", air.temperature_c), ("humidity", 100 * air.humidity), ("oxygen", 100 * air.oxygen),
            )
        }  # fmt: skip
        shown = {name: round(value if name == "temperature" else min(max(value, 0.0), 100.0), 2)
                 for name, value in shown.items()}  # fmt: skip
        return {**shown, "door": float(room.door_open), "e_stop": float(room.e_stop_pressed)}

    def _happen(self) -> None:
        """What may happen in the room meanwhile."""
        if self._fails("door_opened") is not None:
            self._world.room.door_open = True
        if self._fails("e_stop_pressed") is not None:
            self._world.room.e_stop_pressed = True
        if (share := self._fails("oxygen_low")) is not None:  # as a leak of nitrogen displaces it
            self._world.air = replace(self._world.air, oxygen=self._world.air.oxygen * (1 - share))
