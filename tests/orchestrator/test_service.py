"""A cell at work in virtual time: many runs, pause, abort, stop, failures and choices."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.many.shift import jobs, shift
from drivers.core.errors import CommandFailed, CommandRefused, ConnectionFailed, ConnectionLost
from drivers.core.instrument import Command, Readings
from drivers.core.transport import Port
from drivers.core.world import WorldSettings
from labfile import Lab
from orchestrator import service
from orchestrator.cell import Cell
from orchestrator.conductor import Conductor
from orchestrator.journal import MemoryLog
from orchestrator.labview import view
from orchestrator.recovery import offered
from orchestrator.service import Service
from orchestrator.state import records as r
from orchestrator.state.cell import Impossible, fold
from orchestrator.state.views import phase, waits_for_person, wants_cleared
from protocols.check import check
from protocols.parse import from_document
from protocols.program import Program

ROOT = Path(__file__).resolve().parents[2]
INCUBATION = ROOT / "benchmarks/many/incubation.yaml"
Story = Callable[["Floor"], Awaitable[None]]


class Floor:
    """A service on a twin, with what it wrote."""

    def __init__(self, lab: Lab) -> None:
        self.cell = Cell(lab, "twin", WorldSettings(seed=1, epoch_s=0.0))
        self.lab = lab
        self.records: list[r.Record] = []

    def start(self) -> None:
        """Begin, or go on where the worker before ended."""
        self.conductor = Conductor(MemoryLog(), asyncio.get_running_loop().time, fold(self.records))
        self.conductor.listeners.append(self.records.append)
        self.service = Service(self.conductor, self.cell)

    async def change_workers(self) -> None:
        """`lab down` and `lab up`, in a moment."""
        await self.service.close()
        self.start()
        state = self.conductor.state
        self.conductor.record(r.Claimed(at=self.conductor.now(), holder="heir", epoch=state.epoch + 1, world="twin"))
        self.service.take_up()

    def program(self, *steps: dict[str, Any]) -> Program:
        document = {
            "format": "lab-protocol/1", "name": "t", "author": {"kind": "human", "name": "tests"},
            "materials": {"dye": {"cas": "25956-17-6", "concentration": "0.1 mmol/L"}},
            "labware": {"stock": {"type": "reservoir_12", "holds": {"A1": "dye"}}, "plate": {"type": "plate_96_flat"}},
            "steps": list(steps),
        }  # fmt: skip
        program = check(from_document(document), view(self.lab), clear=True).program
        assert program is not None
        return program

    async def submit(self, run_id: str, *steps: dict[str, Any]) -> Program:
        program = self.program(*steps)
        await self.service.submit(run_id, program, about={"run_id": run_id})
        return program

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(100_000):
            while not condition():
                await asyncio.sleep(0.5)

    def outcome(self, run_id: str) -> str | None:
        return next((x.outcome for x in self.records if isinstance(x, r.Finished) and x.run_id == run_id), None)

    def kinds(self, run_id: str, kind: type[r.Record]) -> list[Any]:
        return [x for x in self.records if isinstance(x, kind) and x.run_id == run_id]


def on_the_floor(lab: Lab, story: Story) -> Floor:
    floor = Floor(lab)
    floor.cell.load(("ot2", "operator"))

    async def main() -> None:
        floor.start()
        await story(floor)
        await floor.service.close()
        await floor.cell.close()

    floor.cell.world.run(main)
    assert fold(floor.records) == floor.conductor.state
    return floor


TRANSFER = {"id": "fill", "do": "transfer", "source": "stock/A1", "to": "plate/A1:A4", "volume": "50 uL"}


def test_runs_share_a_cell_and_leave_it_as_it_was(small_lab: Lab) -> None:
    async def story(floor: Floor) -> None:
        for number in range(4):
            await floor.submit(f"r{number}", TRANSFER)
        await floor.service.idle()
        assert not floor.conductor.state.held
        assert not floor.conductor.state.left
        assert not floor.cell.world.truth.at.keys() - {"ot2.12"}  # type: ignore[attr-defined]

    floor = on_the_floor(small_lab, story)
    assert [floor.outcome(f"r{number}") for number in range(4)] == ["completed"] * 4


def test_pause_lets_the_action_end_and_resume_repeats_nothing(small_lab: Lab) -> None:
    async def story(floor: Floor) -> None:
        program = await floor.submit("r", TRANSFER)
        await floor.until(lambda: len(floor.kinds("r", r.Done)) > 8)
        await floor.service.pause("r", "me")
        await asyncio.sleep(1000)
        run = floor.conductor.state.run("r")
        assert phase(run) == "paused"
        assert not [name for name in run.order if run.phase(name) == "begun"]
        done = len(floor.kinds("r", r.Done))
        await asyncio.sleep(1000)
        assert len(floor.kinds("r", r.Done)) == done
        await floor.service.resume("r", "me")
        await floor.service.idle()
        assert len(floor.kinds("r", r.Begun)) == len(floor.kinds("r", r.Done)) == len(program.actions)

    assert on_the_floor(small_lab, story).outcome("r") == "completed"


def test_a_paused_run_that_has_nothing_lets_others_pass(small_lab: Lab) -> None:
    async def story(floor: Floor) -> None:
        await floor.submit("first", TRANSFER)
        await floor.submit("second", TRANSFER)
        await floor.submit("third", TRANSFER)
        await floor.service.pause("second", "me")
        await floor.until(lambda: floor.outcome("third") is not None)
        assert floor.outcome("second") is None
        await floor.service.resume("second", "me")
        await floor.service.idle()

    assert on_the_floor(small_lab, story).outcome("second") == "completed"


def test_an_abort_ends_safely(small_lab: Lab) -> None:
    """With a tip on and plates on the deck: the tip is dropped, the labware taken out, the deck free."""

    async def story(floor: Floor) -> None:
        await floor.submit("r", TRANSFER)
        await floor.until(lambda: any("fill" in done.action for done in floor.kinds("r", r.Done)))
        await floor.service.abort("r", "me", "enough")
        await floor.service.idle()
        world = floor.cell.world
        assert not world.truth.at.keys() - {"ot2.12"}  # type: ignore[attr-defined]
        assert all(head.tips is None for head in world._twins["ot2"].heads.values())  # type: ignore[attr-defined]
        assert not floor.conductor.state.held
        assert not floor.conductor.state.left
        await floor.submit("next", TRANSFER)
        await floor.service.idle()

    floor = on_the_floor(small_lab, story)
    assert floor.outcome("r") == "aborted"
    assert floor.outcome("next") == "completed"


def test_a_stop_does_not_fall_over_a_run_that_our_mistake_ended(
    small_lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = service.perform

    async def mistaken(run_id: str, *args: Any, **more: Any) -> None:
        await real(run_id, *args, **more)
        if run_id == "mistaken":
            raise RuntimeError("ours")

    monkeypatch.setattr(service, "perform", mistaken)

    async def story(floor: Floor) -> None:
        await floor.submit("mistaken", TRANSFER)
        await floor.until(lambda: any("our mistake" in told.message for told in floor.kinds("mistaken", r.Alarmed)))
        assert floor.conductor.state.run("mistaken").begun_at is not None
        await floor.service.stop("me")
        assert [told.by for told in floor.kinds("mistaken", r.AbortAsked)] == ["me"]

    on_the_floor(small_lab, story)


def test_stop_is_sent_to_every_device_at_once(small_lab: Lab) -> None:
    """Under 100 ms from the call to the last byte at the device, in the middle of a command."""
    times: dict[str, float] = {}

    async def story(floor: Floor) -> None:
        loop = asyncio.get_running_loop()
        await floor.submit("r", TRANSFER)
        await floor.submit("waits", TRANSFER)
        await floor.until(lambda: any("fill" in begun.action for begun in floor.kinds("r", r.Begun)))
        run = next(iter(floor.cell.world._twins["ot2"].runs.values()))  # type: ignore[attr-defined]
        began = loop.time()
        stopping = asyncio.ensure_future(floor.service.stop("me"))
        await run.stopped.wait()
        times["stop"] = loop.time() - began
        await stopping
        await floor.until(lambda: floor.outcome("r") is not None)
        assert phase(floor.conductor.state.run("waits")) == "paused"
        assert floor.conductor.state.left, "what stands there a person must take away"

    floor = on_the_floor(small_lab, story)
    assert floor.outcome("r") == "aborted"
    assert times["stop"] < 0.1


def test_what_a_stop_paused_goes_on_when_it_is_resumed(small_lab: Lab) -> None:
    """Its devices, which the stop gave back, are reached anew for it."""

    async def story(floor: Floor) -> None:
        await floor.submit("r", TRANSFER)
        await floor.submit("waits", TRANSFER)
        await floor.until(lambda: any("fill" in begun.action for begun in floor.kinds("r", r.Begun)))
        await floor.service.stop("me")
        with pytest.raises(Impossible, match="being stopped"):
            await floor.service.resume("waits", "me")
        await floor.until(lambda: not floor.cell.devices)
        await floor.service.clear(tuple(floor.conductor.state.left), "me")
        await floor.service.resume("waits", "me")
        await floor.service.idle()

    floor = on_the_floor(small_lab, story)
    assert (floor.outcome("r"), floor.outcome("waits")) == ("aborted", "completed")
    assert not floor.kinds("waits", r.Alarmed)


def test_a_stop_ends_a_safe_end_too(small_lab: Lab) -> None:
    async def story(floor: Floor) -> None:
        await floor.submit("r", TRANSFER)
        await floor.until(lambda: any("fill" in begun.action for begun in floor.kinds("r", r.Begun)))
        await floor.service.abort("r", "me", "stopped")  # a person's word, whatever it is, spares no safe end
        await floor.until(lambda: len(floor.kinds("r", r.Amended)) == 1)
        await floor.service.stop("me")
        begun = len(floor.kinds("r", r.Begun))
        await floor.service.idle()
        assert len(floor.kinds("r", r.Begun)) == begun

    assert on_the_floor(small_lab, story).outcome("r") == "aborted"


def test_what_was_not_sent_when_a_stop_came_is_never_sent(small_lab: Lab) -> None:
    sent: list[str] = []

    async def story(floor: Floor) -> None:
        def stop_at_once(record: r.Record) -> None:
            if isinstance(record, r.Begun) and "fill" in record.action and not sent:
                sent.append(record.action)
                floor.stopping = asyncio.ensure_future(floor.service.stop("me"))  # type: ignore[attr-defined]

        floor.conductor.listeners.append(stop_at_once)
        await floor.submit("r", TRANSFER)
        await floor.service.idle()

    floor = on_the_floor(small_lab, story)
    assert [failed.kind for failed in floor.kinds("r", r.Failed) if failed.action == sent[0]] == ["Stopped"]


def test_a_stop_reaches_devices_that_the_new_worker_has_not_reached_yet(small_lab: Lab) -> None:
    async def story(floor: Floor) -> None:
        await floor.submit("r", TRANSFER)
        await floor.until(lambda: any("fill" in begun.action for begun in floor.kinds("r", r.Begun)))
        old, floor.cell.devices = floor.cell.devices, {}  # as in a new process
        await floor.change_workers()
        await floor.service.stop("me")
        await floor.service.idle()
        (run,) = floor.cell.world._twins["ot2"].runs.values()  # type: ignore[attr-defined]
        assert run.stopped.is_set()
        await asyncio.gather(*(device.disconnect() for device in old.values()))

    assert on_the_floor(small_lab, story).outcome("r") == "aborted"


async def left_by_a_stop(floor: Floor) -> tuple[str, ...]:
    """The sites on which a run, stopped while it pipetted, left its labware."""
    await floor.submit("r", TRANSFER)
    await floor.until(lambda: any("fill" in begun.action for begun in floor.kinds("r", r.Begun)))
    await floor.service.stop("me")
    await floor.until(lambda: floor.outcome("r") is not None)
    assert floor.conductor.state.left
    return tuple(floor.conductor.state.left)


def test_what_a_person_cleared_is_gone_for_the_next_run(small_lab: Lab) -> None:
    """After a stop the labware stands where it stood: on the twin, too, somebody takes it away who says so."""

    async def story(floor: Floor) -> None:
        left = await left_by_a_stop(floor)
        with pytest.raises(Impossible, match="no site no.such.site in this lab; left by ended runs: "):
            await floor.service.clear((*left, "no.such.site"), "me")
        await floor.service.clear(left, "me")
        await floor.submit("next", TRANSFER)
        await floor.until(lambda: any("fill" in begun.action for begun in floor.kinds("next", r.Begun)))
        await floor.service.clear(left, "me")  # said twice, and by now another run's labware stands there
        await floor.until(lambda: floor.outcome("next") is not None or bool(floor.kinds("next", r.Alarmed)))

    floor = on_the_floor(small_lab, story)
    assert floor.outcome("next") == "completed", floor.kinds("next", r.Alarmed)


def test_a_run_that_waits_for_what_was_left_says_so(small_lab: Lab) -> None:
    """After a stop the next run stood still and nothing in it said why: found by a tester."""

    async def story(floor: Floor) -> None:
        left = await left_by_a_stop(floor)
        await floor.submit("next", TRANSFER)
        state = floor.conductor.state
        await floor.until(lambda: bool(wants_cleared(state, state.run("next"))))
        assert set(wants_cleared(state, state.run("next"))) <= set(left)
        await floor.service.clear(left, "me")
        assert not wants_cleared(floor.conductor.state, floor.conductor.state.run("next"))

    on_the_floor(small_lab, story)


def failing(floor: Floor, verb: str, *errors: Exception) -> None:
    """The next calls of a verb on the OT-2 fail so."""
    device = floor.cell.devices["ot2"]
    perform, left = device.perform, list(errors)

    async def broken(command: Command) -> Readings:
        if command.verb == verb and left:
            raise left.pop(0)
        return await perform(command)

    device.perform = broken  # type: ignore[method-assign]


def test_what_did_not_begin_is_tried_again_by_policy(small_lab: Lab) -> None:
    async def story(floor: Floor) -> None:
        await floor.submit("r", TRANSFER)
        await floor.until(lambda: "ot2" in floor.cell.devices)
        failing(floor, "aspirate", CommandRefused("busy"), CommandRefused("busy"))
        await floor.service.idle()

    floor = on_the_floor(small_lab, story)
    assert floor.outcome("r") == "completed"
    assert [choice.by for choice in floor.kinds("r", r.Chosen)] == ["policy", "policy"]


@pytest.mark.parametrize(
    ("choice", "outcome"),
    [("retry", "completed"), ("skip", "completed"), ("by_hand", "completed"), ("abort", "aborted")],
)
def test_a_failure_waits_for_a_person(small_lab: Lab, choice: Any, outcome: str) -> None:
    async def story(floor: Floor) -> None:
        await floor.submit("r", TRANSFER)
        await floor.until(lambda: "ot2" in floor.cell.devices)
        failing(floor, "touch_tip" if choice == "skip" else "drop_tip", CommandFailed("stuck"))
        if choice == "skip":
            failing(floor, "home", CommandFailed("stuck"))
        await floor.until(
            lambda: "r" not in floor.conductor.state.runs or waits_for_person(floor.conductor.state.run("r"))
        )
        if "r" in floor.conductor.state.runs:
            (action,) = floor.conductor.state.run("r").unsettled
            alarm = floor.conductor.state.run("r").alarms[-1]
            assert alarm.action == action
            assert "A person must choose" in alarm.message
            if choice == "by_hand":
                floor.cell.world._twins["ot2"].heads["left"].tips = None  # type: ignore[attr-defined]
            await floor.service.choose("r", action, choice, "me")
        await floor.service.idle()

    assert on_the_floor(small_lab, story).outcome("r") == outcome


def test_a_lost_reply_is_asked_for_and_nothing_is_done_twice(small_lab: Lab) -> None:
    """The answer to a command is lost; the robot's own record says that it was done."""

    async def story(floor: Floor) -> None:
        await floor.submit("r", TRANSFER)
        await floor.until(lambda: "ot2" in floor.cell.devices)
        device = floor.cell.devices["ot2"]
        perform, lost = device.perform, [True]

        async def deaf(command: Command) -> Readings:
            readings = await perform(command)
            if command.verb == "aspirate" and lost:
                lost.clear()
                raise ConnectionLost("the line broke.", device="ot2")
            return readings

        device.perform = deaf  # type: ignore[method-assign]
        await floor.service.idle()

    floor = on_the_floor(small_lab, story)
    assert floor.outcome("r") == "completed"
    (settled,) = floor.kinds("r", r.Settled)
    assert (settled.verdict, settled.by) == ("done", "device")
    assert "succeeded" in settled.evidence


