"""The diffractometer's driver on its served twin, in real time: peaks where the crystal has them, and what goes wrong."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

from drivers.beamline.epics_diffractometer import DRIVER
from drivers.beamline.epics_diffractometer.device import EpicsDiffractometer
from drivers.beamline.epics_diffractometer.options import Options
from drivers.beamline.epics_motor.signals import Signals
from drivers.core.errors import (
    CommandFailed,
    CommandRefused,
    CommandStopped,
    ConnectionLost,
    DeviceError,
    LimitError,
    ReplyTimeout,
)
from drivers.core.instrument import Command
from drivers.core.transport import port_at
from sim_lab.clock import run
from sim_lab.faults.inject import Faults, Injection
from sim_lab.twins.epics_diffractometer import Twin
from sim_lab.world.crystals import CRYSTALS, HEXABORIDE
from sim_lab.world.diffraction import peaks
from sim_lab.world.model import World

Story = Callable[[EpicsDiffractometer, Twin], Awaitable[Any]]


def with_twin(story: Story, *faults: Injection, plan: Faults | None = None, **options: Any) -> None:
    async def main() -> None:
        world = World(1, {})
        world.faults = plan or Faults(faults, 1)
        world.faults.begin(asyncio.get_running_loop().time)
        keys = Options(**options)
        twin = Twin("xrd", keys, world)
        device = EpicsDiffractometer("xrd", port_at(await twin.start("127.0.0.1", 0)), keys, DRIVER.default_limits)
        try:
            await device.connect()
            await story(device, twin)
        finally:
            await device.disconnect()
            await twin.stop()

    run(main, speed=1)


def test_a_pattern_has_the_standards_peak_where_its_cell_puts_it() -> None:
    async def story(device: EpicsDiffractometer, twin: Twin) -> None:
        found = await device.pattern(30.2, 30.6, 0.04, 0.05)
        *points, wavelength = found
        angles = np.array([float(point.quantity.removeprefix("intensity_").removesuffix("deg")) for point in points])
        rates = np.array([point.value or 0.0 for point in points]) - 40
        centre = float((angles * rates).sum() / rates.sum())
        (truth,) = twin.sample
        peak = next(peak for peak in peaks(truth) if peak.hkl == (1, 1, 0))
        assert centre == pytest.approx(peak.two_theta_deg, abs=0.005)
        edge_a = (wavelength.value or 0) * 10 / (2 * np.sin(np.radians(centre / 2))) * 2**0.5
        assert edge_a == pytest.approx(CRYSTALS[HEXABORIDE].edges_a[0], abs=1e-3)
        assert (await device.recall(Command("r/1", "pattern"))).state == "unknown"

    with_twin(story)


def test_limits_move_nothing() -> None:
    async def story(device: EpicsDiffractometer, twin: Twin) -> None:
        for angle in (float("nan"), 1e3, -1.0):
            with pytest.raises(LimitError):
                await device.drive(angle)
        with pytest.raises(LimitError, match="its record refuses"):
            await device.drive(164.0)
        with pytest.raises(LimitError):
            await device.measure(1e6)
        with pytest.raises(CommandRefused, match="points"):
            await device.pattern(20, 60, 0.001, 1)
        assert (twin.two_theta.place_mm, twin.theta.place_mm) == (10, 5)

    with_twin(story)


def test_a_stop_ends_moves_and_counts() -> None:
    async def story(device: EpicsDiffractometer, twin: Twin) -> None:
        loop = asyncio.get_running_loop()
        for running in (device.drive(100.0), device.measure(60.0), device.pattern(20, 60, 1, 10)):
            task = asyncio.ensure_future(running)
            gaps = []
            for _ in range(25):
                began = loop.time()
                await asyncio.sleep(0.01)
                gaps.append(loop.time() - began)
            asked = loop.time()
            await device.stop()
            with pytest.raises(CommandStopped):
                await asyncio.wait_for(task, 5)
            assert loop.time() - asked < 3
            assert sorted(gaps)[len(gaps) // 2] < 0.1
        await device.make_safe()
        await device.make_safe()
        await device.drive(12.0)
        assert (twin.two_theta.place_mm, twin.theta.place_mm) == pytest.approx((12, 6))

    with_twin(story)


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ("following_error", CommandFailed, "its move failed"), ("limit_switch", CommandFailed, "its move failed"),
        ("axis_stalled", ReplyTimeout, "did not end"), ("step_loss", CommandFailed, "came to rest at"),
        ("detector_dead", CommandFailed, "counts nothing"), ("detector_saturated", CommandFailed, "tell apart"),
    ],
)  # fmt: skip
def test_faults_of_motion_and_detector_are_named(fault: str, error: type[DeviceError], words: str) -> None:
    async def story(device: EpicsDiffractometer, twin: Twin) -> None:
        async def work() -> None:
            await device.drive(14.0)
            await device.measure(0.3)

        with pytest.raises(error, match=words):
            await work()
        await device.drive(12.0)  # the next one is well
        (there, rate, _) = await device.measure(0.1)
        assert there.value == pytest.approx(12.0)
        assert (rate.value or 0) > 0

    with_twin(story, Injection("xrd", fault, 0.0, action=1), move_timeout_s=2.0, background_hz=45.0)


class _Echo(Faults):
    """One echo when it is armed; the line of every device is theirs."""

    armed = False

    def touch(self, device: str) -> bool:
        return True

    def happens(self, device: str, fault: str) -> float | None:
        strikes = self.armed and fault == "echo"
        self.armed = self.armed and not strikes
        return 0.0 if strikes else None


def test_the_echo_of_a_count_is_not_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A write with an answer and that answer differ in nothing that ophyd looks at; found by the soak."""
    plan, count = _Echo(), Signals.run

    async def run_echoed(signals: Signals, name: str, seconds: float, late_s: float) -> None:
        plan.armed = True
        await count(signals, name, seconds, late_s)

    async def story(device: EpicsDiffractometer, twin: Twin) -> None:
        await device.drive(25.0)
        await device.measure(0.3)
        await device.drive(30.385)
        monkeypatch.setattr(Signals, "run", run_echoed)
        with contextlib.suppress(DeviceError):  # of the true answer, which its client does not expect any more
            (_, rate, _) = await device.measure(0.3)
            assert rate.value == pytest.approx(twin.rate_hz(30.385, 30.385 / 2), rel=0.1), "of the place before"
        monkeypatch.undo()
        await device.connect(force_reconnect=True)
        (_, rate, _) = await device.measure(0.3)
        assert rate.value == pytest.approx(twin.rate_hz(30.385, 30.385 / 2), rel=0.1)

    with_twin(story, plan=plan)
    assert not plan.armed


