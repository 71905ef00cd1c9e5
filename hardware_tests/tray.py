"""Contracts of devices that do one thing to a plate on their tray (sealers, peelers), but for the verb."""

import asyncio

import pytest

from drivers.core.errors import DeviceError
from hardware_tests.bench import Bench

PLATE = "biorad_96_wellplate_200ul_pcr"


async def _put(bench: Bench, labware: str, sealed: bool) -> None:
    site = bench.lab.devices[bench.device].sites[0]
    await bench.do("place", on=bench.first("Operator"), labware=labware, kind=PLATE, site=site, sealed=sealed)


def works_twice(bench: Bench, verb: str, *, sealed: bool) -> None:
    """In between a person takes the plate off the tray and puts another on, which needs the tray out."""

    async def story(bench: Bench) -> None:
        operator, site = bench.first("Operator"), bench.lab.devices[bench.device].sites[0]
        await _put(bench, "plate", sealed)
        await bench.do(verb, labware="plate")
        await bench.do("remove", on=operator, labware="plate", site=site)
        await _put(bench, "next", sealed)
        await bench.do(verb, labware="next")

    bench.run(story, bench.first("Operator"))


def stops(bench: Bench, verb: str, *, sealed: bool) -> None:
    """In mid-command, within seconds; and there is a way back."""

    async def story(bench: Bench) -> None:
        await _put(bench, "plate", sealed)
        running = asyncio.ensure_future(bench.do(verb, labware="plate"))
        await asyncio.sleep(5)
        before = asyncio.get_running_loop().time()
        await bench.stop()
        with pytest.raises(DeviceError):
            await running
        assert asyncio.get_running_loop().time() - before < 5
        await bench.make_safe()
        await bench.do(verb, labware="plate")

    bench.run(story, bench.first("Operator"))


def outlives_its_process(bench: Bench, verb: str, *, sealed: bool) -> None:
    """A new driver never says that what was done was not, and its safe end can be had twice."""

    async def story(bench: Bench) -> None:
        await _put(bench, "plate", sealed)
        await bench.do(verb, labware="plate")
        await bench.restart()
        assert (await bench.recall()).state != "not_done"
        await bench.make_safe()
        await bench.make_safe()

    bench.run(story, bench.first("Operator"))