def test_a_worker_that_goes_down_leaves_the_devices_at_work(small_lab: Lab) -> None:
    """No stop goes out: the robot ends its command, and the next worker hears of it and goes on."""

    async def story(floor: Floor) -> None:
        await floor.submit("r", TRANSFER)
        await floor.until(lambda: any("fill" in begun.action for begun in floor.kinds("r", r.Begun)))
        await floor.change_workers()
        await floor.service.idle()
        (run,) = floor.cell.world._twins["ot2"].runs.values()  # type: ignore[attr-defined]
        assert not run.stopped.is_set()

    floor = on_the_floor(small_lab, story)
    assert floor.outcome("r") == "completed"
    assert {settled.by for settled in floor.kinds("r", r.Settled)} == {"device"}
    assert len(floor.kinds("r", r.Done)) + len(floor.kinds("r", r.Settled)) >= len(floor.kinds("r", r.Begun)) - 1


def test_a_worker_that_has_closed_takes_nothing_more(small_lab: Lab) -> None:
    async def story(floor: Floor) -> None:
        gone = floor.service
        await floor.change_workers()
        with pytest.raises(Impossible, match="this worker has closed"):
            await gone.submit("r", floor.program(TRANSFER), about={})
        with pytest.raises(Impossible, match="this worker has closed"):
            await gone.run_plan("p", lambda: iter(()), {}, ["ot2"], "me")  # type: ignore[arg-type, return-value]

    assert not on_the_floor(small_lab, story).kinds("r", r.Submitted)


