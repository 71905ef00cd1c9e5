"""The twin of an OT-2: its robot server's HTTP API in front of the world.

The robot is blind, as the real one is: it knows what it was told stands on its deck, while its tips go to what is
really there. Errors carry the names that the robot server uses.
"""

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from drivers.core.errors import ConnectionLost, ProtocolViolation
from drivers.core.http import Request, ServerSide
from drivers.core.labware import LabwareKind, UnknownLabware, from_definition, kind, pipettes
from drivers.core.transport import Transport
from drivers.liquid_handlers.opentrons_ot2 import robots, wire
from drivers.liquid_handlers.opentrons_ot2.robots import Robot
from drivers.liquid_handlers.opentrons_ot2.timing import SETTLE_S, Gantry
from sim_lab.twin import StreamTwin
from sim_lab.twins.ot2_deck import nearest_well, slot_at
from sim_lab.twins.ot2_pipette import Head, RobotError
from sim_lab.world.model import World

API_VERSION = "8.8.2"
logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Run:
    """One run on the robot server: what the robot was told, and what it did."""

    id: str
    labware: dict[str, tuple[LabwareKind, str | None]] = field(default_factory=dict)  # id -> (kind, slot)
    uris: dict[str, str] = field(default_factory=dict)  # labware id -> its definition
    mounts: dict[str, str] = field(default_factory=dict)  # pipette id -> mount
    definitions: dict[str, LabwareKind] = field(default_factory=dict)
    commands: dict[str, dict[str, Any]] = field(default_factory=dict)
    stopped: asyncio.Event = field(default_factory=asyncio.Event)


