"""What every centrifuge must do."""

import asyncio

import pytest

from drivers.core.errors import DeviceError, LimitError
from hardware_tests.bench import Bench

ROLE = "Centrifuge"
PLATE = "corning_96_wellplate_360ul_flat"


async def loaded(bench: Bench) -> str:
    """A plate in the bucket, the door open; returns the bucket's site."""
    site = bench.lab.devices[bench.device].sites[0]
    await bench.do("open_door")
    await bench.do("place", on=bench.first("Operator"), labware="plate", kind=PLATE, site=site)
    return site


def test_spins_and_gives_the_plate_back(bench: Bench) -> None:
    """It takes at least the time at speed, and the plate can be taken out afterwards."""

    async def story(bench: Bench) -> None:
        site = await loaded(bench)
        began = asyncio.get_running_loop().time()
        await bench.do("spin", force_g=100.0, duration_s=10.0)
        assert 10 <= asyncio.get_running_loop().time() - began < 180
        await bench.do("open_door")
        await bench.do("remove", on=bench.first("Operator"), labware="plate", site=site)

    bench.run(story, bench.first("Operator"))


def test_limits_hold_before_the_wire(bench: Bench) -> None:
    """A force that would break its rotor is refused."""

    async def story(bench: Bench) -> None:
        with pytest.raises(LimitError):
            await bench.do("spin", force_g=100_000.0, duration_s=10.0)

    bench.run(story)


def test_a_stop_brakes(bench: Bench) -> None:
    """An hour of spinning ends within seconds of a stop; made safe, its door opens."""

    async def story(bench: Bench) -> None:
        await loaded(bench)
        running = asyncio.ensure_future(bench.do("spin", force_g=100.0, duration_s=3600.0))
        await asyncio.sleep(20)
        before = asyncio.get_running_loop().time()
        await bench.stop()
        with pytest.raises(DeviceError):
            await running
        assert asyncio.get_running_loop().time() - before < 5
        await bench.make_safe()
        await bench.do("open_door")

    bench.run(story, bench.first("Operator"))


def test_another_process_leaves_it_spinning_until_made_safe(bench: Bench) -> None:
    """A new driver does not brake what spins; its safe end does, and can be had twice."""

    async def story(bench: Bench) -> None:
        await loaded(bench)
        running = asyncio.ensure_future(bench.do("spin", force_g=100.0, duration_s=60.0))
        await asyncio.sleep(20)
        before = asyncio.get_running_loop().time()
        await bench.restart()
        with pytest.raises(DeviceError):
            await running
        assert (await bench.recall()).state == "done"
        assert asyncio.get_running_loop().time() - before > 30
        await bench.make_safe()
        await bench.make_safe()

    bench.run(story, bench.first("Operator"))