def test_a_failure_that_nobody_settled_is_told_again_by_the_next_worker(small_lab: Lab) -> None:
    async def story(floor: Floor) -> None:
        await floor.submit("r", TRANSFER)
        await floor.until(lambda: "ot2" in floor.cell.devices)
        failing(floor, "drop_tip", CommandFailed("stuck"))
        await floor.until(lambda: waits_for_person(floor.conductor.state.run("r")))
        await floor.change_workers()
        told = len(floor.kinds("r", r.Alarmed))
        await floor.until(lambda: len(floor.kinds("r", r.Alarmed)) > told)
        (action,) = floor.conductor.state.run("r").unsettled
        await floor.service.choose("r", action, "retry", "me")
        await floor.service.idle()

    assert on_the_floor(small_lab, story).outcome("r") == "completed"


def test_a_failure_in_the_moment_of_an_abort_is_left_to_the_safe_end(small_lab: Lab) -> None:
    """The failure is told when it is on the disk; by then the program of the run may be another."""

    async def story(floor: Floor) -> None:
        await floor.submit("r", TRANSFER)
        await floor.until(lambda: "ot2" in floor.cell.devices)
        failing(floor, "drop_tip", CommandFailed("stuck"))
        await floor.until(lambda: waits_for_person(floor.conductor.state.run("r")))
        (failed,) = floor.kinds("r", r.Failed)
        await floor.service.abort("r", "me", "enough")
        await floor.until(lambda: floor.conductor.state.run("r").amended)
        assert failed.action not in floor.conductor.state.run("r").order
        await floor.service._recover(failed)
        await floor.service.idle()

    assert on_the_floor(small_lab, story).outcome("r") == "aborted"


