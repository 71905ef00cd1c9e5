"""`lab up` and its verbs, each in a process of its own, as a technician uses them; a worker that dies or hangs.

Only `lab status`, asked again and again while a test waits, speaks in this process: what it says is the same.
"""

import contextlib
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.main import main

ROOT = Path(__file__).resolve().parents[2]
INCUBATION = ROOT / "benchmarks/many/incubation.yaml"
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("processes"), pytest.mark.timeout(240)]


class Lab:
    """A copy of the default lab with its own store, driven by commands."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copy(ROOT / "lab.toml", folder / "lab.toml")
        self.errors = folder / "up.err"
        self.supervisors: list[subprocess.Popen[bytes]] = []
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]

    def _command(self, *words: str) -> list[str]:
        return [
            sys.executable,
            "-m",
            "cli.main",
            "--lab",
            str(self.folder / "lab.toml"),
            "--runs",
            str(self.folder / "runs"),
            *words,
        ]

    def up(self, speed: float = 200) -> None:
        with self.errors.open("ab") as errors:
            command = self._command("up", "--twin", "--port", str(self.port), "--speed", str(speed))
            self.supervisors.append(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=errors))

    def says(self, *words: str, code: int = 0) -> dict[str, Any]:
        done = subprocess.run(self._command("--json", *words), cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    def cell(self) -> dict[str, Any]:
        out = io.StringIO()
        with contextlib.redirect_stdout(out), pytest.raises(SystemExit) as ended:
            main(["--json", "--lab", str(self.folder / "lab.toml"), "status"])
        assert not ended.value.code, out.getvalue()
        return next(iter(json.loads(out.getvalue())["cells"]), {"state": "down", "runs": {}})

    def until(self, condition: Callable[[], Any], what: str, timeout_s: float = 60) -> Any:
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            found = condition()
            if found:
                return found
            time.sleep(0.2)
        raise AssertionError(f"{what}: {self.cell()} {self.errors.read_text()}")

    def answers(self) -> bool:
        """Whether anybody listens at the interface's port."""
        with socket.socket() as asked:
            return asked.connect_ex(("127.0.0.1", self.port)) == 0

    def ready(self) -> None:
        self.until(lambda: self.cell()["state"] == "up", "no worker")

    def submit(self, *more: str) -> str:
        return str(self.says("submit", str(INCUBATION), *more)["run_id"])

    def outcome(self, run_id: str) -> str | None:
        file = self.folder / "runs" / run_id / "run.json"
        if not file.exists():
            return None
        told = json.loads(file.read_text())["outcome"]
        return None if told == "running" else str(told)

    def worker_pid(self) -> int:
        return int(self.cell()["holder"].split(":")[1])

    def close(self) -> None:
        for supervisor in self.supervisors:
            supervisor.terminate()
        for supervisor in self.supervisors:
            supervisor.wait(30)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    made = Lab(tmp_path)
    yield made
    made.close()


def test_a_day_at_the_lab(lab: Lab) -> None:
    assert lab.says("status")["state"] == "down"
    assert "lab up" in lab.says("submit", str(INCUBATION), code=3)["error"]
    lab.up(speed=60)
    lab.ready()
    first = lab.submit("--key", "k")
    assert lab.submit("--key", "k") == first, "one key is one run"
    assert first in [run["run_id"] for run in lab.says("queue")["runs"]]
    lab.says("pause", first)
    assert lab.cell()["runs"][first]["phase"] == "paused"
    assert "no run nobody" in lab.says("pause", "nobody", code=5)["error"]
    lab.says("resume", first)
    assert "not" in lab.says("settle", first, "clear.6", "done", "--evidence", "x", code=5)["error"]
    lab.until(lambda: lab.cell()["runs"].get(first, {}).get("over", 0) > 5, "the first run does not begin")
    lab.says("abort", first, "--reason", "enough")
    lab.until(lambda: lab.outcome(first) == "aborted", "no safe end")
    third = lab.submit()
    lab.until(lambda: lab.cell()["runs"].get(third, {}).get("over", 0) > 5, "the third run does not begin")
    lab.says("stop")
    lab.until(lambda: lab.outcome(third) == "aborted", "not stopped")
    left = lab.cell()["left"]
    assert left
    lab.says("clear", *left)
    assert not lab.cell()["left"]
    lab.says("down")
    lab.until(lambda: lab.cell()["state"] == "down", "not down")
    assert lab.says("status")["state"] == "down"
    lab.until(lambda: lab.supervisors[0].poll() == 0, "the supervisor stays")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["dies", "hangs"])
def test_a_worker_that_is_gone_is_replaced_within_five_seconds(lab: Lab, number: signal.Signals) -> None:
    lab.up(speed=20)
    lab.ready()
    run_id = lab.submit()
    lab.until(lambda: lab.cell()["runs"].get(run_id, {}).get("over", 0) > 2, "the run does not begin")
    before = lab.worker_pid()
    began = time.monotonic()
    os.kill(before, number)
    lab.until(lambda: re.search(r"no life|ended with", lab.errors.read_text()), "nobody noticed")
    assert time.monotonic() - began < 5
    lab.until(lambda: lab.cell()["state"] == "up" and lab.worker_pid() != before, "not replaced")
    lab.until(lambda: lab.outcome(run_id) == "interrupted", "the twin is gone, and the run does not say so")


def test_a_supervisor_that_dies_disturbs_nothing(lab: Lab) -> None:
    lab.up(speed=100)
    lab.ready()
    run_id = lab.submit("--param", "rest=1 min")
    worker = lab.worker_pid()
    lab.supervisors[0].kill()
    lab.supervisors[0].wait()
    lab.until(lambda: not lab.answers(), "the interface that nobody keeps any more holds the port")
    lab.up(speed=100)
    lab.until(lambda: "watching it" in lab.errors.read_text(), "not adopted")
    lab.until(lambda: lab.outcome(run_id) == "completed", "the run was disturbed")
    assert lab.worker_pid() == worker
    lab.says("down")
    lab.until(lambda: lab.cell()["state"] == "down", "not down")
