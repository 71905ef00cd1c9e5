"""What every sealer must do."""

import asyncio

import pytest

from drivers.core.errors import DeviceError, LimitError
from hardware_tests.bench import Bench

ROLE = "Sealer"
PLATE = "biorad_96_wellplate_200ul_pcr"


async def with_plate(bench: Bench) -> None:
    """A plate on the tray."""
    site = bench.lab.devices[bench.device].sites[0]
    await bench.do("place", on=bench.first("Operator"), labware="plate", kind=PLATE, site=site, sealed=ROLE == "Peeler")


def test_does_its_work_and_gives_the_plate_back(bench: Bench) -> None:
    """Twice; in between a person takes the plate off the tray and puts another on, which needs the tray out."""

    async def story(bench: Bench) -> None:
        operator, site = bench.first("Operator"), bench.lab.devices[bench.device].sites[0]
        await with_plate(bench)
        await bench.do("seal", labware="plate")
        await bench.do("remove", on=operator, labware="plate", site=site)
        await bench.do("place", on=operator, labware="next", kind=PLATE, site=site, sealed=ROLE == "Peeler")
        await bench.do("seal", labware="next")

    bench.run(story, bench.first("Operator"))


def test_a_stop_ends_it(bench: Bench) -> None:
    """In mid-command, within seconds; and there is a way back."""

    async def story(bench: Bench) -> None:
        await with_plate(bench)
        running = asyncio.ensure_future(bench.do("seal", labware="plate"))
        await asyncio.sleep(5)
        before = asyncio.get_running_loop().time()
        await bench.stop()
        with pytest.raises(DeviceError):
            await running
        assert asyncio.get_running_loop().time() - before < 5
        await bench.make_safe()
        await bench.do("seal", labware="plate")

    bench.run(story, bench.first("Operator"))


def test_another_process_goes_on_where_this_one_was(bench: Bench) -> None:
    """A new driver never says that what was done was not, and its safe end can be had twice."""

    async def story(bench: Bench) -> None:
        await with_plate(bench)
        await bench.do("seal", labware="plate")
        await bench.restart()
        assert (await bench.recall()).state != "not_done"
        await bench.make_safe()
        await bench.make_safe()

    bench.run(story, bench.first("Operator"))


def test_limits_hold_before_the_wire(bench: Bench) -> None:
    """A heat that would melt the plate is refused."""

    async def story(bench: Bench) -> None:
        with pytest.raises(LimitError):
            await bench.do("seal", labware="plate", temperature_c=500.0)

    bench.run(story)