def test_a_safe_end_that_fails_cannot_be_aborted_but_skipped(small_lab: Lab) -> None:
    async def story(floor: Floor) -> None:
        await floor.submit("r", TRANSFER)
        await floor.until(lambda: any("fill" in done.action for done in floor.kinds("r", r.Done)))
        failing(floor, "remove_labware", CommandFailed("stuck"))
        await floor.service.abort("r", "me", "enough")
        await floor.until(lambda: waits_for_person(floor.conductor.state.run("r")))
        run = floor.conductor.state.run("r")
        (action,) = run.unsettled
        assert set(offered(run, action)) == {"retry", "skip", "by_hand"}
        with pytest.raises(Impossible, match="in its safe end; choose retry, skip or by_hand"):
            await floor.service.choose("r", action, "abort", "me")
        await floor.service.choose("r", action, "skip", "me")
        await floor.service.idle()

    assert on_the_floor(small_lab, story).outcome("r") == "aborted"


def test_a_device_that_was_away_is_dialled_again(small_lab: Lab) -> None:
    """Longer than anybody tried to reach it: the choice of a person is enough, no restart."""

    async def story(floor: Floor) -> None:
        await floor.submit("r", TRANSFER)
        await floor.until(lambda: any("fill" in begun.action for begun in floor.kinds("r", r.Begun)))
        operator = floor.cell.devices["operator"]
        dial, away = operator.port.transport, [True]

        def plug(tcp_port: int | None = None) -> Any:
            if away:
                raise ConnectionFailed("the plug is out.")
            return dial(tcp_port)

        operator.port = Port(operator.port.address, plug)
        await operator._transport.close()  # type: ignore[attr-defined]
        await floor.until(lambda: waits_for_person(floor.conductor.state.run("r")))
        away.clear()
        (action,) = floor.conductor.state.run("r").unsettled
        await floor.service.choose("r", action, "retry", "me")
        await floor.service.idle()

    assert on_the_floor(small_lab, story).outcome("r") == "completed"


def test_eight_incubations_are_done_together(lab: Lab) -> None:
    """At least 2.5 times as fast as one after the other, all complete, nothing left behind."""
    eight = jobs(lab, [(INCUBATION, {"rest": f"{20 + 5 * number} min"}) for number in range(8)])
    came = shift(lab, eight, 1.0)
    assert len(came.ends_s) == 8
    assert sum(job.alone_s for job in eight) / came.took_s > 2.5
    assert not came.state.held
    assert not came.state.left
    assert came.imbalance < 1e-9
    assert fold(came.records) == came.state


@pytest.mark.slow
def test_fifty_at_once_are_correct_and_none_starves(lab: Lab) -> None:
    work = jobs(lab, [(INCUBATION, {"rest": "1 min"}) for _ in range(50)])
    came = shift(lab, work, 0.0)
    ends = list(came.ends_s.values())
    assert len(ends) == 50
    assert ends == sorted(ends), "in the order of coming nobody overtakes"
    assert not came.state.held
    assert came.imbalance < 1e-9
