"""The contract of `recall`, for every role: a process dies at any message, and the next one learns the truth.

A command is given by a process that dies before its n-th message, in the middle of it, after it, or before the answer
is read; for every n. A new driver connects and asks. What it is told must be so in the world, and a command that was
not done is given again: it has one effect. `unknown` is never wrong, but it must not be all that a device can say.
"""

import asyncio
import math
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count, product
from typing import Any

import pytest

from drivers.core.instrument import Command, Recall
from drivers.core.labware import kind
from sim_lab.clock import run

PLATE, RACK = kind("plate_96_flat").load_name, kind("tips_300").load_name
VOLUME_UL = 100.0


@dataclass(frozen=True)
class Case:
    """A command on a device; `effect` tells from the world how often it was done, None for a part of it."""

    device: str
    command: Command
    prepare: Callable[[Any, Any], Awaitable[None]]
    effect: Callable[[Any], int | None]
    says: frozenset[str]  # what `recall` must have said at least once
    goes_on: bool = False  # whether a part that was done is completed when the command is given again


async def nothing(rig: Any, device: Any) -> None: ...


def wells(rig: Any) -> tuple[float, float]:
    plate = rig.truth.labware["plate"]
    return rig.truth.vessel(plate, "A1").volume_ul, rig.truth.vessel(plate, "B1").volume_ul


async def deck(rig: Any, ot2: Any) -> None:
    for name, what, slot in (("rack", RACK, "1"), ("plate", PLATE, "2")):
        rig.truth.place(name, kind(what), f"ot2.{slot}")
        await rig.do(ot2, "load_labware", labware=name, definition=what, slot=slot)
    rig.truth.fill("plate", "A1", 300.0, {"dye": 1e-4})
    await rig.do(ot2, "load_pipette", mount="left", pipette="p300_single_gen2")


async def with_tip(rig: Any, ot2: Any) -> None:
    await deck(rig, ot2)
    await rig.do(ot2, "pick_up_tip", mount="left", labware="rack", well="A1")


async def with_liquid(rig: Any, ot2: Any) -> None:
    await with_tip(rig, ot2)
    await rig.do(ot2, "aspirate", mount="left", labware="plate", well="A1", volume_ul=2 * VOLUME_UL)


def times(volume_ul: float) -> int | None:
    """How often the volume was moved, within a pipette's error."""
    often = round(volume_ul / VOLUME_UL)
    return often if abs(volume_ul - often * VOLUME_UL) < 10 else None


def slot_2(rig: Any) -> int:
    return sum(slot == "2" for run_ in rig.twin("ot2").runs.values() for _, slot in run_.labware.values())


async def on_site(rig: Any, arm: Any) -> None:
    rig.truth.place("first", kind(PLATE), "hotel.2")
    await rig.do(arm, "move_labware", labware="first", source="hotel.2", destination="ot2.6")
    rig.truth.lift("ot2.6")  # so that the arm stands where it will end, and nothing is there
    rig.truth.place("plate", kind(PLATE), "hotel.1")


def carried(rig: Any) -> int | None:
    where = next((site for site, name in rig.truth.at.items() if name == "plate"), None)
    assert not rig.twin("arm").arm.fallen
    return {"hotel.1": 0, "ot2.6": 1}.get(where or "")


async def in_nest(rig: Any, shaker: Any) -> None:
    rig.truth.place("plate", kind(PLATE), "shaker.nest")


async def at_pump(rig: Any, pump: Any) -> None:
    """The same has been done before, by another action."""
    rig.truth.place("stock", kind("nest_1_reservoir_195ml"), "syringe.line")
    rig.truth.fill("stock", "A1", 1000.0, {"dye": 1e-4})
    await rig.do(pump, "withdraw", volume_ul=VOLUME_UL, rate_ul_s=100.0)


async def at_dispenser(rig: Any, pump: Any) -> None:
    rig.truth.place("stock", kind("nest_1_reservoir_195ml"), "dispenser.inlet")
    rig.truth.fill("stock", "A1", 1000.0, {"dye": 1e-4})
    await rig.do(pump, "withdraw", volume_ul=VOLUME_UL, rate_ul_s=100.0)


def shaken(rig: Any) -> int | None:
    twin = rig.twin("shaker")
    return None if twin.table.is_on else sum(each.duration_s >= 30 for each in twin.shaken)


async def at_incubator(rig: Any, incubator: Any) -> None:
    rig.truth.place("plate", kind(PLATE), "incubator.transfer")


