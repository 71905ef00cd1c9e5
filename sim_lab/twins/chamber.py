"""The climate of an incubator with a shuttle: its air follows a target, what stands in its slots follows its air."""

import asyncio
from collections.abc import Sequence

from sim_lab.twin import StreamTwin
from sim_lab.world.heat import Body


class ChamberTwin(StreamTwin):
    """A twin with a gate and a chamber. Its maker sets these first."""

    chamber: Body
    set_c: float  # what it was told, and tells
    gate_open: bool
    gate_s: float
    slots: Sequence[str]

    async def _gate(self, *, is_open: bool) -> None:
        await asyncio.sleep(self.gate_s)
        self.gate_open = is_open
        self._aim(self.set_c)

    def _disturb(self) -> None:
        """What may happen to the climate while the gate is open for a plate."""
        too_much_c = self.fails("chamber_runaway")
        if too_much_c is not None:
            self._aim(self.set_c + too_much_c)
        if self.fails("door_left_open") is not None:
            self.gate_open = True
            self._aim(self.world.air.temperature_c)

    def _aim(self, target_c: float) -> None:
        self.chamber.aim(target_c, self.world.now())
        self._warm()

    def _warm(self) -> None:
        for slot in self.slots:
            self.world.heat(self.site(slot), self.chamber)
