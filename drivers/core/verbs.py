"""The verbs of each role, without importing any driver; which of them may be repeated without physical effect."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Role:
    """The verbs of a role; `harmless` are those that may be replayed (they only look, or only repeat a state).

    `opens` is the verb after which an arm, or a person, reaches the labware in it; empty where it is always open.
    """

    verbs: frozenset[str]
    harmless: frozenset[str] = frozenset()
    opens: str = ""


_ARM_LOOKS = frozenset({"position", "read_inputs"})
ROLES: dict[str, Role] = {
    "LiquidHandler": Role(
        frozenset(
            {
                "load_pipette",
                "load_labware",
                "remove_labware",
                "pick_up_tip",
                "aspirate",
                "dispense",
                "blow_out",
                "touch_tip",
                "move_to",
                "drop_tip",
                "home",
            }
        ),
        frozenset({"home"}),
    ),
    "PlateMover": Role(frozenset({"move_labware"})),
    "Arm": Role(_ARM_LOOKS | {"move_joints", "move_tool", "set_output"}, _ARM_LOOKS),
    "HeaterShaker": Role(frozenset({"shake", "set_temperature", "deactivate"}), frozenset({"deactivate"})),
    "PlateReader": Role(
        frozenset({"open_tray", "close_tray", "read_absorbance"}),
        frozenset({"open_tray", "close_tray", "read_absorbance"}),
        opens="open_tray",
    ),
    "Incubator": Role(
        frozenset({"move_labware", "set_temperature", "measure"}), frozenset({"set_temperature", "measure"})
    ),
    "Sealer": Role(frozenset({"seal"})),
    "Peeler": Role(frozenset({"peel"})),
    "Centrifuge": Role(frozenset({"open_door", "spin"}), frozenset({"open_door"}), opens="open_door"),
    "Thermocycler": Role(
        frozenset({"open_lid", "close_lid", "run_profile"}), frozenset({"open_lid", "close_lid"}), opens="open_lid"
    ),
    "Sensor": Role(frozenset({"measure"}), frozenset({"measure"})),
    "Axis": Role(frozenset({"move", "position"}), frozenset({"move", "position"})),
    "Diffractometer": Role(frozenset({"drive", "measure"}), frozenset({"drive", "measure"})),
    "AreaDetector": Role(frozenset({"expose"}), frozenset({"expose"})),
    "OphydDevice": Role(frozenset({"measure", "move"}), frozenset({"measure"})),
    "Balance": Role(frozenset({"zero", "tare", "weigh"}), frozenset({"zero", "tare", "weigh"})),
    "Hotplate": Role(
        frozenset({"heat", "stir", "deactivate", "measure"}), frozenset({"stir", "deactivate", "measure"})
    ),
    "Pump": Role(frozenset({"withdraw", "infuse"})),
    "GasFlow": Role(frozenset({"flow", "measure", "deactivate"}), frozenset({"measure", "deactivate"})),
    "Furnace": Role(frozenset({"run_program", "measure", "deactivate"}), frozenset({"measure", "deactivate"})),
    "Operator": Role(frozenset({"place", "remove", "fill", "seal", "peel", "attach_pipette", "confirm"})),
}
