"""`pytest hardware_tests` runs every contract on the twin; `--real --device NAME` runs one device's at the bench.

With `--evidence DIR` each result is written as a line of JSON: what was shown, on which instrument (as it tells
serial number and firmware), where, when, with which versions and readings.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pytest

from hardware_tests.bench import Bench
from labfile import Lab, read

ROOT = Path(__file__).resolve().parents[1]


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the bench."""
    group = parser.getgroup("bench")
    group.addoption("--real", action="store_true", help="on the instruments; needs --device")
    group.addoption("--device", action="append", default=[], help="only this device (may be repeated)")
    group.addoption("--lab", default=str(ROOT / "lab.toml"), help="the lab file")
    group.addoption("--evidence", default=None, help="folder for lines of evidence")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each device whose role the module names in ROLE."""
    if "bench" not in metafunc.fixturenames:
        return
    lab: Lab = read(Path(metafunc.config.getoption("lab")))
    real, wanted = metafunc.config.getoption("real"), metafunc.config.getoption("device")
    if real and not wanted:
        raise pytest.UsageError("--real moves instruments: say which with --device NAME")
    if unknown := [name for name in wanted if name not in lab.devices]:
        raise pytest.UsageError(f"no device {', '.join(unknown)} in {lab.path}; there are: {', '.join(lab.devices)}")
    names = [
        name
        for name, entry in lab.devices.items()
        if entry.role == metafunc.module.ROLE and (not wanted or name in wanted)
    ]
    benches = [Bench(lab, "real" if real else "twin", name) for name in names]
    metafunc.parametrize("bench", benches, ids=names)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Write a line of evidence for each contract that was tried."""
    report = yield
    folder = item.config.getoption("evidence")
    bench = getattr(item, "funcargs", {}).get("bench")
    if folder and bench is not None and call.when == "call":
        entry = bench.lab.devices[bench.device]
        line = {
            "schema": "lab-evidence/1",
            "device": bench.device,
            "driver": entry.driver,
            "role": entry.role,
            "world": bench.world_name,
            "contract": item.nodeid.split("[")[0].split("/")[-1],
            "serial": bench.identity.serial,
            "firmware": bench.identity.firmware,
            "readings": bench.seen,
            "passed": report.passed,  # type: ignore[attr-defined]
            "at": datetime.now(UTC).isoformat(),
            "config_hash": bench.lab.config_hash,
            "genesislab": version("genesislab"),
        }
        path = Path(folder) / f"{bench.device}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
    return report
