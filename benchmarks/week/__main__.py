"""`python -m benchmarks.week --days 7 --seed 1`: mixed work with faults on the twin, and what is left of it."""

import argparse
import asyncio
import gc
import logging
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from benchmarks.many.shift import jobs
from benchmarks.week.effects import Effects, judge_effects
from benchmarks.week.floor import CELL, Floor
from benchmarks.week.people import DAY_S, People
from labfile import read
from orchestrator.state.cell import fold
from orchestrator.store.database import open_store
from orchestrator.store.log import read_journal

ROOT = Path(__file__).resolve().parents[2]
MANY = ROOT / "benchmarks/many/incubation.yaml"
WORK = [
    (ROOT / "protocols/library/dye_calibration.yaml", {}),
    *((MANY, {"rest": f"{minutes} min"}) for minutes in (5, 20, 45, 90)),
    (ROOT / "benchmarks/crash/protocol.yaml", {}),
]
FOLD_S = 5.0  # the issue's
#: Objects that may be there more at the end than after the first day, besides those of the simulated instruments,
#: which remember each command as the real ones do; their share is measured. Ours.
GROWTH = 5000
#: What is logged when a worker dies in the middle of things, and when a plan is ended: no mistake of ours.
OF_DEATH = ("the journal cannot be written", "this worker is dead", "Run aborted")


class Mistakes(logging.Handler):
    """Errors that were logged, but those that the end of a worker brings with it."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.told: Counter[str] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        """Count it by its first line."""
        what = record.getMessage().partition("\n")[0]
        if record.exc_info:
            what += f": {record.exc_info[1]!r}"
        if not any(words in what for words in OF_DEATH):
            self.told[what[:160]] += 1


class Census:
    """What a process has now."""

    def __init__(self, floor: Floor) -> None:
        gc.collect()
        self.remembered = floor.remembered()
        self.rss_mib = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
        self.objects = len(gc.get_objects())
        self.tasks = len(asyncio.all_tasks())
        self.threads = threading.active_count()
        self.files = len(os.listdir("/proc/self/fd"))

    def __str__(self) -> str:
        return (
            f"{self.rss_mib:.0f} MiB, {self.objects} objects ({self.remembered} commands in instruments), "
            f"{self.tasks} tasks, {self.threads} threads, {self.files} files"
        )


def week(days: float, seed: int) -> list[str]:
    """Live it, tell it, and return what was wrong."""
    mistakes = Mistakes()
    logging.getLogger().addHandler(mistakes)
    lab = read(ROOT / "lab.toml")
    work = jobs(lab, WORK)
    with tempfile.TemporaryDirectory(prefix="lab-week-") as folder:
        engine = open_store(f"sqlite:///{folder}/lab.db")
        seen = Effects()
        floor = Floor(lab, engine, seed)
        people = People(floor, work, seed)
        taken: list[Census] = []

        async def daily() -> None:
            while True:
                await asyncio.sleep(DAY_S)
                taken.append(Census(floor))
                state = floor.conductor.state
                print(f"day {len(taken) - 1}: {people.submitted} submitted, {dict(floor.ends)} ended, {len(state.runs)}"
                      f" under way; {taken[-1]}", flush=True)  # fmt: skip

        async def main() -> None:
            await floor.start()
            await floor.all_up()
            taken.append(Census(floor))
            watch = asyncio.create_task(daily())
            await people.live(days * DAY_S)
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
            await floor.all_up()
            taken.append(Census(floor))
            await floor.service.close()
            await floor.conductor.close()
            await floor.cell.close()

        began = time.perf_counter()
        floor.world.run(main)
        print(f"{days:g} days in {time.perf_counter() - began:,.0f} s; {floor.workers} workers; {people.did}")
        wrong = judge(floor, people, taken)
        wrong += [f"{count} times logged: {what}" for what, count in mistakes.told.items()]
        wrong += judge_effects(floor, seen, people.jobs)
        engine.dispose()
    return wrong


def judge(floor: Floor, people: People, taken: list[Census]) -> list[str]:
    """What is not as it should be."""
    began = time.perf_counter()
    records = [record for _, record in read_journal(floor.engine, CELL)]
    loaded = time.perf_counter()
    state = fold(records)
    folded_s = time.perf_counter() - began
    fold_s = time.perf_counter() - loaded
    print(f"journal: {len(records)} records, read and folded in {folded_s:.2f} s, {fold_s:.2f} s of it folding")
    print(f"runs: {dict(floor.ends)} of {people.submitted}; a run waited at most {people.waited_s:,.0f} s for a person")
    imbalance = max(map(abs, floor.world.truth.imbalance().values()), default=0.0)
    print(f"mass kept to {imbalance:.1e}; {taken[-1]}")
    now, ended = floor.conductor.state, floor.ends.total()
    start, first, last = taken[0], taken[1], taken[-1]
    gc.collect()
    with_memory = len(gc.get_objects())
    floor.forget()
    gc.collect()
    per_command = (with_memory - len(gc.get_objects())) / max(last.remembered, 1)
    grown = last.objects - first.objects - per_command * (last.remembered - first.remembered)
    print(f"{floor.workers - 1} workers died; objects from day 1 on: {grown:+.0f}, and {per_command:.2f} for each "
          f"command that an instrument remembers")  # fmt: skip
    checks = {
        "the journal is not the state": state != now,
        f"it folds in {folded_s:.1f} s": folded_s > FOLD_S,
        f"held: {dict(now.held)}": now.held,
        f"reserved: {dict(now.reservations)}": now.reservations,
        f"left: {dict(now.left)}": now.left,
        f"runs that have not ended: {list(now.runs)}": now.runs,
        f"{people.submitted} were submitted, {ended} ended": people.submitted != ended,
        f"mass: {imbalance}": imbalance > 1e-9,
        f"memory: {grown:.0f} objects more than after day 1": grown > GROWTH,
        f"tasks: {start} at the start, {last} at the end": last.tasks > start.tasks,
        f"threads: {start} at the start, {last} at the end": last.threads > start.threads + 1,
        f"files: {start} at the start, {last} at the end": last.files > start.files + 2,
        "; ".join(floor.deaths): floor.deaths,
    }
    return [what for what, is_wrong in checks.items() if is_wrong]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.week", description=__doc__)
    parser.add_argument("--days", type=float, default=7.0)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    wrong = week(asked.days, asked.seed)
    for what in wrong:
        print(f"NOT OK: {what}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
