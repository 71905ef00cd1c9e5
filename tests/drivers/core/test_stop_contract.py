"""The contract of `stop` and `make_safe`, for every role: at once, in the middle of a command, and a way back."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from drivers.core.errors import CommandRefused, DeviceError
from drivers.core.labware import kind
from drivers.readers.lads.wire import UnitState
from drivers.shakers.qinstruments_bioshake.wire import ElmState
from sim_lab.clock import run

PLATE, RACK = kind("plate_96_flat").load_name, kind("tips_300").load_name
LIMIT_S = 0.1
STEP_S = 0.001


@dataclass(frozen=True)
class Case:
    """A device in the middle of a long command."""

    device: str
    prepare: Callable[[Any, Any], Awaitable[None]]
    long: tuple[str, dict[str, Any]]
    after_s: float
    is_told: Callable[[Any], bool]  # whether the stop has reached the twin
    is_safe: Callable[[Any], bool]
    then: tuple[str, dict[str, Any]]  # a command that works again


async def deck(rig: Any, ot2: Any) -> None:
    for name, what, slot in (("rack", RACK, "1"), ("plate", PLATE, "2")):
        rig.truth.place(name, kind(what), f"ot2.{slot}")
        await rig.do(ot2, "load_labware", labware=name, definition=what, slot=slot)
    rig.truth.fill("plate", "A1", 300.0, {"dye": 1e-4})
    await rig.do(ot2, "load_pipette", mount="left", pipette="p300_single_gen2")
    await rig.do(ot2, "pick_up_tip", mount="left", labware="rack", well="A1")


async def on_hotel(rig: Any, arm: Any) -> None:
    rig.truth.place("plate", kind(PLATE), "hotel.1")


async def hot_nest(rig: Any, shaker: Any) -> None:
    rig.truth.place("plate", kind(PLATE), "shaker.nest")
    await rig.do(shaker, "set_temperature", temperature_c=40.0)


async def at_incubator(rig: Any, incubator: Any) -> None:
    rig.truth.place("plate", kind(PLATE), "incubator.transfer")


async def open_plate(rig: Any, sealer: Any) -> None:
    rig.truth.place("plate", kind(PLATE), "sealer.tray")


async def closed_plate(rig: Any, peeler: Any) -> None:
    rig.truth.place("plate", kind(PLATE), "peeler.tray")
    rig.truth.labware["plate"].sealed = True


async def in_bucket(rig: Any, centrifuge: Any) -> None:
    rig.truth.closed.discard("centrifuge.bucket")
    rig.truth.place("plate", kind(PLATE), "centrifuge.bucket")


async def on_tray(rig: Any, reader: Any) -> None:
    rig.truth.place("plate", kind(PLATE), "hotel.1")
    plate = rig.truth.lift("hotel.1")
    rig.truth.closed.discard("reader.tray")
    rig.truth.put(plate, "reader.tray")
    rig.truth.closed.add("reader.tray")


def cool(rig: Any) -> bool:
    twin = rig.twin("shaker")
    return not twin.table.is_on and not twin.is_heating and twin.elm is ElmState.UNLOCKED


async def draught(rig: Any, balance: Any) -> None:
    """The load does not come to rest for a minute."""
    rig.twin("balance").disturbed_g = 1.0
    asyncio.get_running_loop().call_later(60, setattr, rig.twin("balance"), "disturbed_g", 0.0)


async def nothing(rig: Any, device: Any) -> None: ...


MOVE = {"labware": "plate", "source": "hotel.1", "destination": "ot2.6"}
CYCLES = {"cycles": [{"holds": [[95.0, 30.0], [60.0, 60.0]], "times": 30}]}
TAKE_IN = {"labware": "plate", "source": "incubator.transfer", "destination": "incubator.5"}
WELLS = [f"{row}{column}" for row in "ABCDEFGH" for column in range(1, 13)]
CASES = [
    Case("ot2", deck,
         ("aspirate", {"mount": "left", "labware": "plate", "well": "A1", "volume_ul": 200.0, "rate_ul_s": 1.0}), 5.0,
         lambda rig: next(iter(rig.twin("ot2").runs.values())).stopped.is_set(),
         lambda rig: rig.twin("ot2").heads["left"].tips is None, ("home", {})),
    *(
        Case("arm", on_hotel, ("move_labware", MOVE), after_s,
             lambda rig: rig.twin("arm").arm.halts > 0,
             lambda rig: rig.twin("arm").arm.held is None and rig.truth.on("hotel.1") is not None, ("move_labware", MOVE))
        for after_s in (0.5, 2.5, 4.0, 5.5, 7.0)
    ),
    Case("shaker", hot_nest, ("shake", {"speed_rpm": 900.0, "duration_s": 3600.0}), 60.0,
         lambda rig: not rig.twin("shaker").table.is_on, cool, ("shake", {"speed_rpm": 500.0, "duration_s": 5.0})),
    Case("reader", on_tray, ("read_absorbance", {"wells": WELLS, "wavelengths_nm": [427.0]}), 10.0,
         lambda rig: rig.twin("reader")._unit is UnitState.ABORTED,
         lambda rig: rig.twin("reader")._unit is UnitState.STOPPED,
         ("read_absorbance", {"wells": ["A1"], "wavelengths_nm": [427.0]})),
    Case("balance", draught, ("weigh", {}), 5.0, lambda rig: rig.twin("balance").cancels > 0, lambda rig: True,
         ("weigh", {})),
    Case("hotplate", nothing, ("heat", {"temperature_c": 90.0, "duration_s": 3600.0}), 60.0,
         lambda rig: rig.twin("hotplate").stops > 0, lambda rig: not rig.twin("hotplate").on, ("stir", {"speed_rpm": 100.0})),
    Case("syringe", nothing, ("withdraw", {"volume_ul": 9000.0, "rate_ul_s": 10.0}), 60.0,
         lambda rig: rig.twin("syringe").stops > 0, lambda rig: rig.twin("syringe").status == "S",
         ("infuse", {"volume_ul": 100.0})),
    Case("dispenser", nothing, ("withdraw", {"volume_ul": 4000.0, "rate_ul_s": 10.0}), 60.0,
         lambda rig: rig.twin("dispenser").stops > 0, lambda rig: not rig.twin("dispenser")._is_busy(),
         ("infuse", {"volume_ul": 100.0})),
    Case("gas", nothing, ("flow", {"rate_sccm": 500.0, "duration_s": 3600.0}), 60.0,
         lambda rig: rig.twin("gas").zeroings > 0, lambda rig: rig.twin("gas").setpoint == 0,
         ("flow", {"rate_sccm": 100.0, "duration_s": 1.0})),
    Case("furnace", nothing, ("run_program", {"segments": [{"temperature_c": 500.0, "duration_s": 3600.0}]}), 600.0,
         lambda rig: rig.twin("furnace").rests > 0, lambda rig: rig.twin("furnace").working_c == 20,
         ("run_program", {"segments": [{"temperature_c": 500.0, "ramp_c_min": 10.0}]})),
    Case("ur5e", nothing, ("move_joints", {"joints_deg": [180.0, -90.0, -90.0, -90.0, 90.0, 0.0]}), 2.0,
         lambda rig: rig.twin("ur5e").programs.stops > 0, lambda rig: not rig.twin("ur5e").body.moving,
         ("move_joints", {"joints_deg": [0.0, -90.0, -90.0, -90.0, 90.0, 0.0]})),
    Case("operator", nothing, ("confirm", {"message": "Wait."}), 3.0,
         lambda rig: all(task.done() for task in rig.twin("operator")._tasks.values()), lambda rig: True,
         ("confirm", {"message": "Look."})),
]  # fmt: skip


async def told_within(rig: Any, case: Case, device: Any) -> float:
    """Seconds from the call of `stop` until the twin has it; nothing else runs on this loop."""
    loop = asyncio.get_running_loop()
    asked_s = loop.time()
    stopping = asyncio.ensure_future(device.stop())
    while not case.is_told(rig):
        await asyncio.sleep(STEP_S)
        assert loop.time() - asked_s < 1, "it was never told"
    took_s = loop.time() - asked_s
    await stopping
    return took_s


@pytest.mark.parametrize("wire", [False, True], ids=["inside", "sockets"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.device}-{case.after_s:g}s")
def test_stop_is_there_at_once_and_there_is_a_way_back(case: Case, wire: bool, lab: Any, rig: Any) -> None:
    async def main() -> float:
        async with rig(lab, case.device, wire=wire) as there:
            device = await there.driver(case.device)
            await case.prepare(there, device)
            running = asyncio.ensure_future(there.do(device, case.long[0], **case.long[1]))
            await asyncio.sleep(case.after_s)
            assert not running.done()
            took_s = await told_within(there, case, device)
            with pytest.raises(DeviceError):
                await running
            for _ in range(2):
                await device.make_safe()
                assert case.is_safe(there)
            await there.do(device, case.then[0], action="then", **case.then[1])
            return took_s

    assert run(main, epoch_s=0.0) < LIMIT_S


@pytest.mark.parametrize("case", [case for case in CASES if case.device != "arm"], ids=lambda case: case.device)
def test_a_stopped_device_works_when_it_is_connected_again(case: Case, lab: Any, rig: Any) -> None:
    async def main() -> None:
        async with rig(lab, case.device) as there:
            device = await there.driver(case.device)
            await case.prepare(there, device)
            running = asyncio.ensure_future(there.do(device, case.long[0], **case.long[1]))
            await asyncio.sleep(case.after_s)
            await device.stop()
            await asyncio.gather(running, return_exceptions=True)
            again = await there.driver(case.device)
            await there.do(again, case.then[0], action="then", **case.then[1])

    run(main, epoch_s=0.0)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.device}-{case.after_s:g}s")
def test_another_process_makes_safe_what_was_left(case: Case, lab: Any, rig: Any, death: Any) -> None:
    """The first process is killed in mid-command; the next one, which knows nothing, only makes it safe."""

    async def main() -> None:
        async with rig(lab, case.device) as there:
            dying = death("before", 0)
            device = await there.driver(case.device, dying)
            await case.prepare(there, device)
            running = asyncio.ensure_future(there.do(device, case.long[0], **case.long[1]))
            await asyncio.sleep(case.after_s)
            await dying.come()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            again = await there.driver(case.device)
            await again.make_safe()
            assert case.is_safe(there)

    run(main, epoch_s=0.0)


def test_an_arm_that_does_not_know_where_its_plate_is_from_holds_on(lab: Any, rig: Any) -> None:
    async def main() -> None:
        async with rig(lab, "arm") as there:
            there.truth.place("plate", kind(PLATE), "hotel.1")
            there.twin("arm").arm.held = there.truth.lift("hotel.1")
            device = await there.driver("arm")
            with pytest.raises(DeviceError, match="does not know from where"):
                await device.make_safe()
            assert there.twin("arm").arm.held is not None
            with pytest.raises(CommandRefused):
                await there.do(device, "move_labware", **MOVE)

    run(main, epoch_s=0.0)
