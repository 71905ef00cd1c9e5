"""The twin of a Flex: the OT-2's robot server on another deck, with a gripper that carries what really stands there."""

from typing import Any, ClassVar

from drivers.liquid_handlers.opentrons_ot2 import robots
from drivers.liquid_handlers.opentrons_ot2.robots import Robot
from drivers.liquid_handlers.opentrons_ot2.timing import GRIPPER_S
from sim_lab.twins import opentrons_ot2
from sim_lab.twins.opentrons_ot2 import Run
from sim_lab.twins.ot2_pipette import RobotError
from sim_lab.world.model import PhysicalError, World

STAGING = "4"


class Twin(opentrons_ot2.Twin):
    """One Flex; `dropped` is what its gripper let go where nothing could hold it."""

    robot: ClassVar[Robot] = robots.FLEX

    def __init__(self, name: str, options: Any, world: World) -> None:
        super().__init__(name, options, world)
        self.dropped: list[str] = []

    async def _go(self, run: Run, params: Any, settle_s: float = 0.0) -> Any:
        """The pipettes do not reach the staging slots."""
        _, slot = self._told(run, params)
        if slot is not None and slot.endswith(STAGING):
            raise RobotError("LocationNotAccessibleByPipetteError", f"no pipette reaches {slot}")
        return await super()._go(run, params, settle_s)

    async def _grip(self, run: Run, labware_id: str, source: str | None, slot: str | None) -> None:
        """Lift it, carry it, put it down; the gripper feels by its width whether it has something."""
        if not self.options.gripper:
            raise RobotError("GripperNotAttachedError", "no gripper is attached")
        if source is None or slot is None:
            raise RobotError("LabwareMovementNotAllowedError", f"{labware_id} cannot be gripped off the deck")
        if any(where == slot for _, where in run.labware.values()):
            raise RobotError("LocationIsOccupiedError", f"something is present at slot {slot}")
        await self._pass(run, GRIPPER_S / 2)
        missing = self.fails("gripper_missed") is not None
        try:
            labware = None if missing else self.world.lift(self.site(source))
        except PhysicalError:
            labware = None
        if labware is None:
            raise RobotError("FailedGripperPickupError", f"nothing was gripped at {source}")
        try:
            await self._pass(run, GRIPPER_S / 2)
            self.world.put(labware, self.site(slot))
        except (PhysicalError, RobotError) as error:
            self.dropped.append(labware.name)
            kind = error.kind if isinstance(error, RobotError) else "StallOrCollisionDetectedError"
            raise RobotError(kind, f"{labware.name} did not come to {slot}") from error
