"""Every fault that can be made to happen: what it does to which devices, and how the stack should answer.

Kinds of faults: Hamilton STAR error codes 70 to 83 and Opentrons issues 2641 and 5008 (liquid), Cytomat error bits
(plates), TCS error codes (arm), the BioShake's error list (shaker). Comms faults are those of any line or socket.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Group = Literal["comms", "server", "liquid", "plate", "motion", "heat", "power", "sensor", "cell"]
Unit = Literal["", "time", "share", "temperature"]

#: In place of drivers: every device with a byte stream, whatever it is.
LINE = "*"
OT2, ARM, SHAKER, ROOM = "opentrons.ot2", "precise.pf400", "qinstruments.bioshake", "mqtt.environment"
SIX_AXES = "universal.ur5e"
NODE = "sparkplug.environment"
CHAMBERS, SEALER, PEELER = ("thermo.cytomat", "liconic.stx"), "azenta.a4s", "azenta.xpeel"
CENTRIFUGE, CYCLER = "highres.microspin", "thermo.atc"
FURNACE, HOTPLATE, BALANCE, GAS = "eurotherm.3200", "ika.rct", "mettler.sics", "alicat.mc"
PUMPS, READER = ("newera.ne1000", "cavro.xlp"), "lads.plate_reader"
STAR, FLEX = "hamilton.star", "opentrons.flex"
MOTOR, XRD, PIXELS = "epics.motor", "epics.diffractometer", "epics.area_detector"


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault. `unit` is what `by` means for it, `usual` its value when a plan does not say."""

    id: str
    group: Group
    devices: tuple[str, ...]  # drivers, or `LINE`
    does: str
    answer: str
    unit: Unit = ""
    usual: float = 0.0

    @property
    def silent(self) -> bool:
        """Whether the device itself reports success."""
        return self.answer.startswith("silent")


_SAFE = "asked again where that is harmless, else a named error; the device is connected anew"
_SEEN = "silent: only a reading or a person finds it"
#: What a sensor tells truly is no error of the sensor.
_TOLD = "told: its reading says so; an interlock holds the runs"

