"""Faults of matter and machines: what each does to the truth, and what the driver says."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.faults.stories import STORIES
from cli.faults import faults_of
from drivers.core.build import build
from drivers.core.errors import DeviceError
from drivers.core.instrument import Command
from drivers.core.world import WorldSettings
from labfile import read
from sim_lab.faults import FAULTS, Injection, Plan
from sim_lab.faults.catalogue import COMMS
from sim_lab.session import TwinWorld

LAB = read(Path(__file__).resolve().parents[3] / "lab.toml")
OTHERS = [(name, fault.id) for name, faults in faults_of(LAB).items() for fault in faults if fault.id not in COMMS]
Look = Callable[[TwinWorld], Any]


def told(device: str, injection: Injection, look: Look = lambda world: None) -> tuple[str, Any]:
    """A story with one fault: the verb and the kind of the error (or nothing), and what is so at the end."""
    settings = WorldSettings(seed=1, epoch_s=0.0, faults=Plan(1, (injection,)))
    world = TwinWorld(LAB.devices, LAB.sites, settings)

    async def story() -> tuple[str, Any]:
        await world.start([device])
        driver, error = build(LAB.devices[device], world, LAB.sites), "connect"
        acts = STORIES[LAB.devices[device].driver](world, 1)
        try:
            await driver.connect()
            for number, act in enumerate(acts):
                error = act.verb
                await driver.perform(Command(f"s/{number}", act.verb, act.args))
            error = ""
        except DeviceError as caught:
            error = f"{error}: {type(caught).__name__}"
        assert world.truth.faults.told, "it never happened"
        found = look(world)
        await driver.disconnect()
        await world.close()
        return error, found

    return world.run(story)


@pytest.mark.parametrize(("device", "fault"), OTHERS)
def test_it_is_silent_or_named_as_the_catalogue_says(device: str, fault: str) -> None:
    if fault in ("sensor_silent", "sensor_stuck"):
        pytest.skip("shown below: it takes time until a value is too old")
    entry = FAULTS[fault]
    error, _ = told(device, Injection(device, fault, entry.usual))
    if entry.silent or entry.answer == "waited for":
        assert error == ""
    else:
        assert error, "the catalogue says that it is named"


def wells(world: TwinWorld) -> tuple[float, float]:
    vessels = world.truth.labware["plate1"].vessels
    return 200 - vessels["A1"].volume_ul, vessels["B1"].volume_ul


@pytest.mark.parametrize(
    ("fault", "by", "drawn", "given"),
    [("no_liquid", 0.0, 0, 0), ("clot", 0.9, 5, 5), ("silent_short_aspirate", 0.3, 35, 35), ("drip", 0.1, 50, 45),
     ("silent_over_aspirate", 0.1, 55, 55), ("silent_short_dispense", 0.3, 50, 35), ("tip_missing", 0.0, 0, 0),
     ("tip_not_dropped", 0.0, 50, 50)],
)  # fmt: skip
def test_how_much_liquid_really_moves(fault: str, by: float, drawn: float, given: float) -> None:
    error, (out, into) = told("ot2", Injection("ot2", fault, by), wells)
    assert error == ""
    assert (out, into) == pytest.approx((drawn, given), abs=1.5)


@pytest.mark.parametrize("fault", ["sensor_silent", "sensor_stuck"])
def test_an_old_value_is_refused(fault: str) -> None:
    world = TwinWorld(
        LAB.devices, LAB.sites,
        WorldSettings(epoch_s=0.0, faults=Plan(1, (Injection("environment", fault, 0.0, time_s=0.1, for_s=1e9),))),
    )  # fmt: skip

    async def story() -> None:
        import asyncio

        await world.start(["environment"])
        driver = build(LAB.devices["environment"], world, LAB.sites)
        await driver.connect()
        await driver.perform(Command("s/1", "measure", {}))
        await asyncio.sleep(LAB.devices["environment"].options.max_age_s + 60)
        with pytest.raises(DeviceError, match="s old"):
            await driver.perform(Command("s/2", "measure", {}))
        await driver.disconnect()
        await world.close()

    world.run(story)
