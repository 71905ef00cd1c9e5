"""The fold: what it refuses, that it is what lives, and that waiting never goes round in a circle."""

import asyncio
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from orchestrator.conductor import Conductor
from orchestrator.journal import MemoryLog
from orchestrator.plan import Frontier
from orchestrator.planner import moves, order, outlook
from orchestrator.scheduling.greedy import greedy
from orchestrator.scheduling.verify import verify
from orchestrator.state import records as r
from orchestrator.state.cell import CellState, Impossible, fold, reduce
from orchestrator.state.views import waits_for_person
from protocols.program import Action, Hold, Program

THINGS = ("arm", "ot2", "reader", "reader.tray", "hotel.1")
STAND_INS = {"arm": ("other_arm",), "ot2": ("flex", "star")}


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """A chain of a few actions on a few things, some of which are kept for a while."""
    count = draw(st.integers(1, 6))
    actions, holds = [], []
    kept: dict[str, str] = {}
    for number in range(count):
        needs = draw(st.sets(st.sampled_from(THINGS), min_size=1, max_size=2))
        name = f"s.{number}"
        for thing in sorted(needs):
            keep = number < count - 1 and draw(st.booleans())
            first = kept.pop(thing, name)
            if keep:
                kept[thing] = first
            else:
                holds.append(Hold(thing, first, name))
        actions.append(Action(name, "s", sorted(needs)[0], "do", {}, (f"s.{number - 1}",) if number else (),
                              needs=tuple(sorted(needs))))  # fmt: skip
    last = f"s.{count - 1}"
    holds += [Hold(thing, first, last) for thing, first in kept.items()]
    # An action that lies within a hold needs the thing whether it says so or not; the ends must know it.
    return Program("p", tuple(actions), {}, {}, holds=tuple(_sorted(holds, actions)))


def _sorted(holds: list[Hold], actions: list[Action]) -> list[Hold]:
    place = {action.id: number for number, action in enumerate(actions)}
    return sorted(holds, key=lambda hold: place[hold.first])


def submitted(run_id: str, program: Program) -> r.Submitted:
    return r.Submitted(at=0.0, run_id=run_id, program=program, about={})


ONE = Program("p", (Action("a.1", "a", "arm", "do", {}, needs=("arm",)), Action("a.2", "a", "arm", "do", {}, ("a.1",), needs=("arm",))),
              {}, {}, holds=(Hold("arm", "a.1", "a.1"), Hold("arm", "a.2", "a.2")))  # fmt: skip


