"""Plans of others under a reservation: beside protocols and one another, never two on one thing, and always an end."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import pytest
from bluesky import plan_stubs as bps
from bluesky import plans as bp
from bluesky.protocols import Triggerable
from event_model import DocumentNames, schema_validators
from ophyd_async.core import AsyncStatus, StandardReadable, StandardReadableFormat, soft_signal_rw

from drivers.core.world import WorldSettings
from labfile import Lab
from orchestrator.cell import Cell
from orchestrator.conductor import Conductor
from orchestrator.engine import Plan
from orchestrator.journal import MemoryLog
from orchestrator.reservations import LeaseLost, NotFree
from orchestrator.scheduling.greedy import greedy
from orchestrator.scheduling.model import Problem, Schedule
from orchestrator.scheduling.process import SolverProcess
from orchestrator.service import Service
from orchestrator.state import records as r
from orchestrator.state.cell import CellState, Impossible, fold
from protocols.check import Checked
from protocols.program import Program

Document = tuple[str, dict[str, Any]]


@dataclass
class Bench:
    """A cell at work, and all that was heard of it."""

    service: Service
    conductor: Conductor
    story: list[r.Record] = field(default_factory=list)
    documents: dict[str, list[Document]] = field(default_factory=dict)

    def sinks(self, run_id: str, _: Any) -> Sequence[Callable[[str, Any], None]]:
        heard = self.documents.setdefault(run_id, [])
        return [lambda name, document: heard.append((name, dict(document)))]

    def spans(self, thing: str) -> list[tuple[float, float, str]]:
        """(from, to, whose) for every hold of a thing, by the journal alone."""
        state, since, found = CellState(), dict[str, float](), list[tuple[float, float, str]]()
        for record in self.story:
            before, state = state, fold([record], state)
            was, now = before.held.get(thing, ""), state.held.get(thing, "")
            if was != now:
                if was:
                    found.append((since.pop(was), record.at, was))
                if now:
                    since[now] = record.at
        assert not since, f"{thing} is still held by {since}"
        return found


def at_work(
    lab: Lab,
    work: Callable[[Bench], Awaitable[None]],
    devices: Sequence[str] = (),
    *,
    speed: float | None = None,
    solver: SolverProcess | None = None,
) -> Bench:
    """Do some work on a cell; its own devices are those of the twin."""
    cell = Cell(lab, "twin", WorldSettings(seed=1, epoch_s=0.0, speed=speed))
    cell.load(devices)
    made: list[Bench] = []

    async def main() -> None:
        conductor = Conductor(MemoryLog(), asyncio.get_running_loop().time)
        service = Service(
            conductor, cell, sinks_of=lambda *told: bench.sinks(*told), about={"lab": lab.name}, solver=solver
        )
        bench = Bench(service, conductor)
        conductor.listeners.append(bench.story.append)
        made.append(bench)
        try:
            await work(bench)
            await bench.service.idle()
        finally:
            await bench.service.close()
            await cell.close()

    cell.world.run(main)
    return made[0]


@pytest.fixture(scope="module")
def room(lab: Lab, checked_on: Callable[[Lab, dict[str, Any]], Checked]) -> Program:
    """A protocol that reads the sensor three times, with pauses."""
    look, wait = {"do": "measure", "kind": "environment"}, {"do": "wait", "for": "40 s"}
    steps = [{"id": "a", **look}, {"id": "b", **wait}, {"id": "c", **look}, {"id": "d", **wait}, {"id": "e", **look}]
    document = {
        "format": "lab-protocol/1",
        "name": "room",
        "author": {"kind": "human", "name": "tests"},
        "steps": steps,
    }
    program = checked_on(lab, document).program
    assert program is not None
    return program


class Stage(StandardReadable, Triggerable):
    """A soft motor with a detector that shows a slope: y = x * x."""

    def __init__(self, name: str = "stage") -> None:
        with self.add_children_as_readables(StandardReadableFormat.HINTED_SIGNAL):
            self.x = soft_signal_rw(float, 0.0)
            self.y = soft_signal_rw(float, 0.0)
        super().__init__(name=name)

    def trigger(self) -> AsyncStatus[None]:
        async def measure() -> None:
            await self.y.set(await self.x.get_value() ** 2)

        return AsyncStatus(measure())


async def stage() -> Stage:
    made = Stage()
    await made.connect()
    return made


def count(detector: Any) -> Plan:
    return (yield from bp.count([detector], 4, delay=10))


def scan(detector: Any) -> Plan:
    return (yield from bp.scan([detector], detector.x, 0, 4, 5))


def adaptive(detector: Any) -> Plan:
    return (yield from bp.adaptive_scan([detector], "stage-y", detector.x, 0, 3, 0.05, 1.0, 0.5, backstep=False))


def broken(detector: Any) -> Plan:
    yield from bps.open_run()
    yield from bps.sleep(5)
    raise RuntimeError("the beam is gone")


def long(detector: Any) -> Plan:
    yield from bp.count([detector], 2, delay=36_000)


def apart(spans: Sequence[tuple[float, float, str]]) -> bool:
    ordered = sorted(spans)
    return all(one[1] <= two[0] for one, two in pairwise(ordered))


def test_plans_and_protocols_that_need_the_same_thing_never_overlap(lab: Lab, room: Program) -> None:
    """Count, scan, adaptive scan, and a plan that fails, between the runs of a protocol."""

    async def work(bench: Bench) -> None:
        service, motor = bench.service, {"detector": await stage()}
        await service.submit("before", room, about={})
        plans = [
            asyncio.create_task(
                service.run_plan(plan.__name__, plan, motor, ("environment", "axis"), "beamline", lease_s=9)
            )
            for plan in (count, scan, adaptive, broken)
        ]
        await asyncio.sleep(1)
        await service.submit("after", room, about={})
        told = await asyncio.gather(*plans, return_exceptions=True)
        assert [type(one).__name__ for one in told] == ["str"] * 3 + ["RuntimeError"]

    bench = at_work(lab, work, ("environment",))
    for thing in ("environment", "axis"):
        assert apart(bench.spans(thing)), bench.spans(thing)
    owners = [owner for _, _, owner in bench.spans("environment")]
    assert set(owners) == {"before", "after", "count", "scan", "adaptive", "broken"}
    assert owners.index("count") < owners.index("after"), "who came first goes first"
    assert [owner for _, _, owner in bench.spans("axis")] == ["count", "scan", "adaptive", "broken"]
    ended = {record.holder: record.outcome for record in bench.story if isinstance(record, r.Released)}
    assert ended == {"count": "completed", "scan": "completed", "adaptive": "completed", "broken": "failed"}
    renewed = [one for one in bench.story if isinstance(one, r.Reserved) and one.holder == "count"]
    assert len(renewed) > 3, "30 s of work under leases of 9 s"
    assert sum(name == "event" for name, _ in bench.documents["scan"]) == 5
    assert sum(name == "event" for name, _ in bench.documents["adaptive"]) > 3
    for name, document in (one for told in bench.documents.values() for one in told):
        schema_validators[DocumentNames[name]].validate(document)
    start = bench.documents["scan"][0][1]
    assert (start["run_id"], start["lab"], start["by"], start["plan_name"]) == ("scan", "cell-1", "beamline", "scan")


def test_all_or_nothing(lab: Lab) -> None:
    """While it waits for one thing it has none of the others, which another plan may have."""

    async def work(bench: Bench) -> None:
        service, motor = bench.service, {"detector": await stage()}
        first = asyncio.create_task(service.run_plan("first", count, motor, ("axis",), "me"))
        await asyncio.sleep(1)
        both = asyncio.create_task(service.run_plan("both", scan, motor, ("axis", "environment"), "me"))
        await asyncio.sleep(1)
        assert dict(bench.conductor.state.held) == {"axis": "first"}
        await asyncio.gather(first, both)

    bench = at_work(lab, work)
    assert [owner for _, _, owner in bench.spans("axis")] == ["first", "both"]


def test_who_waits_in_vain_is_told_and_keeps_nobody(lab: Lab) -> None:
    async def work(bench: Bench) -> None:
        service, motor = bench.service, {"detector": await stage()}
        first = asyncio.create_task(service.run_plan("first", count, motor, ("axis",), "me"))
        await asyncio.sleep(1)
        with pytest.raises(NotFree, match="impatient waited 5 s in vain: held are axis by first"):
            await service.run_plan("impatient", scan, motor, ("axis",), "me", wait_s=5)
        with pytest.raises(Impossible, match="first already"):
            await service.run_plan("first", scan, motor, ("axis",), "me")
        with pytest.raises(Impossible, match="the lab has no beam"):
            await service.run_plan("other", scan, motor, ("beam",), "me")
        await first
        await service.run_plan("last", scan, motor, ("axis",), "me", wait_s=0.5)

    bench = at_work(lab, work)
    assert [owner for _, _, owner in bench.spans("axis")] == ["first", "last"]


@pytest.mark.parametrize("how", ["stop", "abort", "close"])
def test_a_plan_can_be_ended_and_gives_everything_back(lab: Lab, how: str) -> None:
    async def work(bench: Bench) -> None:
        service = bench.service
        task = asyncio.create_task(service.run_plan("long", long, {"detector": await stage()}, ("axis",), "me"))
        await asyncio.sleep(100)
        await {
            "stop": lambda: service.stop("me"),
            "abort": lambda: service.abort("long", "me"),
            "close": service.close,
        }[how]()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.get_running_loop().time() == pytest.approx(100, abs=1)

    bench = at_work(lab, work)
    assert len(bench.spans("axis")) == 1
    (released,) = [record for record in bench.story if isinstance(record, r.Released)]
    assert released.outcome == "aborted"
    assert bench.documents["long"][-1][0] == "stop"
    assert bench.documents["long"][-1][1]["exit_status"] == "abort"


def test_a_reservation_that_nobody_renews_ends_with_its_lease(lab: Lab, room: Program) -> None:
    """As after the death of the worker that ran the plan: another takes the journal up, and goes on."""

    async def work(bench: Bench) -> None:
        now = bench.conductor.now()
        await bench.conductor.record(r.Reserved(at=now, holder="dead", things=("environment",), until=now + 60))
        bench.service.take_up()
        await bench.service.submit("run", room, about={})
        await bench.service.idle()

    bench = at_work(lab, work, ("environment",))
    spans = bench.spans("environment")
    assert spans[0] == (0.0, pytest.approx(60, abs=1), "dead")
    assert {owner for _, _, owner in spans[1:]} == {"run"}
    (released,) = [record for record in bench.story if isinstance(record, r.Released)]
    assert released.outcome == "interrupted"


def test_devices_of_the_first_ophyd_work_too(lab: Lab) -> None:
    """In real time, as their threads want it: a scan, a count and a fly scan of `ophyd.sim`, one after the other."""
    from ophyd.sim import det, flyer1, motor

    flyer: Any = flyer1

    def a_scan() -> Plan:
        yield from bp.scan([det], motor, -1, 1, 5)

    def a_count() -> Plan:
        yield from bp.count([det], 3)

    def a_flight() -> Plan:
        yield from bp.fly([flyer])

    async def work(bench: Bench) -> None:
        plans = {"scan": a_scan, "count": a_count, "fly": a_flight}
        await asyncio.gather(*(bench.service.run_plan(name, plan, {}, ("axis",), "me") for name, plan in plans.items()))

    bench = at_work(lab, work, speed=1)
    assert apart(bench.spans("axis"))
    assert [owner for _, _, owner in bench.spans("axis")] == ["scan", "count", "fly"]
    values = [document["data"]["det"] for name, document in bench.documents["scan"] if name == "event"]
    assert len(values) == 5
    assert values[2] == max(values), "its peak is at 0"
    assert {name for name, _ in bench.documents["fly"]} >= {"start", "descriptor", "stop"}


class Backwards(SolverProcess):
    """A solver that puts whoever came last first, and needs no process."""

    asked = 0

    async def solve(self, problem: Problem, seconds: float, hint: Schedule | None = None) -> AsyncGenerator[Schedule]:
        self.asked += 1
        yield greedy(replace(problem, jobs=tuple(reversed(problem.jobs)), tasks=tuple(reversed(problem.tasks))))


def test_new_plans_of_the_scheduler_do_not_push_a_reservation_back(lab: Lab, room: Program) -> None:
    """Runs come in all the time, and with each a new plan; the reservation keeps its turn."""
    solver = Backwards()

    async def work(bench: Bench) -> None:
        service, motor = bench.service, {"detector": await stage()}
        await service.submit("r0", room, about={})
        await service.submit("r1", room, about={})
        await asyncio.sleep(1)
        plan = asyncio.create_task(service.run_plan("plan", scan, motor, ("environment",), "me"))
        for number in range(2, 12):
            await asyncio.sleep(15)
            await service.submit(f"r{number}", room, about={})
        await plan

    bench = at_work(lab, work, ("environment",), solver=solver)
    owners = [owner for _, _, owner in bench.spans("environment")]
    assert solver.asked > 5
    assert set(owners[: owners.index("plan")]) <= {"r0", "r1"}, owners
    assert {record.outcome for record in bench.story if isinstance(record, r.Finished)} == {"completed"}


def test_a_plan_whose_lease_ran_out_is_ended(lab: Lab) -> None:
    """The loop stood still for longer than the lease: others may have the things, so the plan goes no further."""

    async def work(bench: Bench) -> None:
        service, conductor = bench.service, bench.conductor
        task = asyncio.create_task(service.run_plan("long", long, {"detector": await stage()}, ("axis",), "me"))
        await asyncio.sleep(15)
        await conductor.record(r.Released(at=conductor.now(), holder="long", outcome="interrupted"))
        with pytest.raises(LeaseLost, match="long ran out"):
            await task

    bench = at_work(lab, work)
    assert bench.documents["long"][-1][1]["exit_status"] == "abort"
    assert bench.spans("axis")[0][1] == pytest.approx(15)
