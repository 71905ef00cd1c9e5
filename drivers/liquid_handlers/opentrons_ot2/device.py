"""The OT-2 as a liquid handler: one run on its robot server, one command at a time.

The robot outlives this process, and so does its run: a new connection goes on with it. The last command of a verb has
the action's id as its key; what is sent before it may be repeated without physical effect.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

from drivers.core.errors import CommandFailed, CommandRefused, CommandStopped, ProtocolViolation, ReplyTimeout
from drivers.core.http import HttpClient, Response
from drivers.core.instrument import Command, Identity, Recall
from drivers.core.labware import kind, pipettes
from drivers.core.limits import Limits
from drivers.core.pipettes import Pipette
from drivers.core.roles import LiquidHandler
from drivers.core.transport import Port
from drivers.liquid_handlers.opentrons_ot2 import robots, wire
from drivers.liquid_handlers.opentrons_ot2.log import POLL_S, RobotLog, Told, readable
from drivers.liquid_handlers.opentrons_ot2.options import Options
from drivers.liquid_handlers.opentrons_ot2.robots import Robot

ASK_TIMEOUT_S = 10.0  # for questions that the server answers at once
SAFE_KEY = "make_safe"  # of commands that belong to no action


class OT2(LiquidHandler[Options]):
    """Opentrons OT-2 over HTTP (robot server 8.x, port 31950). Volumes in uL, rates in uL/s, heights in mm."""

    verbs = LiquidHandler.verbs | {"blink", "lights"}
    robot: ClassVar[Robot] = robots.OT2

    def __init__(self, name: str, port: Port, options: Options, limits: Limits) -> None:
        super().__init__(name, port, options, limits)
        host = urlsplit(port.address).netloc or name
        self._http = HttpClient(port.transport, host, wire.HEADERS)
        self._stopper = HttpClient(port.transport, host, wire.HEADERS)  # its own wire: stop never waits
        self._log = RobotLog(name, self._look)
        self._run = ""
        self._told = Told({}, {})

    async def open(self) -> None:
        """See that it is an OT-2, and go on with its current run if that is ours and takes commands; else begin one."""
        health = (await self._ask("GET", wire.HEALTH)).json()
        with readable(self.name, "its health"):
            model = health.get("robot_model", "")
        if self.robot.model not in model:
            raise CommandRefused(
                f"answers as '{model}', not as an {self.robot.model}.", device=self.name, hint="Check its address."
            )
        run = await self._log.current()
        self._told = Told({}, {}) if run is None else await self._log.told(run)
        self._run = run["id"] if run is not None else await self._begin_run()

    async def identify(self) -> Identity:
        """Serial number, and versions of the robot's software and of its firmware, by `/health`."""
        async with self._lock:
            health = (await self._ask("GET", wire.HEALTH)).json()
        versions = [str(health[key]) for key in ("api_version", "fw_version") if health.get(key)]
        return Identity(str(health.get("robot_serial") or ""), " ".join(versions))

    async def _begin_run(self) -> str:
        """A new run with our mark; a crash before the mark leaves an empty run that is nobody's."""
        answer = await self._ask("POST", wire.RUNS, {"data": {}})
        with readable(self.name, "its answer"):
            run: str = answer.json()["data"]["id"]
        mark = wire.command("comment", {"message": f"run of {self.name}"}, wire.mark(self.name))
        await self._ask("POST", wire.waiting(wire.commands_path(run), ASK_TIMEOUT_S), mark)
        return run

    async def close(self) -> None:
        """Hang up; the run stays on the robot as its record."""
        await self._http.close()
        await self._stopper.close()

    async def stop(self, success: bool = True) -> None:
        """Stop the run now: motion ends, and the run takes no more commands until the next connect."""
        if self._run:
            run, self._run = self._run, ""
            body = {"data": {"actionType": "stop"}}
            try:
                await self._stopper.request("POST", wire.actions_path(run), body, timeout_s=ASK_TIMEOUT_S)
            finally:
                await self._stopper.close()  # the next stop may be hours away, and the server drops idle clients

    async def recall(self, command: Command) -> Recall:
        """By the robot's log of commands; for what it was told, also by what it knows."""
        async with self._lock:
            run = await self._log.current()
            if run is not None and run["id"] == self._run:
                self._told = await self._log.told(run)
            if known := self._known(command):
                return Recall("done", f"robot run {self._run} has {known}")
            return await self._log.recall(command.action, self.options.command_timeout_s)

    async def make_safe(self) -> None:
        """Tips into the trash with what is in them, gantry home; no tip is no error. Attaches anew after a stop."""
        async with self._lock:
            await self.connect(force_reconnect=True)
            await self._command("home", {"axes": list(wire.GANTRY_AXES)}, SAFE_KEY)
            for mount, pipette in (await self._look("GET", wire.PIPETTES)).items():
                if name := pipette.get("name"):
                    if self._told.mounts.get(mount, ("", False))[0] != name:
                        await self._load_pipette(mount, name, SAFE_KEY)
                    area = {"pipetteId": mount, "addressableAreaName": self.robot.area}
                    await self._command("moveToAddressableAreaForDropTip", area, SAFE_KEY)
                    await self._command("dropTipInPlace", {"pipetteId": mount}, SAFE_KEY)
            await self._command("home", {}, SAFE_KEY)

    def _known(self, command: Command) -> str:
        """What the robot knows of a pipette or labware, where that is just what the command would tell it."""
        args = command.args
        match command.verb:
            case "load_pipette" if self._told.mounts.get(args["mount"]) == (args["pipette"], args.get("nozzles") == 1):
                return f"{args['pipette']} on the {args['mount']} mount"
            case "load_labware" if self._told.deck.get(args["labware"]) == (_uri(args["definition"]), args["slot"]):
                return f"{args['labware']} on slot {args['slot']}"
        return ""

    async def load_pipette(self, mount: str, pipette: str, nozzles: int | None = None) -> None:
        """Claim the pipette on a mount; refused when another one hangs there."""
        attached = (await self._ask("GET", wire.PIPETTES)).json()
        with readable(self.name, "its pipettes"):
            found = (attached.get(mount) or {}).get("name")
        if found != pipette:
            hint = f"Hang {pipette} on the {mount} mount, or change the protocol."
            raise CommandRefused(
                f"the {mount} mount carries {found or 'nothing'}, not {pipette}.", device=self.name, hint=hint
            )
        single, told = nozzles == 1, self._told.mounts.get(mount)
        if told is None or told[0] != pipette:
            await self._load_pipette(mount, pipette, f"{self.action}/pipette" if single else self.action)
        if self._told.mounts[mount][1] != single:
            layout = {"pipetteId": mount, "configurationParams": wire.SINGLE if single else wire.ALL}
            await self._command("configureNozzleLayout", layout)
            self._told.mounts[mount] = (pipette, single)

    async def _load_pipette(self, mount: str, pipette: str, key: str) -> None:
        await self._command("loadPipette", {"mount": mount, "pipetteName": pipette, "pipetteId": mount}, key)
        self._told.mounts[mount] = (pipette, False)

    async def load_labware(self, labware: str, definition: str | Mapping[str, Any], slot: str) -> None:
        """Tell the robot what stands on a slot, and that whatever it thought there is gone; nothing if it knows.

        A carried definition is handed in first.
        """
        uri, deck = _uri(definition), self._told.deck
        if deck.get(labware) == (uri, slot):
            return
        for other, (_, where) in list(deck.items()):
            if where == slot:
                await self._command("moveLabware", wire.off_deck(other), f"{self.action}/off")
                deck[other] = (deck[other][0], None)
        if deck.get(labware, ("",))[0] == uri:
            await self._command("moveLabware", wire.on_slot(labware, self.robot.location(slot)))
        else:
            await self._load_labware(labware, definition, slot)
        deck[labware] = (uri, slot)

    async def _load_labware(self, labware: str, definition: str | Mapping[str, Any], slot: str) -> None:
        if not isinstance(definition, str):
            await self._ask("POST", wire.definitions_path(self._run), {"data": definition})
        namespace, load_name, version = _names(definition)
        params = {"labwareId": labware, "namespace": namespace, "loadName": load_name, "version": version}
        await self._command("loadLabware", {**params, "location": self.robot.location(slot)})

    async def remove_labware(self, labware: str) -> None:
        """Go home, out of the arm's way, and tell the robot that the labware leaves the deck, if it knows it there."""
        uri, slot = self._told.deck.get(labware, ("", None))
        if slot is None:  # the robot's run is a new one, such as after a stop
            await self.home()
            return
        await self._command("home", {}, f"{self.action}/home")
        await self._command("moveLabware", wire.off_deck(labware))
        self._told.deck[labware] = (uri, None)

    async def pick_up_tip(self, mount: str, labware: str, well: str, tips: int | None = None) -> None:
        """Take a tip; the robot is not told where a rack has few, it just finds no more."""
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

    async def blink(self, duration_s: float) -> None:
        """Blink the lights, in whole seconds, and wait for their end."""
        loop = asyncio.get_running_loop()
        await self._ask("POST", wire.blinking(round(duration_s)))
        until_s = loop.time() + round(duration_s)
        while (left_s := until_s - loop.time()) > 0:
            if not self._run:
                raise CommandStopped("it was stopped; its lights may blink on.", device=self.name)
            await asyncio.sleep(min(left_s, POLL_S))

    async def lights(self, state: str) -> None:
        """The rail lights `on` or `off`."""
        await self._ask("POST", wire.LIGHTS, {"on": state == "on"})

    def _pipette(self, mount: str) -> Pipette:
        try:
            return pipettes()[self._told.mounts[mount][0]]
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
        if labware == "trash" and not self.robot.fixed_trash:
            await self._over_trash(kind, mount, more)
            return
        await self._command(kind, {"pipetteId": mount, "labwareId": wire.labware_id(labware), "wellName": well, **more})

    async def _over_trash(self, kind: str, mount: str, more: Mapping[str, Any]) -> None:
        """The same in place, over a trash that is no labware."""
        go = "moveToAddressableAreaForDropTip" if kind == "dropTip" else "moveToAddressableArea"
        area = {"pipetteId": mount, "addressableAreaName": self.robot.area}
        if kind in wire.IN_PLACE:
            await self._command(go, area, f"{self.action}/over")
            what = {key: value for key, value in more.items() if key != "wellLocation"}
            await self._command(wire.IN_PLACE[kind], {"pipetteId": mount, **what})
        else:
            await self._command(go, area)

    async def _command(self, kind: str, params: Mapping[str, Any], key: str | None = None) -> None:
        """Post one command and wait for its end; a late one is looked up until `command_timeout_s` is over.

        Its key is the action's id unless another is given.
        """
        if not self._run:
            raise CommandRefused("its run was stopped.", device=self.name, hint="Connect again to begin a new one.")
        run, limit = self._run, self.options.command_timeout_s
        path = wire.waiting(wire.commands_path(run), limit)
        key = self.action if key is None else key
        answer = await self._ask("POST", path, wire.command(kind, params, key), timeout_s=limit + ASK_TIMEOUT_S)
        data = self._about(answer, kind, key)
        deadline = asyncio.get_running_loop().time() + limit
        while data["status"] in ("queued", "running"):
            if asyncio.get_running_loop().time() > deadline:
                raise ReplyTimeout(f"{kind} still runs after {2 * limit:g} s.", device=self.name)
            await asyncio.sleep(POLL_S)
            data = self._about(await self._ask("GET", wire.command_path(run, data["id"])), kind, key)
        if data["status"] != "succeeded":
            raise (CommandFailed if self._run else CommandStopped)(f"{kind}: {wire.error_text(data)}", device=self.name)

    def _about(self, answer: Response, kind: str, key: str) -> dict[str, Any]:
        """The robot's word on one command; an answer about another one is the answer to another question."""
        with readable(self.name, "its answer"):
            data: dict[str, Any] = answer.json()["data"]
            about = data.get("commandType", kind), data.get("key", key)
            if about != (kind, key) or not isinstance(data["status"], str):
                raise ProtocolViolation(f"it answers about {about[0]}, asked about {kind}.", device=self.name)
        return data

    async def _look(self, method: str, path: str) -> Any:
        return (await self._ask(method, path)).json()

    async def _ask(self, method: str, path: str, body: Any = None, *, timeout_s: float = ASK_TIMEOUT_S) -> Response:
        answer = await self._http.request(method, path, body, timeout_s=timeout_s)
        if answer.status >= 500:
            raise ProtocolViolation(f"{method} {path} gave HTTP {answer.status}.", device=self.name)
        if answer.status >= 400:
            errors = answer.json().get("errors") or [{}]
            raise CommandRefused(f"{method} {path}: {errors[0].get('detail', answer.status)}", device=self.name)
        return answer


def _names(definition: str | Mapping[str, Any]) -> tuple[str, str, int]:
    """Namespace, load name and version of a labware definition."""
    if isinstance(definition, str):
        return "opentrons", definition, kind(definition).definition["version"]
    return definition.get("namespace", "custom"), definition["parameters"]["loadName"], definition.get("version", 1)


def _uri(definition: str | Mapping[str, Any]) -> str:
    """The robot server's name of a labware definition."""
    return "/".join(map(str, _names(definition)))