@pytest.mark.parametrize(
    ("story", "words"),
    [
        ([r.Begun(at=1, run_id="x", action="a.1")], "no run x"),
        ([r.Begun(at=1, run_id="one", action="a.9")], "no action a.9"),
        ([r.Begun(at=1, run_id="one", action="a.2")], "waits for a.1"),
        ([r.Begun(at=1, run_id="one", action="a.1")] * 2, "is begun, and may not begin"),
        ([r.Begun(at=1, run_id="one", action="a.1", attempt=2)], "attempt 2"),
        ([r.Begun(at=1, run_id="one", action="a.1"), r.Begun(at=1, run_id="two", action="a.1")], "arm is held by one"),
        ([r.Done(at=1, run_id="one", action="a.1")], "is waiting, not begun"),
        ([r.Paused(at=1, run_id="one", by="me"), r.Begun(at=1, run_id="one", action="a.1")], "paused or ending"),
        ([r.AbortAsked(at=1, run_id="one", by="me"), r.Begun(at=1, run_id="one", action="a.1")], "paused or ending"),
        ([r.Finished(at=1, run_id="one", outcome="completed")], "not over"),
        ([r.Begun(at=1, run_id="one", action="a.1"), r.Finished(at=1, run_id="one", outcome="failed")], "still runs"),
        ([r.Settled(at=1, run_id="one", action="a.1", verdict="done", by="me", evidence="")], "is waiting"),
        ([r.Reserved(at=1, holder="plan", things=("arm",), until=9), r.Begun(at=1, run_id="one", action="a.1")], "held by plan"),
        ([r.Begun(at=1, run_id="one", action="a.1"), r.Reserved(at=1, holder="p", things=("arm",), until=9)], "arm by one"),
        ([r.Claimed(at=1, holder="w", epoch=0, world="real")], "epoch 0 is over"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(story: list[r.Record], words: str) -> None:
    state = fold([submitted("one", ONE), submitted("two", ONE)])
    with pytest.raises(Impossible, match=words):
        fold(story, state)


def test_a_new_worker_makes_what_was_under_way_unknown() -> None:
    state = fold([submitted("one", ONE), r.Begun(at=1, run_id="one", action="a.1")])
    state = reduce(state, r.Claimed(at=2, holder="w", epoch=1, world="real"))
    assert state.run("one").unsettled == ("a.1",)
    assert state.owner("arm") == "one", "what is in doubt keeps its device"
    back = reduce(state, r.Settled(at=3, run_id="one", action="a.1", verdict="not_done", by="device", evidence="log"))
    again = reduce(back, r.Begun(at=4, run_id="one", action="a.1", attempt=2)).run("one").actions["a.1"]
    assert (again.phase, again.attempt, again.command) == ("begun", 2, 1), "to the device it is the same command"


@pytest.mark.parametrize("word", [
    r.Settled(at=3, run_id="one", action="a.1", verdict="not_done", by="ann", evidence="I looked"),
    r.Chosen(at=3, run_id="one", action="a.1", choice="retry", by="ann"),
])  # fmt: skip
def test_what_a_person_wants_done_again_is_a_new_command(word: r.Record) -> None:
    story = [submitted("one", ONE), r.Begun(at=1, run_id="one", action="a.1"),
             r.Failed(at=2, run_id="one", action="a.1", error="no", kind="CommandFailed", outcome="failed"), word,
             r.Begun(at=4, run_id="one", action="a.1", attempt=2)]  # fmt: skip
    assert fold(story).run("one").actions["a.1"].command == 2


def test_going_back_does_a_step_anew() -> None:
    story = [submitted("one", ONE), *(
        record for name in ("a.1",) for record in
        (r.Begun(at=1, run_id="one", action=name), r.Done(at=2, run_id="one", action=name))),
        r.Begun(at=3, run_id="one", action="a.2"),
        r.Failed(at=4, run_id="one", action="a.2", error="no", kind="CommandFailed", outcome="failed"),
        r.Chosen(at=5, run_id="one", action="a.2", choice="go_back", by="me", note="a"),
    ]  # fmt: skip
    run = fold(story).run("one")
    assert [run.phase(name) for name in run.order] == ["waiting", "waiting"]


class Cells(RuleBasedStateMachine):
    """Many runs, crashes, failures and choices in any order; a conductor between them and the state."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.journal: list[r.Record] = []
        self.conductor = Conductor(MemoryLog(), lambda: 0.0)
        self.conductor.listeners.append(self.journal.append)
        self.submitted = 0

    def _do(self, record: r.Record) -> None:
        async def main() -> None:
            self.conductor.record(record)

        self.loop.run_until_complete(main())

    @initialize(program=programs())
    def begin_with_one(self, program: Program) -> None:
        self.submit(program)

    @rule(program=programs())
    def submit(self, program: Program) -> None:
        self.submitted += 1
        run_id = f"r{self.submitted}"
        self._do(submitted(run_id, program))
        self.conductor.turns.enter(run_id, program.holds)

    @rule(pick=st.randoms(use_true_random=False))
    def begin(self, pick: random.Random) -> None:
        ready = [
            (run_id, action) for run_id, run in self.conductor.state.runs.items()
            if not run.paused_by and not run.unsettled and run.abort_asked is None
            for action in Frontier(run).ready
        ]  # fmt: skip

        async def main() -> None:
            run_id, action = pick.choice(ready)
            self.conductor.begin(run_id, action)

        if ready:
            self.loop.run_until_complete(main())

    def _under_way(self, phase: str) -> list[tuple[str, str]]:
        return [(run_id, name) for run_id, run in self.conductor.state.runs.items() for name in run.order
                if run.phase(name) == phase]  # fmt: skip

    @precondition(lambda self: self._under_way("begun"))
    @rule(pick=st.randoms(use_true_random=False), fails=st.booleans())
    def end(self, pick: random.Random, fails: bool) -> None:
        run_id, action = pick.choice(self._under_way("begun"))
        if fails:
            self._do(r.Failed(at=0, run_id=run_id, action=action, error="e", kind="k", outcome="failed"))
        else:
            self._do(r.Done(at=0, run_id=run_id, action=action))

    @precondition(lambda self: self._under_way("failed") or self._under_way("unknown"))
    @rule(pick=st.randoms(use_true_random=False), verdict=st.sampled_from(["done", "not_done"]))
    def settle(self, pick: random.Random, verdict: str) -> None:
        run_id, action = pick.choice(self._under_way("failed") + self._under_way("unknown"))
        self._do(r.Settled(at=0, run_id=run_id, action=action, verdict=verdict, by="me", evidence=""))  # type: ignore[arg-type]

    @rule()
    def crash(self) -> None:
        epoch = self.conductor.state.epoch + 1
        self._do(r.Claimed(at=0, holder="w", epoch=epoch, world="real"))

    @rule(pick=st.randoms(use_true_random=False))
    def pause_or_resume(self, pick: random.Random) -> None:
        if self.conductor.state.runs:
            run_id, run = pick.choice(list(self.conductor.state.runs.items()))
            self._do((r.Resumed if run.paused_by else r.Paused)(at=0, run_id=run_id, by="me"))

    @rule()
    def finish(self) -> None:
        for run_id, run in list(self.conductor.state.runs.items()):
            if run.complete:
                self._do(r.Finished(at=0, run_id=run_id, outcome="completed"))
                self.conductor.forget(run_id)

    @invariant()
    def nobody_shares(self) -> None:
        state = self.conductor.state
        for phase in ("begun", "unknown", "failed"):
            for run_id, name in self._under_way(phase):
                for thing in state.run(run_id).order[name].needs:
                    assert state.owner(thing) == run_id
        begun = [thing for run_id, name in self._under_way("begun") for thing in state.run(run_id).order[name].needs]
        assert len(begun) == len(set(begun)), "two commands meet on a thing"

    @invariant()
    def the_journal_is_the_state(self) -> None:
        assert fold(self.journal) == self.conductor.state

    def teardown(self) -> None:
        """With good luck from here on every run ends: nobody waits for himself."""
        for run_id, run in list(self.conductor.state.runs.items()):
            if run.paused_by:
                self._do(r.Resumed(at=0, run_id=run_id, by="me"))
        for phase in ("failed", "unknown"):
            for run_id, name in self._under_way(phase):
                self._do(r.Settled(at=0, run_id=run_id, action=name, verdict="done", by="me", evidence=""))
        self.loop.run_until_complete(_drain(self.conductor, random.Random(1)))
        assert not self.conductor.state.runs
        assert not self.conductor.state.held
        self.loop.close()


TestCells = Cells.TestCase
TestCells.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


async def _drain(conductor: Conductor, rng: random.Random) -> None:
    """Begin whatever may begin and end it in any order, until all runs are over; fails when nothing can move."""
    while conductor.state.runs:
        moved = False
        for run_id, run in list(conductor.state.runs.items()):
            for action in Frontier(run).ready:
                moved = conductor.begin(run_id, action) is not None or moved
        begun = [(run_id, name) for run_id, run in conductor.state.runs.items() for name in run.order
                 if run.phase(name) == "begun"]  # fmt: skip
        rng.shuffle(begun)
        for run_id, name in begun[: 1 + rng.randrange(len(begun))] if begun else []:
            conductor.record(r.Done(at=0, run_id=run_id, action=name))
            moved = True
        for run_id, run in list(conductor.state.runs.items()):
            if run.complete:
                conductor.record(r.Finished(at=0, run_id=run_id, outcome="completed"))
                conductor.forget(run_id)
                moved = True
        assert moved, f"deadlock: {conductor.turns.waiting()} {dict(conductor.state.held)}"


@settings(max_examples=150, deadline=None)
@given(st.lists(programs(), min_size=2, max_size=6), st.integers(0, 2**16), st.booleans())
def test_deadlock_is_impossible(many: list[Program], seed: int, planned: bool) -> None:
    """Any programs, any order of ends; in the order of coming, or in that of a verified plan, which may send visits
    to other devices."""

    async def main() -> None:
        conductor = Conductor(MemoryLog(), lambda: 0.0)
        rng = random.Random(seed)
        for number, program in enumerate(many):
            conductor.record(replace(submitted(f"r{number}", program), at=0.0))
            conductor.turns.enter(f"r{number}", program.holds)
        if planned:
            looked = outlook(conductor.state, 0.0, lambda run: run.program.holds, {}, STAND_INS)
            schedule = greedy(looked.problem)
            assert not verify(looked.problem, schedule)
            for visit, places in moves(looked, schedule):
                conductor.rebind(visit.run_id, visit.hold.first, places)
            conductor.turns.reorder(order(looked, schedule, conductor.turns.waiting()))
        await _drain(conductor, rng)

    asyncio.run(main())


def test_a_visit_that_goes_elsewhere_takes_along_only_what_is_its_own() -> None:
    """Two holds of one device follow one another; a plan that sends the second to a stand-in leaves the first."""
    both, arm = ("hotel.1", "ot2"), ("arm",)
    second = Program("p", (Action("s.0", "s", "ot2", "do", {}, needs=both), Action("s.1", "s", "ot2", "do", {}, ("s.0",), needs=both),
                           Action("s.2", "s", "arm", "do", {}, ("s.1",), needs=arm)), {}, {},
                     holds=(Hold("hotel.1", "s.0", "s.0"), Hold("ot2", "s.0", "s.0"), Hold("hotel.1", "s.1", "s.1"),
                            Hold("ot2", "s.1", "s.2"), Hold("arm", "s.2", "s.2")))  # fmt: skip
    looked = outlook(fold([submitted("r", second)]), 0.0, lambda run: run.program.holds, {}, STAND_INS)
    assert [tuple(action.id for action in c.actions) for c in looked.chains.values()] == [("s.0",), ("s.1",), ("s.2",)]
    needs = {task.id: task.modes[0].machines for task in looked.problem.tasks}
    assert "ot2" in needs["r/s.0"], "the first hold stays where it is, whatever becomes of the second"


def test_an_empty_cell_has_nothing() -> None:
    assert fold([]) == CellState()


def test_an_alarm_of_an_attempt_before_asks_nobody_about_this_one() -> None:
    """A person has settled the first one; the second failed, and policy may try again."""
    told = [
        submitted("one", ONE),
        r.Begun(at=1.0, run_id="one", action="a.1"),
        r.Claimed(at=2.0, holder="w2", epoch=1, world="twin"),
        r.Alarmed(at=3.0, run_id="one", action="a.1", message="nobody can tell"),
    ]
    assert waits_for_person(fold(told).run("one"))
    told += [
        r.Settled(at=4.0, run_id="one", action="a.1", verdict="not_done", by="me", evidence="I looked"),
        r.Begun(at=5.0, run_id="one", action="a.1", attempt=2),
        r.Failed(at=6.0, run_id="one", action="a.1", error="busy", kind="CommandRefused", outcome="not_started"),
    ]
    assert not waits_for_person(fold(told).run("one"))
    told.append(r.Alarmed(at=6.0, run_id="one", action="a.1", message="A person must choose"))
    assert waits_for_person(fold(told).run("one"))
