"""What every gas flow controller must do. At the bench: nitrogen or air is on, and may go into the room."""

import asyncio

import pytest

from drivers.core.errors import LimitError
from hardware_tests.bench import Bench

ROLE = "GasFlow"


def test_flows_for_its_time_and_not_longer(bench: Bench) -> None:
    """Ten seconds at 100 sccm, and nothing afterwards."""

    async def story(bench: Bench) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        (mean,) = await bench.do("flow", rate_sccm=100.0, duration_s=10.0)
        assert 10 <= loop.time() - began < 20
        assert (mean.quantity, mean.unit) == ("mass_flow", "sccm")
        assert mean.value == pytest.approx(100, abs=30)
        await asyncio.sleep(5)
        (now, *_) = await bench.do("measure")
        assert now.value == pytest.approx(0, abs=5)

    bench.run(story)


def test_limits_hold_before_the_wire(bench: Bench) -> None:
    """A flow that the device does not have is refused."""

    async def story(bench: Bench) -> None:
        with pytest.raises(LimitError):
            await bench.do("flow", rate_sccm=1e9, duration_s=1.0)

    bench.run(story)


def test_stop_ends_the_flow(bench: Bench) -> None:
    """An hour of flow ends within seconds of a stop, and it takes commands again."""

    async def story(bench: Bench) -> None:
        assert await bench.stopped(10, "flow", rate_sccm=50.0, duration_s=3600.0) < 10
        await bench.make_safe()
        await bench.make_safe()
        await bench.do("flow", rate_sccm=50.0, duration_s=1.0)

    bench.run(story)
