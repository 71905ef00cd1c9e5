"""Two cells and three fronts on one PostgreSQL, killed at random moments: every run ends once, nothing happens twice.

The devices are the no-op ones of `benchmarks/overhead`, but that each action leaves its position in a file: the
witness. A person, who looks at that file, says what became of actions in doubt.
"""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from orchestrator.state import records as r
from orchestrator.state.cell import CellState, fold
from orchestrator.state.views import waits_for_person
from orchestrator.store.log import StoreLog, claim, read_journal
from orchestrator.store.requests import Request, alive, answer_of, any_of, ask, take
from orchestrator.store.tables import requests
from protocols.holds import holds
from protocols.program import Action, Program

ROOT = Path(__file__).resolve().parents[3]
NOOP = ROOT / "benchmarks/overhead/plugin"
CELLS, FRONTS, RUNS, STEPS, KILLS = ("east", "west"), 3, 30, 8, 10
PATIENCE_S = 240.0

LAB = """schema = 1
[lab]
name = "{name}"
facility = "Test"
mode = "real"
timezone = "UTC"
[devices.noop]
driver = "test.witness"
real = "noop:"
twin = "none"
stamps = "{stamps}"
[store]
url = "env:LAB_TEST_STORE"
"""
WITNESS = """
import asyncio, os
from bench_noop import Noop, Options
from drivers.core.driver import Driver

class Witness(Noop):
    async def move(self, position_mm):
        await asyncio.sleep(0.02)
        os.write(self._file, f"{position_mm:.0f}\\n".encode())
        await asyncio.sleep(0.02)

DRIVER = Driver("leaves its position", "Axis", "witness_noop:Witness", Options, ("noop",))
"""
#: A front: asks for its runs, again from the first one each time it begins, until all are answered.
FRONT = """
import sys
from orchestrator.store.database import open_store
from orchestrator.store.requests import Request, any_of, ask, wait_for_answer
from protocols.holds import holds
from protocols.program import Action, Program
front, runs, steps = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
import os
engine = open_store(os.environ["LAB_TEST_STORE"])
for number in range(runs):
    base = (front * runs + number) * steps
    actions = tuple(
        Action(f"s{n}", f"s{n}", "noop", "move", {"position_mm": float(base + n)}, (f"s{n - 1}",) if n else (),
               needs=("noop",)) for n in range(steps))
    program = Program("0" * 64, actions, {}, {}, holds=holds(actions, {"noop": "Axis"}))
    name = f"run-{front}-{number}"
    request = Request(f"ask-{front}-{number}", "submit", name, {}, f"front {front}", any_of("real"))
    ask(engine, request, program)
    while (told := wait_for_answer(engine, request.id, 60.0)) is None:
        pass
    assert told["ok"] and told["run_id"] == name, told
engine.dispose()
"""


class Play:
    """The processes on the stage; any of them may be killed, and is started again."""

    def __init__(self, folder: Path, url: str, engine: Engine) -> None:
        self.folder, self.engine = folder, engine
        self._plugin(folder / "plugin")
        self._environment = os.environ | {
            "PYTHONPATH": os.pathsep.join([str(folder / "plugin"), str(NOOP), str(ROOT)]),
            "LAB_TEST_STORE": url,
        }
        for cell in CELLS:
            (folder / f"{cell}.toml").write_text(LAB.format(name=cell, stamps=folder / f"{cell}.stamps"))
        self.front_file = folder / "front.py"
        self.front_file.write_text(FRONT)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.killed: Counter[str] = Counter()

    @staticmethod
    def _plugin(folder: Path) -> None:
        (folder / "witness-1.0.dist-info").mkdir(parents=True)
        (folder / "witness_noop.py").write_text(WITNESS)
        (folder / "witness-1.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: witness\nVersion: 1.0\n")
        entry = "[lab.drivers]\ntest.witness = witness_noop:DRIVER\n"
        (folder / "witness-1.0.dist-info/entry_points.txt").write_text(entry)

    def start(self, name: str) -> None:
        if name in CELLS:
            gone = alive(self.engine).get(f"{name}:real", {}).get("holder")
            command = ["-m", "cli.main", "--lab", f"{name}.toml", "--runs", f"{name}-runs", "work", "--real",
                       *(["--gone", gone] if gone else [])]  # fmt: skip
        else:
            command = [str(self.front_file), name.removeprefix("front "), str(RUNS), str(STEPS)]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, *command], cwd=self.folder, env=self._environment, stdout=log, stderr=log
            )

    def kill(self, name: str) -> None:
        if self.processes[name].poll() is None:
            self.killed[name] += 1
        self.processes[name].kill()
        self.processes[name].wait()

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def state(self, cell: str) -> CellState:
        return fold(record for _, record in read_journal(self.engine, f"{cell}:real"))

    def stamps(self, cell: str) -> list[int]:
        file = self.folder / f"{cell}.stamps"
        return [int(line) for line in file.read_text().split()] if file.exists() else []

    def speak(self, cell: str) -> None:
        """The person: what the witness saw is done, what it did not see is not."""
        for run_id, run in self.state(cell).runs.items():
            if not waits_for_person(run):
                continue
            for name in run.unsettled:
                attempt = run.actions[name].attempt
                seen = int(run.order[name].args["position_mm"]) in self.stamps(cell)
                body = {"action": name, "verdict": "done" if seen else "not_done", "evidence": "I looked.",
                        "attempt": attempt}  # fmt: skip
                request_id = f"person-{run_id}-{name}-{attempt}"
                ask(self.engine, Request(request_id, "settle", run_id, body, "person", f"{cell}:real"))

    def finished(self) -> int:
        return sum(
            isinstance(record, r.Finished) for cell in CELLS for _, record in read_journal(self.engine, f"{cell}:real")
        )


