"""What every furnace must do. At the bench: it is empty and shut, and may become 60 K warmer."""

import asyncio

import pytest

from drivers.core.errors import LimitError
from hardware_tests.bench import Bench

ROLE = "Furnace"


def test_runs_a_program_and_rests(bench: Bench) -> None:
    """Up by 60 K at 10 K/min, a minute there; afterwards it heats no more."""

    async def story(bench: Bench) -> None:
        (now, *_) = await bench.do("measure")
        assert now.value is not None
        top_c = now.value + 60
        began = asyncio.get_running_loop().time()
        segment = {"temperature_c": top_c, "ramp_c_min": 10.0, "duration_s": 60.0}
        (reached,) = await bench.do("run_program", segments=[segment])
        assert reached.unit == "degC"
        assert reached.value == pytest.approx(top_c, abs=5)
        assert asyncio.get_running_loop().time() - began >= 360
        _, setpoint, _ = await bench.do("measure")
        assert setpoint.value is not None
        assert setpoint.value < now.value + 5

    bench.run(story)


def test_limits_hold_before_the_wire(bench: Bench) -> None:
    """A temperature and a ramp that the furnace does not have are refused, also late in a program."""

    async def story(bench: Bench) -> None:
        for wrong in ({"temperature_c": 5000.0}, {"temperature_c": 50.0, "ramp_c_min": 1e4}):
            with pytest.raises(LimitError):
                await bench.do("run_program", segments=[{"temperature_c": 30.0}, wrong])

    bench.run(story)


def test_stop_ends_a_program(bench: Bench) -> None:
    """An hour at heat ends within seconds of a stop, and it takes commands again."""

    async def story(bench: Bench) -> None:
        assert await bench.stopped(60, "run_program", segments=[{"temperature_c": 80.0, "duration_s": 3600.0}]) < 10
        await bench.make_safe()
        await bench.make_safe()
        await bench.do("measure")

    bench.run(story)
