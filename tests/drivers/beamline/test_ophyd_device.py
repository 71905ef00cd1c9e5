"""Devices of ophyd.sim and ophyd_async.sim by entry point: read, moved, stopped, and used in Bluesky's own plans."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from bluesky import plans as bp

from drivers.beamline.ophyd_device import DRIVER
from drivers.beamline.ophyd_device.device import OphydDriver
from drivers.beamline.ophyd_device.options import Options
from drivers.core.errors import CommandFailed, CommandRefused, CommandStopped, ConnectionFailed, DeviceError, LimitError
from drivers.core.instrument import Command
from drivers.core.transport import Port
from labfile import check, read
from sim_lab.clock import run

ROOT = Path(__file__).resolve().parents[3]
KINDS = ("ophyd.sim.SynAxis", "ophyd_async.sim.SimMotor")


def with_device(
    kind: str, story: Callable[[OphydDriver], Awaitable[Any]], arguments: Any = None, **options: Any
) -> Any:
    async def main() -> Any:
        keys = Options(device=kind, arguments=arguments or {}, **options)
        device = OphydDriver("guest", Port("ophyd:", lambda: None), keys, DRIVER.default_limits)  # type: ignore[arg-type,return-value]
        await device.connect()
        try:
            return await story(device)
        finally:
            await device.disconnect()

    return run(main, speed=1)


@pytest.mark.parametrize("kind", KINDS)
def test_moves_and_reads(kind: str) -> None:
    async def story(device: OphydDriver) -> None:
        move = Command("r/1", "move", {"position": 0.5})
        await device.perform(move)
        found = {reading.quantity: reading.value for reading in await device.perform(Command("r/2", "measure"))}
        assert found["value"] == pytest.approx(0.5)
        assert (await device.recall(move)).state == "done"
        assert (await device.recall(Command("r/3", "move", {"position": 9.0}))).state == "unknown"
        await device.make_safe()

    with_device(kind, story)


def test_what_it_is_told_wrongly_is_named() -> None:
    async def story(device: OphydDriver) -> None:
        with pytest.raises(LimitError):
            await device.move(float("nan"))
        with pytest.raises(DeviceError):
            await device.perform(Command("r/1", "fly", {}))

    async def still(device: OphydDriver) -> None:
        with pytest.raises((CommandRefused, CommandFailed)):
            await device.move(1.0)

    async def never(_: OphydDriver) -> None:
        raise AssertionError

    with_device(KINDS[0], story)
    with_device("ophyd.sim.SynSignalRO", still)
    with pytest.raises(ConnectionFailed, match=r"no 'os.system' in lab.ophyd.*there are: .*SynAxis"):
        with_device("os.system", never)
    with pytest.raises(ConnectionFailed, match="TypeError"):
        with_device(KINDS[0], never, {"nonsense": 1})


def test_a_stop_ends_a_move() -> None:
    async def story(device: OphydDriver) -> None:
        moving = asyncio.ensure_future(device.move(100.0))
        await asyncio.sleep(0.3)
        await device.stop()
        with pytest.raises((CommandStopped, CommandFailed)):
            await asyncio.wait_for(moving, 5)

    with_device("ophyd_async.sim.SimMotor", story, {"instant": False})


def test_a_lab_file_names_it_and_no_path(tmp_path: Path) -> None:
    text = """
    schema = 1
    [lab]
    name = "hutch"
    facility = "Test"
    timezone = "UTC"
    [devices.guest]
    driver = "ophyd.device"
    real = "ophyd:"
    twin = "none"
    device = "ophyd.sim.SynAxis"
    arguments = { delay = 0.05 }
    """
    path = tmp_path / "lab.toml"
    path.write_text("\n".join(line.strip() for line in text.splitlines()))
    assert [str(problem) for problem in check(path)] == []
    assert read(path).devices["guest"].role == "OphydDevice"
    path.write_text(path.read_text().replace("ophyd.sim.SynAxis", "ophyd.sim:SynAxis"))
    assert "device" in str(check(path)[0])


@pytest.mark.parametrize("kind", KINDS)
def test_bluesky_scans_the_device_itself(kind: str) -> None:
    """The plan runs on our engine, on the loop of the driver, as `run_plan` does under a reservation."""
    from orchestrator.engine import Engine

    async def story(device: OphydDriver) -> list[float]:
        places = []

        def keep(name: str, document: Any) -> None:
            if name == "event":
                places.append(round(document["data"]["guest"], 3))

        engine = Engine({})
        engine.subscribe(keep)
        await engine.run(bp.scan([device.device], device.device, 0, 0.2, 3))
        return places

    assert with_device(kind, story) == [0.0, 0.1, 0.2]


def test_the_contract_holds_for_whatever_has_an_entry_point(tmp_path: Path) -> None:
    """`hardware_tests` as a technician runs it, on devices that need no hardware."""
    lab = tmp_path / "lab.toml"
    guests = {"axis": KINDS[0], "stage": KINDS[1]}
    devices = (
        f'[devices.{name}]\ndriver = "ophyd.device"\nreal = "ophyd:{name}"\ntwin = "none"\ndevice = "{kind}"\n'
        for name, kind in guests.items()
    )
    lab.write_text('schema = 1\n[lab]\nname = "hutch"\nfacility = "Test"\ntimezone = "UTC"\n' + "".join(devices))
    command = [sys.executable, "-m", "pytest", "hardware_tests/test_ophyd_device.py", "--real", "--lab", str(lab), "-q",
               "-n", "0", "-p", "no:cacheprovider", "--evidence", str(tmp_path)]  # fmt: skip
    command += [part for name in guests for part in ("--device", name)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout
    assert "8 passed" in done.stdout
    assert len((tmp_path / "stage.jsonl").read_text().splitlines()) == 4
