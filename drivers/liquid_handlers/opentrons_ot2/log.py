"""The robot's own log: which of its runs are ours, and what they say of a command. It asks and waits, nothing else.

A run is ours when its first command is our mark; the robot keeps runs and commands when its clients are gone.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from drivers.core.errors import ProtocolViolation
from drivers.core.instrument import Recall
from drivers.liquid_handlers.opentrons_ot2 import wire

POLL_S = 1.0  # between two looks at a command that still runs
#: A request that was on its way when its sender died has arrived by then (our choice, far above a network's delay).
SETTLE_S = 1.0
Ask = Callable[[str, str], Awaitable[Any]]


@dataclass(slots=True)
class Told:
    """What a run was told: pipette and single nozzle by mount, and labware by id: its definition and slot, if any."""

    mounts: dict[str, tuple[str, bool]]
    deck: dict[str, tuple[str, str | None]]


class RobotLog:
    """Reads the runs of one robot; `ask(method, path)` returns the JSON of an answer or raises `DeviceError`."""

    def __init__(self, device: str, ask: Ask) -> None:
        self._device = device
        self._mark = wire.mark(device)
        self._ask = ask

    async def current(self) -> dict[str, Any] | None:
        """The robot's current run, if it is ours and takes commands."""
        with readable(self._device):
            for run in await self._runs():
                if run["current"] and run["status"] == wire.TAKES_COMMANDS and await self._is_ours(run):
                    return run
            return None

    async def told(self, run: dict[str, Any]) -> Told:
        """What a run was told so far."""
        single = {}
        with readable(self._device):
            for command in await self._commands(run["id"]):
                if command["commandType"] == "configureNozzleLayout" and command["status"] == "succeeded":
                    params = command["params"]
                    single[params["pipetteId"]] = params["configurationParams"]["style"] == wire.SINGLE["style"]
            return Told(
                {each["mount"]: (each["pipetteName"], single.get(each["id"], False)) for each in run["pipettes"]},
                {each["id"]: (each["definitionUri"], wire.slot_of(each["location"])) for each in run["labware"]},
            )

    async def recall(self, key: str, timeout_s: float) -> Recall:
        """What became of the command with this key, waiting up to `timeout_s` for the end of one that runs."""
        with readable(self._device):
            runs = await self._runs()
            ours = [run for run in runs if await self._is_ours(run)]
            for run in reversed(ours):
                if command := await self._find(run, key):
                    return await self._ended(run, command, timeout_s)
            await asyncio.sleep(SETTLE_S)
            for run in ours[-1:]:
                if command := await self._find(run, key):
                    return await self._ended(run, command, timeout_s)
            return _absent(key, runs, ours)

    async def _runs(self) -> list[dict[str, Any]]:
        """The runs that the robot keeps, the newest last."""
        found: list[dict[str, Any]] = (await self._ask("GET", wire.runs_path(wire.KEPT_RUNS)))["data"]
        return found

    async def _is_ours(self, run: dict[str, Any]) -> bool:
        if not run.get("ok", True):
            return False
        first = (await self._ask("GET", wire.commands_page(run["id"], 0, 1)))["data"]
        return bool(first) and first[0]["key"] == self._mark

    async def _commands(self, run_id: str) -> list[dict[str, Any]]:
        """All of them, without what they brought: definitions of labware would fill the memory."""
        found: list[dict[str, Any]] = []
        while True:
            page = (await self._ask("GET", wire.commands_page(run_id, len(found), wire.PAGE)))["data"]
            found += [{name: value for name, value in each.items() if name != "result"} for each in page]
            if len(page) < wire.PAGE:
                return found

    async def _find(self, run: dict[str, Any], key: str) -> dict[str, Any] | None:
        """The latest command with this key, from the newest page on: one that was tried again has several."""
        first: int = (await self._ask("GET", wire.commands_page(run["id"], 0, 1)))["meta"]["totalLength"]
        while first > 0:
            end, first = first, max(0, first - wire.PAGE)
            page = (await self._ask("GET", wire.commands_page(run["id"], first, end - first)))["data"]
            for each in reversed(page):
                if each["key"] == key:
                    return dict(each)
        return None

    async def _ended(self, run: dict[str, Any], command: dict[str, Any], timeout_s: float) -> Recall:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + timeout_s
        while command["status"] in wire.UNFINISHED and run["current"] and run["status"] == wire.TAKES_COMMANDS:
            if loop.time() > until_s:
                return Recall("unknown", f"{_what(run, command)} still runs after {timeout_s:g} s")
            await asyncio.sleep(POLL_S)
            command = (await self._ask("GET", wire.command_path(run["id"], command["id"])))["data"]
            run = (await self._ask("GET", wire.run_path(run["id"])))["data"]
        if command["status"] == "succeeded":
            return Recall("done", f"{_what(run, command)} succeeded")
        if command["status"] == "queued":
            return Recall("not_done", f"{_what(run, command)} was still waiting when the run ended")
        return Recall("unknown", f"{_what(run, command)} {command['status']}: {wire.error_text(command)}")


@contextlib.contextmanager
def readable(device: str, what: str = "the robot's log") -> Iterator[None]:
    """An answer without the fields of the API is a violation of it."""
    try:
        yield
    except (LookupError, TypeError, AttributeError) as error:
        raise ProtocolViolation(f"{what} cannot be read: {error!r}.", device=device) from error


def _what(run: dict[str, Any], command: dict[str, Any]) -> str:
    return f"robot run {run['id']}: command key {command['key']}"


def _absent(key: str, runs: list[dict[str, Any]], ours: list[dict[str, Any]]) -> Recall:
    """A key that is nowhere was never begun, unless the run that would have it may be gone.

    The robot deletes the oldest run first, and a command in doubt belongs to the latest of our runs or, where that
    one was made after the crash, to the one before. So both must be there, with all their data.
    """
    names = ", ".join(run["id"] for run in ours) or "none"
    if len(ours) < 2 and len(runs) >= wire.KEPT_RUNS:
        return Recall("unknown", f"no command key {key} in the robot's runs ({names}), but it deletes old runs")
    since = runs.index(ours[-2]) if len(ours) > 1 else 0
    lost = [run["id"] for run in runs[since:] if not run.get("ok", True)]
    if lost:
        return Recall("unknown", f"no command key {key} in the robot's runs ({names}), but it lost the data of {lost}")
    return Recall("not_done", f"no command key {key} in the robot's runs ({names})")
