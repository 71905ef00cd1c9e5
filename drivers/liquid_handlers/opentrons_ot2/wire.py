"""The robot server's HTTP API as far as one run of single commands needs it. Pure; both roles use these names.

Source: Opentrons robot-server, OpenAPI of software 8.x (`/runs`, `/runs/{id}/commands`, `/pipettes`, `/health`),
header `Opentrons-Version`. Commands are posted with intent `setup`, so that they run at once, and with
`waitUntilComplete`, so that one request lasts as long as its command.

The server's runs have no field for a client's own mark, so each of ours begins with a `comment` whose key is one. A
run that was not started is `idle` and takes commands; the server keeps 20 runs and deletes the oldest (its
`run_auto_deleter`); a run whose data it lost has `ok` false (`BadRun` in its `run_models`).
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

HEADERS = {"Opentrons-Version": "3"}
FIXED_TRASH = "fixedTrash"  # the server loads it by itself, in slot 12

RUNS = "/runs"
HEALTH = "/health"
PIPETTES = "/pipettes"
LIGHTS = "/robot/lights"
TAKES_COMMANDS = "idle"
UNFINISHED = ("queued", "running")
KEPT_RUNS = 20
PAGE = 100  # commands asked for at once: each that loads labware tells the whole definition, some 60 kB
#: Axes of the gantry without the plungers: homing a plunger would push out what is in the tip.
GANTRY_AXES = ("x", "y", "leftZ", "rightZ")
SINGLE = {"style": "SINGLE", "primaryNozzle": "A1"}
ALL = {"style": "ALL"}


def blinking(seconds: int) -> str:
    """Where it is told to blink; it answers at once (its `routers/control.py`)."""
    return f"/identify?seconds={seconds}"


def runs_path(count: int) -> str:
    """Where the newest runs are listed, the newest last."""
    return f"{RUNS}?pageLength={count}"


def run_path(run: str) -> str:
    """Where one run is looked up."""
    return f"{RUNS}/{quote(run, safe='')}"


def commands_page(run: str, cursor: int, count: int) -> str:
    """Where commands of a run are listed, from the index `cursor` on."""
    return f"{commands_path(run)}?cursor={cursor}&pageLength={count}"


def commands_path(run: str) -> str:
    """Where commands of a run are posted."""
    return f"{RUNS}/{quote(run, safe='')}/commands"


def command_path(run: str, command: str) -> str:
    """Where one command is looked up."""
    return f"{commands_path(run)}/{quote(command, safe='')}"


def waiting(path: str, timeout_s: float) -> str:
    """The same path, answered when the command has ended or the time is over."""
    return f"{path}?waitUntilComplete=true&timeout={round(timeout_s * 1000)}"


def actions_path(run: str) -> str:
    """Where a run is stopped."""
    return f"{RUNS}/{quote(run, safe='')}/actions"


def definitions_path(run: str) -> str:
    """Where a labware definition is handed in."""
    return f"{RUNS}/{quote(run, safe='')}/labware_definitions"


def command(kind: str, params: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The body of one command; `key` is ours and comes back with it."""
    return {"data": {"commandType": kind, "params": dict(params), "intent": "setup", "key": key}}


def location(height_mm: float) -> dict[str, Any]:
    """A place above the bottom of a well."""
    return {"origin": "bottom", "offset": {"x": 0, "y": 0, "z": height_mm}}


def labware_id(labware: str) -> str:
    """Our name of labware as the server's id."""
    return FIXED_TRASH if labware == "trash" else labware


def mark(device: str) -> str:
    """The key of the comment with which every run of this device begins."""
    return f"genesislab:{device}"


def off_deck(labware: str) -> dict[str, Any]:
    """Parameters of `moveLabware` by which the robot learns that labware is gone; nothing moves."""
    return {"labwareId": labware, "newLocation": "offDeck", "strategy": "manualMoveWithoutPause"}


#: What is done in a well, and the same where the pipette is.
IN_PLACE = {
    "dropTip": "dropTipInPlace", "dispense": "dispenseInPlace", "blowout": "blowOutInPlace",
    "aspirate": "aspirateInPlace",
}  # fmt: skip


def on_slot(labware: str, location: Mapping[str, str]) -> dict[str, Any]:
    """Parameters of `moveLabware` by which the robot learns where labware stands now; nothing moves."""
    return {"labwareId": labware, "newLocation": dict(location), "strategy": "manualMoveWithoutPause"}


def gripped(labware: str, location: Mapping[str, str]) -> dict[str, Any]:
    """Parameters of `moveLabware` by which a Flex carries labware with its gripper."""
    return {"labwareId": labware, "newLocation": dict(location), "strategy": "usingGripper"}


def slot_of(location: Any) -> str | None:
    """The slot of a labware's location; None for any other place.

    >>> slot_of({"slotName": "3"}), slot_of("offDeck")
    ('3', None)
    """
    if not isinstance(location, Mapping):
        return None
    return location.get("slotName") or location.get("addressableAreaName")


def error_text(command: Mapping[str, Any]) -> str:
    """Why a command failed, in the robot's words."""
    error = command.get("error") or {}
    return f"{error.get('errorType', 'failed')}: {error.get('detail', 'no reason given')}"
