"""One trial: a run is submitted, its worker is killed at a point, and so may be the one that takes over; then the
witness is heard."""

import asyncio
import json
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.crash import twin
from benchmarks.crash.points import Points
from drivers.core.world import WorldSettings
from labfile import Lab, read
from orchestrator.journal import read_lines
from orchestrator.names import cell_name
from orchestrator.state import records as r
from orchestrator.state.cell import CellState, fold
from orchestrator.state.views import waits_for_person
from orchestrator.store.database import open_store
from orchestrator.store.log import read_journal
from orchestrator.store.requests import Request, alive, ask, take
from orchestrator.worker import Worker
from protocols.program import Program
from sim_lab.clock import ScaledLoop

RUN = "run"
PATIENCE = 3  # how often the person is asked
PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Trial:
    """What one kill did: every claim of the campaign is judged by this."""

    fatal: int | None
    passed: int  # points that the worker went by, if it was not killed
    ended: str  # outcome of the run, or "person" when it waits for one, or "stuck"
    records: tuple[r.Record, ...]
    effects: tuple[tuple[Any, ...], ...]
    killed: bool
    recovered_s: float

    @property
    def settled_by(self) -> tuple[str, ...]:
        """Who said what became of the actions in doubt."""
        return tuple(record.by for record in self.records if isinstance(record, r.Settled))

    @property
    def person(self) -> bool:
        """Whether a person had to speak."""
        return any(isinstance(record, r.Settled) and record.by == "person" for record in self.records)

    def repeated(self, reference: "Trial") -> list[tuple[Any, ...]]:
        """Effects that happened more often than in an undisturbed run."""
        allowed = Counter(reference.effects)
        return [effect for effect, times in Counter(self.effects).items() if times > allowed[effect]]

    def missing(self, reference: "Trial") -> list[tuple[Any, ...]]:
        """Effects of an undisturbed run that a completed one lacks."""
        seen = Counter(self.effects)
        return [effect for effect, times in Counter(reference.effects).items() if seen[effect] < times]

    @property
    def last_words(self) -> str:
        """The end of the journal, where it is a riddle."""
        if self.ended not in ("stuck", "failed", "interrupted"):
            return ""
        asked = ("action", "choice", "by", "outcome", "error", "message")
        told = ([type(one).__name__, *(str(getattr(one, name)) for name in asked if getattr(one, name, ""))] for one in
                self.records[-12:])  # fmt: skip
        return ", ".join(map(" ".join, told))

    def unwritten(self) -> int:
        """Actions whose outcome was written, or that a device was told of, without an intent before: lost records."""
        begun: set[tuple[str, int]] = set()
        attempts: Counter[str] = Counter()
        lost = 0
        for record in self.records:
            if isinstance(record, r.Begun):
                begun.add((record.action, record.attempt))
                lost += record.attempt != attempts[record.action] + 1
                attempts[record.action] += 1
            elif isinstance(record, r.Done | r.Failed | r.Settled):
                lost += not attempts[record.action]
        return lost


def try_once(
    lab_file: Path,
    program: Program,
    folder: Path,
    fatal: int | None,
    *,
    after_s: float | None = None,
    again: int | None = None,
) -> Trial:
    """A fresh twin, a fresh store, one run, one kill: at point number `fatal`, or `after_s` seconds after the start.

    With `again` the worker that takes over is killed too, at that point of its own.
    """
    folder.mkdir(parents=True)
    lab = read(lab_file)
    witness, endpoints = folder / "witness.jsonl", folder / "endpoints.json"
    lives_on = _fork(lambda: twin.serve(lab, witness, endpoints))
    try:
        _until(endpoints.exists, "the twin does not come up")
        real = _lab_at(lab_file, folder, json.loads(endpoints.read_text()))
        url = f"sqlite:///{folder / 'lab.db'}"
        engine = open_store(url)
        ask(engine, Request("q1", "submit", RUN, {}, "campaign", cell_name(real, "real")), program)
        engine.dispose()
        counts = folder / "points"
        first = _fork(lambda: _work(real, url, folder, Points(fatal), counts))
        killed = _watch(first, url, real, after_s)
        began = time.monotonic()
        if killed and again is not None:
            _watch(_fork(lambda: _work(real, url, folder, Points(again), folder / "again")), url, real, None)
        if killed:
            _wait(_fork(lambda: _work(real, url, folder, Points(None), counts)))
        state, records = _story(url, real)
        asked = 0
        while killed and _ended(state, records) == "person" and asked < PATIENCE:
            _speak(url, real, state, [tuple(effect) for effect in read_lines(witness)], asked)
            _wait(_fork(lambda: _work(real, url, folder, Points(None), counts)))
            state, records = _story(url, real)
            asked += 1
        passed = int(counts.read_text()) if counts.exists() else 0
        effects = tuple(tuple(effect) for effect in read_lines(witness))
        return Trial(fatal, passed, _ended(state, records), records, effects, killed, time.monotonic() - began)
    finally:
        os.kill(lives_on, signal.SIGKILL)
        os.waitpid(lives_on, 0)


