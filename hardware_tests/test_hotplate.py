"""What every hotplate must do."""

import asyncio

import pytest

from drivers.core.errors import LimitError
from hardware_tests.bench import Bench

ROLE = "Hotplate"


def test_heats_along_a_ramp_and_holds(bench: Bench) -> None:
    """Ten kelvin up at 5 K/min, and half a minute there."""

    async def story(bench: Bench) -> None:
        (now, _) = await bench.do("measure")
        assert now.value is not None
        began = asyncio.get_running_loop().time()
        (reached,) = await bench.do("heat", temperature_c=now.value + 10, ramp_c_min=5.0, duration_s=30.0)
        assert reached.unit == "degC"
        assert reached.value == pytest.approx(now.value + 10, abs=3)
        assert asyncio.get_running_loop().time() - began >= 150

    bench.run(story)


def test_stirs_until_it_is_told_otherwise(bench: Bench) -> None:
    """A speed is kept, and given up."""

    async def story(bench: Bench) -> None:
        await bench.do("stir", speed_rpm=300.0)
        await asyncio.sleep(15)
        (_, speed) = await bench.do("measure")
        assert speed.value == pytest.approx(300, abs=30)
        await bench.do("deactivate")
        await asyncio.sleep(15)
        (_, speed) = await bench.do("measure")
        assert speed.value == pytest.approx(0, abs=5)

    bench.run(story)


def test_limits_hold_before_the_wire(bench: Bench) -> None:
    """A temperature, a ramp and a speed that the device does not have are refused."""

    async def story(bench: Bench) -> None:
        with pytest.raises(LimitError):
            await bench.do("heat", temperature_c=2000.0)
        with pytest.raises(LimitError):
            await bench.do("heat", temperature_c=30.0, ramp_c_min=1e4)
        with pytest.raises(LimitError):
            await bench.do("stir", speed_rpm=1e5)

    bench.run(story)


def test_stop_ends_heating(bench: Bench) -> None:
    """An hour of heating ends within seconds of a stop, and it takes commands again."""

    async def story(bench: Bench) -> None:
        assert await bench.stopped(20, "heat", temperature_c=40.0, duration_s=3600.0) < 10
        await bench.make_safe()
        await bench.make_safe()
        await bench.do("measure")

    bench.run(story)
