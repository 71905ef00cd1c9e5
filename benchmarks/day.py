"""`python -m benchmarks.day`: every twin at once, a simulated day of mixed work; the same each time, however busy.

The protocols of the library are submitted one after the other through the day, on one world with all its devices
connected (but those that work in real time only). The hash covers every record of the journal, with its time, and
every byte on the wires inside the process.
"""

import asyncio
import hashlib
import itertools
import multiprocessing
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import orjson

from benchmarks.many.shift import Job, jobs
from drivers.core.world import WorldSettings
from labfile import Lab, read
from orchestrator.cell import Cell
from orchestrator.conductor import Conductor
from orchestrator.journal import MemoryLog, plain
from orchestrator.labview import view
from orchestrator.service import Service
from orchestrator.state import records as r
from protocols import parse
from protocols.check import check

ROOT = Path(__file__).resolve().parents[1]
DAY_S = 86_400.0
EVERY_S = 3000.0  # one protocol comes after the other: as many as the lab can do in a day
WANTED = 5000  # simulated seconds a second: the issue's


@dataclass(frozen=True)
class Day:
    """What came of it."""

    trace: str
    simulated_s: float
    wall_s: float
    runs: int
    completed: int
    actions: int
    devices: int

    def __str__(self) -> str:
        pace = self.simulated_s / self.wall_s
        return (
            f"{self.devices} devices, {self.completed} of {self.runs} runs completed, {self.actions:,} actions: "
            f"{self.simulated_s:,.0f} s in {self.wall_s:.1f} s, {pace:,.0f} a second; trace {self.trace[:16]}"
        )


def library(lab: Lab) -> list[Job]:
    """Every protocol of the library, but those with a device that works in real time only."""
    files = sorted((ROOT / "protocols/library").glob("*.yaml"))
    return jobs(lab, [(file, {}) for file in files if not _real_time_only(lab, file)])


def _real_time_only(lab: Lab, file: Path) -> bool:
    program = check(parse.read(file), view(lab)).program
    return program is not None and bool(lab.in_real_time(program.devices))


def day(lab: Lab, work: list[Job]) -> Day:
    """Live it once."""
    cell = Cell(lab, "twin", WorldSettings(seed=1, epoch_s=0.0))
    names = [name for name, entry in lab.devices.items() if not entry.real_time_only]
    cell.load(names)
    records: list[r.Record] = []

    async def main() -> float:
        loop = asyncio.get_running_loop()
        await cell.connect(names)
        conductor = Conductor(MemoryLog(), loop.time)
        conductor.listeners.append(records.append)
        service = Service(conductor, cell)
        for number, job in enumerate(itertools.cycle(work)):
            if loop.time() > DAY_S - EVERY_S:
                break
            name = f"run-{number}"
            await service.submit(name, job.program, about={"run_id": name}, durations_s=job.durations_s)
            await asyncio.sleep(EVERY_S)
        await service.idle()
        await service.close()
        ended = loop.time()
        await cell.close()
        return ended

    began = time.perf_counter()
    ended = cell.world.run(main)
    wall_s = time.perf_counter() - began
    codec = r.Codec()
    lines = [orjson.dumps([codec.kind(x), x.at, x.run_id, codec.encode(x)], default=plain) for x in records]
    trace = hashlib.sha256(b"\n".join([*lines, cell.world.fingerprint().encode()])).hexdigest()
    finished = [x for x in records if isinstance(x, r.Finished)]
    return Day(
        trace, ended, wall_s, len(finished), sum(x.outcome == "completed" for x in finished),
        sum(isinstance(x, r.Done) for x in records), len(names),
    )  # fmt: skip


def _burn() -> None:
    while True:
        pass


def main() -> int:
    """The command."""
    lab = read(ROOT / "lab.toml")
    work = library(lab)
    days = [day(lab, work) for _ in range(3)]
    burners = [multiprocessing.Process(target=_burn, daemon=True) for _ in range(multiprocessing.cpu_count())]
    for burner in burners:
        burner.start()
    days.append(day(lab, work))
    for burner in burners:
        burner.kill()
    for number, one in enumerate(days):
        print(f"{'with every core busy: ' if number == 3 else ''}{one}")
    alike = len({one.trace for one in days}) == 1
    print("the same trace each time" if alike else "THE TRACES DIFFER")
    print(f"wanted: {WANTED:,} simulated seconds a second")
    return 0 if alike and all(one.completed == one.runs for one in days) else 1


if __name__ == "__main__":
    sys.exit(main())
