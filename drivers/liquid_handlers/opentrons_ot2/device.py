"""The OT-2 as a liquid handler: one run on its robot server, one command at a time."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from drivers.core.errors import (
    CommandFailed,
    CommandRefused,
    CommandStopped,
    DeviceError,
    ProtocolViolation,
    ReplyTimeout,
)
from drivers.core.http import HttpClient, Response
from drivers.core.instrument import Command, Recall
from drivers.core.labware import Pipette, kind, pipettes
from drivers.core.limits import Limits
from drivers.core.roles import LiquidHandler
from drivers.core.transport import Port
from drivers.liquid_handlers.opentrons_ot2 import wire
from drivers.liquid_handlers.opentrons_ot2.options import Options

ASK_TIMEOUT_S = 10.0  # for questions that the server answers at once
RECALL_GRACE_S = 1.0  # for bytes of a dead client that the robot has yet to read
POLL_S = 1.0  # between looks at a command that outlasts its request


class OT2(LiquidHandler[Options]):
    """Opentrons OT-2 over HTTP (robot server 8.x, port 31950). Volumes in uL, rates in uL/s, heights in mm."""

    def __init__(self, name: str, port: Port, options: Options, limits: Limits) -> None:
        super().__init__(name, port, options, limits)
        host = urlsplit(port.address).netloc or name
        self._http = HttpClient(port.transport, host, wire.HEADERS)
        self._stopper = HttpClient(port.transport, host, wire.HEADERS)  # its own wire: stop never waits
        self._run = ""
        self._is_new = True  # whether the run was opened by this very connection, and knows nothing of an earlier one
        self._pipettes: dict[str, Pipette] = {}
        self._tipped: dict[str, bool] = {}  # mount -> whether a tip hangs on it, as far as the robot was told

    async def open(self) -> None:
        """See that it is an OT-2; go on in the run that we left open when we were cut off, else open one."""
        health = (await self._ask("GET", wire.HEALTH)).json()
        model = health.get("robot_model", "")
        if "OT-2" not in model:
            raise CommandRefused(f"answers as '{model}', not as an OT-2.", device=self.name, hint="Check its address.")
        if not await self._attach():
            await self._new_run()

    async def _attach(self) -> bool:
        """Find our own open run, and in its commands what the robot was told: pipettes and tips."""
        run = wire.current_run((await self._ask("GET", wire.RUNS)).json())
        commands = [command async for command in self._commands(run)] if run else []
        if run is None or not commands or commands[0].get("key") != wire.SESSION_KEY:
            return False
        self._run, self._is_new = run, False
        for command in commands:
            if command["status"] == "succeeded":
                self._note(command["commandType"], command["params"])
        return True

    async def _new_run(self) -> None:
        self._run = (await self._ask("POST", wire.RUNS, {"data": {}})).json()["data"]["id"]
        self._is_new = True
        self._pipettes.clear()
        opening = wire.command("comment", {"message": f"run of Genesis Lab for {self.name}"}, wire.SESSION_KEY)
        await self._ask("POST", wire.waiting(wire.commands_path(self._run), ASK_TIMEOUT_S), opening)

    def _note(self, kind: str, params: Mapping[str, Any]) -> None:
        """What a successful command changed for us."""
        if kind == "loadPipette":
            self._pipettes[params["mount"]] = pipettes()[params["pipetteName"]]
        elif kind in ("pickUpTip", "dropTip"):
            self._tipped[params["pipetteId"]] = kind == "pickUpTip"

    async def _commands(self, run: str) -> AsyncIterator[dict[str, Any]]:
        """All commands of a run, the oldest first."""
        cursor = 0
        while True:
            page = (await self._ask("GET", wire.commands_page(run, cursor))).json()
            for command in page["data"]:
                yield command
            cursor += len(page["data"])
            if not page["data"] or cursor >= page["meta"]["totalLength"]:
                return

    async def close(self) -> None:
        """Close the run, which stays on the robot as its record, and hang up."""
        with contextlib.suppress(DeviceError):
            if self._run:
                await self._ask("PATCH", wire.run_path(self._run), {"data": {"current": False}})
        self._run = ""
        await self._http.close()
        await self._stopper.close()

    async def recall(self, command: Command) -> Recall:
        """The robot keeps every command with our key: what became of it is its own word."""
        run, found = await self._find(command.action)
        if found is None:  # what we sent last may still be on its way in
            await asyncio.sleep(RECALL_GRACE_S)
            run, found = await self._find(command.action)
        if found is None and self._is_new:
            return Recall("unknown", f"the robot has a new run {self._run}, and tells nothing of {command.action}")
        if found is None:
            return Recall("not_done", f"the robot's run {self._run} has no command with the key {command.action}")
        told = f"the robot's run {run} has command {found['id']} with the key {command.action}"
        while found["status"] in ("queued", "running"):
            await asyncio.sleep(POLL_S)
            found = (await self._ask("GET", wire.command_path(run, found["id"]))).json()["data"]
        if found["status"] == "succeeded":
            self._note(found["commandType"], found["params"])
            return Recall("done", f"{told}: succeeded")
        return Recall("unknown", f"{told}: {found['status']}: {(found.get('error') or {}).get('detail', 'no reason')}")

    async def _find(self, key: str) -> tuple[str, dict[str, Any] | None]:
        """The command with this key, and its run: ours first, then every other one that the robot still has."""
        others = [run["id"] for run in (await self._ask("GET", wire.RUNS)).json()["data"] if run["id"] != self._run]
        for run in [self._run, *reversed(others)] if self._run else reversed(others):
            async for command in self._commands(run):
                if command.get("key") == key:
                    return run, command
        return self._run, None

    async def make_safe(self) -> None:
        """Tips into the trash, gantry home; in a new run when the last one was stopped."""
        mounts = dict(self._pipettes)
        if not self._run:
            await self._new_run()
            for mount, pipette in mounts.items():
                await self._command("loadPipette", _load(mount, pipette.name), part="load")
        for mount in [mount for mount, tipped in self._tipped.items() if tipped and mount in mounts]:
            place = {"pipetteId": mount, "addressableAreaName": wire.FIXED_TRASH}
            await self._command("moveToAddressableAreaForDropTip", place, part=f"go-{mount}")
            # The run may be a new one, which knows of no tip: this is the command for such a case.
            await self._command("unsafe/dropTipInPlace", {"pipetteId": mount}, part=f"drop-{mount}")
            self._tipped[mount] = False
        await self.home()

    async def stop(self, success: bool = True) -> None:
        """Stop the run now: motion ends, and the run takes no more commands until the next connect."""
        if self._run:
            run, self._run = self._run, ""
            body = {"data": {"actionType": "stop"}}
            await self._stopper.request("POST", wire.actions_path(run), body, timeout_s=ASK_TIMEOUT_S)

    async def load_pipette(self, mount: str, pipette: str, nozzles: int | None = None) -> None:
        """Claim the pipette on a mount; refused when another one hangs there."""
        attached = (await self._ask("GET", wire.PIPETTES)).json()
        found = (attached.get(mount) or {}).get("name")
        if found != pipette:
            hint = f"Hang {pipette} on the {mount} mount, or change the protocol."
            raise CommandRefused(
                f"the {mount} mount carries {found or 'nothing'}, not {pipette}.", device=self.name, hint=hint
            )
        await self._command("loadPipette", _load(mount, pipette), part="load" if nozzles == 1 else "")
        if nozzles == 1:
            layout = {"style": "SINGLE", "primaryNozzle": "A1"}
            await self._command("configureNozzleLayout", {"pipetteId": mount, "configurationParams": layout})

    async def load_labware(self, labware: str, definition: str | Mapping[str, Any], slot: str) -> None:
        """Tell the robot what stands on a slot; a carried definition is handed in first."""
        if isinstance(definition, str):
            namespace, load_name, version = "opentrons", definition, kind(definition).definition["version"]
        else:
            await self._ask("POST", wire.definitions_path(self._run), {"data": definition})
            namespace, version = definition.get("namespace", "custom"), definition.get("version", 1)
            load_name = definition["parameters"]["loadName"]
        params = {"labwareId": labware, "namespace": namespace, "loadName": load_name, "version": version}
        await self._command("loadLabware", {**params, "location": {"slotName": slot}})

    async def remove_labware(self, labware: str) -> None:
        """Go home, out of the arm's way, and tell the robot that the labware leaves the deck."""
        await self._command("home", {}, part="home")
        params = {"labwareId": labware, "newLocation": "offDeck", "strategy": "manualMoveWithoutPause"}
        await self._command("moveLabware", params)

    async def pick_up_tip(self, mount: str, labware: str, well: str) -> None:
        """Take a tip."""
        await self._at_well("pickUpTip", mount, labware, well)

    async def aspirate(
        self,
        mount: str,
        labware: str,
        well: str,
        volume_ul: float,
        rate_ul_s: float | None = None,
        height_mm: float = 1.0,
    ) -> None:
        """Draw liquid; the pipette's default rate when none is given."""
        rate = rate_ul_s or self._pipette(mount).aspirate_ul_s
        await self._flow("aspirate", mount, labware, well, volume_ul, rate, height_mm)

    async def dispense(
        self,
        mount: str,
        labware: str,
        well: str,
        volume_ul: float,
        rate_ul_s: float | None = None,
        height_mm: float = 1.0,
    ) -> None:
        """Give liquid; the pipette's default rate when none is given."""
        rate = rate_ul_s or self._pipette(mount).dispense_ul_s
        await self._flow("dispense", mount, labware, well, volume_ul, rate, height_mm)

    async def blow_out(self, mount: str, labware: str, well: str) -> None:
        """Empty the tip with air."""
        rate = self._pipette(mount).dispense_ul_s
        await self._at_well("blowout", mount, labware, well, flowRate=rate)

    async def touch_tip(self, mount: str, labware: str, well: str) -> None:
        """Wipe the tip."""
        await self._at_well("touchTip", mount, labware, well)

    async def move_to(self, mount: str, labware: str, well: str, height_mm: float = 1.0) -> None:
        """Go above a well."""
        await self._at_well("moveToWell", mount, labware, well, wellLocation=wire.location(height_mm))

    async def drop_tip(self, mount: str, labware: str, well: str) -> None:
        """Drop the tip."""
        await self._at_well("dropTip", mount, labware, well)

    async def home(self) -> None:
        """Home all axes."""
        await self._command("home", {})

    def _pipette(self, mount: str) -> Pipette:
        try:
            return self._pipettes[mount]
        except KeyError:
            raise CommandRefused(f"no pipette was loaded on the {mount} mount.", device=self.name) from None

    async def _flow(
        self,
        kind: str,
        mount: str,
        labware: str,
        well: str,
        volume_ul: float,
        rate_ul_s: float,
        height_mm: float,
    ) -> None:
        self.check("volume", volume_ul)
        self.check("rate", rate_ul_s)
        place = wire.location(height_mm)
        await self._at_well(kind, mount, labware, well, volume=volume_ul, flowRate=rate_ul_s, wellLocation=place)

    async def _at_well(self, kind: str, mount: str, labware: str, well: str, **more: Any) -> None:
        self._pipette(mount)
        await self._command(kind, {"pipetteId": mount, "labwareId": wire.labware_id(labware), "wellName": well, **more})

    async def _command(self, kind: str, params: Mapping[str, Any], part: str = "") -> None:
        """Post one command and wait for its end; a late one is looked up until `command_timeout_s` is over.

        Its key is the action's id; what only leads up to the action's own command is a `part` of it.
        """
        if not self._run:
            raise CommandRefused("its run was stopped.", device=self.name, hint="Connect again to begin a new one.")
        run, limit = self._run, self.options.command_timeout_s
        path = wire.waiting(wire.commands_path(run), limit)
        key = f"{self.action}:{part}" if part else self.action
        answer = await self._ask("POST", path, wire.command(kind, params, key), timeout_s=limit + ASK_TIMEOUT_S)
        data = answer.json()["data"]
        deadline = asyncio.get_running_loop().time() + limit
        while data["status"] in ("queued", "running"):
            if asyncio.get_running_loop().time() > deadline:
                raise ReplyTimeout(f"{kind} still runs after {2 * limit:g} s.", device=self.name)
            await asyncio.sleep(POLL_S)
            data = (await self._ask("GET", wire.command_path(run, data["id"]))).json()["data"]
        if data["status"] != "succeeded":
            error = data.get("error") or {}
            detail = f"{kind}: {error.get('errorType', 'failed')}: {error.get('detail', 'no reason given')}"
            raise (CommandFailed if self._run else CommandStopped)(detail, device=self.name)
        self._note(kind, params)

    async def _ask(self, method: str, path: str, body: Any = None, *, timeout_s: float = ASK_TIMEOUT_S) -> Response:
        answer = await self._http.request(method, path, body, timeout_s=timeout_s)
        if answer.status >= 500:
            raise ProtocolViolation(f"{method} {path} gave HTTP {answer.status}.", device=self.name)
        if answer.status >= 400:
            errors = answer.json().get("errors") or [{}]
            raise CommandRefused(f"{method} {path}: {errors[0].get('detail', answer.status)}", device=self.name)
        return answer


def _load(mount: str, pipette: str) -> dict[str, Any]:
    return {"mount": mount, "pipetteName": pipette, "pipetteId": mount}
