"""What every powder diffractometer must do."""

import pytest

from drivers.core.errors import DeviceError
from hardware_tests.bench import Bench

ROLE = "Diffractometer"


def test_drives_and_counts_with_units(bench: Bench) -> None:
    """A short way ends at its angle, and a count there has a rate and the wavelength of the beam."""

    async def story(bench: Bench) -> None:
        await bench.do("drive", two_theta_deg=21.0)
        await bench.do("drive", two_theta_deg=21.4)
        readings = {reading.quantity: reading for reading in await bench.do("measure", exposure_s=0.5)}
        assert readings["two_theta"].value == pytest.approx(21.4, abs=0.01)
        assert readings["two_theta"].unit == "deg"
        assert readings["intensity"].unit == "counts/s"
        assert (readings["intensity"].value or 0) > 0
        assert readings["wavelength"].unit == "nm"
        assert 0.01 < (readings["wavelength"].value or 0) < 1

    bench.run(story)


def test_limits_hold(bench: Bench) -> None:
    """An angle far outside is refused and nothing moves."""

    async def story(bench: Bench) -> None:
        before = (await bench.do("measure", exposure_s=0.1))[0].value
        with pytest.raises(DeviceError):
            await bench.do("drive", two_theta_deg=400.0)
        assert (await bench.do("measure", exposure_s=0.1))[0].value == before

    bench.run(story)


def test_another_process_goes_on_where_this_one_was(bench: Bench) -> None:
    """A new driver moves nothing, tells the end of the last way, and its safe end can be had twice."""

    async def story(bench: Bench) -> None:
        await bench.do("drive", two_theta_deg=22.0)
        await bench.restart()
        assert (await bench.recall()).state == "done"
        await bench.make_safe()
        await bench.make_safe()

    bench.run(story)
