"""What every device of ophyd's or ophyd-async's must do, whatever it is: nothing here goes anywhere but where it is.

How far it may move nobody knows but its beamline: a contract of its own kind belongs beside the package that has it.
"""

import asyncio
import inspect
import math
from typing import Any

import pytest

from drivers.core.errors import CommandFailed, CommandRefused, DeviceError
from drivers.core.instrument import Readings
from hardware_tests.bench import Bench

ROLE = "OphydDevice"


async def asked(device: Any, verb: str) -> Any:
    """What a device of either family answers to a word of Bluesky's protocols."""
    method = getattr(device, verb)
    told = method() if inspect.iscoroutinefunction(method) else await asyncio.to_thread(method)
    return await told if inspect.isawaitable(told) else told


async def place(bench: Bench) -> float | None:
    """Where it is, if it is one that can be told to go somewhere."""
    found: Readings = await bench.do("measure")
    return found[0].value if hasattr(bench.driver.device, "set") and found else None  # type: ignore[attr-defined]


def test_it_reads_numbers_with_units(bench: Bench) -> None:
    """Finite ones, each under a name of its own, the same names each time."""

    async def story(bench: Bench) -> None:
        first, second = await bench.do("measure"), await bench.do("measure")
        assert first, "it reads no number"
        assert all(reading.value is not None and math.isfinite(reading.value) for reading in first)
        assert all(reading.unit for reading in first)
        assert len({reading.quantity for reading in first}) == len(first)
        assert [reading.quantity for reading in first] == [reading.quantity for reading in second]

    bench.run(story)


def test_what_it_reads_it_describes(bench: Bench) -> None:
    """Bluesky's event model: each key of `read` is one of `describe`, with its source, kind and shape."""

    async def story(bench: Bench) -> None:
        device: Any = bench.driver.device  # type: ignore[attr-defined]
        read, described = await asked(device, "read"), await asked(device, "describe")
        assert read.keys() == described.keys()
        assert device.name
        for key in described.values():
            assert {"source", "dtype", "shape"} <= key.keys()

    bench.run(story)


def test_it_goes_to_where_it_is_or_says_that_it_does_not_move(bench: Bench) -> None:
    """No way at all ends well, and is told as done; who does not move refuses; and what is no position is refused."""

    async def story(bench: Bench) -> None:
        there = await place(bench)
        if there is None:
            with pytest.raises((CommandRefused, CommandFailed)):
                await bench.do("move", position=0.0)
        else:
            await bench.do("move", position=there)
            assert (await bench.recall()).state == "done"
            assert (await place(bench)) == pytest.approx(there, abs=bench.driver.options.tolerance)
        for nothing in (math.nan, math.inf):
            with pytest.raises(DeviceError):
                await bench.do("move", position=nothing)

    bench.run(story)


def test_stop_and_safe_end_work_at_rest_and_it_reads_afterwards(bench: Bench) -> None:
    """Also for another process, and twice."""

    async def story(bench: Bench) -> None:
        before = await bench.do("measure")
        await bench.stop()
        await bench.make_safe()
        await bench.restart()
        await bench.make_safe()
        after = await bench.do("measure")
        assert [reading.quantity for reading in after] == [reading.quantity for reading in before]

    bench.run(story)
