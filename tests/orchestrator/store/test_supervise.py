"""The supervisor with workers that do nothing but claim, beat, talk, hang and die."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import Engine

from orchestrator.store.log import claim
from orchestrator.store.requests import alive
from orchestrator.store.tables import cells
from orchestrator.supervise import GIVE_UP_AFTER, WorkerFailed, supervise

pytestmark = pytest.mark.xdist_group("processes")
ROOT = Path(__file__).resolve().parents[3]
CELL = "lab:real"
#: `worker.py URL HOW work [--gone HOLDER]`
WORKER = """
import os, signal, socket, sys, time
url, how, gone = sys.argv[1], sys.argv[2], sys.argv[5] if len(sys.argv) > 5 else None
print("I am", os.getpid(), "and know as gone", gone, file=sys.stderr, flush=True)
if how == "fails":
    sys.exit("the arm is on fire")
if how == "misused":
    sys.exit(2)
from orchestrator.store.database import open_store
from orchestrator.store.log import CellTaken, StoreLog, claim
ends = []
signal.signal(signal.SIGTERM, lambda *_: ends.append(1))
engine = open_store(url)
try:
    log = StoreLog(engine, claim(engine, "lab:real", f"{socket.gethostname()}:{os.getpid()}:x", "real", "", gone=gone))
except CellTaken:
    sys.exit(5)
if how == "talks":
    for _ in range(20000):
        print("0123456789 " * 10, file=sys.stderr)
    ends.append(1)
while not ends or how == "stays":
    log.write(())
    time.sleep(0.05)
log.close()
engine.dispose()
"""


@dataclass
class Stage:
    """A supervisor in a thread, and what it told."""

    folder: Path
    url: str
    engine: Engine
    told: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None
    failed: list[BaseException] = field(default_factory=list)

    def command(self, how: str) -> list[str]:
        return [sys.executable, str(self.folder / "worker.py"), self.url, how, "work"]

    def begin(self, how: str) -> None:
        def run() -> None:
            try:
                supervise(self.command(how), self.engine, CELL, self.told.append, until=self.over.is_set)
            except BaseException as error:
                self.failed.append(error)

        self.thread = threading.Thread(target=run)
        self.thread.start()

    def end(self) -> None:
        assert self.thread is not None
        self.thread.join(60)
        assert not self.thread.is_alive()

    def holder(self) -> str:
        return str(alive(self.engine).get(CELL, {}).get("holder", ""))

    def until(self, condition: Callable[[], object]) -> None:
        limit = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < limit, (self.told, self.failed, alive(self.engine))
            time.sleep(0.02)

    def orphan(self) -> "subprocess.Popen[bytes]":
        """A worker that another supervisor left behind."""
        worker = subprocess.Popen(self.command("works"), cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)})
        self.until(self.holder)
        return worker


@pytest.fixture
def stage(tmp_path: Path, opened: Callable[[str], Engine], monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    (tmp_path / "worker.py").write_text(WORKER)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    url = f"sqlite:///{tmp_path / 'lab.db'}"
    made = Stage(tmp_path, url, opened(url))
    yield made
    made.over.set()
    if made.thread is not None:
        made.thread.join(60)


def silent(engine: Engine, holder: str) -> None:
    """Someone had the cell, and has shown no life for long."""
    claim(engine, CELL, holder, "real", "")
    with engine.begin() as connection:
        connection.execute(cells.update().values(beat=cells.c.beat - 3.5))


def test_a_worker_that_talks_a_lot_is_heard_and_not_held_up(stage: Stage) -> None:
    stage.begin("talks")
    stage.end()
    assert stage.failed == []
    assert len(stage.told) >= 20001


def test_workers_that_fail_at_once_are_given_up_with_their_last_words(stage: Stage) -> None:
    stage.begin("fails")
    stage.end()
    (error,) = stage.failed
    assert isinstance(error, WorkerFailed)
    assert "the arm is on fire" in str(error)
    assert sum(line == "the arm is on fire" for line in stage.told) == GIVE_UP_AFTER


def test_a_command_that_makes_no_sense_is_not_tried_again(stage: Stage) -> None:
    stage.begin("misused")
    stage.end()
    assert [type(error) for error in stage.failed] == [WorkerFailed]
    assert sum("I am" in line for line in stage.told) == 1


def test_a_worker_is_told_to_end_with_its_supervisor(stage: Stage) -> None:
    stage.begin("works")
    stage.until(stage.holder)
    stage.over.set()
    stage.end()
    assert (stage.failed, stage.holder()) == ([], "")


def test_a_worker_that_hangs_at_its_end_is_killed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.begin("stays")
    stage.until(stage.holder)
    monkeypatch.setattr("orchestrator.supervise.GRACE_S", 0.2)
    stage.over.set()
    stage.end()
    pid = int(stage.holder().split(":")[1])
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert stage.failed == []


def test_an_orphan_is_adopted_and_replaced_when_it_dies(stage: Stage) -> None:
    orphan = stage.orphan()
    before = stage.holder()
    stage.begin("works")
    stage.until(lambda: any("watching it" in line for line in stage.told))
    orphan.kill()
    orphan.wait()
    stage.until(lambda: stage.holder() not in ("", before))
    assert any(f"know as gone {before}" in line for line in stage.told)


def test_an_adopted_worker_ends_with_its_supervisor(stage: Stage) -> None:
    orphan = stage.orphan()
    stage.begin("works")
    stage.until(lambda: any("watching it" in line for line in stage.told))
    stage.over.set()
    assert orphan.wait(30) == 0
    stage.end()
    assert stage.holder() == ""


def test_an_orphan_that_hangs_is_ended_before_another_begins(stage: Stage) -> None:
    orphan = stage.orphan()
    before = stage.holder()
    orphan.send_signal(signal.SIGSTOP)
    stage.until(lambda: alive(stage.engine)[CELL]["silent_s"] > 3.2)
    stage.begin("works")
    assert orphan.wait(30) == -signal.SIGKILL
    stage.until(lambda: stage.holder() not in ("", before))


@pytest.mark.parametrize("host", ["another-machine", socket.gethostname()], ids=["elsewhere", "number used again"])
def test_a_process_that_is_no_worker_of_ours_is_left_alone(stage: Stage, host: str) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as innocent:
        holder = f"{host}:{innocent.pid}:x"
        silent(stage.engine, holder)
        stage.begin("works")
        stage.until(lambda: stage.holder() not in ("", holder))
        assert innocent.poll() is None
        first = next(line for line in stage.told if "know as gone" in line)
        known = host == socket.gethostname()
        assert first.endswith(f"gone {holder}" if known else "gone None"), "elsewhere its lease must run out first"
        innocent.communicate(b"\n")
