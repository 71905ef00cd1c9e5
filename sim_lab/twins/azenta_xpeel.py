"""The twin of an XPeel: a conveyor that takes the plate in, tape that pulls the film off.

Motions are carried out one after the other; their times are those of the driver's package. `*reset` ends the one that
is under way. It looks for a plate only when that was asked for (`*platecheck:y`).
"""

import asyncio
import contextlib
from typing import Any

from drivers.core.errors import ConnectionLost
from drivers.core.transport import Transport
from drivers.peelers.azenta_xpeel import wire
from drivers.peelers.azenta_xpeel.timing import SECONDS
from sim_lab.twin import StreamTwin
from sim_lab.world.model import World

#: Seals that a fresh roll takes off: our estimate.
ROLL = 700
#: Motions that move nothing but the device's own parts.
MOTIONS = frozenset({"*moveup", "*movedown", "*movespool"})


class Twin(StreamTwin):
    """One peeler; its tray is the site `<name>.tray`, out of reach while it is in."""

    baud = wire.BAUD

    def __init__(self, name: str, options: Any, world: World) -> None:
        super().__init__(name, options, world)
        self.tray = self.site("tray")
        self.codes: tuple[int, ...] = ()
        self.looks_for_plates = False
        self.seals_left = ROLL
        self._turn = asyncio.Lock()
        self._motion: asyncio.Task[tuple[int, ...]] | None = None
        self._work: set[asyncio.Task[None]] = set()

    async def serve(self, link: Transport) -> None:
        """Take the lines of whoever holds the line."""
        requests = wire.Requests()
        with contextlib.suppress(ConnectionLost):
            while data := await link.receive():
                for line in requests.feed(data):
                    if line in ("*reset", "*restart") and self._motion is not None:
                        self._motion.cancel()
                    task = asyncio.get_running_loop().create_task(self._answer(link, line))
                    self._work.add(task)
                    task.add_done_callback(self._work.discard)

    async def _answer(self, link: Transport, line: str) -> None:
        with contextlib.suppress(ConnectionLost):
            if line == "*stat":
                async with self._turn:
                    await link.send(wire.encode_ready(*self.codes))
            elif line == "*tapeleft":
                await link.send(wire.encode_tape(self.seals_left, self.seals_left))
                await link.send(wire.encode_ready(*self.codes))
            elif not self._knows(line):
                await link.send(wire.encode_ready(wire.ILLEGAL))
            else:
                await link.send(wire.ACK)
                if await self._carry_out(line):
                    await link.send(wire.encode_ready(*self.codes))

    def _knows(self, line: str) -> bool:
        fixed = {"*reset", "*restart", "*sealcheck", "*moveout", "*movein", "*platecheck:y", "*platecheck:n"}
        return line in fixed | MOTIONS or wire.read_peel(line) is not None

    async def _carry_out(self, line: str) -> bool:
        """Do a motion in its turn; False when a reset has ended it, which answers for both."""
        async with self._turn:
            motion = self._motion = asyncio.get_running_loop().create_task(self._move(line))
            await asyncio.wait((motion,))
            if not motion.cancelled():
                self.codes = motion.result()
        return not motion.cancelled()

    async def _move(self, line: str) -> tuple[int, ...]:
        peel = wire.read_peel(line)
        if peel is not None:
            return await self._peel(peel)
        if line == "*movein":
            self.world.closed.add(self.tray)
        if line == "*movespool":
            self.seals_left = max(self.seals_left - 1, 0)
        await asyncio.sleep(SECONDS["reset" if line in ("*reset", "*restart") else "motion"])
        if line in ("*moveout", "*reset", "*restart", "*sealcheck"):
            self.world.closed.discard(self.tray)
        if line.startswith("*platecheck"):
            self.looks_for_plates = line.endswith("y")
        if line != "*sealcheck":
            return ()
        plate = self.world.on(self.tray)
        return (wire.NO_PLATE,) if plate is None else (wire.NOT_REMOVED,) if plate.sealed else ()

    async def _peel(self, peel: wire.Peel) -> tuple[int, ...]:
        self.world.closed.add(self.tray)
        await asyncio.sleep(SECONDS["peel"] / 2)
        plate = self.world.on(self.tray)
        codes: tuple[int, ...] = ()
        if plate is None and self.looks_for_plates:
            codes = (wire.NO_PLATE,)
        elif self.seals_left == 0 or self.fails("tape_broken") is not None:
            codes = (wire.NO_TAPE,)
        else:
            await asyncio.sleep(peel.adhere_s + SECONDS["peel"] / 2)
            self.seals_left -= 1
            codes = (wire.FEW_SEALS,) if self.seals_left < 30 else ()
            if plate is not None and self.fails("seal_stays") is not None:
                codes = (wire.NOT_REMOVED,)
            elif plate is not None:
                plate.sealed = self.fails("seal_torn") is not None  # a part of it stays, and nothing looks for that
        self.world.closed.discard(self.tray)
        return codes
