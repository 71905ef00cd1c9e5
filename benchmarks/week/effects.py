"""What truly happened in the simulated lab, run by run, against the same program carried out undisturbed."""

import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from benchmarks.crash.twin import watch_the_world
from benchmarks.many.shift import Job
from benchmarks.week.floor import CELL, Floor
from orchestrator.state import records as r
from orchestrator.store.database import open_store
from orchestrator.store.log import read_journal

Effect = tuple[Any, ...]
ByRun = dict[str, Counter[Effect]]


class Effects:
    """Every physical effect on the world, from now on and in this process, in its order."""

    def __init__(self) -> None:
        self.all: list[Effect] = []
        watch_the_world(self)

    def saw(self, *what: Any) -> None:
        """One effect."""
        self.all.append(what)


def by_run(effects: Iterable[Effect]) -> ByRun:
    """Effects on labware that is named after its run, counted without that name; others belong to nobody."""
    found: ByRun = defaultdict(Counter)
    for effect in effects:
        names = [part for part in effect[1:] if isinstance(part, str) and part.startswith("run-") and "/" in part]
        if names:
            bare = tuple(part.partition("/")[2] if part in names else part for part in effect)
            found[names[0].partition("/")[0]][bare] += 1
    return found


def judge_effects(floor: Floor, effects: Effects, jobs: list[Job]) -> list[str]:
    """What happened more often than it should have, or did not; a run that a person answered for is only told of."""
    seen = by_run(effects.all)
    records = [record for _, record in read_journal(floor.engine, CELL)]
    of = {record.run_id: record.program.hash for record in records if isinstance(record, r.Submitted)}
    spoken = {x.run_id for x in records if isinstance(x, r.Settled | r.Chosen) and x.by == "technician"}
    ended = Counter(record.run_id for record in records if isinstance(record, r.Finished))
    wrong = [f"{run_id} ended {times} times" for run_id, times in ended.items() if times > 1]
    expected = {job.program.hash: _undisturbed(floor, effects, job) for job in jobs}
    told: Counter[str] = Counter()
    for end in [record for record in records if isinstance(record, r.Finished)]:
        should = expected[of[end.run_id]]
        repeated = seen[end.run_id] - should
        missing = should - seen[end.run_id] if end.outcome == "completed" else Counter[Effect]()
        about = "a person answered" if end.run_id in spoken else "nobody was asked"
        told[f"{end.outcome}, {about}"] += 1
        told[f"effects in {end.outcome} runs"] += seen[end.run_id].total()
        for what, some in (("repeated", repeated), ("missing", missing)):
            if some and end.run_id in spoken:
                print(f"  {end.run_id} ({end.outcome}, {about}): {what}: {dict(some)}")
            elif some:
                wrong.append(f"{end.run_id} ({end.outcome}): {what}: {dict(some)}")
    print(f"physical effects: {dict(told)}")
    return wrong


def _undisturbed(floor: Floor, effects: Effects, job: Job) -> Counter[Effect]:
    """The same program in a lab where nothing goes wrong."""
    before = len(effects.all)
    with tempfile.TemporaryDirectory(prefix="lab-week-") as folder:
        engine = open_store(f"sqlite:///{folder}/lab.db")
        quiet = Floor(floor.lab, engine, seed=0)

        async def main() -> None:
            await quiet.start()
            await quiet.service.submit("run-1", job.program, about={"run_id": "run-1"}, durations_s=job.durations_s)
            await quiet.service.idle()
            await quiet.service.close()
            await quiet.conductor.close()
            await quiet.cell.close()

        quiet.world.run(main)
        engine.dispose()
    assert quiet.ends == {"completed": 1}, quiet.ends
    found = by_run(effects.all[before:])["run-1"]
    del effects.all[before:]
    return found
