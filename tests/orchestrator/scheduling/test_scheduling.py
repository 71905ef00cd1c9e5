"""Schedules: the verifier catches every kind of mistake; greedy and CP-SAT keep every constraint and find the best."""

import asyncio
import contextlib
import itertools
from dataclasses import replace

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.scheduling.instances import DATA, flexible_job_shop, s_lab
from orchestrator.scheduling.greedy import greedy
from orchestrator.scheduling.model import Begun, Hold, Job, Lag, Machine, Mode, Placement, Problem, Schedule, Task
from orchestrator.scheduling.plain import to_problem
from orchestrator.scheduling.process import SolverProcess
from orchestrator.scheduling.solver import plan
from orchestrator.scheduling.verify import verify

TWO = Problem(
    machines=(Machine("m", closed=((20, 30),)), Machine("n")),
    jobs=(Job("a"), Job("b", release=2)),
    tasks=(Task("a1", "a", (Mode(("m",), 5),)), Task("a2", "a", (Mode(("n",), 5),)), Task("b1", "b", (Mode(("m",), 3),))),
    lags=(Lag("a1", "a2", 0, 2),),
)  # fmt: skip
GOOD = Schedule((Placement("a1", 0, 0, 5), Placement("a2", 0, 5, 10), Placement("b1", 0, 5, 8)), (), 10, 0)


def moved(**places: tuple[int, int]) -> Schedule:
    found = tuple(Placement(p.task, p.mode, *places[p.task]) if p.task in places else p for p in GOOD.placements)
    return replace(GOOD, placements=found, objective=max(place.end for place in found))


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (replace(GOOD, placements=GOOD.placements[:2]), "is not placed"),
        (replace(GOOD, placements=(*GOOD.placements, GOOD.placements[0])), "placed twice"),
        (moved(b1=(5, 9)), "lasts 4 ms"),
        (moved(b1=(1, 4)), "before its job"),
        (moved(a1=(0, 5), b1=(4, 7)), "(capacity 1) meets"),
        (moved(a2=(8, 13)), "a2"),
        (moved(a2=(4, 9)), "a2"),
        (moved(b1=(19, 22)), "meets the maintenance"),
        (replace(GOOD, objective=9), "given as 9 but is 10"),
        (replace(GOOD, placements=(replace(GOOD.placements[0], mode=1), *GOOD.placements[1:])), "is in mode 1"),
    ],
)
def test_the_verifier_sees_it(schedule: Schedule, words: str) -> None:
    assert not verify(TWO, GOOD)
    assert any(words in problem for problem in verify(TWO, schedule)), verify(TWO, schedule)


def test_a_hold_keeps_others_out() -> None:
    problem = replace(TWO, lags=(), holds=(Hold("h", ("n",), "b1", "b1"),))
    assert any("meets" in words for words in verify(problem, replace(GOOD, held=(("h", "n"),))))
    assert any("which it cannot take" in words for words in verify(problem, replace(GOOD, held=(("h", "x"),))))


