"""What every liquid handler must do."""

import asyncio
from typing import Any

import pytest

from drivers.core.errors import CommandFailed, DeviceError, LimitError
from hardware_tests.bench import Bench

ROLE = "LiquidHandler"
RACK, PLATE = "opentrons_96_tiprack_300ul", "corning_96_wellplate_360ul_flat"


async def prepared(bench: Bench) -> str:
    """A rack, a plate with water in A1, and the pipette that hangs there; returns its mount."""
    operator = bench.first("Operator")
    entry = bench.lab.devices[bench.device]
    first, second = entry.sites[0], entry.sites[1]
    await bench.do("place", on=operator, labware="rack", kind=RACK, site=first)
    await bench.do("place", on=operator, labware="plate", kind=PLATE, site=second)
    water = {"7732-18-5": 55.4}
    await bench.do("fill", on=operator, labware="plate", liquid="water", volumes_ul={"A1": 200.0}, species=water)
    mount, pipette = next((m, p) for m in ("left", "right") if "p300" in (p := getattr(entry.options, m, None) or ""))
    await bench.do("load_pipette", mount=mount, pipette=pipette)
    await bench.do("load_labware", labware="rack", definition=RACK, slot=first.split(".")[1])
    await bench.do("load_labware", labware="plate", definition=PLATE, slot=second.split(".")[1])
    return mount


def test_moves_liquid(bench: Bench) -> None:
    """Take a tip, draw, give, drop."""

    async def story(bench: Bench) -> None:
        mount = await prepared(bench)
        await bench.do("pick_up_tip", mount=mount, labware="rack", well="A1")
        await bench.do("aspirate", mount=mount, labware="plate", well="A1", volume_ul=50.0)
        await bench.do("dispense", mount=mount, labware="plate", well="B1", volume_ul=50.0)
        await bench.do("blow_out", mount=mount, labware="plate", well="B1")
        await bench.do("touch_tip", mount=mount, labware="plate", well="B1")
        await bench.do("drop_tip", mount=mount, labware="trash", well="A1")

    bench.run(story, bench.first("Operator"))


def test_refuses_without_a_tip(bench: Bench) -> None:
    """Nothing is drawn without a tip, and the error says so."""

    async def story(bench: Bench) -> None:
        mount = await prepared(bench)
        with pytest.raises(CommandFailed):
            await bench.do("aspirate", mount=mount, labware="plate", well="A1", volume_ul=50.0)

    bench.run(story, bench.first("Operator"))


def test_limits_hold_before_the_wire(bench: Bench) -> None:
    """More than the lab allows is refused, and nothing has happened."""

    async def story(bench: Bench) -> None:
        mount = await prepared(bench)
        high = bench.lab.devices[bench.device].limits.ranges["volume"].high
        with pytest.raises(LimitError) as caught:
            await bench.do("aspirate", mount=mount, labware="plate", well="A1", volume_ul=high * 1.01)
        assert caught.value.outcome == "not_started"

    bench.run(story, bench.first("Operator"))


def test_stop_ends_a_running_command(bench: Bench) -> None:
    """A slow aspiration of minutes ends within seconds of a stop."""

    async def story(bench: Bench) -> None:
        mount = await prepared(bench)
        await bench.do("pick_up_tip", mount=mount, labware="rack", well="A1")
        slow: dict[str, Any] = {"mount": mount, "labware": "plate", "well": "A1", "volume_ul": 100.0, "rate_ul_s": 0.5}
        running = asyncio.ensure_future(bench.do("aspirate", **slow))
        await asyncio.sleep(3)
        before = asyncio.get_running_loop().time()
        await bench.stop()
        with pytest.raises(DeviceError):
            await running
        assert asyncio.get_running_loop().time() - before < 5

    bench.run(story, bench.first("Operator"))


def test_another_process_goes_on_where_this_one_was(bench: Bench) -> None:
    """A new driver finds pipette, labware and tip as they were left, recalls the last command, and ends safely."""

    async def story(bench: Bench) -> None:
        mount = await prepared(bench)
        await bench.do("pick_up_tip", mount=mount, labware="rack", well="A1")
        await bench.restart()
        assert (await bench.recall()).state == "done"
        await bench.do("aspirate", mount=mount, labware="plate", well="A1", volume_ul=50.0)
        await bench.stop()
        await bench.make_safe()
        await bench.make_safe()
        await bench.do("home")

    bench.run(story, bench.first("Operator"))
