"""What every incubator must do."""

import asyncio

import pytest

from drivers.core.errors import DeviceError, LimitError
from hardware_tests.bench import Bench

ROLE = "Incubator"
PLATE = "corning_96_wellplate_360ul_flat"


async def with_plate(bench: Bench) -> dict[str, str]:
    """A plate on the transfer site; returns the move that takes it in."""
    transfer, slot, *_ = bench.lab.devices[bench.device].sites
    await bench.do("place", on=bench.first("Operator"), labware="plate", kind=PLATE, site=transfer)
    return {"labware": "plate", "source": transfer, "destination": slot}


def test_takes_a_plate_in_and_gives_it_out(bench: Bench) -> None:
    """There and back, twice."""

    async def story(bench: Bench) -> None:
        inwards = await with_plate(bench)
        outwards = {**inwards, "source": inwards["destination"], "destination": inwards["source"]}
        for _ in range(2):
            await bench.do("move_labware", **inwards)
            await bench.do("move_labware", **outwards)

    bench.run(story, bench.first("Operator"))


def test_is_at_its_temperature_when_it_says_so(bench: Bench) -> None:
    """Within a degree of what was asked for."""

    async def story(bench: Bench) -> None:
        low = bench.lab.devices[bench.device].limits.ranges["temperature"].low
        for wanted in (low + 3.0, low + 2.0):
            await bench.do("set_temperature", temperature_c=wanted)
            (there,) = await bench.do("measure")
            assert there.unit == "degC"
            assert there.value == pytest.approx(wanted, abs=1.0)

    bench.run(story)


def test_takes_nothing_in_from_an_empty_station(bench: Bench) -> None:
    """It says so, and no plate has moved."""

    async def story(bench: Bench) -> None:
        transfer, slot, *_ = bench.lab.devices[bench.device].sites
        with pytest.raises(DeviceError) as caught:
            await bench.do("move_labware", labware="plate", source=transfer, destination=slot)
        assert caught.value.outcome != "unknown"

    bench.run(story)


def test_limits_hold_before_the_wire(bench: Bench) -> None:
    """A temperature that would cook it is refused."""

    async def story(bench: Bench) -> None:
        with pytest.raises(LimitError):
            await bench.do("set_temperature", temperature_c=300.0)

    bench.run(story)


def test_a_stop_ends_a_running_move(bench: Bench) -> None:
    """The verb ends within seconds; the incubator can be made safe, and knows where its plate is."""

    async def story(bench: Bench) -> None:
        inwards = await with_plate(bench)
        running = asyncio.ensure_future(bench.do("move_labware", **inwards))
        await asyncio.sleep(3)
        before = asyncio.get_running_loop().time()
        await bench.stop()
        with pytest.raises(DeviceError):
            await running
        assert asyncio.get_running_loop().time() - before < 5
        await bench.make_safe()
        assert (await bench.recall()).state in ("done", "not_done")

    bench.run(story, bench.first("Operator"))


def test_another_process_goes_on_where_this_one_was(bench: Bench) -> None:
    """A new driver recalls the last move, and its safe end can be had twice."""

    async def story(bench: Bench) -> None:
        inwards = await with_plate(bench)
        await bench.do("move_labware", **inwards)
        await bench.restart()
        assert (await bench.recall()).state == "done"
        await bench.make_safe()
        await bench.make_safe()

    bench.run(story, bench.first("Operator"))