def test_what_has_begun_is_not_moved() -> None:
    problem = replace(TWO, begun=(Begun("a1", 0, 0, None),), now=3)
    assert not verify(problem, GOOD)
    assert any("was moved" in words for words in verify(problem, moved(a1=(1, 6), a2=(6, 11), b1=(6, 9))))


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Up to five tasks of two jobs on three machines, with choices, time limits and holds."""
    names = ("x", "y", "z")
    tasks, lags, holds = [], [], []
    for job in ("a", "b"):
        count = draw(st.integers(1, 3 if job == "a" else 2))
        for number in range(count):
            machines = draw(st.lists(st.sampled_from(names), min_size=1, max_size=2, unique=True))
            length = draw(st.integers(1, 4))
            tasks.append(Task(f"{job}{number}", job, tuple(Mode((m,), length) for m in machines)))
            if number:
                lags.append(Lag(f"{job}{number - 1}", f"{job}{number}", 0, draw(st.sampled_from([None, 2, 5]))))
        if count > 1 and draw(st.booleans()):
            holds.append(Hold(f"hold {job}", ("nest",), f"{job}0", f"{job}{count - 1}"))
    return Problem(
        (*map(Machine, names), Machine("nest")), (Job("a"), Job("b")), tuple(tasks), tuple(lags), tuple(holds)
    )


def brute(problem: Problem) -> int:
    """The best makespan by trying every start and every machine."""
    horizon = sum(task.modes[0].duration for task in problem.tasks)
    best = horizon + 1

    def grow(number: int, places: list[Placement]) -> None:
        nonlocal best
        if number == len(problem.tasks):
            end = max(place.end for place in places)
            whole = Schedule(tuple(places), tuple((hold.id, "nest") for hold in problem.holds), end, 0)
            if end < best and not verify(problem, whole):
                best = end
            return
        task = problem.tasks[number]
        for mode, start in itertools.product(range(len(task.modes)), range(horizon)):
            length = task.modes[mode].duration
            if start + length < best:
                grow(number + 1, [*places, Placement(task.id, mode, start, start + length)])

    grow(0, [])
    return best


@settings(max_examples=12, deadline=None)
@given(problems().filter(lambda p: len(p.tasks) <= 3))
def test_the_solver_finds_what_trying_everything_finds(problem: Problem) -> None:
    heard: list[Schedule] = []
    found = plan(problem, 5.0, on_better=heard.append)
    assert found.status == "optimal"
    assert found.objective == brute(problem)
    assert not verify(problem, found)
    assert all(not verify(problem, schedule) for schedule in heard)
    assert [s.objective for s in heard] == sorted((s.objective for s in heard), reverse=True)


@settings(max_examples=60, deadline=None)
@given(problems())
def test_greedy_keeps_every_constraint(problem: Problem) -> None:
    assert not verify(problem, greedy(problem))


@settings(max_examples=25, deadline=None)
@given(problems(), st.integers(0, 12))
def test_a_repair_moves_nothing_that_has_begun(problem: Problem, now: int) -> None:
    old = greedy(problem)
    begun = tuple(
        Begun(p.task, p.mode, p.start, p.end if p.end <= now else None) for p in old.placements if p.start < now
    )
    later = replace(problem, begun=begun, now=now)
    found = plan(later, 2.0, hint=old)
    assert not verify(later, found)
    assert found.objective <= old.objective


@pytest.mark.skipif(not DATA.exists(), reason="../shared/data/scheduling is not here")
@pytest.mark.parametrize(("name", "wanted"), [("gu2016_x1", 87), ("qpcr_x5", 148)])
def test_laboratory_workflows_are_planned_as_well_as_can_be(name: str, wanted: int) -> None:
    found = plan(s_lab(DATA / "slab" / name), 5.0)
    assert (found.objective, found.status) == (wanted, "optimal")


@pytest.mark.skipif(not DATA.exists(), reason="../shared/data/scheduling is not here")
@pytest.mark.parametrize("name", ["mk01", "mk03", "mk08"])
def test_flexible_job_shops(name: str) -> None:
    problem = flexible_job_shop(DATA / f"brandimarte/{name}.json")
    found = plan(problem, 10.0)
    assert not verify(problem, found)
    assert found.objective == {"mk01": 40, "mk03": 204, "mk08": 523}[name]


def test_the_solver_process_plans_and_can_be_left_at_any_time() -> None:
    problem = replace(TWO, lags=())

    async def main() -> None:
        async with SolverProcess() as solver:
            plans = [schedule async for schedule in solver.solve(problem, 2.0)]
            assert not verify(problem, plans[-1])
            async with contextlib.aclosing(solver.solve(TWO, 60.0)) as leaving:
                async for schedule in leaving:
                    assert not verify(TWO, schedule)
                    break
            again = [schedule async for schedule in solver.solve(problem, 2.0)]
            assert again[-1].objective == plans[-1].objective

    asyncio.run(main())


def test_a_problem_survives_being_plain_data() -> None:
    problem = replace(TWO, begun=(Begun("a1", 0, 0),), holds=(Hold("h", ("n",), "b1", "b1"),))
    assert to_problem(orjson.loads(orjson.dumps(problem))) == problem
