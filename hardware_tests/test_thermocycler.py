"""What every thermocycler must do."""

import asyncio
from typing import Any

import pytest

from drivers.core.errors import DeviceError, LimitError
from hardware_tests.bench import Bench

ROLE = "Thermocycler"
PLATE = "biorad_96_wellplate_200ul_pcr"
SHORT: list[dict[str, Any]] = [{"holds": [[40.0, 5.0], [30.0, 5.0]], "times": 2}]
LONG: list[dict[str, Any]] = [{"holds": [[40.0, 3600.0]], "times": 1}]


async def loaded(bench: Bench) -> str:
    """A plate on the block, under an open lid; returns the block's site."""
    site = bench.lab.devices[bench.device].sites[0]
    await bench.do("open_lid")
    await bench.do("place", on=bench.first("Operator"), labware="plate", kind=PLATE, site=site, sealed=True)
    return site


def test_cycles_and_gives_the_plate_back(bench: Bench) -> None:
    """It takes at least the time of the holds, and the plate can be taken out afterwards."""

    async def story(bench: Bench) -> None:
        site = await loaded(bench)
        began = asyncio.get_running_loop().time()
        await bench.do("run_profile", cycles=SHORT, lid_c=40.0)
        assert asyncio.get_running_loop().time() - began >= 20
        await bench.do("open_lid")
        await bench.do("remove", on=bench.first("Operator"), labware="plate", site=site)

    bench.run(story, bench.first("Operator"))


def test_limits_hold_before_the_wire(bench: Bench) -> None:
    """A temperature that would boil it is refused."""

    async def story(bench: Bench) -> None:
        with pytest.raises(LimitError):
            await bench.do("run_profile", cycles=[{"holds": [[140.0, 5.0]]}])

    bench.run(story)


def test_a_stop_ends_a_run(bench: Bench) -> None:
    """An hour's hold ends within seconds of a stop; made safe, its lid opens."""

    async def story(bench: Bench) -> None:
        await loaded(bench)
        running = asyncio.ensure_future(bench.do("run_profile", cycles=LONG, lid_c=40.0))
        await asyncio.sleep(60)
        before = asyncio.get_running_loop().time()
        await bench.stop()
        with pytest.raises(DeviceError):
            await running
        assert asyncio.get_running_loop().time() - before < 15
        await bench.make_safe()
        await bench.do("open_lid")

    bench.run(story, bench.first("Operator"))


def test_another_process_leaves_it_running(bench: Bench) -> None:
    """A new driver does not end a run; it tells of its end, and its safe end can be had twice."""

    async def story(bench: Bench) -> None:
        await loaded(bench)
        running = asyncio.ensure_future(bench.do("run_profile", cycles=LONG, lid_c=40.0))
        await asyncio.sleep(60)
        before = asyncio.get_running_loop().time()
        await bench.restart()
        with pytest.raises(DeviceError):
            await running
        assert (await bench.recall()).state == "done"
        assert asyncio.get_running_loop().time() - before > 3000
        await bench.make_safe()
        await bench.make_safe()

    bench.run(story, bench.first("Operator"))
