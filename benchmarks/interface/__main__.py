"""`python -m benchmarks.interface`: the interface under load while the lab works, and killed under load.

Four protocols run on the twin. First without load, then with 1,000 requests a second on /status and 50
readers of events: how late each action ended, against its dry run, in both. Then the interface is killed while
submissions come: none may be lost, none doubled.
"""

import argparse
import concurrent.futures
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from labfile import read
from orchestrator.state import records as r
from orchestrator.store.database import open_store, url_of
from orchestrator.store.log import read_journal

ROOT = Path(__file__).resolve().parents[2]
PROTOCOL = yaml.safe_load((ROOT / "benchmarks/many/incubation.yaml").read_text())
QUICK = {
    "format": "lab-protocol/1", "name": "quick", "author": {"kind": "human", "name": "bench"},
    "steps": [{"id": "look", "do": "measure", "kind": "environment"}],
}  # fmt: skip


SPEED = 5.0  # simulated seconds a second: enough actions in a short time; what is told is wall time


class Lab:
    """A lab that is up."""

    def __init__(self, folder: Path, speed: float) -> None:
        self.folder = folder
        self.file = Path(shutil.copy(ROOT / "lab.toml", folder / "lab.toml"))
        self.errors = (folder / "up.err").open("wb")
        command = self._command("--json", "up", "--twin", "--port", "0", "--speed", str(speed))
        self.up = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=self.errors, text=True)
        assert self.up.stdout is not None
        self.url = json.loads(self.up.stdout.readline())["url"]
        self.token = self.say("token", "make", "technician")["token"]
        self.until("/readyz")

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "cli.main", "--lab", str(self.file), "--runs", str(self.folder / "runs"), *words]

    def say(self, *words: str) -> dict[str, Any]:
        told = subprocess.run(self._command("--json", *words), cwd=ROOT, capture_output=True, text=True, check=True)
        return dict(json.loads(told.stdout))

    def client(self) -> httpx.Client:
        headers = {"authorization": f"Bearer {self.token}"}
        return httpx.Client(base_url=f"{self.url}/api/v1", headers=headers, timeout=60)

    def until(self, path: str) -> None:
        for _ in range(600):
            try:
                if httpx.get(f"{self.url}{path}", timeout=5).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise SystemExit((self.folder / "up.err").read_text())

    def submit(self, document: Any, key: str) -> str:
        with self.client() as client:
            told = client.post("/runs", json={"document": document, "world": "twin"}, headers={"idempotency-key": key})
        told.raise_for_status()
        return str(told.json()["run_id"])

    def pids(self) -> list[int]:
        """The interface that serves, then its spare."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                words = (entry / "cmdline").read_text().split("\0")
            except OSError:
                continue
            if "serve" in words and str(self.file) in words:
                found.append(int(entry.name))
        return sorted(found)

    def close(self) -> None:
        self.up.terminate()
        self.up.wait(60)
        self.errors.close()


@contextmanager
def lab(speed: float) -> Iterator[Lab]:
    """A lab on its twin for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="lab-bench-") as folder:
        one = Lab(Path(folder), speed)
        try:
            yield one
        finally:
            one.close()


def lateness(one: Lab, since: float, until: float) -> list[float]:
    """How much longer than in its dry run each action took that ended in this time, ms."""
    engine = open_store(url_of(read(one.file)))
    begun: dict[tuple[str, str], float] = {}
    predicted: dict[str, Any] = {}
    late = []
    for _, record in read_journal(engine, "cell-1:twin"):
        if isinstance(record, r.Submitted):
            predicted[record.run_id] = record.durations_s
        elif isinstance(record, r.Begun):
            begun[record.run_id, record.action] = record.at
        elif isinstance(record, r.Done) and since <= record.at <= until:
            began = begun[record.run_id, record.action]
            if began >= since:
                took = record.at - began - predicted[record.run_id].get(record.action, 0.0)
                late.append(1e3 * took / SPEED)
    engine.dispose()
    return sorted(late)


def told(name: str, late: list[float]) -> None:
    """One line on how late actions were."""
    if late:
        middle, high = late[len(late) // 2], late[int(0.99 * (len(late) - 1))]
        print(f"  {name}: {len(late)} actions, longer than their dry run by {middle:.1f} ms (median), {high:.1f} ms "
              f"(99 %), {late[-1]:.1f} ms (most)")  # fmt: skip


def under_load(rate: float, seconds: float, readers: int) -> None:
    """Requests and readers beside four runs."""
    with lab(SPEED) as one:
        for number in range(4):
            one.submit(PROTOCOL, f"run-{number}")
        time.sleep(3)
        quiet = time.time()
        time.sleep(seconds)
        busy = time.time()
        command = [
            sys.executable,
            "-m",
            "benchmarks.interface.load",
            one.url,
            one.token,
            str(rate),
            str(seconds),
            str(readers),
        ]
        out = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        end = time.time()
        found = json.loads(out)
        print(f"{found['requests']} requests on /status at {found['rate']:.0f}/s, {found['errors']} errors: "
              f"{found['p50']:.1f} ms (median), {found['p99']:.1f} ms (99 %), {found['worst']:.1f} ms (worst); "
              f"{found['readers']} readers had {found['events']} events")  # fmt: skip
        told("without load", lateness(one, quiet, busy))
        told("with load", lateness(one, busy, end))


def killed(submissions: int, kills: int) -> None:
    """Submissions while the interface is killed again and again."""
    with lab(100.0) as one:
        done: list[str] = []
        pauses: list[float] = []

        def insist(number: int) -> str:
            for _ in range(100):
                try:
                    return one.submit(QUICK, f"key-{number}")
                except httpx.HTTPError:
                    time.sleep(0.05)
            raise SystemExit(f"submission {number} never came through")

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            futures = [pool.submit(insist, number) for number in range(submissions)]
            for _ in range(kills):
                while len(one.pids()) < 2:
                    time.sleep(0.05)
                time.sleep(4)  # until the spare has everything imported
                os.kill(one.pids()[0], signal.SIGKILL)
                began = time.perf_counter()
                one.until("/healthz")
                pauses.append(time.perf_counter() - began)
            done = [future.result() for future in futures]
        engine = open_store(url_of(read(one.file)))
        taken = [x.run_id for _, x in read_journal(engine, "cell-1:twin") if isinstance(x, r.Submitted)]
        engine.dispose()
        lost, doubled = set(done) - set(taken), len(taken) - len(set(done))
        print(f"{submissions} submissions while the interface was killed {kills} times: {len(lost)} lost, "
              f"{doubled} too many; answered again after {max(pauses):.2f} s at most")  # fmt: skip
        if lost or doubled:
            raise SystemExit(1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=1000)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--readers", type=int, default=50)
    parser.add_argument("--submissions", type=int, default=40)
    parser.add_argument("--kills", type=int, default=5)
    arguments = parser.parse_args()
    under_load(arguments.rate, arguments.seconds, arguments.readers)
    killed(arguments.submissions, arguments.kills)