def _speak(url: str, lab: Lab, state: CellState, effects: Sequence[tuple[Any, ...]], number: int) -> None:
    """The person: looks at what truly happened, and says so."""
    engine = open_store(url)
    run = state.runs[RUN]
    for name in run.unsettled:
        action = run.order[name]
        happened = {
            "move_labware": ("put", f"{RUN}/{action.args.get('labware')}", action.args.get("destination")),
            "shake": ("begin",),
        }.get(action.verb)
        if happened is None:
            continue
        verdict = "done" if happened in effects else "not_done"
        body = {"action": name, "attempt": run.actions[name].attempt, "verdict": verdict, "evidence": "I looked."}
        ask(engine, Request(f"person-{number}-{name}", "settle", RUN, body, "person", cell_name(lab, "real")))
    engine.dispose()


def _lab_at(lab_file: Path, folder: Path, endpoints: dict[str, str]) -> Lab:
    """The lab whose real addresses are those of the served twins."""
    lab = read(lab_file)
    text = lab_file.read_text()
    for name in twin.DEVICES:
        text = text.replace(f'"{lab.devices[name].real}"', f'"{endpoints[name]}"')
    status_port = endpoints["arm.10000"].rpartition(":")[2]
    text = text.replace('driver = "precise.pf400"', f'driver = "precise.pf400"\nstatus_port = {status_port}')
    path = folder / "lab.toml"
    path.write_text(text)
    return read(path)


def _work(lab: Lab, url: str, folder: Path, points: Points, counts: Path) -> None:
    """A worker until the run has ended or waits for a person."""
    points.install()

    async def main() -> None:
        engine = open_store(url)
        worker = Worker(lab, "real", engine, folder / "runs", WorldSettings(speed=twin.SPEED))
        task = asyncio.ensure_future(worker.run(gone=_last_holder(url, lab)))
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until and not task.done():
            await asyncio.sleep(0.02 * twin.SPEED)
            if hasattr(worker, "service") and not take(engine, worker.name, 0) and _at_rest(worker):
                break
        worker.ended.set()
        await task

    with asyncio.Runner(loop_factory=lambda: ScaledLoop(twin.SPEED)) as runner:
        runner.run(main())
    counts.write_text(str(points.passed))


def _at_rest(worker: Worker) -> bool:
    """The run has ended, or nothing goes on because a person must speak first."""
    run = worker.service.conductor.state.runs.get(RUN)
    return RUN in worker.ended_runs if run is None else waits_for_person(run)


def _last_holder(url: str, lab: Lab) -> str:
    engine = open_store(url)
    told = alive(engine).get(cell_name(lab, "real"))
    engine.dispose()
    return told["holder"] if told else ""


def _story(url: str, lab: Lab) -> tuple[CellState, tuple[r.Record, ...]]:
    engine = open_store(url)
    records = tuple(record for _, record in read_journal(engine, cell_name(lab, "real")))
    engine.dispose()
    return fold(records), records


def _ended(state: CellState, records: Sequence[r.Record]) -> str:
    for record in records:
        if isinstance(record, r.Finished):
            return record.outcome
    run = state.runs.get(RUN)
    return "person" if run is not None and run.unsettled else "stuck"


def _watch(child: int, url: str, lab: Lab, after_s: float | None) -> bool:
    """Wait for a worker's end; with `after_s`, kill it then. Whether it was killed."""
    began = time.monotonic()
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.WIFSIGNALED(status)
        if after_s is not None and time.monotonic() - began > after_s:
            os.kill(child, signal.SIGKILL)
            after_s = None
        time.sleep(0.005)


def _wait(child: int) -> None:
    _, status = os.waitpid(child, 0)
    if status:
        raise RuntimeError(f"the second worker ended with {status}")


def _until(condition: Callable[[], bool], otherwise: str) -> None:
    until = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > until:
            raise RuntimeError(otherwise)
        time.sleep(0.01)


def _fork(work: Callable[[], None]) -> int:
    """A child of this warm process: no imports to wait for. It leaves without the parent's clean-up."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        work()
        code = 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(code)