class Twin(StreamTwin):
    """One OT-2; its state outlives every connection."""

    robot: ClassVar[Robot] = robots.OT2

    def __init__(self, name: str, options: Any, world: World) -> None:
        super().__init__(name, options, world)
        self.runs: dict[str, Run] = {}  # the oldest first; the last one is the current one
        self.gantry = Gantry(self.robot, *self.robot.home_mm)
        self.lit = True  # its rail lights
        self.heads = {mount: Head(world, self.rng) for mount in ("left", "right")}
        self._busy = asyncio.Lock()
        self._work: set[asyncio.Future[None]] = set()
        self._serial = itertools.count(1)
        for mount, pipette in (("left", options.left), ("right", options.right)):
            if pipette:
                world.pipettes[name, mount] = pipette
        world.place(f"{name}.trash", kind(self.robot.trash), self.site(self.robot.trash_slot))

    async def serve(self, link: Transport) -> None:
        """Answer one HTTP client."""
        server = ServerSide()
        try:
            while data := await link.receive():
                for request in server.feed(data):
                    await link.send(server.answer(*await self._route(request)))
        except ConnectionLost:
            return
        except ProtocolViolation:
            await link.close()

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
                    "robot_model": f"{self.robot.model} Standard",
                    "robot_serial": f"{self.robot.model.replace('-', '')}CEP20200101TWIN",
                }
            case ("GET", "pipettes"):
                return 200, {mount: self._pipette(mount) for mount in self.heads}
            case ("POST", "robot", "home"):
                await asyncio.sleep(self.gantry.home())
                return 200, {"message": "Homing robot."}
            case ("POST", "identify") if _query(request).get("seconds", "").isdigit():
                return 200, {"message": "identifying"}
            case ("POST", "robot", "lights") if isinstance((body or {}).get("on"), bool):
                self.lit = body["on"]
                return 200, {"on": self.lit}
            case ("POST", "runs"):
                return self._new_run()
            case ("GET", "runs"):
                newest = list(self.runs.values())[-int(_query(request).get("pageLength", wire.KEPT_RUNS)) :]
                return 200, {"data": [self._show(run) for run in newest]}
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
            case ("POST", *_) if not self._is_current(run):
                return 409, _errors("RunStopped", f"Run {run.id} is not the current run.")
            case ("POST", "commands") if run.stopped.is_set():
                return 409, _errors("RunStopped", f"Run {run.id} is stopped.")
            case ("POST", "commands"):
                return 201, {"data": await self._post_command(run, data, _query(request))}
            case ("GET", "commands"):
                return 200, _page(list(run.commands.values()), _query(request))
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
                return 200, {"data": self._show(run)}
        return 404, _errors("NotFound", f"{method} {request.path}")

    def _new_run(self) -> tuple[int, Any]:
        """A new current run; refused while a command of the last one is not done."""
        current = next(reversed(self.runs.values()), None)
        if current and not current.stopped.is_set() and self._unfinished(current):
            return 409, _errors("RunAlreadyActive", f"Run {current.id} is active.")
        run = Run(f"run-{next(self._serial)}")
        if self.robot.fixed_trash:
            run.labware[wire.FIXED_TRASH] = (kind(self.robot.trash), self.robot.trash_slot)
            run.uris[wire.FIXED_TRASH] = _uri("opentrons", self.robot.trash, 1)
        self.runs[run.id] = run
        while len(self.runs) > wire.KEPT_RUNS:
            del self.runs[next(iter(self.runs))]
        return 201, {"data": self._show(run)}

    def _is_current(self, run: Run) -> bool:
        return run is next(reversed(self.runs.values()))

    @staticmethod
    def _unfinished(run: Run) -> bool:
        return any(command["status"] in wire.UNFINISHED for command in run.commands.values())

    def _show(self, run: Run) -> dict[str, Any]:
        """A run as the API tells it."""
        pipettes = [
            {"id": pipette_id, "mount": mount, "pipetteName": self.world.pipettes.get((self.name, mount))}
            for pipette_id, mount in run.mounts.items()
        ]
        labware = [
            {
                "id": labware_id, "loadName": found.load_name, "definitionUri": run.uris[labware_id],
                "location": "offDeck" if slot is None else self.robot.location(slot),
            }
            for labware_id, (found, slot) in run.labware.items()
        ]  # fmt: skip
        return {
            "id": run.id, "ok": True, "status": "stopped" if run.stopped.is_set() else wire.TAKES_COMMANDS,
            "current": self._is_current(run), "pipettes": pipettes, "labware": labware,
        }  # fmt: skip

    def _pipette(self, mount: str) -> dict[str, Any]:
        model = self.world.pipettes.get((self.name, mount))
        return {
            "name": model,
            "model": model,
            "id": f"{mount}-pipette" if model else None,
            "mount_axis": mount,
        }

    # Commands

    async def _post_command(self, run: Run, data: Mapping[str, Any], query: Mapping[str, str]) -> dict[str, Any]:
        """Begin a command; it goes on to its end, whoever waits for it and for how long."""
        command: dict[str, Any] = {
            "id": f"command-{next(self._serial)}", "key": data.get("key"), "commandType": data.get("commandType"),
            "params": data.get("params") or {}, "status": "queued",
        }  # fmt: skip
        run.commands[command["id"]] = command
        work = asyncio.ensure_future(self._execute(run, command))
        self._work.add(work)
        work.add_done_callback(self._work.discard)
        if query.get("waitUntilComplete") == "true":
            await asyncio.wait((work,), timeout=int(query["timeout"]) / 1000 if "timeout" in query else None)
        return command

    async def _execute(self, run: Run, command: dict[str, Any]) -> None:
        async with self._busy:
            command["status"] = "running"
            handler = getattr(self, f"_do_{command['commandType']}", None)
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
            except Exception as error:  # as the robot tells a mistake of its own program: nobody waits for ever
                logger.exception("%s: %s failed by a mistake of the twin", self.name, command["commandType"])
                command["error"] = {"errorType": "PythonException", "detail": f"{type(error).__name__}: {error}"}
                command["status"] = "failed"

    async def _pass(self, run: Run, seconds: float) -> None:
        """Let a motion take its time, unless the run is stopped meanwhile."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await run.stopped.wait()
            raise RobotError("RunStopped", "the run was stopped during the command")

    async def _do_comment(self, run: Run, _: Mapping[str, Any]) -> None:
        """Nothing but a line in the log."""

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
        self._place(run, labware_id, found, self._slot(params["location"]))
        run.uris[labware_id] = _uri(params.get("namespace"), found.load_name, params.get("version"))
        return {"labwareId": labware_id, "definition": dict(found.definition), "offsetId": None}

    async def _do_moveLabware(self, run: Run, params: Mapping[str, Any]) -> None:
        found, source = self._told(run, params)
        slot = None if params["newLocation"] == "offDeck" else self._slot(params["newLocation"])
        if params.get("strategy") == "usingGripper":
            await self._grip(run, params["labwareId"], source, slot)
        self._place(run, params["labwareId"], found, slot)

    async def _grip(self, run: Run, labware_id: str, source: str | None, slot: str | None) -> None:
        raise RobotError("NotSupportedOnRobotType", f"{labware_id} cannot be gripped: this robot has no gripper")

    def _slot(self, location: Any) -> str:
        """A slot of this deck."""
        slot = self.robot.own_slot(wire.slot_of(location) or "")
        if slot not in self.robot.slots:
            raise RobotError("SlotDoesNotExistError", f"there is no slot {slot} on this deck")
        return slot

    def _place(self, run: Run, labware_id: str, found: LabwareKind, slot: str | None) -> None:
        """What the robot believes from now on; two things cannot stand on one slot."""
        for other, (_, where) in run.labware.items():
            if slot is not None and where == slot and other != labware_id:
                raise RobotError("LocationIsOccupiedError", f"{other} is present at slot {slot}")
        run.labware[labware_id] = (found, slot)

    async def _do_waitForDuration(self, run: Run, params: Mapping[str, Any]) -> None:
        await self._pass(run, float(params["seconds"]))

    async def _do_pickUpTip(self, run: Run, params: Mapping[str, Any]) -> None:
        head, found, slot, well = await self._go(run, params, settle_s=SETTLE_S["pick_up_tip"])
        if not found.is_tip_rack:
            raise RobotError("LabwareIsNotTipRackError", f"{params['labwareId']} is not a tip rack")
        there = None if self.fails("tip_missing") is not None else self.world.on(self.site(slot))
        head.pick_up(there, found, well)

    async def _do_dropTip(self, run: Run, params: Mapping[str, Any]) -> None:
        head, found, slot, well = await self._go(run, params, settle_s=SETTLE_S["drop_tip"])
        head.drop(self.world.on(self.site(slot)), found, well, stays=self.fails("tip_not_dropped") is not None)

    async def _do_aspirate(self, run: Run, params: Mapping[str, Any]) -> dict[str, Any]:
        head, found, slot, well = await self._go(run, params)
        return await self._aspirate(run, head, params, slot, found, well)

    async def _do_dispense(self, run: Run, params: Mapping[str, Any]) -> dict[str, Any]:
        head, found, slot, well = await self._go(run, params)
        return await self._dispense(run, head, params, slot, found, well)

    async def _do_blowout(self, run: Run, params: Mapping[str, Any]) -> None:
        head, found, slot, well = await self._go(run, params, settle_s=SETTLE_S["blow_out"])
        head.blow_out(self.world.on(self.site(slot)), found, well)

    async def _do_touchTip(self, run: Run, params: Mapping[str, Any]) -> None:
        await self._go(run, params, settle_s=SETTLE_S["touch_tip"])

    async def _do_moveToWell(self, run: Run, params: Mapping[str, Any]) -> None:
        await self._go(run, params)

    # The same by coordinates, as clients that keep their own deck do it

    async def _do_moveToCoordinates(self, run: Run, params: Mapping[str, Any]) -> None:
        self._head(run, params)
        place = params["coordinates"]
        await self._pass(run, self.gantry.go(place["x"], place["y"]))

    async def _do_moveToAddressableAreaForDropTip(self, run: Run, params: Mapping[str, Any]) -> None:
        self._head(run, params)
        if params["addressableAreaName"] != self.robot.area:
            raise RobotError("AddressableAreaDoesNotExistError", f"{params['addressableAreaName']} is not on this deck")
        await self._pass(run, self.gantry.go_to_well(self.robot.trash_slot, kind(self.robot.trash), "A1"))

    _do_moveToAddressableArea = _do_moveToAddressableAreaForDropTip

    async def _do_aspirateInPlace(self, run: Run, params: Mapping[str, Any]) -> dict[str, Any]:
        return await self._aspirate(run, self._head(run, params), params, *self._below(run))

    async def _do_dispenseInPlace(self, run: Run, params: Mapping[str, Any]) -> dict[str, Any]:
        return await self._dispense(run, self._head(run, params), params, *self._below(run))

    async def _do_blowOutInPlace(self, run: Run, params: Mapping[str, Any]) -> None:
        slot, found, well = self._below(run)
        self._head(run, params).blow_out(self.world.on(self.site(slot)), found, well)

    async def _do_dropTipInPlace(self, run: Run, params: Mapping[str, Any]) -> None:
        """The ejector moves, whether a tip is there or not: the server does not look (its `tip_handler`)."""
        slot, found, well = self._below(run)
        await self._pass(run, SETTLE_S["drop_tip"])
        head = self._head(run, params)
        if head.tips is not None:
            stays = self.fails("tip_not_dropped") is not None
            head.drop(self.world.on(self.site(slot)), found, well, stays=stays)

    # Parts of commands

    async def _aspirate(
        self, run: Run, head: Head, params: Mapping[str, Any], slot: str, found: LabwareKind, well: str
    ) -> dict[str, Any]:
        volume = float(params["volume"])
        head.may_aspirate(volume)
        await self._pass(run, volume / params["flowRate"])
        self._plunger_moves()
        share = 1.0 if self.fails("no_liquid") is None else 0.0
        for fault, sign in (("clot", -1), ("silent_short_aspirate", -1), ("silent_over_aspirate", 1)):
            share *= 1.0 + sign * (self.fails(fault) or 0.0)
        head.aspirate(self.world.on(self.site(slot)), found, well, volume, share)
        return {"volume": volume}

    async def _dispense(
        self, run: Run, head: Head, params: Mapping[str, Any], slot: str, found: LabwareKind, well: str
    ) -> dict[str, Any]:
        volume = float(params["volume"])
        head.may_dispense(volume)
        await self._pass(run, volume / params["flowRate"])
        self._plunger_moves()
        head.drip(self.fails("drip") or 0.0)
        kept = self.fails("silent_short_dispense") or 0.0
        head.dispense(self.world.on(self.site(slot)), found, well, volume, kept)
        return {"volume": volume}

    def _plunger_moves(self) -> None:
        if self.fails("plunger_stall") is not None:
            raise RobotError("StallOrCollisionDetectedError", "the plunger stalled")

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
        if self.fails("gantry_stall") is not None:
            raise RobotError("StallOrCollisionDetectedError", "the gantry stalled")
        await self._pass(run, self.gantry.go_to_well(slot, found, well) + settle_s + (self.fails("move_slow") or 0.0))
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
        slot = slot_at(self.robot, self.gantry.x_mm, self.gantry.y_mm)
        told = next((found for found, where in run.labware.values() if where == slot), None)
        real = self.world.on(self.site(slot)) if slot else None
        found = told or (real.kind if real else None)
        well = nearest_well(self.gantry, slot, found) if slot and found else None
        if slot is None or found is None or well is None:
            raise RobotError("MustHomeError", f"no well is below ({self.gantry.x_mm:g}, {self.gantry.y_mm:g})")
        return slot, found, well


def _query(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.query))


def _page(commands: list[dict[str, Any]], query: Mapping[str, str]) -> dict[str, Any]:
    """Commands from `cursor` on, by default the latest ones; 20 unless `pageLength` says otherwise."""
    length = int(query.get("pageLength", 20))
    cursor = int(query.get("cursor", max(0, len(commands) - length)))
    meta = {"cursor": cursor, "totalLength": len(commands)}
    return {"data": commands[cursor : cursor + length], "meta": meta}


def _errors(kind_of_error: str, detail: str) -> dict[str, Any]:
    return {"errors": [{"id": kind_of_error, "title": kind_of_error, "detail": detail}]}


def _uri(namespace: Any, load_name: str, version: Any) -> str:
    return f"{namespace}/{load_name}/{version}"
