"""A bound program as an Opentrons JSON protocol of schema 8, action by action, in order.

What its commands cannot say becomes a pause that asks a person to do it, and a finding that names the step:
EXP-001 work of another device; EXP-002 work of a person; EXP-003 a condition (refused); EXP-004 no liquid handler
(refused); EXP-005 a detail.
Source of the format: Opentrons shared-data, protocol schema 8 and command schema 8.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from drivers.core.labware import pipettes
from drivers.core.pipettes import Pipette
from protocols.check import Checked
from protocols.ledger import TRASH, kind_of
from protocols.problems import Problem, ProtocolError
from protocols.program import CLOCK, Action

AREA = "fixedTrash"
COLORS = ("#4c78a8", "#f58518", "#54a24b", "#e45756", "#72b7b2", "#b279a2", "#9d755d", "#bab0ac")
Command = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Exported:
    """The file as plain data, and the findings (all of them `warn`)."""

    document: dict[str, Any]
    problems: tuple[Problem, ...]


def export_opentrons(checked: Checked) -> Exported:
    """The file for a protocol that has been checked; raises `ProtocolError` where there can be none."""
    program = checked.program
    if program is None:
        raise ProtocolError(checked.problems)
    conditional = dict.fromkeys(action.step for action in program.actions if action.when)
    if conditional:
        hint = "Export the protocol without `if`, or one way of it."
        message = "whether it is done depends on a reading; an Opentrons JSON protocol has no conditions"
        raise ProtocolError([Problem("EXP-003", step, message, hint) for step in conditional])
    handlers = dict.fromkeys(action.device for action in program.actions if action.verb == "load_pipette")
    if len(handlers) != 1:
        told = "uses no liquid handler" if not handlers else f"uses {' and '.join(handlers)}; a file is for one robot"
        raise ProtocolError([Problem("EXP-004", "", f"the protocol {told}")])
    loaded = {action.args["pipette"] for action in program.actions if action.verb == "load_pipette"}
    if strange := sorted(loaded - pipettes().keys()):
        raise ProtocolError([Problem("EXP-004", "", f"{', '.join(strange)} is no pipette of Opentrons")])
    return _Export(checked, next(iter(handlers))).exported()


@dataclass(slots=True)
class _Export:
    checked: Checked
    robot: str
    commands: list[Command] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    definitions: dict[str, Any] = field(default_factory=dict)
    liquids: dict[str, dict[str, str]] = field(default_factory=dict)
    slots: dict[str, str | None] = field(default_factory=dict)  # labware -> slot, None beside the deck
    models: dict[str, Pipette] = field(default_factory=dict)  # mount -> what hangs there

    def exported(self) -> Exported:
        """Every action in order."""
        program = self.checked.program
        by_verb: dict[str, Callable[[Action], None]] = {
            "place": self._place, "fill": self._fill, "load_pipette": self._load_pipette,
            "load_labware": self._load_labware, "remove_labware": self._remove_labware, "pick_up_tip": self._pick_up,
            "drop_tip": self._drop, "aspirate": self._flow, "dispense": self._flow, "blow_out": self._blow_out,
            "touch_tip": self._touch, "move_to": self._move_to, "wait": self._wait, "confirm": self._confirm,
            "attach_pipette": self._attach,
        }  # fmt: skip
        for action in program.actions if program else ():
            ours = action.device in (self.robot, CLOCK) or action.verb in ("place", "fill", "confirm", "attach_pipette")
            (by_verb.get(action.verb, self._ask) if ours else self._ask)(action)
        return Exported(self._document(), tuple(self.problems))

    def _document(self) -> dict[str, Any]:
        source = self.checked.source.protocol
        return {
            "$otSharedSchema": "#/protocol/schemas/8", "schemaVersion": 8,
            "metadata": {
                "protocolName": source.name, "author": source.author.name, "description": source.purpose,
                "source": f"lab-protocol/1 {self.checked.source.hash}",
            },
            "robot": {"model": "OT-2 Standard", "deckId": "ot2_standard"},
            "labwareDefinitionSchemaId": "opentronsLabwareSchemaV2", "labwareDefinitions": self.definitions,
            "liquidSchemaId": "opentronsLiquidSchemaV1", "liquids": self.liquids,
            "commandSchemaId": "opentronsCommandSchemaV8", "commands": self.commands,
            "commandAnnotationSchemaId": "opentronsCommandAnnotationSchemaV1", "commandAnnotations": [],
        }  # fmt: skip

    def _add(self, action: Action, kind: str, **params: Any) -> None:
        self.commands.append({"commandType": kind, "key": f"{len(self.commands)} {action.id}", "params": params})

    def _note(self, rule: str, action: Action, message: str, hint: str = "") -> None:
        problem = Problem(rule, action.step, message, hint, "warn")
        if problem not in self.problems:
            self.problems.append(problem)

    # Set-up

    def _place(self, action: Action) -> None:
        labware = action.args["labware"]
        definition = kind_of(action.args.get("definition") or action.args["kind"]).definition
        names = {"namespace": definition["namespace"], "loadName": definition["parameters"]["loadName"]}
        self.definitions["/".join(map(str, (*names.values(), definition["version"])))] = dict(definition)
        self.slots[labware] = slot = self._slot(action.args["site"])
        if slot is None:
            self._note("EXP-005", action, f"{labware} waits beside the deck ({action.args['site']}) at the start")
        where = "offDeck" if slot is None else {"slotName": slot}
        named = {"labwareId": labware, "displayName": labware, "version": definition["version"], **names}
        self._add(action, "loadLabware", location=where, **named)
        if action.args.get("sealed"):
            self._note("EXP-002", action, f"{labware} is sealed at the start; the file cannot say so")

    def _slot(self, site: str | None) -> str | None:
        device, _, slot = (site or "").partition(".")
        return slot if device == self.robot else None

    def _fill(self, action: Action) -> None:
        liquid, args = action.args["liquid"], action.args
        if liquid not in self.liquids:
            material = self.checked.source.protocol.materials.get(liquid)
            told = (material.name if material else None) or ""
            color = COLORS[len(self.liquids) % len(COLORS)]
            self.liquids[liquid] = {"displayName": liquid, "description": told, "displayColor": color}
        volumes = dict(args["volumes_ul"])
        self._add(action, "loadLiquid", liquidId=liquid, labwareId=args["labware"], volumeByWell=volumes)

    def _attach(self, action: Action) -> None:
        message = f"{action.args['pipette']} must hang on the {action.args['mount']} mount before the run"
        self._note("EXP-002", action, message)

    def _load_pipette(self, action: Action) -> None:
        mount, name, nozzles = action.args["mount"], action.args["pipette"], action.args.get("nozzles")
        self.models[mount] = pipettes()[name]
        self._add(action, "loadPipette", pipetteName=name, mount=mount, pipetteId=mount)
        if nozzles == 1:
            layout = {"style": "SINGLE", "primaryNozzle": "A1"}
            self._add(action, "configureNozzleLayout", pipetteId=mount, configurationParams=layout)

    # Labware that comes and goes

    def _load_labware(self, action: Action) -> None:
        labware, slot = action.args["labware"], action.args["slot"]
        if self.slots.get(labware) != slot:
            self._move(action, labware, slot)

    def _remove_labware(self, action: Action) -> None:
        if self.slots.get(action.args["labware"]) is not None:
            self._move(action, action.args["labware"], None)

    def _move(self, action: Action, labware: str, slot: str | None) -> None:
        self.slots[labware] = slot
        where = "offDeck" if slot is None else {"slotName": slot}
        self._add(action, "moveLabware", labwareId=labware, newLocation=where, strategy="manualMoveWithPause")

    # Pipetting

    def _at(self, action: Action, **more: Any) -> dict[str, Any]:
        args = action.args
        return {"pipetteId": args["mount"], "labwareId": args["labware"], "wellName": args["well"], **more}

    def _over_trash(self, action: Action, kind: str, **params: Any) -> None:
        """A command in place, over the trash, which is no labware of the file."""
        mount = action.args["mount"]
        offset = {"x": 0, "y": 0, "z": 0}
        self._add(action, "moveToAddressableArea", pipetteId=mount, addressableAreaName=AREA, offset=offset)
        self._add(action, kind, pipetteId=mount, **params)

    def _pick_up(self, action: Action) -> None:
        self._add(action, "pickUpTip", **self._at(action))
        if tips := action.args.get("tips"):
            model = self.models[action.args["mount"]]
            message = f"{tips} tips for {model.channels} nozzles: the file names the first, the robot finds no more"
            self._note("EXP-005", action, message)

    def _drop(self, action: Action) -> None:
        if action.args["labware"] != TRASH:
            self._add(action, "dropTip", **self._at(action))
            return
        mount = action.args["mount"]
        self._add(action, "moveToAddressableAreaForDropTip", pipetteId=mount, addressableAreaName=AREA)
        self._add(action, "dropTipInPlace", pipetteId=mount)

    def _flow(self, action: Action) -> None:
        args, model = action.args, self.models[action.args["mount"]]
        usual = model.aspirate_ul_s if action.verb == "aspirate" else model.dispense_ul_s
        amount = {"volume": args["volume_ul"], "flowRate": args.get("rate_ul_s") or usual}
        if args["labware"] == TRASH:
            self._over_trash(action, f"{action.verb}InPlace", **amount)
            return
        self._add(action, action.verb, **self._at(action, **amount, wellLocation=_height(args)))

    def _blow_out(self, action: Action) -> None:
        rate = self.models[action.args["mount"]].dispense_ul_s
        if action.args["labware"] == TRASH:
            self._over_trash(action, "blowOutInPlace", flowRate=rate)
            return
        self._add(action, "blowout", **self._at(action, flowRate=rate, wellLocation={"origin": "top"}))

    def _touch(self, action: Action) -> None:
        if action.args["labware"] == TRASH:
            self._note("EXP-005", action, "a touch of the trash is left out: it moves no matter")
            return
        self._add(action, "touchTip", **self._at(action, wellLocation={"origin": "top"}))

    def _move_to(self, action: Action) -> None:
        if action.args["labware"] == TRASH:
            offset, mount = {"x": 0, "y": 0, "z": 0}, action.args["mount"]
            self._add(action, "moveToAddressableArea", pipetteId=mount, addressableAreaName=AREA, offset=offset)
            return
        self._add(action, "moveToWell", **self._at(action, wellLocation=_height(action.args)))

    # Time and people

    def _wait(self, action: Action) -> None:
        self._add(action, "waitForDuration", seconds=action.args["duration_s"])

    def _confirm(self, action: Action) -> None:
        self._add(action, "waitForResume", message=action.args["message"])

    def _ask(self, action: Action) -> None:
        """A pause in which a person does what the file cannot say."""
        values = ", ".join(f"{key} {value}" for key, value in _plain(action.args))
        task = f"{action.device}: {action.verb.replace('_', ' ')}" + (f" ({values})" if values else "")
        self._add(action, "waitForResume", message=f"{task}. Go on when it is done.")
        by_hand = action.verb in ("seal", "peel", "remove")
        what = "work of a person" if by_hand else f"{action.device}.{action.verb} is no command of an OT-2"
        self._note("EXP-002" if by_hand else "EXP-001", action, f"{what}: the file pauses and asks for it")


def _height(args: Mapping[str, Any]) -> dict[str, Any]:
    return {"origin": "bottom", "offset": {"x": 0, "y": 0, "z": args.get("height_mm", 1.0)}}


def _plain(args: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in args.items():
        text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        yield key.replace("_", " "), text if len(text) <= 300 else f"{text[:297]}..."
