"""What the parts of a STAR share: its arm, deck and table of tips, and one command at a time that can be halted."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from drivers.liquid_handlers.hamilton_star.timing import XArm
from drivers.liquid_handlers.hamilton_star.wire import MASTER, Refused, Trouble
from sim_lab.twins.star_rules import OUT_OF_RANGE, Syntax
from sim_lab.twins.star_tips import STOPPED, Floor

COVER_OPEN = Trouble(MASTER, 16, 0)
NOT_REACHABLE = Trouble(MASTER, 27, 0)
X_BLOCKED = Trouble("X0", 2, 52)


async def lapse(seconds: float) -> None:
    """Everything that takes time in this twin takes it here."""
    await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True)
class TipEntry:
    """One line of the firmware's table of tips (command TT)."""

    reach_mm: float
    capacity_ul: float


@dataclass(slots=True)
class Body:
    """The instrument around channels, head and gripper. `fails` asks for faults of the plan."""

    floor: Floor
    rng: random.Random
    fails: Callable[[str], float | None]
    arm: XArm = field(default_factory=XArm)
    tips: dict[int, TipEntry] = field(default_factory=dict)
    halts: int = 0
    cover_locked: bool = True
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)

    def tip(self, index: int) -> TipEntry:
        """A tip that was defined."""
        if index not in self.tips:
            raise Syntax(MASTER, OUT_OF_RANGE, f"tt {index:02}")
        return self.tips[index]

    def job(self, node: str) -> "Job":
        """A new command of a node, as it comes in."""
        return Job(self, node, self.halts)


@dataclass(slots=True)
class Job:
    """One command that moves; it waits for the one before, and a halt that comes meanwhile ends it.

    The sequence in process is completed, what comes after it is discarded (PyLabRobot 0.2.2, `halt`).
    """

    body: Body
    node: str
    _halts: int

    async def __aenter__(self) -> "Job":
        await self.body.busy.acquire()
        try:
            self._look()
            if self.body.fails("cover_open") is not None:
                raise Refused(COVER_OPEN)
        except Refused:
            self.body.busy.release()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self.body.busy.release()

    async def spend(self, seconds: float) -> None:
        """One sequence, of so many seconds."""
        await lapse(seconds)
        self._look()

    async def go(self, x_mm: float, more_s: float = 0.0) -> None:
        """Bring the arm there."""
        if self.body.fails("x_drive_blocked") is not None:
            raise Refused(X_BLOCKED)
        await self.spend(self.body.arm.go(x_mm) + more_s + (self.body.fails("move_slow") or 0.0))

    def _look(self) -> None:
        if self.body.halts != self._halts:
            raise Refused(Trouble(self.node, *STOPPED))
