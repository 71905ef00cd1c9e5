"""Fifty points of the crash campaign: nothing lost, nothing repeated. `make crash` takes a thousand, and is stricter."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.xdist_group("processes")  # many at once: never beside one another
@pytest.mark.timeout(600)
def test_fifty_kills() -> None:
    command = [sys.executable, "-m", "benchmarks.crash", "--points", "50", "--jobs", "3", "--seed", "7"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    told = done.stdout + done.stderr[-3000:]
    assert "50 workers killed by SIGKILL" in done.stdout, told
    assert "lost records 0, repeated physical actions 0, missing in completed runs 0" in done.stdout, told
