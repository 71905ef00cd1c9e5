"""`lab doctor`: is this machine fit for the lab?"""

import importlib
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import click

from cli.output import EXIT_FAILED, Failure, Output

ROOMS = ("labfile", "drivers", "protocols", "orchestrator", "sim_lab", "cli", "hardware_tests")
PACKAGES = ("bluesky", "ophyd", "ophyd-async", "pylabrobot", "asyncua", "aiomqtt", "amqtt", "caproto", "pyserial")
FREE_MB = 500
Check = tuple[str, bool, str]


@click.command("doctor")
@click.pass_obj
def command(output: Output) -> None:
    """Look at Python, packages, rooms, lab file, disk, ports, clock and helpers, and say how to mend each."""
    checks = [check for look in (_python, _packages, _rooms, _disk, _ports, _clock, _helpers) for check in look(output)]
    checks += _lab_file(output)
    ok = all(fine for _, fine, _ in checks)
    document = {"ok": ok, "checks": [{"name": name, "ok": fine, "detail": detail} for name, fine, detail in checks]}
    lines = [f"{'ok ' if fine else 'BAD'} {name}: {detail}" for name, fine, detail in checks]
    if not ok:
        raise Failure(EXIT_FAILED, lines, {"schema": "lab-doctor/1", **document})
    output.show("doctor", document, lines)


def _python(_: Output) -> Iterator[Check]:
    yield "python", sys.version_info >= (3, 11), sys.version.split()[0]


def _packages(_: Output) -> Iterator[Check]:
    for name in PACKAGES:
        try:
            yield name, True, version(name)
        except PackageNotFoundError:
            yield name, False, "missing; run `make setup`"


def _rooms(_: Output) -> Iterator[Check]:
    """Names such as `drivers` are generic: another package of that name must not stand in front of ours."""
    home = Path(__file__).resolve().parents[2]
    for room in ROOMS:
        file = Path(str(importlib.import_module(room).__file__)).resolve()
        yield f"room {room}", home in file.parents, str(file.parent)


def _lab_file(output: Output) -> Iterator[Check]:
    try:
        lab = output.lab("doctor")
    except Failure as failure:
        yield "lab file", False, failure.lines[0]
    else:
        yield "lab file", True, f"{output.lab_file}: {lab.name}, {len(lab.devices)} devices"


def _disk(output: Output) -> Iterator[Check]:
    place = output.runs if output.runs.exists() else Path()
    free_mb = shutil.disk_usage(place).free // 1_000_000
    yield "disk", free_mb > FREE_MB, f"{free_mb} MB free for runs (at least {FREE_MB})"


def _ports(_: Output) -> Iterator[Check]:
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            yield "loopback", True, f"port {server.getsockname()[1]} can be opened"
    except OSError as error:
        yield "loopback", False, str(error)


def _clock(_: Output) -> Iterator[Check]:
    import asyncio

    from drivers.core.world import WorldSettings, world_class

    async def hour() -> float:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await asyncio.sleep(3600)
        return loop.time() - began

    hours: Callable[[Any], float] = world_class("twin")({}, {}, WorldSettings()).run
    passed = hours(hour)
    yield "virtual clock", abs(passed - 3600) < 1e-3, f"one hour passed as {passed:.3f} s"


def _helpers(_: Output) -> Iterator[Check]:
    """Programs that only some tests use; the lab runs without."""
    for name in ("mosquitto", "chromium", "node"):
        yield name, True, shutil.which(name) or "not here (only tests use it)"