def taken_in(rig: Any) -> int | None:
    where = next((site for site, name in rig.truth.at.items() if name == "plate"), None)
    return {"incubator.transfer": 0, "incubator.5": 1}.get(where or "")


async def open_plate(rig: Any, sealer: Any) -> None:
    rig.truth.place("plate", kind(PLATE), "sealer.tray")


async def closed_plate(rig: Any, peeler: Any) -> None:
    rig.truth.place("plate", kind(PLATE), "peeler.tray")
    rig.truth.labware["plate"].sealed = True


async def in_bucket(rig: Any, centrifuge: Any) -> None:
    rig.truth.closed.discard("centrifuge.bucket")
    rig.truth.place("plate", kind(PLATE), "centrifuge.bucket")


async def in_reader(rig: Any, reader: Any) -> None:
    rig.truth.place("plate", kind(PLATE), "hotel.1")
    plate = rig.truth.lift("hotel.1")
    rig.truth.closed.discard("reader.tray")
    rig.truth.put(plate, "reader.tray")
    rig.truth.closed.add("reader.tray")


UP, ASIDE = [0.0, -90.0, -90.0, -90.0, 90.0, 0.0], [5.0, -90.0, -90.0, -90.0, 90.0, 0.0]


async def upright(rig: Any, arm: Any) -> None:
    await rig.do(arm, "move_joints", joints_deg=UP)


def turned(rig: Any) -> int | None:
    base = math.degrees(rig.twin("ur5e").body.joints()[0])
    return {0.0: 0, 5.0: 1}.get(round(base, 6))


def tip(verb: str) -> Command:
    place = {"labware": "rack", "well": "A1"} if verb == "pick_up_tip" else {"labware": "trash", "well": "A1"}
    return Command("run/7", verb, {"mount": "left", **place})


def flow(verb: str, well: str) -> Command:
    return Command("run/7", verb, {"mount": "left", "labware": "plate", "well": well, "volume_ul": VOLUME_UL})


FILL = {"labware": "plate", "liquid": "water", "volumes_ul": {"A1": VOLUME_UL}, "species": {"7732-18-5": 55.4}}
SURE = frozenset({"done", "not_done"})
CASES = [
    Case("ot2", tip("pick_up_tip"), deck, lambda rig: 96 - len(rig.truth.labware["rack"].tips), SURE),
    Case("ot2", flow("aspirate", "A1"), with_tip, lambda rig: times(300.0 - wells(rig)[0]), SURE),
    Case("ot2", flow("dispense", "B1"), with_liquid, lambda rig: times(wells(rig)[1]), SURE),
    Case("ot2", tip("drop_tip"), with_tip, lambda rig: int(rig.twin("ot2").heads["left"].tips is None), SURE),
    Case("ot2", Command("run/7", "load_labware", {"labware": "run-1/plate", "definition": PLATE, "slot": "2"}),
         deck, lambda rig: int(slot_2(rig) == 1 and "run-1/plate" in next(iter(rig.twin("ot2").runs.values())).labware),
         SURE),
    Case("arm", Command("run/7", "move_labware", {"labware": "plate", "source": "hotel.1", "destination": "ot2.6"}),
         on_site, carried, SURE, goes_on=True),
    Case("shaker", Command("run/7", "shake", {"speed_rpm": 600.0, "duration_s": 30.0}), in_nest, shaken,
         frozenset({"done"})),
    Case("shaker", Command("run/7", "set_temperature", {"temperature_c": 40.0}), nothing,
         lambda rig: int(rig.twin("shaker").is_heating and rig.twin("shaker").target_c == 40.0), SURE),
    Case("incubator",
         Command("run/7", "move_labware", {"labware": "plate", "source": "incubator.transfer", "destination": "incubator.5"}),
         at_incubator, taken_in, SURE),
    Case("incubator", Command("run/7", "set_temperature", {"temperature_c": 38.0}), nothing,
         lambda rig: int(rig.twin("incubator").chamber.target_c == 38.0), SURE),
    Case("sealer", Command("run/7", "seal", {"labware": "plate"}), open_plate,
         lambda rig: None if rig.twin("sealer")._cycle else rig.twin("sealer").seals, frozenset({"done"})),
    Case("peeler", Command("run/7", "peel", {"labware": "plate"}), closed_plate,
         lambda rig: int(not rig.truth.labware["plate"].sealed), frozenset({"unknown"})),
    Case("centrifuge", Command("run/7", "open_door"), nothing,
         lambda rig: int("centrifuge.bucket" not in rig.truth.closed), SURE),
    Case("centrifuge", Command("run/7", "spin", {"force_g": 500.0, "duration_s": 30.0}), in_bucket,
         lambda rig: len(rig.twin("centrifuge").spun), frozenset({"done"})),
    Case("thermocycler", Command("run/7", "run_profile", {"cycles": [{"holds": [[60.0, 20.0]], "times": 2}]}), nothing,
         lambda rig: None if rig.twin("thermocycler").run != "-" else len(rig.twin("thermocycler").completed), SURE),
    Case("syringe", Command("run/7", "withdraw", {"volume_ul": VOLUME_UL, "rate_ul_s": 100.0}), at_pump,
         lambda rig: times(900.0 - rig.truth.labware["stock"].vessels["A1"].volume_ul), SURE),
    Case("dispenser", Command("run/7", "withdraw", {"volume_ul": VOLUME_UL, "rate_ul_s": 100.0}), at_dispenser,
         lambda rig: times(900.0 - rig.truth.labware["stock"].vessels["A1"].volume_ul), frozenset({"not_done"})),
    Case("reader", Command("run/7", "open_tray"), nothing,
         lambda rig: int("reader.tray" not in rig.truth.closed), SURE),
    Case("reader", Command("run/7", "read_absorbance", {"wells": ["A1"], "wavelengths_nm": [427.0]}), in_reader,
         lambda rig: rig.twin("reader")._runs, SURE),
    Case("ur5e", Command("run/7", "move_joints", {"joints_deg": ASIDE}), upright, turned, SURE, goes_on=True),
    Case("ur5e", Command("run/7", "set_output", {"output": 3, "high": True}), upright,
         lambda rig: rig.twin("ur5e").memory.digital_out >> 3 & 1, SURE, goes_on=True),
    Case("operator", Command("run/7", "fill", FILL), lambda rig, _: in_nest(rig, _),
         lambda rig: times(wells(rig)[0]), SURE),
]  # fmt: skip


