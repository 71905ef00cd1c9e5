"""What every balance must do."""

import asyncio

import pytest

from drivers.core.errors import DeviceError
from hardware_tests.bench import Bench

ROLE = "Balance"
#: What an empty pan may show after a zero, g: far above what any analytical balance errs by.
NOTHING_G = 0.001


def test_zero_and_tare_make_nothing_of_what_is_there(bench: Bench) -> None:
    """After either the display shows nothing, in g."""

    async def story(bench: Bench) -> None:
        for verb in ("zero", "tare"):
            await bench.do(verb)
            (mass,) = await bench.do("weigh")
            assert (mass.quantity, mass.unit) == ("mass", "g")
            assert mass.value is not None
            assert abs(mass.value) < NOTHING_G

    bench.run(story)


def test_another_process_finds_the_same_tare(bench: Bench) -> None:
    """A new driver changes neither zero nor tare, and its safe end can be had twice."""

    async def story(bench: Bench) -> None:
        await bench.do("tare")
        await bench.restart()
        (mass,) = await bench.do("weigh")
        assert mass.value is not None
        assert abs(mass.value) < NOTHING_G
        await bench.make_safe()
        await bench.make_safe()

    bench.run(story)


def test_a_stop_while_it_weighs_and_the_way_back(bench: Bench) -> None:
    """It takes commands again after a stop."""

    async def story(bench: Bench) -> None:
        running = asyncio.ensure_future(bench.do("weigh"))
        await asyncio.sleep(0)
        await bench.stop()
        (outcome,) = await asyncio.gather(running, return_exceptions=True)
        assert not isinstance(outcome, BaseException) or isinstance(outcome, DeviceError)
        with pytest.raises(DeviceError):
            await bench.do("fly")
        await bench.do("weigh")

    bench.run(story)
