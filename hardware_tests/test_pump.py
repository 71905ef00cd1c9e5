"""What every pump must do. At the bench: its line dips into water at both ends, and its syringe is empty."""

import asyncio

import pytest

from drivers.core.errors import LimitError
from hardware_tests.bench import Bench

ROLE = "Pump"


def test_draws_and_gives_at_its_rate(bench: Bench) -> None:
    """Half a millilitre in and out, at 50 uL/s."""

    async def story(bench: Bench) -> None:
        loop = asyncio.get_running_loop()
        for verb in ("withdraw", "infuse"):
            began = loop.time()
            await bench.do(verb, volume_ul=500.0, rate_ul_s=50.0)
            assert 9 < loop.time() - began < 20

    bench.run(story)


def test_limits_hold_before_the_wire(bench: Bench) -> None:
    """A volume and a rate that the device does not have are refused."""

    async def story(bench: Bench) -> None:
        with pytest.raises(LimitError):
            await bench.do("withdraw", volume_ul=1e9)
        with pytest.raises(LimitError):
            await bench.do("withdraw", volume_ul=100.0, rate_ul_s=1e9)

    bench.run(story)


def test_stop_ends_pumping(bench: Bench) -> None:
    """Minutes of drawing end within seconds of a stop, and what is in can be given back."""

    async def story(bench: Bench) -> None:
        assert await bench.stopped(40, "withdraw", volume_ul=500.0, rate_ul_s=5.0) < 10
        await bench.make_safe()
        await bench.make_safe()
        await bench.do("infuse", volume_ul=100.0)

    bench.run(story)


def test_another_process_learns_what_became_of_a_command(bench: Bench) -> None:
    """A new driver moves nothing, and never takes what was done for not done."""

    async def story(bench: Bench) -> None:
        await bench.do("withdraw", volume_ul=200.0)
        await bench.restart()
        assert (await bench.recall()).state != "not_done"
        await bench.do("infuse", volume_ul=200.0)

    bench.run(story)
