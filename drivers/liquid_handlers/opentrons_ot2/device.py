"""The OT-2 as a liquid handler: one run on its robot server, one command at a time."""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from drivers.core.errors import CommandFailed, CommandRefused, CommandStopped, ProtocolViolation, ReplyTimeout
from drivers.core.http import HttpClient, Response
from drivers.core.labware import Pipette, kind, pipettes
from drivers.core.limits import Limits
from drivers.core.roles import LiquidHandler
from drivers.core.transport import Port
from drivers.liquid_handlers.opentrons_ot2 import wire
from drivers.liquid_handlers.opentrons_ot2.options import Options

ASK_TIMEOUT_S = 10.0  # for questions that the server answers at once
POLL_S = 1.0  # between looks at a command that outlasts its request


class OT2(LiquidHandler[Options]):
    """Opentrons OT-2 over HTTP (robot server 8.x, port 31950). Volumes in uL, rates in uL/s, heights in mm."""

    def __init__(self, name: str, port: Port, options: Options, limits: Limits) -> None:
        super().__init__(name, port, options, limits)
        host = urlsplit(port.address).netloc or name
        self._http = HttpClient(port.transport, host, wire.HEADERS)
        self._stopper = HttpClient(port.transport, host, wire.HEADERS)  # its own wire: stop never waits
        self._run = ""
        self._pipettes: dict[str, Pipette] = {}

    async def open(self) -> None:
        """See that it is an OT-2 and open a run."""
        health = (await self._ask("GET", wire.HEALTH)).json()
        model = health.get("robot_model", "")
        if "OT-2" not in model:
            raise CommandRefused(f"answers as '{model}', not as an OT-2.", device=self.name, hint="Check its address.")
        self._run = (await self._ask("POST", wire.RUNS, {"data": {}})).json()["data"]["id"]

    async def close(self) -> None:
        """Hang up; the run stays on the robot as its record."""
        await self._http.close()
        await self._stopper.close()

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
        await self._command("loadPipette", {"mount": mount, "pipetteName": pipette, "pipetteId": mount})
        self._pipettes[mount] = pipettes()[pipette]
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
        await self.home()
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

    async def _command(self, kind: str, params: Mapping[str, Any]) -> None:
        """Post one command and wait for its end; a late one is looked up until `command_timeout_s` is over."""
        if not self._run:
            raise CommandRefused("its run was stopped.", device=self.name, hint="Connect again to begin a new one.")
        run, limit = self._run, self.options.command_timeout_s
        path = wire.waiting(wire.commands_path(run), limit)
        answer = await self._ask("POST", path, wire.command(kind, params, self.action), timeout_s=limit + ASK_TIMEOUT_S)
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

    async def _ask(self, method: str, path: str, body: Any = None, *, timeout_s: float = ASK_TIMEOUT_S) -> Response:
        answer = await self._http.request(method, path, body, timeout_s=timeout_s)
        if answer.status >= 500:
            raise ProtocolViolation(f"{method} {path} gave HTTP {answer.status}.", device=self.name)
        if answer.status >= 400:
            errors = answer.json().get("errors") or [{}]
            raise CommandRefused(f"{method} {path}: {errors[0].get('detail', answer.status)}", device=self.name)
        return answer
