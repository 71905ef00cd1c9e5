"""An OPC UA stack that is not asyncua, node-opcua, uses the served reader: `lab twin serve` in its own process."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OUTSIDE = ROOT / "tests" / "outside"


@pytest.mark.skipif(
    not (OUTSIDE / "node_modules").exists() or shutil.which("node") is None,
    reason="node-opcua is not installed (tests/outside, needs npm)",
)
@pytest.mark.timeout(60)
def test_node_opcua_browses_reads_and_calls() -> None:
    command = [sys.executable, "-m", "cli.main", "--json", "twin", "serve", "--device", "reader"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        (endpoint,) = json.loads(process.stdout.readline())["endpoints"]
        done = subprocess.run(
            ["node", str(OUTSIDE / "opcua_browse.js"), endpoint["address"]], capture_output=True, text=True, check=False
        )
        process.terminate()
        assert process.wait(10) == 0
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["devices"] == ["reader"]
    assert (told["before"], told["open"], told["after"]) == ("Closed", "Good", "Opened")
    assert "http://opcfoundation.org/UA/LADS/" in told["namespaces"]
    assert told["server"] == 0  # Running
