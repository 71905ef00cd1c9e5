"""What every sensor must do."""

import math

from hardware_tests.bench import Bench

ROLE = "Sensor"


def test_says_what_it_sees_with_a_unit(bench: Bench) -> None:
    """Finite values, each with a quantity and a unit."""

    async def story(bench: Bench) -> None:
        readings = await bench.do("measure")
        assert readings
        for reading in readings:
            assert reading.quantity
            assert reading.unit
            assert reading.value is not None
            assert math.isfinite(reading.value)

    bench.run(story)