async def dies(case: Case, rig: Any, death: Any) -> Recall | None:
    """One story; None when the command came to its end before the process died."""
    first = await rig.driver(case.device, death)
    await case.prepare(rig, first)
    death.begin()
    running, came = asyncio.ensure_future(first.perform(case.command)), asyncio.ensure_future(death.came.wait())
    await asyncio.wait((running, came), return_when=asyncio.FIRST_COMPLETED)
    running.cancel()
    came.cancel()
    outcome = (await asyncio.gather(running, came, return_exceptions=True))[0]
    if not death.came.is_set():
        assert not isinstance(outcome, BaseException), outcome
        return None
    second = await rig.driver(case.device)
    found = await second.recall(case.command)
    truth = case.effect(rig)
    assert found.evidence
    if found.state == "done":
        assert truth == 1, found
    if found.state == "not_done":
        assert truth == 0, found
    if found.state == "not_done" or (found.state == "unknown" and case.goes_on):
        await second.perform(case.command)
        assert case.effect(rig) == 1, found
        assert (await second.recall(case.command)).state != "not_done"
    return found


def names(case: Case) -> str:
    return f"{case.device}-{case.command.verb}"


WAYS = ("before", "half", "after", "reply")


def stories() -> list[Any]:
    """Each case inside the process, and over sockets; slow are these, and readers: each story starts a server."""
    found = []
    for wire, case in product((False, True), CASES):
        where = f"{'sockets' if wire else 'inside'}-{names(case)}"
        is_slow = wire or case.device == "reader"
        found.append(pytest.param(case, wire, id=where, marks=[pytest.mark.slow] if is_slow else []))
    return found


@pytest.mark.parametrize(("case", "wire"), stories())
def test_the_next_process_learns_the_truth(case: Case, wire: bool, lab: Any, rig: Any, death: Any) -> None:
    said: Counter[str] = Counter()

    async def story(way: str, at: int) -> Recall | None:
        async with rig(lab, case.device, wire=wire) as there:
            return await dies(case, there, death(way, at))

    for way in WAYS:
        for at in count():
            found = run(lambda: story(way, at), epoch_s=0.0)  # noqa: B023 - it runs at once
            if found is None:
                break
            said[found.state] += 1
    assert said
    assert case.says <= set(said)
