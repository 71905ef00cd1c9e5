"""The motor's twin: one motor record on a Channel Access server."""

from collections.abc import Mapping
from typing import Any

from sim_lab.twins.channel_access import ChannelAccessTwin
from sim_lab.twins.motor_record import MotorRecord
from sim_lab.world.model import World

#: Where the stage may stand when the lab begins, mm.
FIRST_PLACE_MM = 5.0


class Twin(ChannelAccessTwin):
    """One stage with its record, which is named as the device."""

    def __init__(self, name: str, options: Any, world: World) -> None:
        super().__init__(name, options, world)
        self.record = MotorRecord(name, round(self.rng.uniform(-FIRST_PLACE_MM, FIRST_PLACE_MM), 3), fails=self.fails)

    async def begin(self) -> Mapping[str, Any]:
        """The record and its fields."""
        await self.record.begin()
        pvs: Mapping[str, Any] = self.record.pvdb
        return pvs
