"""`python -m benchmarks.overhead`: cost of a step, of a start, of a turn, of starting up, and memory."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from labfile import Lab, read
from orchestrator.names import cell_name
from orchestrator.store.database import Engine, open_store, url_of
from orchestrator.store.log import read_journal
from orchestrator.store.requests import Request, alive, ask
from protocols.holds import holds
from protocols.program import Action, Program

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = ROOT / "benchmarks/overhead/plugin"
sys.path.append(str(PLUGIN))  # a plug-in as an installed package would be
STEPS, SHORT_RUNS, PAIRS = 1000, 30, 20
LAB = """schema = 1
[lab]
name = "bench"
facility = "Bench"
mode = "real"
timezone = "UTC"
[devices.noop]
driver = "bench.noop"
real = "noop:"
twin = "none"
stamps = "{stamps}"
[store]
url = "sqlite:///lab.db"
"""


def program(steps: int) -> Program:
    """So many actions on the one device, one after the other."""
    actions = tuple(
        Action(f"s{n}.1", f"s{n}", "noop", "move", {"position_mm": float(n)}, (f"s{n - 1}.1",) if n else (),
               needs=("noop",)) for n in range(steps)
    )  # fmt: skip
    return Program("0" * 64, actions, {}, {}, holds=holds(actions, {"noop": "Axis"}))


class Bench:
    """A lab with a worker in a process of its own, and this process as the one who asks."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.stamps_file = folder, folder / "stamps"
        lab_file = folder / "lab.toml"
        lab_file.write_text(LAB.format(stamps=self.stamps_file))
        self.lab: Lab = read(lab_file)
        self.engine: Engine = open_store(url_of(self.lab))
        self.cell = cell_name(self.lab, "real")
        command = [
            sys.executable,
            "-m",
            "cli.main",
            "--lab",
            str(lab_file),
            "--runs",
            str(folder / "runs"),
            "work",
            "--real",
        ]
        began = time.monotonic()
        environment = {**os.environ, "PYTHONPATH": f"{PLUGIN}{os.pathsep}{ROOT}"}
        self.worker = subprocess.Popen(command, env=environment, cwd=folder)
        while not alive(self.engine).get(self.cell, {}).get("holder"):
            time.sleep(0.005)
        self.ready_s = time.monotonic() - began

    def submit(self, run_id: str, what: Program) -> float:
        """Ask for a run; returns when (s since 1970) it was asked for."""
        asked = time.time()
        ask(self.engine, Request(run_id, "submit", run_id, {}, "bench", self.cell), what)
        return asked

    def stamps(self, count: int) -> list[float]:
        """The time stamps, once there are so many."""
        while True:
            found = self.stamps_file.read_text().split() if self.stamps_file.exists() else []
            if len(found) >= count:
                return [float(stamp) for stamp in found]
            time.sleep(0.01)

    def idle(self) -> None:
        """Until the worker has no run, by its journal."""
        while True:
            told = [type(record).__name__ for _, record in read_journal(self.engine, self.cell)]
            if told.count("Submitted") == told.count("Finished"):
                return
            time.sleep(0.02)

    def memory_mib(self) -> float:
        """Proportional set size of the worker."""
        text = Path(f"/proc/{self.worker.pid}/smaps_rollup").read_text()
        return int(next(line for line in text.splitlines() if line.startswith("Pss:")).split()[1]) / 1024

    def close(self) -> None:
        """End the worker."""
        self.worker.terminate()
        self.worker.wait()


def measure(bench: Bench) -> dict[str, float]:
    """All figures of one worker; times in ms but `ready_s`."""
    seen = 0
    starts = []
    for number in range(SHORT_RUNS):
        asked = bench.submit(f"short-{number}", program(1))
        seen += 1
        starts.append(bench.stamps(seen)[-1] - asked)
        bench.idle()
    bench.submit("long", program(STEPS))
    seen += STEPS
    long = bench.stamps(seen)[-STEPS:]
    bench.idle()
    memory = bench.memory_mib()
    turns = []
    for number in range(PAIRS):
        bench.submit(f"first-{number}", program(20))
        bench.submit(f"second-{number}", program(20))
        seen += 40
        pair = bench.stamps(seen)[-40:]
        turns.append(pair[20] - pair[19])
        bench.idle()
    steps = [after - before for before, after in pairwise(long)]
    return {
        "ready_s": bench.ready_s, "step_ms": statistics.median(steps) * 1e3,
        "step_p95_ms": sorted(steps)[int(len(steps) * 0.95)] * 1e3, "start_ms": statistics.median(starts) * 1e3,
        "turn_ms": statistics.median(turns) * 1e3, "memory_mib": memory,
    }  # fmt: skip


def main() -> None:
    """Print the figures beside those of the best peers."""
    with tempfile.TemporaryDirectory(prefix="lab-overhead-") as folder:
        bench = Bench(Path(folder))
        try:
            found = measure(bench)
        finally:
            bench.close()
    if "--json" in sys.argv:
        print(json.dumps(found))
        return
    print(f"one no-op device, {STEPS} steps, every intent synced to disk, documents written (the peers sync nothing)")
    print(f"  a step             {found['step_ms']:7.2f} ms median, {found['step_p95_ms']:.2f} ms p95   "
          "wanted 1.5; queueserver 1.61, EOS 102, MADSci 743")  # fmt: skip
    print(f"  submit to action   {found['start_ms']:7.2f} ms median   wanted 8; queueserver 9.8")
    print(f"  run to run         {found['turn_ms']:7.2f} ms median   wanted 8; IvoryOS 10.2")
    print(f"  ready after        {found['ready_s']:7.2f} s           wanted 2; queueserver 2.2")
    print(f"  memory (PSS)       {found['memory_mib']:7.1f} MiB       wanted 115; IvoryOS 116")


if __name__ == "__main__":
    main()
