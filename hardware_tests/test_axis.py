"""What every axis must do."""

import pytest

from drivers.core.errors import DeviceError
from hardware_tests.bench import Bench

ROLE = "Axis"


def test_goes_where_it_is_told(bench: Bench) -> None:
    """A short move ends at its target."""

    async def story(bench: Bench) -> None:
        (start,) = await bench.do("position")
        assert start.value is not None
        await bench.do("move", position_mm=start.value + 0.5)
        (there,) = await bench.do("position")
        assert there.value == pytest.approx(start.value + 0.5, abs=0.01)
        assert there.unit == "mm"

    bench.run(story)


def test_limits_hold(bench: Bench) -> None:
    """A position far outside is refused and nothing moves."""

    async def story(bench: Bench) -> None:
        (start,) = await bench.do("position")
        with pytest.raises(DeviceError):
            await bench.do("move", position_mm=1e6)
        (after,) = await bench.do("position")
        assert after.value == start.value

    bench.run(story)


def test_another_process_goes_on_where_this_one_was(bench: Bench) -> None:
    """A new driver moves nothing, tells the end of the last move, and its safe end can be had twice."""

    async def story(bench: Bench) -> None:
        (start,) = await bench.do("position")
        assert start.value is not None
        await bench.do("move", position_mm=start.value + 0.5)
        await bench.restart()
        assert (await bench.recall()).state == "done"
        await bench.make_safe()
        await bench.make_safe()

    bench.run(story)
