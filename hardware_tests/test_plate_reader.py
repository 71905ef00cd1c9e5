"""What every plate reader must do."""

import math

import pytest

from drivers.core.errors import DeviceError, LimitError
from hardware_tests.bench import Bench

ROLE = "PlateReader"
PLATE = "corning_96_wellplate_360ul_flat"


async def with_plate(bench: Bench) -> None:
    """A plate with water in A1 on the tray, and the tray in."""
    operator = bench.first("Operator")
    site = bench.lab.devices[bench.device].sites[0]
    await bench.do("open_tray")
    await bench.do("place", on=operator, labware="plate", kind=PLATE, site=site)
    water = {"7732-18-5": 55.4}
    await bench.do("fill", on=operator, labware="plate", liquid="water", volumes_ul={"A1": 200.0}, species=water)
    await bench.do("close_tray")


def test_reads_every_well_that_is_asked_for(bench: Bench) -> None:
    """One reading a wavelength, one finite value a well, in order."""

    async def story(bench: Bench) -> None:
        await with_plate(bench)
        wells = ["A1", "B2", "H12"]
        readings = await bench.do("read_absorbance", wells=wells, wavelengths_nm=[450.0, 600.0])
        assert [reading.quantity for reading in readings] == ["absorbance_450nm", "absorbance_600nm"]
        for reading in readings:
            assert reading.unit == "1"
            assert reading.wells is not None
            assert list(reading.wells) == wells
            assert all(math.isfinite(value) and -0.1 < value < 0.5 for value in reading.wells.values())

    bench.run(story, bench.first("Operator"))


def test_an_open_tray_is_not_read(bench: Bench) -> None:
    """Light from the room is no absorbance."""

    async def story(bench: Bench) -> None:
        await with_plate(bench)
        await bench.do("open_tray")
        with pytest.raises(DeviceError):
            await bench.do("read_absorbance", wells=["A1"], wavelengths_nm=[450.0])

    bench.run(story, bench.first("Operator"))


def test_limits_hold_before_the_wire(bench: Bench) -> None:
    """A wavelength that the reader does not have is refused."""

    async def story(bench: Bench) -> None:
        with pytest.raises(LimitError):
            await bench.do("read_absorbance", wells=["A1"], wavelengths_nm=[5000.0])

    bench.run(story)


def test_another_process_goes_on_where_this_one_was(bench: Bench) -> None:
    """A new driver knows the state of the tray, and its safe end can be had twice."""

    async def story(bench: Bench) -> None:
        await bench.do("open_tray")
        await bench.restart()
        assert (await bench.recall()).state == "done"
        await bench.do("close_tray")
        await bench.make_safe()
        await bench.make_safe()

    bench.run(story)
