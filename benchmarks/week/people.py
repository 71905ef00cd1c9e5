"""Who works in the lab, who helps when it is stuck, and what goes wrong: all drawn from one seed."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from bluesky import plans
from ophyd_async.core import soft_signal_rw

from benchmarks.many.shift import Job
from benchmarks.week.floor import Floor
from orchestrator.recovery import offered
from orchestrator.reservations import NotFree
from orchestrator.state.cell import Impossible, RunState
from orchestrator.state.views import waits_for_person

HOUR_S, DAY_S = 3600.0, 86_400.0
LOOK_S = 120.0  # a person looks around so often
PATIENCE_S = 2 * DAY_S  # after the last day: what has not ended by then never will
#: Mean hours between two of a kind. Ours: enough of each in a week, and time between them.
EVERY_H = {
    "submit": 0.9, "cut": 3.0, "away": 16.0, "crash": 5.0, "no_tips": 12.0, "pause": 6.0, "abort": 10.0, "stop": 30.0,
    "plan": 4.0,
}  # fmt: skip


class People:
    """Everybody but the lab itself."""

    def __init__(self, floor: Floor, jobs: list[Job], seed: int) -> None:
        self.floor, self.jobs = floor, jobs
        self.rng = random.Random(seed)
        self.submitted = 0
        self.did: dict[str, int] = dict.fromkeys([*EVERY_H, "settle", "choose", "clear"], 0)
        self.waited_s = 0.0  # longest that a run waited for a person
        self._since: dict[str, float] = {}
        self._plans: set[asyncio.Task[Any]] = set()

    async def live(self, until_s: float) -> None:
        """Until then things happen; after it nothing new comes, and what is under way ends."""
        doing = [asyncio.create_task(self._every(name)) for name in EVERY_H]
        helping = asyncio.create_task(self._help())
        await asyncio.sleep(until_s)
        for task in doing:
            task.cancel()
        await asyncio.gather(*doing, return_exceptions=True)
        for box in self.floor.boxes.values():
            box.out = False
        give_up_s = asyncio.get_running_loop().time() + PATIENCE_S
        while self._under_way() and asyncio.get_running_loop().time() < give_up_s:
            for run_id, run in list(self.floor.conductor.state.runs.items()):
                if run.paused_by:
                    await self.floor.service.resume(run_id, "night watch")
            await asyncio.sleep(LOOK_S)
        await self._look_around()
        helping.cancel()
        for task in (helping, *doing):
            with contextlib.suppress(asyncio.CancelledError):
                await task  # what went wrong in it is told

    @contextlib.contextmanager
    def _may_be_late(self) -> Iterator[None]:
        """Whoever asks may find that things have gone on meanwhile, or that the worker has died; they ask again."""
        worker = self.floor.workers
        try:
            yield
        except Impossible:
            pass
        except RuntimeError:
            if self.floor.up and self.floor.workers == worker:
                raise

    def _under_way(self) -> bool:
        return bool(self.floor.conductor.state.runs or self.floor.conductor.state.reservations)

    async def _every(self, name: str) -> None:
        """Do it again and again, by day three times as often as by night."""
        do: Callable[[], Awaitable[bool]] = getattr(self, f"_{name}")
        while True:
            by_day = 8 * HOUR_S < asyncio.get_running_loop().time() % DAY_S < 20 * HOUR_S
            await asyncio.sleep(self.rng.expovariate(1 / (EVERY_H[name] * HOUR_S * (0.6 if by_day else 1.8))))
            with self._may_be_late():
                self.did[name] += await asyncio.shield(do())

    async def _submit(self) -> bool:
        job, run_id = self.rng.choice(self.jobs), f"run-{self.submitted + 1}"
        about, priority = {"run_id": run_id}, self.rng.choice((0, 0, 5))
        await self.floor.service.submit(
            run_id, job.program, about=about, durations_s=job.durations_s, priority=priority
        )
        self.submitted += 1
        return True

    async def _cut(self) -> bool:
        await self.floor.boxes[self.rng.choice(list(self.floor.boxes))].cut()
        return True

    async def _away(self) -> bool:
        box = self.floor.boxes[self.rng.choice(list(self.floor.boxes))]
        box.out = True
        await box.cut()
        await asyncio.sleep(self.rng.uniform(30, HOUR_S))
        box.out = False
        return True

    async def _crash(self) -> bool:
        await self.floor.die()
        await asyncio.sleep(self.rng.uniform(1, 600))
        await self.floor.start()
        return True

    async def _no_tips(self) -> bool:
        """Somebody took the tips out of a rack that a run counts on."""
        truth = self.floor.world.truth
        racks = [truth.labware[name] for site, name in truth.at.items() if truth.labware[name].kind.is_tip_rack]
        if racks:
            self.rng.choice(racks).tips.clear()
        return bool(racks)

    async def _pause(self) -> bool:
        run_id = self._any_run()
        if run_id is None:
            return False
        await self.floor.service.pause(run_id, "technician")
        await asyncio.sleep(self.rng.uniform(60, HOUR_S))
        with self._may_be_late():
            await self.floor.service.resume(run_id, "technician")
        return True

    async def _abort(self) -> bool:
        run_id = self._any_run()
        if run_id is not None:
            await self.floor.service.abort(run_id, "technician")
        return run_id is not None

    async def _stop(self) -> bool:
        await self.floor.service.stop("technician")
        await asyncio.sleep(600)
        for run_id, run in list(self.floor.conductor.state.runs.items()):
            if run.paused_by:
                await self.floor.service.resume(run_id, "technician")
        return True

    async def _plan(self) -> bool:
        """A Bluesky plan of its own, on things that the runs want too."""
        things = self.rng.sample(["environment", "reader", "hotel.1"], 2)
        detector = soft_signal_rw(float, 1.5, name="det")
        await detector.connect()

        def count() -> Any:
            yield from plans.count([detector], 5, delay=self.rng.uniform(1, 120))

        with contextlib.suppress(NotFree, asyncio.CancelledError):
            name = f"plan-{self.did['plan']}-{self.submitted}"
            await self.floor.service.run_plan(name, count, {}, things, "beamline", wait_s=HOUR_S)
        return True

    def _any_run(self) -> str | None:
        runs = [name for name, run in self.floor.conductor.state.runs.items() if run.begun_at is not None]
        return self.rng.choice(runs) if runs else None

    # The person who helps

    async def _help(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            await self._look_around()

    async def _look_around(self) -> None:
        now, state = asyncio.get_running_loop().time(), self.floor.conductor.state
        for run_id, run in list(state.runs.items()):
            if waits_for_person(run):
                self.waited_s = max(self.waited_s, now - self._since.setdefault(run_id, now))
                for name in run.unsettled:
                    with self._may_be_late():
                        await self._decide(run_id, run, name)
            else:
                self._since.pop(run_id, None)
        with self._may_be_late():
            await self._clear()

    async def _decide(self, run_id: str, run: RunState, name: str) -> None:
        was, action = run.actions[name], run.order[name]
        service = self.floor.service
        if was.phase == "unknown" or was.outcome == "unknown":
            self.did["settle"] += 1
            verdict: Any = "done" if self._happened(run_id, action) else "not_done"
            await service.settle(run_id, name, verdict, "technician", "I looked.")
            return
        self.did["choose"] += 1
        choices = offered(run, name)
        choice = "retry" if was.attempt < 3 else "abort" if "abort" in choices else "skip"
        if action.verb == "pick_up_tip":
            self._fill_rack(f"{run_id}/{action.args['labware']}")
        await service.choose(run_id, name, choice, "technician", "")

    def _happened(self, run_id: str, action: Any) -> bool:
        """What a person sees: where labware stands; else the person believes that it was done."""
        truth = self.floor.world.truth
        if action.verb == "move_labware":
            return bool(truth.at.get(action.args["destination"]) == f"{run_id}/{action.args['labware']}")
        return True

    def _fill_rack(self, name: str) -> None:
        rack = self.floor.world.truth.labware.get(name)
        if rack is not None:
            rack.tips.update(rack.kind.wells)

    async def _clear(self) -> None:
        """Take away what ended runs left, and wash up what stands beside the deck."""
        truth, state = self.floor.world.truth, self.floor.conductor.state
        for site in state.left:
            self.did["clear"] += 1
            truth.clamped.discard(site)
            truth.at.pop(site, None)
        if state.left:
            await self.floor.service.clear(tuple(state.left), "technician")
        running = set(self.floor.conductor.state.runs)
        standing = set(truth.at.values())
        for site, name in list(truth.at.items()):
            if site.startswith("bench.") and name.partition("/")[0] not in running:
                del truth.at[site]
                standing.discard(name)
        for name in [name for name in truth.labware if "/" in name and name not in standing]:
            if name.partition("/")[0] not in running:
                for vessel in truth.labware.pop(name).vessels.values():
                    truth.waste.add(vessel)
