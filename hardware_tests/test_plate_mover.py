"""What every plate mover must do."""

import asyncio

import pytest

from drivers.core.errors import DeviceError
from hardware_tests.bench import Bench

ROLE = "PlateMover"
PLATE = "corning_96_wellplate_360ul_flat"


def _open_sites(bench: Bench) -> list[str]:
    """Taught sites that no tray hides."""
    reader = {site for entry in bench.lab.devices.values() if entry.role == "PlateReader" for site in entry.sites}
    return [name for name, site in bench.lab.sites.items() if site.arm == bench.device and name not in reader]


def test_carries_a_plate_there_and_back(bench: Bench) -> None:
    """From one taught site to every other and back."""

    async def story(bench: Bench) -> None:
        home, *others = _open_sites(bench)
        await bench.do("place", on=bench.first("Operator"), labware="plate", kind=PLATE, site=home)
        for site in others:
            await bench.do("move_labware", labware="plate", source=home, destination=site)
            await bench.do("move_labware", labware="plate", source=site, destination=home)

    bench.run(story, bench.first("Operator"))


def test_a_grip_on_nothing_is_an_error(bench: Bench) -> None:
    """An empty site is noticed, not carried."""

    async def story(bench: Bench) -> None:
        source, destination, *_ = _open_sites(bench)
        with pytest.raises(DeviceError):
            await bench.do("move_labware", labware="plate", source=source, destination=destination)

    bench.run(story)


def test_an_unknown_site_is_refused_before_anything_moves(bench: Bench) -> None:
    """The arm goes nowhere it was not taught."""

    async def story(bench: Bench) -> None:
        with pytest.raises(DeviceError) as caught:
            await bench.do("move_labware", labware="plate", source="moon", destination=_open_sites(bench)[0])
        assert caught.value.outcome == "not_started"

    bench.run(story)


def test_stop_ends_a_running_move(bench: Bench) -> None:
    """The arm halts in mid-move."""

    async def story(bench: Bench) -> None:
        source, destination, *_ = _open_sites(bench)
        await bench.do("place", on=bench.first("Operator"), labware="plate", kind=PLATE, site=source)
        move = {"labware": "plate", "source": source, "destination": destination}
        running = asyncio.ensure_future(bench.do("move_labware", **move))
        await asyncio.sleep(0.5)
        before = asyncio.get_running_loop().time()
        await bench.stop()
        with pytest.raises(DeviceError):
            await running
        assert asyncio.get_running_loop().time() - before < 2

    bench.run(story, bench.first("Operator"))


def test_another_process_goes_on_where_this_one_was(bench: Bench) -> None:
    """A new driver moves nothing when it connects, does not say that a move that was done was not, and ends safely."""

    async def story(bench: Bench) -> None:
        source, destination, *_ = _open_sites(bench)
        await bench.do("place", on=bench.first("Operator"), labware="plate", kind=PLATE, site=source)
        await bench.do("move_labware", labware="plate", source=source, destination=destination)
        await bench.restart()
        assert (await bench.recall()).state != "not_done"
        await bench.make_safe()
        await bench.make_safe()
        await bench.do("move_labware", labware="plate", source=destination, destination=source)

    bench.run(story, bench.first("Operator"))
