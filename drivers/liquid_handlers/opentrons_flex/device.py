"""The Flex: what it has beyond the OT-2, and what is otherwise there."""

from typing import ClassVar

from drivers.core.errors import CommandRefused
from drivers.liquid_handlers.opentrons_ot2 import robots, wire
from drivers.liquid_handlers.opentrons_ot2.device import OT2
from drivers.liquid_handlers.opentrons_ot2.robots import Robot
from drivers.liquid_handlers.opentrons_ot2.timing import RobotTiming


class Flex(OT2):
    """Opentrons Flex over HTTP (robot server 8.x, port 31950). Volumes in uL, rates in uL/s, heights in mm."""

    verbs = OT2.verbs | {"move_plate"}
    robot: ClassVar[Robot] = robots.FLEX

    async def move_plate(self, source: str, destination: str) -> None:
        """Carry the labware that was told to stand at `source` with the gripper."""
        deck = self._told.deck
        labware = next((name for name, (_, slot) in deck.items() if slot == source), None)
        if labware is None:
            raise CommandRefused(f"nothing was told to stand at {source}.", device=self.name, hint="Load it first.")
        await self._command("moveLabware", wire.gripped(labware, self.robot.location(destination)))
        deck[labware] = (deck[labware][0], destination)


class FlexTiming(RobotTiming):
    """One Flex with what it was told stands on its deck."""

    robot: ClassVar[Robot] = robots.FLEX
