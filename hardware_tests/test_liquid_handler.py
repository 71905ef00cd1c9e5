"""What every liquid handler must do."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from drivers.core.errors import CommandFailed, DeviceError, LimitError
from drivers.core.labware import pipettes
from drivers.liquid_handlers.hamilton_star.labware import rack_definition
from hardware_tests.bench import Bench

ROLE = "LiquidHandler"
OT2_RACK, FLEX_RACK = "opentrons_96_tiprack_300ul", "opentrons_flex_96_tiprack_200ul"
PLATE = "corning_96_wellplate_360ul_flat"


@dataclass(frozen=True)
class Fit:
    """What one kind of handler needs for this contract; `carried`: the definition of a rack that no library has."""

    rack: str
    rack_site: str
    plate_site: str
    mount: str
    pipette: str
    carried: Mapping[str, Any] | None = None


def fit(bench: Bench) -> Fit:
    """The rack, the sites and a mount with a pipette that take 50 uL."""
    entry = bench.lab.devices[bench.device]
    if entry.driver == "hamilton.star":
        tips = "hamilton_96_tiprack_300ul"
        return Fit(tips, "tips1", "plates1", "channel1", "star_channel_1000", rack_definition(tips))
    first, second = (site.split(".")[1] for site in entry.sites[:2])
    mount, pipette = next(
        (m, p) for m in ("left", "right") if (p := getattr(entry.options, m, None) or "") and takes_50_ul(p)
    )
    return Fit(FLEX_RACK if "flex" in pipette else OT2_RACK, first, second, mount, pipette)


def takes_50_ul(pipette: str) -> bool:
    """Whether a pipette of this list does what the contract asks for."""
    return pipettes()[pipette].min_ul <= 50.0 <= pipettes()[pipette].max_ul


async def prepared(bench: Bench) -> str:
    """A rack, a plate with water in A1, and the pipette that hangs there; returns its mount."""
    operator, needs = bench.first("Operator"), fit(bench)
    where = {"rack": f"{bench.device}.{needs.rack_site}", "plate": f"{bench.device}.{needs.plate_site}"}
    carried = {"definition": dict(needs.carried)} if needs.carried else {}
    await bench.do("place", on=operator, labware="rack", kind=needs.rack, site=where["rack"], **carried)
    await bench.do("place", on=operator, labware="plate", kind=PLATE, site=where["plate"])
    water = {"7732-18-5": 55.4}
    await bench.do("fill", on=operator, labware="plate", liquid="water", volumes_ul={"A1": 200.0}, species=water)
    await bench.do("load_pipette", mount=needs.mount, pipette=needs.pipette)
    await bench.do("load_labware", labware="rack", definition=needs.rack, slot=needs.rack_site)
    await bench.do("load_labware", labware="plate", definition=PLATE, slot=needs.plate_site)
    return needs.mount


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
