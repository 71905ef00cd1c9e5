"""`python -m benchmarks.serve`: `lab twin serve` with every device: until it is ready, and what it costs at rest."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REST_S = 10.0


def _cpu_s(pid: int) -> float:
    """Processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Start it, wait until every endpoint is told, rest, and tell."""
    began = time.monotonic()
    lab = str(Path(sys.executable).with_name("lab"))
    with subprocess.Popen([lab, "--json", "twin", "serve"], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())  # one line, when all answer
        ready_s = time.monotonic() - began
        before = _cpu_s(process.pid)
        time.sleep(REST_S)
        idle = (_cpu_s(process.pid) - before) / REST_S
        pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
        rss_mb = pages * os.sysconf("SC_PAGE_SIZE") / 1e6
        process.send_signal(signal.SIGINT)
    devices = {endpoint["device"].partition(".")[0] for endpoint in told["endpoints"]}
    print(f"`lab twin serve`: {len(devices)} devices at {len(told['endpoints'])} ports")
    print(f"  ready after  {ready_s:.1f} s       wanted 10")
    print(f"  memory (RSS) {rss_mb:.0f} MB     wanted 300")
    print(f"  at rest      {idle:.1%} of a core   wanted 10 %")


if __name__ == "__main__":
    main()
