"""What every area detector must do."""

import pytest

from drivers.core.errors import DeviceError
from hardware_tests.bench import Bench

ROLE = "AreaDetector"


def test_an_image_has_counts(bench: Bench) -> None:
    """One image, with what all its pixels counted."""

    async def story(bench: Bench) -> None:
        readings = {reading.quantity: reading for reading in await bench.do("expose", exposure_s=0.5)}
        assert readings["total"].unit == "counts"
        assert (readings["total"].value or 0) >= (readings["maximum"].value or 0) > 0
        assert readings["exposure"].value == pytest.approx(0.5)

    bench.run(story)


def test_limits_hold_and_a_stop_ends_it(bench: Bench) -> None:
    """An exposure without end is refused; a stop ends a long one; its safe end can be had twice."""

    async def story(bench: Bench) -> None:
        with pytest.raises(DeviceError):
            await bench.do("expose", exposure_s=1e9)
        assert await bench.stopped(0.5, "expose", exposure_s=30.0) < 5
        await bench.make_safe()
        await bench.make_safe()

    bench.run(story)
