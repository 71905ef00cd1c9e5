"""What each device is made to do under faults, and what must be so in the world when its driver says that it is."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from drivers.core.instrument import Readings
from drivers.core.labware import kind
from drivers.liquid_handlers.hamilton_star.labware import rack
from sim_lab.session import TwinWorld
from sim_lab.world.diffraction import CU_K_ALPHA_1_A

FLEX_RACK = "opentrons_flex_96_tiprack_200ul"
RACK, PLATE = "opentrons_96_tiprack_300ul", "corning_96_wellplate_360ul_flat"
EXPOSURE_S = 0.2  # of what counts in real time
Truth = Callable[[TwinWorld, Readings], bool]


@dataclass(frozen=True)
class Act:
    """One command, and whether the world is as it should be after it."""

    verb: str
    args: dict[str, Any]
    true: Truth = field(default=lambda world, readings: True)


def shaker(world: TwinWorld, round_: int) -> list[Act]:
    twin: Any = world.twin("shaker")
    if world.truth.on("shaker.nest") is None:
        world.truth.place(f"plate{round_}", kind(PLATE), "shaker.nest")
    done = len(twin.shaken)

    def shaken(_: TwinWorld, __: Readings) -> bool:
        return any(abs(s.speed_rpm - 500) < 25 and s.duration_s >= 29.9 for s in twin.shaken[done:])

    return [
        Act("set_temperature", {"temperature_c": 37.0}, lambda *_: twin.is_heating and twin.target_c == 37.0),
        Act("shake", {"speed_rpm": 500.0, "duration_s": 30.0}, shaken),
        Act("deactivate", {}, lambda *_: not twin.is_heating and not twin.table.is_on),
    ]


def arm(world: TwinWorld, round_: int) -> list[Act]:
    here, there = "ot2.3", "shaker.nest"
    for site in (here, there):
        world.truth.at.pop(site, None)
    name = f"plate{round_}"
    world.truth.place(name, kind(PLATE), here)
    return [
        Act(
            "move_labware",
            {"labware": name, "source": a, "destination": b},
            lambda w, _, b=b: w.truth.at.get(b) == name,
        )
        for a, b in ((here, there), (there, here))
    ]


def opentrons(name_: str, slots: tuple[str, str], pipette: str, tips: str) -> Callable[[TwinWorld, int], list[Act]]:
    return lambda world, round_: _pipetting(world, round_, name_, slots, pipette, tips)


def _pipetting(world: TwinWorld, round_: int, robot: str, slots: tuple[str, str], pipette: str, tips: str) -> list[Act]:
    rack, plate = f"rack{round_}", f"plate{round_}"
    for slot, name, load_name in ((slots[0], rack, tips), (slots[1], plate, PLATE)):
        world.truth.at.pop(f"{robot}.{slot}", None)
        world.truth.place(name, kind(load_name), f"{robot}.{slot}")
    world.truth.pipettes[robot, "left"] = pipette
    world.truth.fill(plate, "A1", 200.0, {"7732-18-5": 55.4})
    held = world.truth.labware[plate].vessels

    def at(labware: str, well: str, **more: Any) -> dict[str, Any]:
        return {"mount": "left", "labware": labware, "well": well, **more}

    return [
        Act("load_pipette", {"mount": "left", "pipette": pipette}),
        Act("load_labware", {"labware": rack, "definition": tips, "slot": slots[0]}),
        Act("load_labware", {"labware": plate, "definition": PLATE, "slot": slots[1]}),
        Act("pick_up_tip", at(rack, "A1"), lambda w, _: "A1" not in w.truth.labware[rack].tips),
        Act("aspirate", at(plate, "A1", volume_ul=50.0), lambda *_: abs(held["A1"].volume_ul - 150) < 5),
        Act("dispense", at(plate, "B1", volume_ul=50.0), lambda *_: abs(held["B1"].volume_ul - 50) < 5),
        Act("drop_tip", at("trash", "A1")),
    ]


def flex(world: TwinWorld, round_: int) -> list[Act]:
    plate = f"plate{round_}"
    to = ("B1", "B2", "C1", "C2")[round_ % 4]  # another one each time: the robot goes on to believe in the last one
    world.truth.at.pop(f"flex.{to}", None)
    acts = _pipetting(world, round_, "flex", ("D1", "D2"), "p1000_single_flex", FLEX_RACK)
    moved = Act("move_plate", {"source": "D2", "destination": to}, lambda w, _: w.truth.at.get(f"flex.{to}") == plate)
    return [*acts, moved, Act("remove_labware", {"labware": plate})]


def star(world: TwinWorld, round_: int) -> list[Act]:
    tips, plate = f"tips{round_}", f"plate{round_}"
    tip = "hamilton_96_tiprack_300ul"
    to = f"plates{2 + round_ % 4}"
    for site in ("tips2", "plates1", to):
        world.truth.at.pop(f"star.{site}", None)
    world.truth.place(tips, rack(tip), "star.tips2")
    world.truth.place(plate, kind(PLATE), "star.plates1")
    world.truth.fill(plate, "A1", 200.0, {"7732-18-5": 55.4})
    held = world.truth.labware[plate].vessels

    def at(labware: str, well: str, **more: Any) -> dict[str, Any]:
        return {"mount": "channel1", "labware": labware, "well": well, **more}

    return [
        Act("load_pipette", {"mount": "channel1", "pipette": "star_channel_1000"}),
        Act("load_labware", {"labware": tips, "definition": tip, "slot": "tips2"}),
        Act("load_labware", {"labware": plate, "definition": PLATE, "slot": "plates1"}),
        Act("pick_up_tip", at(tips, "A1"), lambda w, _: "A1" not in w.truth.labware[tips].tips),
        Act("aspirate", at(plate, "A1", volume_ul=50.0), lambda *_: abs(held["A1"].volume_ul - 150) < 5),
        Act("dispense", at(plate, "B1", volume_ul=50.0), lambda *_: abs(held["B1"].volume_ul - 50) < 5),
        Act("drop_tip", at("trash", "A1")),
        Act(
            "move_plate",
            {"source": "plates1", "destination": to},
            lambda w, _: w.truth.at.get(f"star.{to}") == plate,
        ),
        Act("remove_labware", {"labware": plate}),
    ]


def operator(world: TwinWorld, round_: int) -> list[Act]:
    name, site = f"plate{round_}", f"ot2.{7 + round_ % 2}"
    world.truth.at.pop(site, None)
    water = {"7732-18-5": 55.4}
    filled = {"labware": name, "liquid": "water", "volumes_ul": {"A1": 100.0}, "species": water}
    return [
        Act("place", {"labware": name, "kind": PLATE, "site": site}, lambda w, _: w.truth.at.get(site) == name),
        Act("fill", filled, lambda w, _: abs(w.truth.labware[name].vessels["A1"].volume_ul - 100) < 1e-6),
        Act("confirm", {"message": "Look."}),
    ]


def reader(world: TwinWorld, round_: int) -> list[Act]:
    wells = {"A1": 0.0, "B2": 200.0, "C3": 100.0}
    world.truth.closed.discard("reader.tray")
    world.truth.at.pop("reader.tray", None)

    def load(w: TwinWorld, _: Readings) -> bool:
        if "reader.tray" not in w.truth.at:
            name = f"dye{round_}"
            w.truth.place(name, kind(PLATE), "reader.tray")
            for well, volume in wells.items():
                w.truth.fill(name, well, volume, {"7732-18-5": 55.4, "1934-21-0": 1e-4})
        return True

    def seen(_: TwinWorld, readings: Readings) -> bool:
        (reading,) = readings
        values = reading.wells or {}
        path = values["B2"] / values["C3"] if values["C3"] > 0.05 else 0.0  # half the depth absorbs half
        return list(values) == list(wells) and abs(values["A1"]) < 0.1 and 1.8 < path < 2.2

    return [
        Act("open_tray", {}, load), Act("close_tray", {}),
        Act("read_absorbance", {"wells": list(wells), "wavelengths_nm": [427.0]}, seen),
    ]  # fmt: skip


def room(world: TwinWorld, round_: int) -> list[Act]:
    def seen(w: TwinWorld, readings: Readings) -> bool:
        found = {reading.quantity: reading.value for reading in readings}
        air_c, air_percent = w.truth.air.temperature_c, 100 * w.truth.air.humidity
        return abs((found["temperature"] or 0.0) - air_c) < 1.0 and abs((found["humidity"] or 0.0) - air_percent) < 5.0

    return [Act("measure", {}, seen)] * 3


def balance(world: TwinWorld, round_: int) -> list[Act]:
    if world.truth.on("balance.pan") is None:
        world.truth.place(f"plate{round_}", kind(PLATE), "balance.pan")

    def seen(_: TwinWorld, readings: Readings) -> bool:
        (mass,) = readings
        return mass.unit == "g" and abs(mass.value or 0.0) < 1e-3

    return [Act("tare", {}), Act("weigh", {}, seen)]


def hotplate(world: TwinWorld, round_: int) -> list[Act]:
    twin: Any = world.twin("hotplate")

    def warm(_: TwinWorld, readings: Readings) -> bool:
        (reached,) = readings
        still = any(twin.targets[number] for number in twin.on)  # a lost word to stop leaves it on, with a target of 0
        return abs((reached.value or 0.0) - 30.0) <= 1.1 and not still

    return [
        Act("heat", {"temperature_c": 30.0, "duration_s": 10.0}, warm),
        Act("stir", {"speed_rpm": 300.0}, lambda *_: twin.targets[4] == 300.0),
        Act("deactivate", {}, lambda *_: twin.targets == {1: 0.0, 4: 0.0}),
    ]


def pump(name: str, source: str, target: str) -> Callable[[TwinWorld, int], list[Act]]:
    def story(world: TwinWorld, round_: int) -> list[Act]:
        twin: Any = world.twin(name)
        if world.truth.on(source) is None:
            world.truth.place(f"stock{round_}", kind("reservoir_1"), source)
            world.truth.fill(f"stock{round_}", "A1", 50_000.0, {"7732-18-5": 55.4})
        if world.truth.on(target) is None:
            world.truth.place(f"flask{round_}", kind("reservoir_1"), target)
        held, emptied = twin.syringe.held_ul, []
        if held > twin.syringe.capacity_ul / 2:  # what commands left that failed half-way
            emptied, held = [Act("infuse", {"volume_ul": held - 1.0, "rate_ul_s": 100.0})], 1.0

        def holds(volume_ul: float) -> Truth:
            return lambda *_: abs(twin.syringe.held_ul - held - volume_ul) < 1.0

        args = {"volume_ul": 200.0, "rate_ul_s": 100.0}
        return [*emptied, Act("withdraw", args, holds(200.0)), Act("infuse", args, holds(0.0))]

    return story


def gas(world: TwinWorld, round_: int) -> list[Act]:
    twin: Any = world.twin("gas")

    def flowed(_: TwinWorld, readings: Readings) -> bool:
        (mean,) = readings
        return abs((mean.value or 0.0) - 250.0) < 10.0 and twin.setpoint == 0.0 and twin.gas == 8

    return [Act("flow", {"rate_sccm": 250.0, "duration_s": 10.0, "gas": "N2"}, flowed)]


def furnace(world: TwinWorld, round_: int) -> list[Act]:
    twin: Any = world.twin("furnace")

    def fired(_: TwinWorld, readings: Readings) -> bool:
        (reached,) = readings
        return abs((reached.value or 0.0) - 60.0) < 2.2 and twin.working_c == 20.0

    return [Act("run_program", {"segments": [{"temperature_c": 60.0, "duration_s": 10.0}]}, fired)]


def six_axes(world: TwinWorld, round_: int) -> list[Act]:
    twin: Any = world.twin("ur5e")
    up, aside = [0.0, -90.0, -90.0, -90.0, 90.0, 0.0], [40.0, -80.0, -100.0, -90.0, 90.0, 20.0]

    def stands(joints_deg: list[float]) -> Truth:
        return lambda *_: (
            max(abs(math.degrees(a) - b) for a, b in zip(twin.body.joints(), joints_deg, strict=True)) < 0.1
        )

    def told(_: TwinWorld, readings: Readings) -> bool:
        values = [reading.value or 0.0 for reading in readings]
        place = [1000 * float(x) for x in twin.body.flange()[:3, 3]]
        return stands(values[:6])(world, ()) and max(abs(a - b) for a, b in zip(values[6:9], place, strict=True)) < 0.1

    def at(x_mm: float, y_mm: float, z_mm: float) -> Truth:
        return lambda *_: math.dist(twin.body.flange()[:3, 3], (x_mm / 1000, y_mm / 1000, z_mm / 1000)) < 1e-4

    level = {"rotation_deg": [-127.2792, 127.2792, 0.0]}
    return [
        Act("move_joints", {"joints_deg": aside}, stands(aside)),
        Act("position", {}, told),
        Act("move_joints", {"joints_deg": up}, stands(up)),
        Act("move_tool", {"at_mm": [450.0, -133.3, 300.0], **level}, at(450.0, -133.3, 300.0)),
        Act(
            "set_output", {"output": 2, "high": round_ % 2 == 1}, lambda *_: twin.memory.digital_out == 4 * (round_ % 2)
        ),
    ]


def chamber(name: str) -> Callable[[TwinWorld, int], list[Act]]:
    def story(world: TwinWorld, round_: int) -> list[Act]:
        plate, gate, slot = f"plate{round_}", f"{name}.transfer", f"{name}.{5 + round_ % 8}"
        twin: Any = world.twin(name)
        for site in (gate, slot):  # a person takes away what an earlier round left
            world.truth.at.pop(site, None)
        world.truth.place(plate, kind(PLATE), gate)

        def true_c(w: TwinWorld, readings: Readings) -> bool:
            (seen,) = readings
            return seen.unit == "degC" and abs((seen.value or 0.0) - twin.chamber.at(w.truth.now())) < 0.3

        def move(source: str, destination: str) -> Act:
            args = {"labware": plate, "source": source, "destination": destination}
            return Act("move_labware", args, lambda w, _: w.truth.at.get(destination) == plate)

        return [move(gate, slot), Act("measure", {}, true_c), move(slot, gate)]

    return story


def sealer(world: TwinWorld, round_: int) -> list[Act]:
    plate = f"plate{round_}"
    world.truth.at.pop("sealer.tray", None)
    world.truth.closed.discard("sealer.tray")
    world.truth.place(plate, kind(PLATE), "sealer.tray")

    def closed(w: TwinWorld, _: Readings) -> bool:
        return w.truth.labware[plate].sealed and "sealer.tray" not in w.truth.closed

    return [Act("seal", {"labware": plate, "duration_s": 2.0}, closed)]


def peeler(world: TwinWorld, round_: int) -> list[Act]:
    plate = f"plate{round_}"
    world.truth.at.pop("peeler.tray", None)
    world.truth.place(plate, kind(PLATE), "peeler.tray")
    world.truth.labware[plate].sealed = True
    return [Act("peel", {"labware": plate}, lambda w, _: not w.truth.labware[plate].sealed)]


def centrifuge(world: TwinWorld, round_: int) -> list[Act]:
    twin: Any = world.twin("centrifuge")
    bucket, done = "centrifuge.bucket", len(twin.spun)

    def load(w: TwinWorld, _: Readings) -> bool:
        if bucket in w.truth.closed:
            return False
        if w.truth.on(bucket) is None:
            w.truth.place(f"plate{round_}", kind(PLATE), bucket)
        return True

    return [
        Act("open_door", {}, load),
        Act("spin", {"force_g": 300.0, "duration_s": 20.0}, lambda *_: len(twin.spun) > done),
    ]


def thermocycler(world: TwinWorld, round_: int) -> list[Act]:
    twin: Any = world.twin("thermocycler")
    done, block = len(twin.completed), "thermocycler.block"
    profile = {"cycles": [{"holds": [[40.0, 5.0], [30.0, 5.0]], "times": 2}]}
    return [
        Act("open_lid", {}, lambda w, _: block not in w.truth.closed),
        Act("run_profile", profile, lambda w, _: len(twin.completed) > done and block in w.truth.closed),
    ]


def axis(world: TwinWorld, round_: int) -> list[Act]:
    twin: Any = world.twin("axis")
    to = 0.25 * (round_ % 2 or -1)

    def stands(*_: Any) -> bool:
        return abs(twin.record.place_mm - to) < 0.011

    def told(_: TwinWorld, readings: Readings) -> bool:
        return stands() and abs((readings[0].value or 0.0) - to) < 0.011

    return [Act("move", {"position_mm": to}, stands), Act("position", {}, told)]


def diffractometer(world: TwinWorld, round_: int) -> list[Act]:
    twin: Any = world.twin("diffractometer")
    to = (21.358, 25.0)[round_ % 2]  # the top of a peak and beside it: a count of the other place must be seen

    def there(*_: Any) -> bool:
        return abs(twin.two_theta.place_mm - to) < 0.011 and abs(twin.theta.place_mm - to / 2) < 0.011

    def counted(_: TwinWorld, readings: Readings) -> bool:
        angle, intensity, wavelength = (reading.value or 0.0 for reading in readings)
        true_hz = twin.rate_hz(to, to / 2)
        near = abs(intensity - true_hz) < 6 * math.sqrt(true_hz / EXPOSURE_S) + 0.1 * true_hz  # where it truly stands
        return there() and near and abs(angle - to) < 0.011 and abs(wavelength - CU_K_ALPHA_1_A / 10) < 1e-6

    return [Act("drive", {"two_theta_deg": to}, there), Act("measure", {"exposure_s": EXPOSURE_S}, counted)]


def camera(world: TwinWorld, round_: int) -> list[Act]:
    twin: Any = world.twin("camera")
    exposure_s = EXPOSURE_S * (1 + round_ % 2)  # another one each time: one that is lost must be seen

    def seen(_: TwinWorld, readings: Readings) -> bool:
        total, maximum, exposed_s = (reading.value or 0.0 for reading in readings)
        return exposed_s == exposure_s == twin.exposed_s and (total, maximum) == (twin.last.sum(), twin.last.max())

    return [Act("expose", {"exposure_s": exposure_s}, seen)] * 2


STORIES: dict[str, Callable[[TwinWorld, int], list[Act]]] = {
    "hamilton.star": star, "people.operator": operator,
    "opentrons.ot2": opentrons("ot2", ("4", "5"), "p300_single_gen2", RACK), "opentrons.flex": flex,
    "precise.pf400": arm, "qinstruments.bioshake": shaker,
    "lads.plate_reader": reader, "mqtt.environment": room, "mettler.sics": balance, "ika.rct": hotplate,
    "newera.ne1000": pump("syringe", "syringe.line", "syringe.line"), "alicat.mc": gas, "eurotherm.3200": furnace,
    "cavro.xlp": pump("dispenser", "dispenser.inlet", "dispenser.outlet"), "universal.ur5e": six_axes,
    "thermo.cytomat": chamber("incubator"), "liconic.stx": chamber("cooler"), "azenta.a4s": sealer,
    "azenta.xpeel": peeler, "highres.microspin": centrifuge, "thermo.atc": thermocycler,
    "sparkplug.environment": room, "epics.motor": axis, "epics.diffractometer": diffractometer,
    "epics.area_detector": camera,
}  # fmt: skip