def test_a_late_move_is_waited_for() -> None:
    async def story(device: EpicsDiffractometer, twin: Twin) -> None:
        began = asyncio.get_running_loop().time()
        await device.drive(12.0)
        assert asyncio.get_running_loop().time() - began > 0.8
        assert twin.two_theta.place_mm == pytest.approx(12)

    with_twin(story, Injection("xrd", "move_late", 0.8, action=1))


def test_a_server_that_goes_and_comes_back() -> None:
    async def story(device: EpicsDiffractometer, twin: Twin) -> None:
        running = asyncio.ensure_future(device.drive(80.0))
        while twin.two_theta.place_mm == 10:
            await asyncio.sleep(0.02)
        await twin.stop()
        with pytest.raises(ConnectionLost):
            await asyncio.wait_for(running, 10)
        await twin.start("127.0.0.1", int(device.port.address.split(":")[2].split("/")[0]))
        await device.connect(force_reconnect=True)
        await device.make_safe()
        await device.drive(20.0)
        assert twin.two_theta.place_mm == pytest.approx(20)

    with_twin(story)


def test_a_powder_in_labware_on_the_stage_is_what_it_sees() -> None:
    world = World(1, {})
    twin = Twin("xrd", Options(), world)
    assert [crystal.name for crystal in twin.sample] == ["lanthanum hexaboride"]
    assert twin.rate_hz(30.385, 15.19) > 50_000
    assert twin.rate_hz(30.385, 16.5) < 100, "out of focus"
