"""What every heater shaker must do."""

import asyncio

import pytest

from drivers.core.errors import DeviceError, LimitError
from hardware_tests.bench import Bench

ROLE = "HeaterShaker"


def test_shakes_for_the_time_it_is_told(bench: Bench) -> None:
    """It shakes, comes to rest, and says so."""

    async def story(bench: Bench) -> None:
        began = asyncio.get_running_loop().time()
        await bench.do("shake", speed_rpm=500.0, duration_s=10.0)
        assert 10 <= asyncio.get_running_loop().time() - began < 60

    bench.run(story)


def test_heats_and_lets_go(bench: Bench) -> None:
    """A target can be set and given up."""

    async def story(bench: Bench) -> None:
        await bench.do("set_temperature", temperature_c=30.0)
        await bench.do("deactivate")

    bench.run(story)


def test_limits_hold_before_the_wire(bench: Bench) -> None:
    """A speed that the device does not have is refused."""

    async def story(bench: Bench) -> None:
        with pytest.raises(LimitError):
            await bench.do("shake", speed_rpm=100_000.0, duration_s=1.0)

    bench.run(story)


def test_stop_ends_shaking(bench: Bench) -> None:
    """An hour of shaking ends within seconds of a stop."""

    async def story(bench: Bench) -> None:
        assert await bench.stopped(20, "shake", speed_rpm=500.0, duration_s=3600.0) < 10

    bench.run(story)


def test_another_process_leaves_it_shaking_until_made_safe(bench: Bench) -> None:
    """A new driver does not disturb what shakes; its safe end does."""

    async def story(bench: Bench) -> None:
        running = asyncio.ensure_future(bench.do("shake", speed_rpm=500.0, duration_s=60.0))
        await asyncio.sleep(20)
        before = asyncio.get_running_loop().time()
        await bench.restart()
        with pytest.raises(DeviceError):
            await running
        assert (await bench.recall()).state == "done"
        assert asyncio.get_running_loop().time() - before > 30
        await bench.make_safe()
        await bench.make_safe()

    bench.run(story)
