"""A syringe whose line dips into what stands on a site: liquid, and the air that comes where nothing is left."""

from collections.abc import Callable

from sim_lab.world.liquids import Vessel
from sim_lab.world.model import World


class Syringe:
    """Empty at first. It points down: what is given is liquid as long as there is any, then air."""

    def __init__(
        self, world: World, capacity_ul: float, fails: Callable[[str], float | None] = lambda fault: None
    ) -> None:
        self.capacity_ul = capacity_ul
        self.liquid, self.air_ul = Vessel(), 0.0
        self._world, self._fails = world, fails

    @property
    def held_ul(self) -> float:
        """Liquid and air in it, uL."""
        return self.liquid.volume_ul + self.air_ul

    def draw(self, volume_ul: float, site: str | None) -> None:
        """Draw from the first well of what stands on a site; None is a line that ends in the air."""
        vessel = self._below(site)
        bubble = 1.0 if self._fails("line_dry") is not None else self._fails("line_bubble") or 0.0
        taken = vessel.take(volume_ul * (1 - bubble)) if vessel is not None else Vessel()
        self.liquid.add(taken)
        self.air_ul += volume_ul - taken.volume_ul

    def give(self, volume_ul: float, site: str | None) -> None:
        """Give into the first well of what stands on a site; where nothing does, onto the bench."""
        given, vessel = self.liquid.take(volume_ul), self._below(site)
        self.air_ul = max(0.0, self.air_ul - (volume_ul - given.volume_ul))
        if vessel is None:
            self._world.discard(given)
        else:
            vessel.add(given)

    def _below(self, site: str | None) -> Vessel | None:
        there = self._world.on(site) if site is not None else None
        if there is None or not there.vessels:
            return None
        self._world.touch(there.name)
        return self._world.vessel(there, there.kind.first_well)
