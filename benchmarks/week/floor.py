"""The lab that lives on while its worker does not: one simulated world, lines that can be cut, one store."""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Engine

from drivers.core.errors import ConnectionFailed, ConnectionLost, DeviceError
from drivers.core.transport import Port, Transport
from drivers.core.world import WorldSettings
from labfile import Lab
from orchestrator.cell import Cell
from orchestrator.conductor import Conductor
from orchestrator.journal import Log
from orchestrator.service import Service
from orchestrator.state import records as r
from orchestrator.state.cell import CellState, fold
from orchestrator.store.log import StoreLog, claim, read_journal

CELL = "week:twin"
#: Devices whose bytes pass here; the reader and the sensor are reached by libraries that make their own connections.
CUT = ("ot2", "arm", "shaker", "operator")
DEVICES = (*CUT, "reader", "environment")
WORLD = "the week's"


class Line(Transport):
    """A line to a device, until somebody pulls the plug."""

    def __init__(self, dial: Callable[[], Transport], box: "Box") -> None:
        self._dial, self._box, self._cut = dial, box, False
        self._inner: Transport | None = None
        self._pulled = asyncio.Event()

    async def open(self) -> None:
        """Connect, unless the plug is out."""
        if self._box.out:
            raise ConnectionFailed("the plug is out.")
        if self._inner is None:
            self._inner = self._dial()
        await self._inner.open()
        self._box.lines.add(self)

    async def send(self, data: bytes) -> None:
        """As the line does."""
        if self._cut or self._inner is None:
            raise ConnectionLost("the plug was pulled.")
        await self._inner.send(data)

    async def receive(self) -> bytes:
        """As the line does, or nothing more once it is cut."""
        if self._cut or self._inner is None:
            return b""
        waits = asyncio.ensure_future(self._inner.receive()), asyncio.ensure_future(self._pulled.wait())
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            return waits[0].result() if waits[0].done() and not self._cut else b""
        finally:
            for each in waits:
                each.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def close(self) -> None:
        """As the line does."""
        self._box.lines.discard(self)
        if self._inner is not None:
            await self._inner.close()

    async def pull(self) -> None:
        """From now on nothing passes, in either direction; the far end hears of it, as TCP tells it."""
        self._cut = True
        self._pulled.set()
        await self.close()


class Box:
    """Where the lines of one device are plugged in."""

    def __init__(self) -> None:
        self.lines: set[Line] = set()
        self.out = False

    async def cut(self) -> None:
        """Pull every plug; new ones may be plugged in unless `out`."""
        for line in list(self.lines):
            await line.pull()


class Mortal(Log):
    """A journal that can be written as long as its worker lives."""

    threaded = True

    def __init__(self, inner: StoreLog) -> None:
        self.inner, self.dead = inner, False

    def write(self, records: Sequence[r.Record]) -> None:
        """As the store does; a dead worker writes nothing."""
        if self.dead:
            raise ConnectionError("this worker is dead")
        self.inner.write(records)

    def close(self) -> None:
        """End the connection; the dead give nothing back."""
        if self.dead:
            self.inner._connection.close()  # noqa: SLF001 - as the end of a process closes it
        else:
            self.inner.close()


class Floor:
    """The cell under test. `conductor` and `service` are those of the worker that lives now."""

    def __init__(self, lab: Lab, engine: Engine, seed: int) -> None:
        self.lab, self.engine = lab, engine
        self._settings = WorldSettings(seed=seed, epoch_s=1.8e9)
        self.cell = Cell(lab, "twin", self._settings)
        self.cell.load(DEVICES)
        self.world: Any = self.cell.world
        self.boxes = {name: Box() for name in CUT}
        self._plug_in()
        self.workers = 0
        self.ends: Counter[str] = Counter()  # outcomes of runs
        self.deaths: list[str] = []  # what was wrong when a worker died: its journal against what it was given
        self.up = False  # whether a worker lives
        self._gone: str | None = None

    def _plug_in(self) -> None:
        really = self.world.port

        def port(name: str) -> Port:
            found: Port = really(name)
            if name not in self.boxes:
                return found
            return Port(found.address, lambda tcp_port=None: Line(lambda: found.transport(tcp_port), self.boxes[name]))

        self.world.port = port

    async def start(self) -> None:
        """A worker takes the cell, and goes on with what is under way; the state is what the journal says."""
        self.workers += 1
        holder = f"worker-{self.workers}"
        lease = claim(self.engine, CELL, holder, WORLD, "", gone=self._gone)
        self._gone = holder
        found = [record for _, record in read_journal(self.engine, CELL)]
        state = fold(found)
        self.log = Mortal(StoreLog(self.engine, lease))
        loop = asyncio.get_running_loop()
        self.conductor = Conductor(self.log, loop.time, state)
        self._given: deque[r.Record] = deque()  # to this worker, and not yet on the disk
        self.conductor.rules.append(self._note)
        self.cell = Cell(self.lab, "twin", self._settings)
        self.cell.world = self.world
        self.service = Service(self.conductor, self.cell)
        self.conductor.listeners.append(self._count)
        await self.conductor.record(r.Claimed(at=loop.time(), holder=holder, epoch=lease.epoch, world=WORLD))
        self.up = True
        self.service.take_up()

    async def all_up(self) -> None:
        """Connect every device that can be reached, so that two counts of files count the same."""
        for name in DEVICES:
            with contextlib.suppress(DeviceError):
                await self.cell.connect([name])

    async def die(self) -> None:
        """The worker is gone in the middle of everything: not a word to the journal or a device."""
        self.up, self.log.dead = False, True
        for box in self.boxes.values():
            await box.cut()
        await self.service.close()
        with contextlib.suppress(Exception):
            await self.conductor.close()
        for device in self.cell.devices.values():  # as the end of a process closes its sockets
            with contextlib.suppress(DeviceError, OSError):
                await device.disconnect()
        self._compare()

    def _note(self, _: CellState, record: r.Record) -> Sequence[r.Record]:
        self._given.append(record)
        return ()

    def _compare(self) -> None:
        """The journal, and what was given and did not come into it, fold to the state that the worker had."""
        written = [record for _, record in read_journal(self.engine, CELL)]
        if fold(self._given, fold(written)) != self.conductor.state:
            self.deaths.append(f"worker {self.workers}: its journal does not fold to the state it had")

    def remembered(self) -> int:
        """How many commands the simulated robot and person remember, as the real ones do."""
        twins = self.world._twins  # noqa: SLF001 - a benchmark may look
        runs = twins["ot2"].runs.values() if "ot2" in twins else ()
        return sum(len(run.commands) for run in runs) + len(getattr(twins.get("operator"), "_tasks", ()))

    def forget(self) -> None:
        """Take that memory from the simulated instruments, at the end."""
        twins = self.world._twins  # noqa: SLF001
        for run in twins["ot2"].runs.values():
            run.commands.clear()
        getattr(twins["operator"], "_tasks", {}).clear()

    def _count(self, record: r.Record) -> None:
        if self._given.popleft() is not record:
            self.deaths.append(f"worker {self.workers}: {record} was written out of its order")
        if isinstance(record, r.Finished):
            self.ends[record.outcome] += 1
