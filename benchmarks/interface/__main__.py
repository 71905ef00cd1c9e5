"""`python -m benchmarks.interface`: the interface under load while the lab works, and killed under load.

Four protocols run on the twin, in real time. In turns without load, and with 1,000 requests a second on /status and 50
readers of events: how long each action waited for its turn after what it follows had ended, and how much longer than
in its dry run it then took. A bare process tells when the machine itself stood still. Then the interface is killed
while submissions come: none may be lost, none doubled.
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from benchmarks.interface.delays import PROTOCOLS, Delay, delays, part, protocol, usual
from benchmarks.interface.machine import Stall, watched
from labfile import read
from orchestrator.state import records as r
from orchestrator.store.database import open_store, url_of
from orchestrator.store.log import read_journal

ROOT = Path(__file__).resolve().parents[2]
QUICK = {
    "format": "lab-protocol/1", "name": "quick", "author": {"kind": "human", "name": "bench"},
    "steps": [{"id": "look", "do": "measure", "kind": "environment"}],
}  # fmt: skip


WARM_S = 30.0  # until the person has put the plate on the balance, and plans are made
TIMES = 1000  # that each protocol repeats its steps: 150 s at the least


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


Span = tuple[float, float]
LATE_MS = 20.0


def told(name: str, values: list[float]) -> None:
    """One line on how late actions were."""
    high = [f"{part(values, share):.1f}" for share in (0.5, 0.9, 0.99, 0.999, 1.0)]
    late = sum(value > LATE_MS for value in values)
    print(f"    {name:12} {' '.join(f'{value:>7}' for value in high)}   {late} of {len(values)} over {LATE_MS:g} ms")


def compare(quiet: list[Delay], busy: list[Delay], stalls: list[Stall]) -> None:
    """The delays of actions with and without load, beside each other, and what a bare process saw meanwhile."""
    if not quiet or not busy:
        raise SystemExit("no action ended in one of the two")
    kinds = usual(quiet)
    looks: dict[str, Callable[[Delay], float]] = {
        "from when an action could begin to its intent": lambda x: x.turn,
        "from there to its end, less its dry run": lambda x: x.carry,
        "both, later than its kind usually is without load": lambda x: x.whole - kinds.get(x.kind, 0.0),
    }
    print("  ms: median, 90 %, 99 %, 99.9 %, most")
    for what, pick in looks.items():
        print(f"  {what}")
        told("without load", [pick(x) for x in quiet])
        told("with load", [pick(x) for x in busy])
    for name, found in ("without load", quiet), ("with load", busy):
        late = [x for x in found if x.whole - kinds.get(x.kind, 0.0) > LATE_MS]
        machine = sum(any(stall.meets(x.ended, x.whole) for stall in stalls) for x in late)
        print(f"  {name}: {len(late)} late, {machine} of them while a bare process of this machine was held up too")
        for x in late:
            print(f"    {' '.join(x.kind)}: {x.turn:.1f} ms to its intent, {x.carry:.1f} ms more than its dry run")


def under_load(rate: float, seconds: float, readers: int, rounds: int) -> None:
    """Four runs; requests and readers come and go, and the delays of actions are told apart."""
    with lab(1.0) as one:
        for name in PROTOCOLS:
            one.submit(protocol(name, TIMES), name)
        time.sleep(WARM_S)
        spans: dict[str, list[Span]] = {"without load": [], "with load": []}
        with watched(one.folder) as stalls:
            for _ in range(rounds):
                began = time.time()
                time.sleep(seconds)
                spans["without load"].append((began, time.time()))
                spans["with load"].append(loaded(one, rate, seconds, readers))
        engine = open_store(url_of(read(one.file)))
        found = delays(record for _, record in read_journal(engine, "cell-1:twin"))
        engine.dispose()
        compare(*([x for x in found if _within(x.ended, mine)] for mine in spans.values()), stalls)


def _within(at: float, spans: list[Span]) -> bool:
    return any(since < at <= until for since, until in spans)


def loaded(one: Lab, rate: float, seconds: float, readers: int) -> Span:
    """One time under load, told; from when to when it lasted."""
    words = [one.url, one.token, str(rate), str(seconds), str(readers)]
    command = [sys.executable, "-m", "benchmarks.interface.load", *words]
    out = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found = json.loads(out)
    print(f"{found['requests']} requests on /status at {found['rate']:.0f}/s, {found['errors']} errors: "
          f"{found['p50']:.1f} ms (median), {found['p99']:.1f} ms (99 %), {found['worst']:.1f} ms (worst); "
          f"{found['readers']} readers had {found['events']} events")  # fmt: skip
    return found["began"], found["ended"]


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
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--readers", type=int, default=50)
    parser.add_argument("--submissions", type=int, default=40)
    parser.add_argument("--kills", type=int, default=5)
    arguments = parser.parse_args()
    under_load(arguments.rate, arguments.seconds, arguments.readers, arguments.rounds)
    if arguments.kills:
        killed(arguments.submissions, arguments.kills)