_ALL = (
    # The line between a driver and its device: one message of either side
    Fault("reply_lost", "comms", (LINE,), "what the device says never arrives", _SAFE),
    Fault("request_lost", "comms", (LINE,), "what it is told never arrives", _SAFE),
    Fault("reply_garbled", "comms", (LINE,), "some bytes of a reply arrive as noise (the high bit set)", _SAFE),
    Fault("request_garbled", "comms", (LINE,), "some bytes of what it is told arrive as noise", _SAFE),
    Fault("reply_half", "comms", (LINE,), "the second half of a reply is lost", _SAFE),
    Fault("reply_doubled", "comms", (LINE,), "a reply arrives twice", "the second one is not taken for another answer"),
    Fault("reply_stale", "comms", (LINE,), "the reply before arrives instead of this one", _SAFE),
    Fault("reply_late", "comms", (LINE,), "a reply comes late", "waited for, or a named time-out", "time", 10.0),
    Fault("reply_foreign", "comms", (LINE,), "a reply meant for another address comes first", _SAFE),
    Fault("echo", "comms", (LINE,), "the line says back what the device is told", _SAFE),
    Fault("flood", "comms", (LINE,), "10 kB of noise come before a reply", _SAFE),
    Fault("line_cut", "comms", (LINE,), "the connection ends", "connected anew; what was under way is asked for"),
    # Liquid
    Fault("no_liquid", "liquid", (OT2, FLEX), "air is drawn instead of liquid", _SEEN),
    Fault("clot", "liquid", (OT2, FLEX), "a clot stops the flow: only a part is drawn", _SEEN, "share", 0.9),
    Fault("silent_short_aspirate", "liquid", (OT2, FLEX, STAR), "less is drawn than was asked for", _SEEN,
          "share", 0.3),
    Fault("silent_short_dispense", "liquid", (OT2, FLEX, STAR), "a part stays in the tip", _SEEN, "share", 0.3),
    Fault("silent_over_aspirate", "liquid", (OT2, FLEX, STAR), "more is drawn than was asked for", _SEEN, "share", 0.1),
    Fault("drip", "liquid", (OT2, FLEX, STAR), "a part drips off on the way", _SEEN, "share", 0.1),
    Fault("tip_missing", "liquid", (OT2, FLEX), "no tip is where one is taken; the robot believes it has one", _SEEN),
    Fault("tip_not_dropped", "liquid", (OT2, FLEX), "the tip stays on when it is dropped, and is used again", _SEEN),
    Fault("plunger_stall", "liquid", (OT2, FLEX), "the plunger stalls: the command fails", "a failure: named"),
    Fault("no_level", "liquid", (STAR,), "no liquid is felt in a well that has some", "error 6, trace 70: named"),
    Fault("clot_detected", "liquid", (STAR,), "the pressure in the tip tells of a clot", "error 4, trace 81: named"),
    Fault("not_aspirated", "liquid", (STAR,), "the pressure in the tip tells that nothing was drawn",
          "error 17, trace 80: named"),
    Fault("tip_not_taken", "liquid", (STAR,), "no tip is felt after one was taken", "error 8, trace 75: named"),
    Fault("wrong_tip", "liquid", (STAR,), "another tip is felt than the one that was asked for",
          "error 8, trace 78: named"),
    Fault("tip_stays", "liquid", (STAR,), "a tip is felt after it was dropped", "trace 77: named"),
    Fault("line_dry", "liquid", PUMPS, "the line does not dip into the liquid: air is drawn", _SEEN),
    Fault("line_bubble", "liquid", PUMPS, "a bubble comes with what is drawn", _SEEN, "share", 0.2),
    # Plates
    Fault("carrier_missing", "plate", (STAR,), "a carrier is not where the lab file has it",
          "looked for when it is connected: named"),
    Fault("iswap_plate_missing", "plate", (STAR,), "the gripper finds no plate", "error 21, trace 94: named"),
    Fault("iswap_grip_lost", "plate", (STAR,), "the plate slips out of the gripper", "error 23, trace 89: named"),
    Fault("iswap_site_occupied", "plate", (STAR,), "something stands where the gripper puts a plate: it holds it",
          "error 22, trace 97: named; put back where it was taken from when it is made safe"),
    Fault("gripper_missed", "plate", (FLEX,), "the gripper closes on nothing", "the robot's error: named"),
    Fault("plate_missing", "plate", (ARM,), "the plate is taken before it is gripped", "the grip is told empty: named"),
    Fault("grip_fails", "plate", (ARM,), "the fingers close beside the plate", "the grip is told empty: named"),
    Fault("site_occupied", "plate", (ARM,), "something stands where a plate is put: the arm runs into it",
          "the arm's error, its power is off: a failure that waits for a person"),
    Fault("lock_stuck", "plate", (SHAKER,), "the lock of the nest does not move", "the device refuses: named"),
    Fault("shuttle_stuck", "plate", CHAMBERS, "the shovel does not come under the plate, which stays",
          "a failure: named"),
    Fault("slot_taken", "plate", CHAMBERS, "something stands where the plate goes: it stays on the shovel",
          "a failure: named"),
    Fault("film_missing", "plate", (SEALER,), "its roll is at an end", "the device tells of a fault: named"),
    Fault("film_torn", "plate", (SEALER,), "the film does not hold: the plate comes out open", _SEEN),
    Fault("seal_stays", "plate", (PEELER,), "the tape slips off the film, which stays", "its code: named"),
    Fault("seal_torn", "plate", (PEELER,), "the film tears: a part of it stays on the wells", _SEEN),
    Fault("tape_broken", "plate", (PEELER,), "the tape tears before it holds the film", "its code: named"),
    Fault("plate_not_seated", "plate", (READER,), "the plate stands on the rim of the tray, which stays out",
          "the device refuses: named"),
    # Motion
    Fault("envelope_error", "motion", (ARM,), "a following error: motion ends, power is off", "the arm's error: named"),
    Fault("move_late", "motion", (ARM, SIX_AXES, MOTOR, XRD), "a motion begins late", "waited for", "time", 20.0),
    Fault("protective_stop", "motion", (SIX_AXES,), "the arm meets a force in mid-move: its safety system stops it",
          "named, and never taken back from here: a person looks first"),
    Fault("emergency_stop", "motion", (SIX_AXES,), "the button is pressed in mid-move: power off",
          "named, and never taken back from here: a person looks first"),
    Fault("move_stalled", "motion", (SIX_AXES,), "a motion stays half-way, and its program runs on",
          "its time is known: stopped, and named"),
    Fault("step_loss", "motion", (SIX_AXES, MOTOR, XRD), "a joint or motor ends beside its target, and says done",
          "where it stands is looked at: named"),
    Fault("cover_open", "motion", (STAR,), "the front cover is open: nothing moves", "error 16: refused, named"),
    Fault("x_drive_blocked", "motion", (STAR,), "the X drive is blocked: the command fails",
          "error 2, trace 52: named"),
    Fault("channel_crash", "motion", (STAR,), "a channel runs into something on its way down",
          "error 2, trace 62: named"),
    Fault("gantry_stall", "motion", (OT2, FLEX), "the gantry stalls: the command fails", "a failure: named"),
    Fault("move_slow", "motion", (OT2, FLEX, STAR), "a motion takes longer", "waited for", "time", 20.0),
    Fault("following_error", "motion", (MOTOR, XRD), "the motor does not follow: its controller gives up half-way",
          "the record's alarm: named"),
    Fault("axis_stalled", "motion", (MOTOR, XRD), "the motor stands half-way, and its record says that it moves",
          "its time is known: stopped, and named"),
    Fault("limit_switch", "motion", (MOTOR, XRD), "a limit switch closes half-way", "the record's switch: named"),
    Fault("shake_stalls", "motion", (SHAKER,), "the table does not get up to speed", "its speed is looked at: named"),
    Fault("shake_stops", "motion", (SHAKER,), "the table stops as soon as it has begun", "looked for: named"),
    Fault("rotor_imbalance", "motion", (CENTRIFUGE,), "the rotor is out of balance, and trips", "its error: named"),
    Fault("lid_stuck", "motion", (CENTRIFUGE, CYCLER), "door or lid does not open", "its error: named"),
    Fault("stir_stalls", "motion", (HOTPLATE,), "the bar does not follow the magnet", _SEEN),
    Fault("plunger_blocked", "motion", PUMPS, "the plunger does not move", "its alarm or error: named"),
    # Heat
    Fault("heater_dead", "heat", (SHAKER,), "the block takes a target and does not heat", _SEEN),
    Fault("heat_overshoot", "heat", (SHAKER,), "the block gets hotter than its target", _SEEN, "temperature", 5.0),
    Fault("chamber_runaway", "heat", CHAMBERS, "the chamber gets hotter than it was told", _SEEN, "temperature", 15.0),
    Fault("door_left_open", "heat", CHAMBERS, "the gate stays open: the chamber goes to the room's temperature", _SEEN),
    Fault("press_cold", "heat", (SEALER,), "the heater of the press is dead", "it does not begin in time: named"),
    Fault("sensor_break", "heat", (FURNACE, CYCLER), "its thermometer breaks: it heats no more", "its status: named"),
    Fault("block_too_hot", "heat", (CYCLER,), "the block is hotter than it says", _SEEN, "temperature", 3.0),
    Fault("heat_runaway", "heat", (FURNACE, HOTPLATE), "its heater does not switch off any more",
          "its temperature is looked at: named", "temperature", 200.0),
    Fault("safety_cut", "heat", (HOTPLATE,), "its safety circuit cuts the heater off",
          "its temperature is looked at: named"),
    # Power
    Fault("power_cycle", "power", (SHAKER,), "it starts anew: set-points and motion are lost, its lock opens",
          "told by what it says, or by what it no longer does: named"),
    Fault("power_lost", "power", (ARM, SIX_AXES), "the arm's motors lose their power", "the arm's error: named"),
    Fault("setpoints_lost", "power", (FURNACE,), "it was off for a moment, and is at rest",
          "its temperature is looked at: named"),
    Fault("pump_reset", "power", PUMPS, "it was off for a moment: what it did is lost", "its alarm or error: named"),
    Fault("supply_lost", "power", (GAS,), "the supply gives less gas, or none",
          "the flow is looked at: named", "share", 1.0),
    # Servers: a broker, an OPC UA server, an IOC
    Fault("server_gone", "server", (ROOM, NODE, READER, MOTOR, XRD, PIXELS),
          "the server is gone for a while, and comes back",
          "named; the device is reached again as soon as its server is there", "time", 15.0),
    Fault("clock_skew", "server", (ROOM, NODE), "its clock is behind", "a value too old is refused: named",
          "time", 3600.0),
    Fault("clock_fast", "server", (ROOM, NODE), "its clock is ahead", "a value of the future is refused: named",
          "time", 3600.0),
    Fault("node_dies", "server", (NODE,), "the edge node loses its power: its broker tells of its death",
          "named, and no value is given"),
    Fault("message_missed", "server", (NODE,), "a message of the node is lost", "its births are asked for anew"),
    # Sensors
    Fault("detector_dead", "sensor", (XRD, PIXELS), "the detector counts nothing",
          "there is always a background: a count without one is refused"),
    Fault("frame_lost", "sensor", (PIXELS,), "it exposes, and no image comes", "images are counted: named"),
    Fault("detector_saturated", "sensor", (XRD, PIXELS), "the detector counts far too much",
          "more than it can tell apart is refused: named"),
    Fault("draught", "sensor", (BALANCE,), "the balance does not come to rest", "its state: named"),
    Fault("overload", "sensor", (BALANCE,), "more weighs on it than it can bear", "its state: named"),
    Fault("underload", "sensor", (BALANCE,), "its pan is not on it", "its state: named"),
    Fault("mass_drift", "sensor", (BALANCE,), "it shows a little too much, more at each look", _SEEN, "share", 0.001),
    Fault("lamp_dark", "sensor", (READER,), "the lamp gives less light: what it reads scatters", _SEEN, "share", 0.9),
    Fault("sensor_dies", "sensor", (NODE,), "the sensor behind the node is gone, and the node says so", "named"),
    Fault("sensor_silent", "sensor", (ROOM, NODE), "no more values come", "a value that is too old is refused: named"),
    Fault("sensor_stuck", "sensor", (ROOM, NODE), "the same value comes again and again, with its old time",
          "a value that is too old is refused: named"),
    # The cell
    Fault("door_opened", "cell", (ROOM, NODE), "somebody opens the door", _TOLD),
    Fault("e_stop_pressed", "cell", (ROOM, NODE), "somebody presses an emergency stop", _TOLD),
    Fault("oxygen_low", "cell", (ROOM, NODE), "gas displaces the air", _TOLD, "share", 0.2),
)  # fmt: skip

FAULTS: Mapping[str, Fault] = {fault.id: fault for fault in _ALL}
COMMS = tuple(fault.id for fault in _ALL if fault.group == "comms")


def applicable(driver: str, has_line: bool) -> tuple[Fault, ...]:
    """The faults of a device: those of its driver, and those of a line where it has one."""
    return tuple(f for f in _ALL if driver in f.devices or (has_line and LINE in f.devices))
