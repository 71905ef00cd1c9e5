"""A plate or a chamber that is heated to a set-point, and that only its surroundings cool."""

import asyncio
import math

from sim_lab.world.heat import Body
from sim_lab.world.model import World


class Heater:
    """Warms the site of what stands there; quick upwards, with `heat_tau_s`, and slow downwards, with `cool_tau_s`."""

    def __init__(self, world: World, site: str, heat_tau_s: float, cool_tau_s: float) -> None:
        air_c = world.air.temperature_c
        self.body = Body(air_c, air_c, cool_tau_s)
        self._world, self._site = world, site
        self._heat_tau_s, self._cool_tau_s = heat_tau_s, cool_tau_s
        self._target_c: float | None = None
        self._turn: asyncio.TimerHandle | None = None
        world.heat(site, self.body)

    def temperature_c(self) -> float:
        """The temperature of now."""
        return self.body.at(self._world.now())

    def aim(self, target_c: float | None) -> None:
        """Heat up to a set-point, or cool down to it; None is off."""
        self._target_c = target_c
        self._go()

    def _go(self) -> None:
        now, air_c, target_c = self._world.now(), self._world.air.temperature_c, self._target_c
        at_c = self.body.at(now)
        if self._turn is not None:
            self._turn.cancel()
        if target_c is not None and target_c > air_c and target_c >= at_c - 1e-9:
            self.body.tau_s = self._heat_tau_s
            self.body.aim(target_c, now)
        else:
            self.body.tau_s = self._cool_tau_s
            self.body.aim(air_c, now)
            if target_c is not None and target_c > air_c:
                there_s = self._cool_tau_s * math.log((at_c - air_c) / (target_c - air_c))
                self._turn = asyncio.get_running_loop().call_later(there_s, self._go)
        self._world.heat(self._site, self.body)
