"""An analysis by `opentrons` as the file that the JSON import reads, so that there is one mapping of commands.

Commands of an API before 2.14 come without places and as `custom` commands; the facts noted beside them say more.
Names of `custom` commands: `opentrons.legacy_commands.types` of 8.8.2.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from protocols.importers.findings import refused
from protocols.importers.opentrons.python.bundle import Bundle
from protocols.importers.opentrons.python.jailed import Analysis
from protocols.importers.opentrons.read import ROBOTS, Command, SourceFile, commands
from protocols.importers.text import clean

_PLACED = ("aspirate", "dispense", "blowout", "moveToWell")
_LIQUID = {"command.ASPIRATE": "aspirate", "command.DISPENSE": "dispense", "command.BLOW_OUT": "blowout"}
_RAW = {"command.HOME": "home", "command.MOVE_TO": "moveToCoordinates", "command.RESUME": "savePosition"}


def source_file(bundle: Bundle, analysis: Analysis) -> SourceFile:
    """The analysis as a source file; raises `ProtocolError` (IMP-001) with what `opentrons` found wrong."""
    found = analysis.result
    errors = [_error(error) for error in _listed(found.get("errors"))]
    if errors or found.get("result") != "ok":
        hint = "Look whether it runs in the Opentrons App; values for its fields are given with --param NAME=VALUE."
        raise refused("IMP-001", f"{bundle.name}: `opentrons` finds: {'; '.join(errors) or found.get('result')}", hint)
    if found.get("robotType") not in ROBOTS:
        raise refused("IMP-001", f"{bundle.name}: the robot is {clean(str(found.get('robotType')))}")
    said = found.get("metadata")
    metadata = said if isinstance(said, dict) else {}
    title, purpose = (clean(str(metadata.get(key) or "")) for key in ("protocolName", "description"))
    read = commands(found, bundle.name)
    names = dict(_labware_names(read))
    made = tuple(_renamed(_said(command, analysis.facts, read), names) for command in read)
    liquids = {str(entry.get("id")): entry for entry in _listed(found.get("liquids"))}
    definitions = {_uri(definition): definition for command in made if (definition := _definition(command))}
    return SourceFile(
        name=bundle.name, sha256=bundle.sha256, flex=ROBOTS[str(found["robotType"])], title=title[:200] or bundle.name,
        purpose=purpose, author=clean(str(metadata.get("author") or "")) or str(found["robotType"]),
        definitions=definitions, liquids=liquids, pipettes={}, labware={}, modules={}, commands=made,
        cuts=_api(found) < (2, 17),
    )  # fmt: skip


def _said(command: Command, facts: Mapping[str, Any], read: tuple[Command, ...]) -> Command:
    """The command with what the analysis left out of it."""
    noted = facts.get(command.key)
    fact = noted if isinstance(noted, dict) else {}
    params = dict(command.params)
    if command.kind in _PLACED and isinstance(fact.get("offset"), dict):
        params["wellLocation"] = {"origin": "bottom", "offset": fact["offset"]}
    if command.kind == "loadLabware" and (definition := _definition(command)):
        parameters = definition.get("parameters")
        load_name = parameters.get("loadName") if isinstance(parameters, dict) else None
        params |= {
            "namespace": definition.get("namespace"),
            "loadName": load_name,
            "version": definition.get("version"),
        }
    if command.kind != "custom":
        return Command(command.number, command.kind, params, command.result, command.key)
    return _custom(command, fact, read)


def _custom(command: Command, fact: Mapping[str, Any], read: tuple[Command, ...]) -> Command:
    """A `custom` command as the one that a later API would have issued."""
    what = str(command.params.get("legacyCommandType"))
    text = str(fact.get("text") or command.params.get("legacyCommandText") or what)

    def as_kind(kind: str, **params: Any) -> Command:
        return Command(command.number, kind, params, {}, command.key)

    pipette = _pipette(fact, command.number, read)
    at = {"pipetteId": pipette, **_well(fact, command.number, read)}
    if what == "command.DELAY":
        return as_kind("waitForDuration", seconds=60 * _number(fact, "minutes") + _number(fact, "seconds"))
    if what == "command.TOUCH_TIP" and "labwareId" in at:
        return as_kind("touchTip", **at)
    if what == "command.MOVE_TO" and "labwareId" in at:
        return as_kind("moveToWell", **at, wellLocation={"origin": "bottom", "offset": fact.get("offset")})
    if what in _LIQUID:
        more = {"volume": fact.get("volume")} if "volume" in fact else {}
        here = {**at, "wellLocation": {"origin": "bottom", "offset": fact.get("offset")}} if "labwareId" in at else at
        kind = (
            _LIQUID[what] if "labwareId" in at else {"blowout": "blowOut"}.get(_LIQUID[what], _LIQUID[what]) + "InPlace"
        )
        return as_kind(kind, **here, **more)
    if what in _RAW:
        return as_kind(_RAW[what], **({"pipetteId": pipette} if pipette else {}))
    values = {key: fact[key] for key in ("height", "height_from_base", "hold_time") if key in fact}
    return as_kind("moduleTask", text=clean(text), values=values, command=what)


def _pipette(fact: Mapping[str, Any], number: int, read: tuple[Command, ...]) -> str | None:
    """The pipette that hung on the mount when a command ran."""
    loads = [c for c in read[:number] if c.kind == "loadPipette" and c.params.get("mount") == fact.get("mount")]
    return str(loads[-1].result.get("pipetteId")) if loads else None


def _well(fact: Mapping[str, Any], number: int, read: tuple[Command, ...]) -> dict[str, Any]:
    """The labware that stood in the slot when a command ran, and the well in it."""
    if "well" not in fact:
        return {}
    if fact.get("slot") == "12":
        return {"labwareId": "fixedTrash", "wellName": fact["well"]}
    modules = {
        str(c.result.get("moduleId")): c.table("location").get("slotName")
        for c in read[:number]
        if c.kind == "loadModule"
    }
    for command in reversed(read[:number]):
        if command.kind == "loadLabware":
            where = command.table("location")
            slot = where.get("slotName") or modules.get(str(where.get("moduleId")))
            if str(slot) == fact.get("slot"):
                return {"labwareId": command.result.get("labwareId"), "wellName": fact["well"]}
    return {}


def _labware_names(read: tuple[Command, ...]) -> Iterator[tuple[str, str]]:
    """The ids of the analysis, which mean nothing to a reader, with names that say what and where."""
    taken: set[str] = set()
    for command in read:
        key = command.result.get("labwareId")
        definition = _definition(command)
        if command.kind != "loadLabware" or not isinstance(key, str) or not definition or key == "fixedTrash":
            continue
        parameters = definition.get("parameters")
        stem = clean(str(parameters.get("loadName") if isinstance(parameters, dict) else "labware"))[:80] or "labware"
        where = command.params.get("location")
        slot = str(where.get("slotName") or where.get("addressableAreaName") or "") if isinstance(where, dict) else ""
        name = f"{stem}_{clean(slot)}" if slot else stem
        name = next(n for i in range(1, len(taken) + 2) if (n := name if i == 1 else f"{name}_{i}") not in taken)
        taken.add(name)
        yield key, name


def _renamed(command: Command, names: Mapping[str, str]) -> Command:
    def new(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: new(part) for key, part in value.items()}
        if isinstance(value, list):
            return [new(part) for part in value]
        return names.get(value, value) if isinstance(value, str) else value

    result = {key: names.get(value, value) if key == "labwareId" else value for key, value in command.result.items()}
    return Command(command.number, command.kind, new(command.params), result, command.key)


def _definition(command: Command) -> Mapping[str, Any] | None:
    definition = command.result.get("definition") if command.kind == "loadLabware" else None
    if not isinstance(definition, dict):
        return None
    wells, ordering = definition.get("wells"), definition.get("ordering")
    if isinstance(wells, dict) and isinstance(ordering, list):  # its wells come in any order
        named = [name for column in ordering if isinstance(column, list) for name in column if name in wells]
        return {**definition, "wells": {**{name: wells[name] for name in named}, **wells}}
    return definition


def _uri(definition: Mapping[str, Any]) -> str:
    parameters = definition.get("parameters")
    load_name = parameters.get("loadName") if isinstance(parameters, dict) else None
    return f"{definition.get('namespace')}/{load_name}/{definition.get('version')}"


def _api(found: Mapping[str, Any]) -> tuple[int, ...]:
    """The version of the API that the program asks for."""
    config = found.get("config")
    version = config.get("apiVersion") if isinstance(config, dict) else None
    parts = version if isinstance(version, list) else str(version).split(".")
    return tuple(int(part) for part in parts if str(part).isdigit())


def _number(fact: Mapping[str, Any], key: str) -> float:
    value = fact.get(key)
    return float(value) if isinstance(value, int | float) else 0.0


def _listed(value: Any) -> list[Mapping[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _error(error: Mapping[str, Any]) -> str:
    """The innermost cause of an error, in words."""
    while inner := _listed(error.get("wrappedErrors")):
        error = inner[0]
    return clean(str(error.get("detail") or error.get("errorType")))[:500]
