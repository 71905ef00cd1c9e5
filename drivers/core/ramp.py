"""A motion that speeds up and slows down evenly. Pure."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ramp:
    """A move over `distance` that speeds up and slows down evenly: units per second and per second squared."""

    distance: float
    speed: float
    acceleration: float

    @property
    def duration_s(self) -> float:
        """Time from rest to rest."""
        ramp_distance = self.speed**2 / self.acceleration  # both ramps together
        if self.distance <= ramp_distance:
            return 2 * math.sqrt(self.distance / self.acceleration)
        return self.distance / self.speed + self.speed / self.acceleration

    def share(self, passed_s: float) -> float:
        """The part of the way that is done after `passed_s`, 0 to 1."""
        total = self.duration_s
        if passed_s >= total:
            return 1.0
        if passed_s > total / 2:
            return 1.0 - self.share(total - passed_s)
        ramp_s = min(self.speed / self.acceleration, total / 2)
        if passed_s <= ramp_s:
            return self.acceleration * passed_s**2 / 2 / self.distance
        return (self.acceleration * ramp_s**2 / 2 + self.speed * (passed_s - ramp_s)) / self.distance
