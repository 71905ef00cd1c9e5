"""An OPC UA stack that is not asyncua, node-opcua, uses the reader's twin: `lab twin serve`, and a whole reading."""

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from drivers.core.accuracy import absorbance_sd
from drivers.core.labware import kind
from drivers.readers.lads.options import Options
from sim_lab.clock import ScaledLoop
from sim_lab.twins.lads import PLATE_ABSORBANCE, Twin
from sim_lab.world.model import World
from sim_lab.world.optics import absorbance

ROOT = Path(__file__).resolve().parents[2]
OUTSIDE = ROOT / "tests" / "outside"
SCRIPT = str(OUTSIDE / "opcua_browse.js")
RED = "25956-17-6"
pytestmark = [
    pytest.mark.skipif(
        not (OUTSIDE / "node_modules").exists() or shutil.which("node") is None,
        reason="node-opcua is not installed (tests/outside, needs npm)",
    ),
    pytest.mark.timeout(60),
]


def told(output: str) -> Any:
    """What the script says; node-opcua itself writes lines of its own."""
    (line,) = [line for line in output.splitlines() if line.startswith("TOLD ")]
    return json.loads(line.removeprefix("TOLD "))


def test_node_opcua_uses_what_lab_twin_serve_serves() -> None:
    command = [sys.executable, "-m", "cli.main", "--json", "twin", "serve", "--device", "reader", "--speed", "10"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        (endpoint,) = json.loads(process.stdout.readline())["endpoints"]
        done = subprocess.run(["node", SCRIPT, endpoint["address"]], capture_output=True, text=True, check=False)
        process.terminate()
        assert process.wait(10) == 0
    assert done.returncode == 0, done.stderr
    seen = told(done.stdout)
    assert seen["devices"] == ["reader"]
    assert seen["types"] == [
        "LADSDeviceType", "FunctionalUnitType", "FunctionalUnitStateMachineType", "CoverStateMachineType",
    ]  # fmt: skip
    assert {"http://opcfoundation.org/UA/LADS/", "http://opcfoundation.org/UA/DI/"} <= set(seen["namespaces"])
    assert seen["server"] == 0  # Running
    assert [seen[key] for key in ("opened", "out", "closed", "inside")] == ["Good", "Opened", "Good", "Closed"]
    assert seen["started"] == "BadNoData"  # there is no plate


def test_node_opcua_reads_a_plate() -> None:
    """Its own encoding of the properties, by the type definition that the twin serves."""

    async def main() -> None:
        world = World(seed=1, sites={})
        world.now = asyncio.get_running_loop().time
        twin = Twin("reader", Options(), world)
        address = await twin.start("127.0.0.1", 0)
        world.closed.clear()
        world.place("plate", kind("plate_96_flat"), "reader.tray")
        world.fill("plate", "A1", 200, {RED: 5e-5})
        process = await asyncio.create_subprocess_exec(
            "node", SCRIPT, address, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        output, errors = await process.communicate()
        await twin.stop()
        assert process.returncode == 0, errors.decode()
        seen = told(output.decode())
        true = absorbance(world.labware["plate"].vessels["A1"], kind("plate_96_flat").wells["A1"].area_mm2, 504.0)
        expected = [PLATE_ABSORBANCE + true, PLATE_ABSORBANCE]
        assert seen["values"] == [pytest.approx(one, abs=0.01 + 5 * absorbance_sd(one)) for one in expected]
        assert true > 0.1

    with asyncio.Runner(loop_factory=lambda: ScaledLoop(10)) as runner:
        runner.run(main())
