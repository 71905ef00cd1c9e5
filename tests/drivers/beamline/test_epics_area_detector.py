"""The area detector's driver on its served twin, and on an IOC of EPICS base itself, in real time."""

import asyncio
import os
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drivers.beamline.epics_area_detector import DRIVER
from drivers.beamline.epics_area_detector.device import EpicsAreaDetector
from drivers.beamline.epics_area_detector.options import Options
from drivers.core.errors import CommandFailed, CommandStopped, ConnectionFailed, DeviceError, LimitError
from drivers.core.transport import port_at
from sim_lab.clock import run
from sim_lab.faults.inject import Faults, Injection
from sim_lab.twins.epics_area_detector import Twin, two_theta_deg
from sim_lab.world.crystals import CRYSTALS, HEXABORIDE
from sim_lab.world.diffraction import peaks
from sim_lab.world.model import World

Story = Callable[[EpicsAreaDetector, Twin], Awaitable[Any]]


def with_twin(story: Story, *faults: Injection) -> None:
    async def main() -> None:
        world = World(1, {})
        world.faults = Faults(faults, 1)
        twin = Twin("ad", Options(), world)
        device = EpicsAreaDetector("ad", port_at(await twin.start("127.0.0.1", 0)), Options(), DRIVER.default_limits)
        try:
            await device.connect()
            await story(device, twin)
        finally:
            await device.disconnect()
            await twin.stop()

    run(main, speed=1)


def test_rings_are_where_the_standards_cell_puts_them() -> None:
    async def story(device: EpicsAreaDetector, twin: Twin) -> None:
        total, maximum, _ = await device.expose(0.5)
        image, angles = device.image, two_theta_deg()
        assert image.shape == (120, 160)
        assert (total.value, maximum.value) == (image.sum(), image.max())
        bins = np.arange(18.0, 34.0, 0.5)
        means = [image[(angles >= low) & (angles < low + 0.5)].mean() for low in bins]
        tops = {bins[n] for n in range(1, len(bins) - 1) if means[n] == max(means[n - 1 : n + 2]) and means[n] > 10}
        expected = [peak.two_theta_deg for peak in peaks(CRYSTALS[HEXABORIDE]) if 18 < peak.two_theta_deg < 33]
        assert len(expected) == 2
        for angle in expected:
            assert any(low - 0.1 <= angle <= low + 0.6 for low in tops), (angle, tops)

    with_twin(story)


def test_limits_and_a_stop() -> None:
    async def story(device: EpicsAreaDetector, twin: Twin) -> None:
        for wrong in (0.0, float("nan"), 1e6):
            with pytest.raises(LimitError):
                await device.expose(wrong)
        loop = asyncio.get_running_loop()
        running = asyncio.ensure_future(device.expose(60.0))
        await asyncio.sleep(0.4)
        asked = loop.time()
        await device.stop()
        with pytest.raises(CommandStopped):
            await asyncio.wait_for(running, 5)
        assert loop.time() - asked < 2
        await device.make_safe()
        await device.expose(0.1)

    with_twin(story)


@pytest.mark.parametrize(
    ("fault", "words"),
    [("detector_dead", "every pixel is 0"), ("detector_saturated", "are full"), ("frame_lost", "no image came")],
)
def test_images_that_are_not_believed(fault: str, words: str) -> None:
    async def story(device: EpicsAreaDetector, twin: Twin) -> None:
        with pytest.raises(CommandFailed, match=words):
            await device.expose(0.1)
        assert device.image is None
        await device.expose(0.1)

    with_twin(story, Injection("ad", fault, 0.0, action=1))


def test_a_server_that_goes_and_comes_back() -> None:
    async def story(device: EpicsAreaDetector, twin: Twin) -> None:
        running = asyncio.ensure_future(device.expose(30.0))
        await asyncio.sleep(0.3)
        await twin.stop()
        with pytest.raises(DeviceError):
            await asyncio.wait_for(running, 15)
        await twin.start("127.0.0.1", int(device.port.address.split(":")[2].split("/")[0]))
        await device.connect(force_reconnect=True)
        await device.make_safe()
        await device.expose(0.1)

    with_twin(story)


DATABASE = """
record(bo, "REAL:cam1:Acquire") { field(ZNAM, "Done") field(ONAM, "Acquire") field(HIGH, "0.3")
  field(FLNK, "REAL:image1:ArrayCounter_RBV") }
record(calc, "REAL:image1:ArrayCounter_RBV") { field(INPA, "REAL:cam1:Acquire") field(INPB, "REAL:image1:ArrayCounter_RBV")
  field(CALC, "A ? B : B + 1") }
record(ao, "REAL:cam1:AcquireTime") { field(DRVL, "0.01") field(DRVH, "10") field(VAL, "1") field(PINI, "YES") }
record(longout, "REAL:cam1:NumImages") { field(VAL, "5") field(PINI, "YES") }
record(mbbo, "REAL:cam1:ImageMode") { field(ZRST, "Single") field(ONST, "Multiple") field(VAL, "1") field(PINI, "YES") }
record(longin, "REAL:cam1:ArraySizeX_RBV") { field(VAL, "3") field(PINI, "YES") }
record(longin, "REAL:cam1:ArraySizeY_RBV") { field(VAL, "2") field(PINI, "YES") }
record(waveform, "REAL:image1:ArrayData") { field(FTVL, "LONG") field(NELM, "8") field(INP, [1,2,3,4,5,60]) }
"""


def test_a_real_ioc_of_epics_base_behind_our_driver(tmp_path: Path) -> None:
    pytest.importorskip("epicscorelibs")
    (tmp_path / "detector.db").write_text(DATABASE)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {
        "EPICS_CAS_SERVER_PORT": str(port), "EPICS_CAS_INTF_ADDR_LIST": "127.0.0.1",
        "EPICS_CAS_AUTO_BEACON_ADDR_LIST": "NO", "EPICS_CAS_BEACON_ADDR_LIST": "127.0.0.1",
        "EPICS_PVAS_INTF_ADDR_LIST": "127.0.0.1", "EPICS_PVA_AUTO_ADDR_LIST": "NO", "EPICS_PVA_ADDR_LIST": "127.0.0.1",
        "EPICS_PVAS_SERVER_PORT": "0",
    }  # fmt: skip

    async def main() -> None:
        ioc = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "epicscorelibs.ioc", "-d", str(tmp_path / "detector.db"), env=os.environ | settings,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        device = EpicsAreaDetector("ad", port_at(f"ca://127.0.0.1:{port}/REAL"), Options(), DRIVER.default_limits)
        try:
            for attempt in range(3):  # until it is up
                try:
                    await device.connect()
                    break
                except ConnectionFailed:
                    assert attempt < 2
            total, maximum, _ = await device.expose(0.25)
            assert (total.value, maximum.value) == (75.0, 60.0)
            assert device.image.tolist() == [[1, 2, 3], [4, 5, 60]]
            told = {name: await device._signals.get(name) for name in ("exposure", "images", "mode", "counter")}
            assert (told["exposure"], told["images"], told["mode"]) == (0.25, 1, 0), "single images, as long as asked"
            assert told["counter"] >= 1
            await device.make_safe()
        finally:
            await device.disconnect()
            ioc.kill()
            await ioc.wait()

    run(main, speed=1)
