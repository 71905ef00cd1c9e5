"""Faults of matter and machines: what each does to the truth, and what the driver says."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
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
#: Of these in tests/drivers/beamline, in real time.
REAL_TIME = [name for name, entry in LAB.devices.items() if entry.real_time_only]
OTHERS = [(name, fault.id) for name, faults in faults_of(LAB).items() for fault in faults
          if fault.id not in COMMS and name not in REAL_TIME]  # fmt: skip
#: Shown below: it takes time until it happens, or until it is seen.
LATER = {(device, fault) for device in ("environment", "enclosure") for fault in ("sensor_silent", "sensor_stuck")} | {
    ("enclosure", "clock_skew"), ("enclosure", "clock_fast"), ("enclosure", "message_missed"),
}  # fmt: skip
#: Less patience of those that heat, so that nobody reckons an hour of simulated looks.
DEVICES = LAB.devices | {
    name: replace(entry, options=entry.options.model_copy(update={"reach_s": 400.0}))
    for name, entry in ((name, LAB.devices[name]) for name in ("furnace", "hotplate"))
}
Look = Callable[[TwinWorld], Any]


def told(device: str, injection: Injection, look: Look = lambda world: None) -> tuple[str, Any]:
    """A story with one fault: the verb and the kind of the error (or nothing), and what is so at the end."""
    settings = WorldSettings(seed=1, epoch_s=1e9, faults=Plan(1, (injection,)))
    world = TwinWorld(DEVICES, LAB.sites, settings)

    async def story() -> tuple[str, Any]:
        await world.start([device])
        driver, error = build(DEVICES[device], world, LAB.sites), "connect"
        acts = STORIES[DEVICES[device].driver](world, 1)
        try:
            await driver.connect()
            for number, act in enumerate(acts):
                error = act.verb
                readings = await driver.perform(Command(f"s/{number}", act.verb, act.args))
                if act.verb in ("open_tray", "open_door"):
                    act.true(world, readings)  # a plate is put in
            error = ""
        except DeviceError as caught:
            error = f"{error}: {type(caught).__name__}"
        assert world.truth.faults.told, "it never happened"
        found = look(world)
        await driver.disconnect()
        await world.close()
        return error, found

    return world.run(story)


@pytest.mark.filterwarnings("ignore")  # what libraries say of sockets that were cut
@pytest.mark.parametrize(("device", "fault"), OTHERS)
def test_it_is_silent_or_named_as_the_catalogue_says(device: str, fault: str) -> None:
    if (device, fault) in LATER:
        return
    entry = FAULTS[fault]
    error, _ = told(device, Injection(device, fault, entry.usual))
    if entry.silent or entry.answer.startswith(("waited for", "told:")):
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


def later(device: str, fault: str, story: Callable[[TwinWorld, Any], Any], by: float = 0.0, **when: Any) -> None:
    """A story with a driver that has measured once, and a fault at its time."""
    faults = Plan(1, (Injection(device, fault, by, **when),))
    world = TwinWorld(DEVICES, LAB.sites, WorldSettings(epoch_s=1e9, faults=faults))

    async def main() -> None:
        await world.start([device])
        driver = build(DEVICES[device], world, LAB.sites)
        await driver.connect()
        await story(world, driver)
        assert world.truth.faults.told
        await driver.disconnect()
        await world.close()

    world.run(main)


LOOK = Command("s/1", "measure", {})


@pytest.mark.parametrize(
    ("device", "fault"),
    [*((d, f) for d in ("environment", "enclosure") for f in ("sensor_silent", "sensor_stuck", "clock_skew")),
     ("enclosure", "clock_fast")],
)  # fmt: skip
def test_an_old_value_is_refused(device: str, fault: str) -> None:
    async def story(_: TwinWorld, driver: Any) -> None:
        await driver.perform(LOOK)
        await asyncio.sleep(DEVICES[device].options.max_age_s + 60)
        if (device, fault) == ("enclosure", "sensor_silent"):
            assert await driver.perform(LOOK)  # a node that is asked is born anew, with values of now
            return
        with pytest.raises(DeviceError, match="s old"):
            await driver.perform(LOOK)

    later(device, fault, story, FAULTS[fault].usual, time_s=0.1, for_s=1e9)


def test_a_message_that_was_missed_is_made_good() -> None:
    async def story(_: TwinWorld, driver: Any) -> None:
        assert (await driver.perform(LOOK))[3].value == 0.0
        born = driver._node.births
        await asyncio.sleep(
            2 * LAB.devices["enclosure"].options.publish_s + 1
        )  # two messages: the first is lost, the second shows it
        assert driver._node.births == born + 1
        assert await driver.perform(LOOK)

    later("enclosure", "message_missed", story)


@pytest.mark.filterwarnings("ignore")  # what libraries say of sockets that were cut
@pytest.mark.parametrize(
    ("device", "verb"), [("environment", "measure"), ("enclosure", "measure"), ("reader", "open_tray")]
)
def test_a_server_that_is_gone_is_named_and_its_return_is_enough(device: str, verb: str) -> None:
    async def story(_: TwinWorld, driver: Any) -> None:
        act = Command("s/1", verb, {})
        errors = []
        for _ in range(5):
            try:
                await driver.perform(act)
            except DeviceError as error:
                errors.append(error)
                break
            await asyncio.sleep(200)
        assert errors or device == "enclosure"  # which listens all the time, and is back by the next look
        await asyncio.sleep(16)
        await driver.disconnect()
        await driver.connect()
        await driver.perform(act)

    later(device, "server_gone", story, 15.0, time_s=300.0)
