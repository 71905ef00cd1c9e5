"""The iSWAP: one plate from site to site of the deck."""

from drivers.core.errors import CommandFailed
from drivers.core.labware import LabwareKind
from drivers.liquid_handlers.hamilton_star.backend import Backend
from drivers.liquid_handlers.hamilton_star.deck import ISWAP_TRAVERSE_MM, Deck
from drivers.liquid_handlers.hamilton_star.reach import tenths

FRONT = 1  # the gripper comes from the front, its fingers left and right of the plate
BELOW_TOP_MM = 5.0  # where the fingers grip, under the plate's rim: ours
OPEN_MM, SQUEEZE_MM, TOLERANCE_MM, STRENGTH = 3.0, 3.3, 2.0, 4  # as PyLabRobot 0.2.2 grips


class Gripper:
    """What it holds, and where that came from as far as this process knows."""

    def __init__(self, backend: Backend, deck: Deck) -> None:
        self._backend, self._deck = backend, deck
        self.holds = False
        self._from: tuple[LabwareKind, str] | None = None

    async def carry(self, kind: LabwareKind, source: str, destination: str) -> None:
        """Get a plate, put it, fold up. What it was found without it leaves as it is, and says so."""
        width_mm = float(kind.definition["dimensions"]["xDimension"])
        up = tenths(ISWAP_TRAVERSE_MM)
        self._from = kind, source  # before it is told: should its answer be lost, what it holds came from there
        await self._backend.iswap_get_plate(
            **self._over(kind, source), grip_direction=FRONT, grip_strength=STRENGTH,
            minimum_traverse_height_at_beginning_of_a_command=up, z_position_at_the_command_end=up,
            open_gripper_position=tenths(width_mm + OPEN_MM), plate_width=tenths(width_mm - SQUEEZE_MM),
            plate_width_tolerance=tenths(TOLERANCE_MM), collision_control_level=0,
        )  # fmt: skip
        self.holds = True
        await self._put(kind, destination)

    async def bring_back(self) -> None:
        """What it holds back where it was taken from; raises `CommandFailed` where nobody knows."""
        if self._from is None:
            raise CommandFailed(
                "its gripper holds a plate, and nobody knows where that came from.", hint="Take it out by hand."
            )
        await self._put(*self._from)

    async def _put(self, kind: LabwareKind, site: str) -> None:
        up, width_mm = tenths(ISWAP_TRAVERSE_MM), float(kind.definition["dimensions"]["xDimension"])
        await self._backend.iswap_put_plate(
            **self._over(kind, site), grip_direction=FRONT, open_gripper_position=tenths(width_mm + OPEN_MM),
            minimum_traverse_height_at_beginning_of_a_command=up, z_position_at_the_command_end=up,
            collision_control_level=0,
        )  # fmt: skip
        self.holds, self._from = False, None
        await self._backend.park_iswap()

    def _over(self, kind: LabwareKind, site: str) -> dict[str, int]:
        x, y = self._deck.middle(site)
        z = self._deck.corner(site)[2] + kind.height_mm - BELOW_TOP_MM
        return {"x_position": tenths(x), "y_position": tenths(y), "z_position": tenths(z)}
