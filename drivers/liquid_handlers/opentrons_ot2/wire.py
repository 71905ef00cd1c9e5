"""The robot server's HTTP API as far as one run of single commands needs it. Pure; both roles use these names.

Source: Opentrons robot-server, OpenAPI of software 8.x (`/runs`, `/runs/{id}/commands`, `/pipettes`, `/health`),
header `Opentrons-Version`. Commands are posted with intent `setup`, so that they run at once, and with
`waitUntilComplete`, so that one request lasts as long as its command.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

HEADERS = {"Opentrons-Version": "3"}
SESSION_KEY = "genesis-lab"  # of the comment that opens each of our runs, by which we know it again
PAGE = 100  # commands a page
FIXED_TRASH = "fixedTrash"  # the server loads it by itself, in slot 12

RUNS = "/runs"
HEALTH = "/health"
PIPETTES = "/pipettes"


def commands_path(run: str) -> str:
    """Where commands of a run are posted."""
    return f"{RUNS}/{quote(run, safe='')}/commands"


def command_path(run: str, command: str) -> str:
    """Where one command is looked up."""
    return f"{commands_path(run)}/{quote(command, safe='')}"


def run_path(run: str) -> str:
    """One run."""
    return f"{RUNS}/{quote(run, safe='')}"


def commands_page(run: str, cursor: int) -> str:
    """A page of a run's commands, from number `cursor` on, the oldest first."""
    return f"{commands_path(run)}?cursor={cursor}&pageLength={PAGE}"


def waiting(path: str, timeout_s: float) -> str:
    """The same path, answered when the command has ended or the time is over."""
    return f"{path}?waitUntilComplete=true&timeout={round(timeout_s * 1000)}"


def actions_path(run: str) -> str:
    """Where a run is stopped."""
    return f"{RUNS}/{quote(run, safe='')}/actions"


def definitions_path(run: str) -> str:
    """Where a labware definition is handed in."""
    return f"{RUNS}/{quote(run, safe='')}/labware_definitions"


def current_run(runs: Mapping[str, Any]) -> str | None:
    """The run that the robot has open and that takes commands, from the answer to `GET /runs`."""
    return next((run["id"] for run in runs["data"] if run.get("current") and run["status"] == "idle"), None)


def command(kind: str, params: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The body of one command; `key` is ours and comes back with it."""
    return {"data": {"commandType": kind, "params": dict(params), "intent": "setup", "key": key}}


def location(height_mm: float) -> dict[str, Any]:
    """A place above the bottom of a well."""
    return {"origin": "bottom", "offset": {"x": 0, "y": 0, "z": height_mm}}


def labware_id(labware: str) -> str:
    """Our name of labware as the server's id."""
    return FIXED_TRASH if labware == "trash" else labware
