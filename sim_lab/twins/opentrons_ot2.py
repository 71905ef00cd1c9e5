"""The twin of an OT-2: its robot server's HTTP API in front of the world.

The robot is blind, as the real one is: it knows what it was told stands on its deck, while its tips go to what is
really there. Errors carry the names that the robot server uses.
"""

import asyncio
import contextlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from drivers.core.errors import ConnectionLost
from drivers.core.http import Request, ServerSide
from drivers.core.labware import LabwareKind, UnknownLabware, from_definition, kind, pipettes
from drivers.core.transport import Transport
from drivers.liquid_handlers.opentrons_ot2 import wire
from sim_lab.twin import StreamTwin
from sim_lab.twins.ot2_deck import Gantry, slot_at
from sim_lab.twins.ot2_pipette import Head, RobotError
from sim_lab.world.model import World

API_VERSION = "8.8.2"


@dataclass(slots=True)
class Run:
    """One run on the robot server: what the robot was told, and what it did."""

    id: str
    labware: dict[str, tuple[LabwareKind, str | None]] = field(default_factory=dict)  # id -> (kind, slot)
    mounts: dict[str, str] = field(default_factory=dict)  # pipette id -> mount
    definitions: dict[str, LabwareKind] = field(default_factory=dict)
    commands: dict[str, dict[str, Any]] = field(default_factory=dict)
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    current: bool = True

    def as_json(self) -> dict[str, Any]:
        """As the server tells of a run."""
        status = "stopped" if self.stopped.is_set() else "idle"
        return {"id": self.id, "status": status, "current": self.current}