@pytest.fixture
def play(tmp_path: Path, postgres_url: str, opened: Callable[[str], Engine]) -> Iterator[Play]:
    stage = Play(tmp_path, postgres_url, opened(postgres_url))
    yield stage
    for process in stage.processes.values():
        process.kill()
        process.wait()


def wait_for(done: Callable[[], object], seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until
        time.sleep(0.02)


def moves(*positions: int) -> Program:
    actions = tuple(
        Action(f"s{n}", f"s{n}", "noop", "move", {"position_mm": float(place)}, (f"s{n - 1}",) if n else (), needs=("noop",))
        for n, place in enumerate(positions)
    )  # fmt: skip
    return Program("0" * 64, actions, {}, {}, holds=holds(actions, {"noop": "Axis"}))


def test_what_a_dead_worker_had_claimed_is_taken_up_by_the_next(play: Play) -> None:
    ask(play.engine, Request("q1", "submit", "run-1", {}, "me", any_of("real")), moves(1, 2))
    assert take(play.engine, "east:real", 1, ["noop"])  # and here it died: claimed, and nowhere in the journal
    play.start("west")
    play.start("east")
    wait_for(lambda: play.finished() == 1)
    assert (play.stamps("east"), play.stamps("west")) == ([1, 2], [])
    assert answer_of(play.engine, "q1") == {"ok": True, "run_id": "run-1", "cell": "east:real"}


def test_a_submission_that_was_journalled_but_not_answered_is_answered_and_not_done_again(play: Play) -> None:
    lease = claim(play.engine, "east:real", "w1", "real", "")
    ask(play.engine, Request("q1", "submit", "run-1", {}, "me", any_of("real")), moves(1))
    (request,) = take(play.engine, "east:real", 1, ["noop"])
    log = StoreLog(play.engine, lease)
    log.write([r.Claimed(at=1.0, holder="w1", epoch=lease.epoch, world="real"),
               r.Submitted(at=2.0, run_id=request.run_id, program=moves(1), about={})])  # fmt: skip
    log.close()
    play.start("east")
    wait_for(lambda: play.finished() == 1 and answer_of(play.engine, "q1"))
    assert play.stamps("east") == [1]


def test_what_a_person_saw_of_one_attempt_settles_no_other(play: Play) -> None:
    """The worker died between settling and answering; the next one, asked again, is at another attempt."""
    lease = claim(play.engine, "east:real", "w1", "real", "")
    log = StoreLog(play.engine, lease)
    program = moves(1)
    log.write([
        r.Claimed(at=1.0, holder="w1", epoch=lease.epoch, world="real"),
        r.Submitted(at=2.0, run_id="run-1", program=program, about={}),
        r.Begun(at=3.0, run_id="run-1", action="s0"),
        r.Failed(at=4.0, run_id="run-1", action="s0", error="?", kind="CommandUnknown", outcome="unknown"),
        r.Settled(at=5.0, run_id="run-1", action="s0", verdict="not_done", by="me", evidence="nothing"),
        r.Begun(at=6.0, run_id="run-1", action="s0", attempt=2),
    ])  # fmt: skip
    log.close()
    body = {"action": "s0", "verdict": "not_done", "evidence": "nothing", "attempt": 1}
    ask(play.engine, Request("q1", "settle", "run-1", body, "me", "east:real"))
    play.start("east")
    wait_for(lambda: answer_of(play.engine, "q1"))
    told = answer_of(play.engine, "q1") or {}
    assert told["ok"] is False
    assert "at attempt 2, not 1; look again" in told["error"]
    assert play.state("east").run("run-1").phase("s0") == "unknown"
    ask(play.engine, Request("q2", "settle", "run-1", body | {"attempt": 2, "verdict": "done"}, "me", "east:real"))
    wait_for(lambda: play.finished() == 1)
    assert play.stamps("east") == [], "nothing was commanded"


BAD: dict[str, tuple[str, dict[str, object], str]] = {
    "a kind that is none": ("dance", {}, "knows no request 'dance'"),
    "a run that is none": ("pause", {}, "no run run-1"),
    "a program that nobody kept": ("submit", {"program": "0" * 64, "devices": []}, "says too little"),
    "a submission of nothing": ("submit", {}, "says too little"),
    "a priority that is no number": ("submit", {"priority": "soon"}, "says too little"),
    "a device that is not there": ("submit", {}, "has no laser"),
    "a verdict on nothing": ("settle", {}, "says too little"),
    "a clearing of nothing": ("clear", {}, "says too little"),
}


def test_requests_that_make_no_sense_are_answered_and_the_worker_goes_on(play: Play) -> None:
    play.start("east")
    for number, (name, (kind, body, _)) in enumerate(BAD.items()):
        laser = Program("0" * 64, (Action("a", "a", "laser", "fire", {}, needs=("laser",)),), {}, {})
        programs = {"a device that is not there": laser, "a priority that is no number": moves(1)}
        ask(play.engine, Request(f"q{number}", kind, "run-1", body, "me", "east:real"), programs.get(name))
    for number, (name, (_, _, said)) in enumerate(BAD.items()):
        wait_for(lambda: answer_of(play.engine, f"q{number}"))  # noqa: B023
        told = answer_of(play.engine, f"q{number}") or {}
        assert (told["ok"], said in told["error"]) == (False, True), (name, told)
    ask(play.engine, Request("last", "submit", "run-1", {}, "me", "east:real"), moves(5))
    wait_for(lambda: play.finished() == 1)
    ask(play.engine, Request("nonsense", "choose", "run-1", {"action": "s0", "choice": "hope"}, "me", "east:real"))
    wait_for(lambda: answer_of(play.engine, "nonsense"))
    assert play.processes["east"].poll() is None, play.log("east")


def test_a_worker_that_was_replaced_ends_with_a_sentence(play: Play) -> None:
    play.start("east")
    wait_for(lambda: alive(play.engine).get("east:real", {}).get("holder"))
    claim(play.engine, "east:real", "usurper", "real", "", gone=alive(play.engine)["east:real"]["holder"])
    assert play.processes["east"].wait(20) == 5
    assert "another worker has taken east:real over" in play.log("east")


@pytest.mark.slow
@pytest.mark.xdist_group("processes")
@pytest.mark.timeout(400)
def test_two_cells_and_three_fronts_lose_and_repeat_nothing(play: Play) -> None:
    rng = random.Random(7)
    fronts = [f"front {n}" for n in range(FRONTS)]
    for name in (*CELLS, *fronts):
        play.start(name)
    wanted, until = FRONTS * RUNS, time.monotonic() + PATIENCE_S
    kills, next_kill = 0, time.monotonic() + 3.0
    while play.finished() < wanted or any(play.processes[name].poll() != 0 for name in fronts):
        assert time.monotonic() < until, f"{play.finished()} of {wanted}: {[play.state(cell) for cell in CELLS]}"
        for name, process in play.processes.items():
            assert process.poll() in (None, 0), play.log(name)
        for cell in CELLS:
            play.speak(cell)
        if kills < KILLS and time.monotonic() > next_kill:
            name = rng.choice([*CELLS, *CELLS, *fronts])
            play.kill(name)
            play.start(name)
            kills, next_kill = kills + 1, time.monotonic() + rng.uniform(0.3, 1.8)
        time.sleep(0.1)
    assert kills == KILLS, "the play was over before its kills; give it more runs"
    assert set(play.killed) & set(CELLS)
    judge(play, wanted)


def judge(play: Play, wanted: int) -> None:
    runs = {f"run-{front}-{number}" for front in range(FRONTS) for number in range(RUNS)}
    told = {cell: [record for _, record in read_journal(play.engine, f"{cell}:real")] for cell in CELLS}
    for kind in (r.Submitted, r.Finished):
        seen = Counter(record.run_id for cell in CELLS for record in told[cell] if isinstance(record, kind))
        assert seen == Counter(dict.fromkeys(runs, 1)), kind
    ends = Counter(record.outcome for cell in CELLS for record in told[cell] if isinstance(record, r.Finished))
    assert ends == {"completed": wanted}
    stamps = Counter(stamp for cell in CELLS for stamp in play.stamps(cell))
    assert stamps == Counter(dict.fromkeys(range(wanted * STEPS), 1)), "an action was repeated, or lost"
    for cell in CELLS:
        mine = {record.run_id for record in told[cell] if isinstance(record, r.Submitted)}
        assert {stamp // STEPS for stamp in play.stamps(cell)} == {int(a) * RUNS + int(b) for a, b in (
            name.removeprefix("run-").split("-") for name in mine)}, "only the cell that claimed a run acts for it"  # fmt: skip
        begun = Counter((record.run_id, record.action) for record in told[cell] if isinstance(record, r.Begun))
        again = {key for key, times in begun.items() if times > 1}
        assert again <= {(record.run_id, record.action) for record in told[cell] if isinstance(record, r.Settled)}
        assert {record.by for record in told[cell] if isinstance(record, r.Settled)} <= {"person"}
        assert mine, "both cells take part"
    with play.engine.connect() as connection:
        rows = connection.execute(sa.select(requests).where(requests.c.kind == "submit")).all()
    assert len(rows) == wanted
    for row in rows:
        assert row.run_id in {record.run_id for record in told[row.cell.removesuffix(":real")]}
        assert (answer_of(play.engine, row.id) or {})["cell"] == row.cell