class Twin(StreamTwin):
    """One OT-2; its state outlives every connection."""

    def __init__(self, name: str, options: Any, world: World) -> None:
        super().__init__(name, options, world)
        self.runs: dict[str, Run] = {}
        self.gantry = Gantry()
        self.heads = {mount: Head(world, self.rng) for mount in ("left", "right")}
        self._busy = asyncio.Lock()
        self._serial = itertools.count(1)
        for mount, pipette in (("left", options.left), ("right", options.right)):
            if pipette:
                world.pipettes[name, mount] = pipette
        world.place(f"{name}.trash", kind("trash"), self.site("12"))

    async def serve(self, link: Transport) -> None:
        """Answer one HTTP client."""
        server = ServerSide()
        with contextlib.suppress(ConnectionLost):
            while data := await link.receive():
                for request in server.feed(data):
                    await link.send(server.answer(*await self._route(request)))

    # HTTP

    async def _route(self, request: Request) -> tuple[int, Any]:
        try:
            body = request.json()
        except ValueError:
            return 422, _errors("InvalidJSON", "the body is not JSON")
        match (request.method, *request.path.strip("/").split("/")):
            case ("GET", "health"):
                return 200, {
                    "name": self.name,
                    "api_version": API_VERSION,
                    "fw_version": "v1.1.0",
                    "robot_model": "OT-2 Standard",
                }
            case ("GET", "pipettes"):
                return 200, {mount: self._pipette(mount) for mount in self.heads}
            case ("POST", "robot", "home"):
                await asyncio.sleep(self.gantry.home())
                return 200, {"message": "Homing robot."}
            case ("GET", "runs"):
                return 200, {"data": [run.as_json() for run in self.runs.values()]}
            case ("POST", "runs"):
                for run in self.runs.values():
                    run.current = False
                run = Run(f"run-{next(self._serial)}")
                run.labware[wire.FIXED_TRASH] = (kind("trash"), "12")
                self.runs[run.id] = run
                return 201, {"data": run.as_json()}
            case (method, "runs", run_id, *rest) if run_id in self.runs:
                return await self._run_route(self.runs[run_id], method, rest, request, body or {})
            case (_, "runs", run_id, *_):
                return 404, _errors("RunNotFound", f"Run {run_id} was not found.")
        return 404, _errors("NotFound", f"{request.method} {request.path}")

    async def _run_route(
        self, run: Run, method: str, rest: list[str], request: Request, body: Mapping[str, Any]
    ) -> tuple[int, Any]:
        data = body.get("data") or {}
        match (method, *rest):
            case ("POST", "commands") if run.stopped.is_set() or not run.current:
                return 409, _errors("RunStopped", f"Run {run.id} takes no more commands.")
            case ("GET", "commands"):
                asked = parse_qs(request.query)
                cursor, length = (int(asked.get(name, ["0"])[0]) for name in ("cursor", "pageLength"))
                page = list(run.commands.values())[cursor : cursor + (length or 20)]
                return 200, {"data": page, "meta": {"cursor": cursor, "totalLength": len(run.commands)}}
            case ("POST", "commands"):
                return 201, {"data": await self._post_command(run, data, "waitUntilComplete=true" in request.query)}
            case ("GET", "commands", command_id) if command_id in run.commands:
                return 200, {"data": run.commands[command_id]}
            case ("POST", "labware_definitions"):
                try:
                    found = from_definition(data)
                except UnknownLabware as error:
                    return 422, _errors("InvalidLabwareDefinition", str(error))
                run.definitions[_uri(data.get("namespace"), found.load_name, data.get("version"))] = found
                return 201, {
                    "data": {"definitionUri": _uri(data.get("namespace"), found.load_name, data.get("version"))}
                }
            case ("POST", "actions") if data.get("actionType") == "stop":
                run.stopped.set()
                return 201, {"data": {"id": f"action-{next(self._serial)}", "actionType": "stop"}}
            case ("GET",):
                return 200, {"data": run.as_json()}
            case ("PATCH",):
                run.current = bool(data.get("current", run.current))
                return 200, {"data": run.as_json()}
        return 404, _errors("NotFound", f"{method} {request.path}")

    def _pipette(self, mount: str) -> dict[str, Any]:
        model = self.world.pipettes.get((self.name, mount))
        return {
            "name": model,
            "model": model,
            "id": f"{mount}-pipette" if model else None,
            "mount_axis": mount,
        }

    # Commands

    async def _post_command(self, run: Run, data: Mapping[str, Any], wait: bool) -> dict[str, Any]:
        command: dict[str, Any] = {
            "id": f"command-{next(self._serial)}", "key": data.get("key"), "commandType": data.get("commandType"),
            "params": data.get("params") or {}, "status": "queued",
        }  # fmt: skip
        run.commands[command["id"]] = command
        task = asyncio.ensure_future(self._execute(run, command))
        if wait:
            await task
        return command

    async def _execute(self, run: Run, command: dict[str, Any]) -> None:
        async with self._busy:
            command["status"] = "running"
            handler = getattr(self, f"_do_{str(command['commandType']).replace('/', '_')}", None)
            try:
                if handler is None:
                    raise RobotError(
                        "CommandNotImplemented", f"{command['commandType']} is not a command of this robot"
                    )
                command["result"] = await handler(run, command["params"]) or {}
                command["status"] = "succeeded"
            except (RobotError, KeyError, UnknownLabware) as error:
                kind_of_error = error.kind if isinstance(error, RobotError) else "InvalidParameter"
                command["error"] = {"errorType": kind_of_error, "detail": str(error)}
                command["status"] = "failed"

    async def _pass(self, run: Run, seconds: float) -> None:
        """Let a motion take its time, unless the run is stopped meanwhile."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await run.stopped.wait()
            raise RobotError("RunStopped", "the run was stopped during the command")

    async def _do_comment(self, run: Run, _: Mapping[str, Any]) -> None:
        """A note in the run's record."""

    async def _do_home(self, run: Run, _: Mapping[str, Any]) -> None:
        await self._pass(run, self.gantry.home())

    async def _do_loadPipette(self, run: Run, params: Mapping[str, Any]) -> dict[str, Any]:
        mount, wanted = params["mount"], params["pipetteName"]
        if self.world.pipettes.get((self.name, mount)) != wanted:
            raise RobotError("PipetteNotAttached", f"{wanted} is not attached to the {mount} mount")
        pipette_id = params.get("pipetteId") or f"pipette-{next(self._serial)}"
        run.mounts[pipette_id] = mount
        self.heads[mount].carry(pipettes()[wanted])
        return {"pipetteId": pipette_id}

    async def _do_configureNozzleLayout(self, run: Run, params: Mapping[str, Any]) -> None:
        style = params["configurationParams"]["style"]
        self._head(run, params).nozzles = 1 if style == "SINGLE" else None

    async def _do_loadLabware(self, run: Run, params: Mapping[str, Any]) -> dict[str, Any]:
        uri = _uri(params.get("namespace"), params["loadName"], params.get("version"))
        found = run.definitions.get(uri) or kind(params["loadName"])
        labware_id = params.get("labwareId") or f"labware-{next(self._serial)}"
        run.labware[labware_id] = (found, params["location"]["slotName"])
        return {"labwareId": labware_id, "definition": dict(found.definition), "offsetId": None}

    async def _do_moveLabware(self, run: Run, params: Mapping[str, Any]) -> None:
        where = params["newLocation"]
        found, _ = self._told(run, params)
        run.labware[params["labwareId"]] = (found, None if where == "offDeck" else where["slotName"])

    async def _do_waitForDuration(self, run: Run, params: Mapping[str, Any]) -> None:
        await self._pass(run, float(params["seconds"]))

    async def _do_pickUpTip(self, run: Run, params: Mapping[str, Any]) -> None:
        head, found, slot, well = await self._go(run, params, settle_s=3.0)
        if not found.is_tip_rack:
            raise RobotError("LabwareIsNotTipRackError", f"{params['labwareId']} is not a tip rack")
        head.pick_up(self.world.on(self.site(slot)), found, well)

    async def _do_dropTip(self, run: Run, params: Mapping[str, Any]) -> None:
        head, found, slot, well = await self._go(run, params, settle_s=1.5)
        head.drop(self.world.on(self.site(slot)), found, well)

    async def _do_aspirate(self, run: Run, params: Mapping[str, Any]) -> dict[str, Any]:
        head, found, slot, well = await self._go(run, params)
        return await self._aspirate(run, head, params, slot, found, well)

    async def _do_dispense(self, run: Run, params: Mapping[str, Any]) -> dict[str, Any]:
        head, found, slot, well = await self._go(run, params)
        return await self._dispense(run, head, params, slot, found, well)

    async def _do_blowout(self, run: Run, params: Mapping[str, Any]) -> None:
        head, found, slot, well = await self._go(run, params, settle_s=0.5)
        head.blow_out(self.world.on(self.site(slot)), found, well)

    async def _do_touchTip(self, run: Run, params: Mapping[str, Any]) -> None:
        await self._go(run, params, settle_s=1.0)

    async def _do_moveToWell(self, run: Run, params: Mapping[str, Any]) -> None:
        await self._go(run, params)

    # The same by coordinates, as clients that keep their own deck do it

    async def _do_moveToCoordinates(self, run: Run, params: Mapping[str, Any]) -> None:
        self._head(run, params)
        place = params["coordinates"]
        await self._pass(run, self.gantry.go(place["x"], place["y"]))

    async def _do_moveToAddressableAreaForDropTip(self, run: Run, params: Mapping[str, Any]) -> None:
        self._head(run, params)
        if params["addressableAreaName"] != wire.FIXED_TRASH:
            raise RobotError("AddressableAreaDoesNotExistError", f"{params['addressableAreaName']} is not on this deck")
        await self._pass(run, self.gantry.go_to_well("12", kind("trash"), "A1"))

    async def _do_aspirateInPlace(self, run: Run, params: Mapping[str, Any]) -> dict[str, Any]:
        return await self._aspirate(run, self._head(run, params), params, *self._below(run))

    async def _do_dispenseInPlace(self, run: Run, params: Mapping[str, Any]) -> dict[str, Any]:
        return await self._dispense(run, self._head(run, params), params, *self._below(run))

    async def _do_blowOutInPlace(self, run: Run, params: Mapping[str, Any]) -> None:
        slot, found, well = self._below(run)
        self._head(run, params).blow_out(self.world.on(self.site(slot)), found, well)

    async def _do_dropTipInPlace(self, run: Run, params: Mapping[str, Any]) -> None:
        slot, found, well = self._below(run)
        await self._pass(run, 1.5)
        self._head(run, params).drop(self.world.on(self.site(slot)), found, well)

    async def _do_unsafe_dropTipInPlace(self, run: Run, params: Mapping[str, Any]) -> None:
        await self._do_dropTipInPlace(run, params)

    # Parts of commands

    async def _aspirate(
        self, run: Run, head: Head, params: Mapping[str, Any], slot: str, found: LabwareKind, well: str
    ) -> dict[str, Any]:
        volume = float(params["volume"])
        head.may_aspirate(volume)
        await self._pass(run, volume / params["flowRate"])
        head.aspirate(self.world.on(self.site(slot)), found, well, volume)
        return {"volume": volume}

    async def _dispense(
        self, run: Run, head: Head, params: Mapping[str, Any], slot: str, found: LabwareKind, well: str
    ) -> dict[str, Any]:
        volume = float(params["volume"])
        head.may_dispense(volume)
        await self._pass(run, volume / params["flowRate"])
        head.dispense(self.world.on(self.site(slot)), found, well, volume)
        return {"volume": volume}

    async def _go(
        self, run: Run, params: Mapping[str, Any], settle_s: float = 0.0
    ) -> tuple[Head, LabwareKind, str, str]:
        """Bring a pipette over a well that the robot was told of; returns what it believes is there."""
        head = self._head(run, params)
        found, slot = self._told(run, params)
        well = params["wellName"]
        if slot is None:
            raise RobotError("LabwareNotOnDeckError", f"{params['labwareId']} is off the deck")
        if well not in found.wells:
            raise RobotError("WellDoesNotExistError", f"{well} does not exist in {found.load_name}")
        await self._pass(run, self.gantry.go_to_well(slot, found, well) + settle_s)
        return head, found, slot, well

    def _head(self, run: Run, params: Mapping[str, Any]) -> Head:
        if params["pipetteId"] not in run.mounts:
            raise RobotError("PipetteNotLoadedError", f"Pipette {params['pipetteId']} not found.")
        return self.heads[run.mounts[params["pipetteId"]]]

    def _told(self, run: Run, params: Mapping[str, Any]) -> tuple[LabwareKind, str | None]:
        if params["labwareId"] not in run.labware:
            raise RobotError("LabwareNotLoadedError", f"Labware {params['labwareId']} not found.")
        return run.labware[params["labwareId"]]

    def _below(self, run: Run) -> tuple[str, LabwareKind, str]:
        """Slot, labware and well under the gantry, as the robot was told or as it really stands there."""
        slot = slot_at(self.gantry.x_mm, self.gantry.y_mm)
        told = next((found for found, where in run.labware.values() if where == slot), None)
        real = self.world.on(self.site(slot)) if slot else None
        found = told or (real.kind if real else None)
        well = self.gantry.nearest_well(slot, found) if slot and found else None
        if slot is None or found is None or well is None:
            raise RobotError("MustHomeError", f"no well is below ({self.gantry.x_mm:g}, {self.gantry.y_mm:g})")
        return slot, found, well


def _errors(kind_of_error: str, detail: str) -> dict[str, Any]:
    return {"errors": [{"id": kind_of_error, "title": kind_of_error, "detail": detail}]}


def _uri(namespace: Any, load_name: str, version: Any) -> str:
    return f"{namespace}/{load_name}/{version}"
