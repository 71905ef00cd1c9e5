"""What stands where in the source, and the `labware` of our document that follows from it."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from drivers.core.labware import LabwareKind, UnknownLabware, from_definition, kind, library
from protocols.importers.findings import Findings
from protocols.importers.opentrons.read import Command, SourceFile, said
from protocols.importers.opentrons.slots import Slots, is_disposal, taken
from protocols.layout import OFF
from protocols.ledger import TRASH, kind_of

FIXED_TRASH = "fixedTrash"
_AREAS = ("slotName", "addressableAreaName")


@dataclass(frozen=True, slots=True)
class Module:
    """A module of the source; our deck has none, so only its place counts."""

    model: str
    slot: str


@dataclass(slots=True, eq=False)
class Thing:
    """One piece of labware, adapter or lid: `on` is the thing it stands on, else it stands in `slot` (or `off`)."""

    key: str
    name: str
    kind: LabwareKind
    source: Mapping[str, Any]  # {"type": ...} or {"definition": ...}
    slot: str = OFF
    on: "Thing | None" = None

    @property
    def bears(self) -> bool:
        """Adapters and lids: they hold no liquid of their own and are not declared."""
        roles = self.kind.definition.get("allowedRoles")
        return not self.kind.wells or (isinstance(roles, list) and "adapter" in roles)

    @property
    def root(self) -> str:
        """The deck slot under it."""
        return self.on.root if self.on else self.slot


@dataclass(slots=True)
class Deck:
    """Loads and moves of the source, one after the other."""

    file: SourceFile
    findings: Findings
    modules: dict[str, Module] = field(default_factory=dict)
    things: dict[str, Thing] = field(default_factory=dict)
    document: dict[str, dict[str, Any]] = field(default_factory=dict)
    slots: Slots = field(init=False)
    _by_content: dict[str, Any] = field(init=False)  # definitions by what they call themselves, whatever their key

    def __post_init__(self) -> None:
        self.slots = Slots(self.findings, taken(self.file))
        self._by_content = {_uri(definition): definition for definition in self.file.definitions.values()}

    def load_module(self, command: Command) -> None:
        """A module: only its place is kept."""
        key = _id(command, "moduleId")
        model = command.text("model", said(self.file.modules, key, "model")) or "module"
        where = command.table("location")
        name = next((str(where[area]) for area in _AREAS if isinstance(where.get(area), str | int)), "")
        self.modules[key] = Module(model, self.slots.slot(name, command))
        text = f"{command}: the deck of this lab has no {model}; what it does in the source is asked of a person"
        self.findings.note("IMP-004", text)

    def load_labware(self, command: Command) -> Thing | None:
        """A piece of labware; the lab's own trash is not declared again and gives None."""
        key = _id(command, "labwareId")
        if key in self.things:
            raise command.refuse(f"labware '{key}' is loaded a second time")
        thing = self._thing(key, command)
        where = command.params.get("location")
        if thing.kind.is_trash and self._is_trash_place(key, where):
            thing.key = TRASH
        else:
            thing.key = self._key(key)
            self._put(thing, where, command)
        self.things[key] = thing
        if thing.key == TRASH:
            return None
        if thing.bears:
            text = f"{command}: '{thing.name}' has no wells of its own; it is not placed"
            self.findings.note("IMP-005", text)
        return thing

    def declare(self, thing: Thing, slot: str) -> None:
        """Write labware into the document, standing in a slot (or `off`) at the start."""
        self.document[thing.key] = {**deepcopy(dict(thing.source)), "name": thing.name, "slot": slot}

    def renew(self, command: Command) -> Thing:
        """A fresh piece of the same labware, which takes the place of the one that the command names."""
        old = self.thing(command)
        stem = old.key.partition("#")[0]
        key = next(name for n in range(2, len(self.document) + 3) if (name := f"{stem}#{n}") not in self.document)
        fresh = Thing(key, old.name, old.kind, old.source, old.slot, old.on)
        self.things[command.text("labwareId")] = fresh
        self.declare(fresh, OFF)
        return fresh

    def standing_on(self, slot: str) -> list[Thing]:
        """Declared labware in a deck slot."""
        return [thing for thing in self.things.values() if thing.key in self.document and thing.root == slot != OFF]

    def move(self, command: Command) -> Iterator[tuple[Thing, str]]:
        """Labware that goes elsewhere with this command, each with its new slot (or `off`)."""
        thing = self.thing(command)
        if thing.key == TRASH:
            raise command.refuse("the trash stays where it is")
        self._put(thing, command.params.get("newLocation"), command)
        yield thing, thing.root
        for other in self.things.values():
            if other is not thing and thing in _below(other):
                yield other, other.root

    def thing(self, command: Command) -> Thing:
        """The labware that a command names."""
        key = command.text("labwareId")
        if key == FIXED_TRASH and key not in self.things:  # the robot has it without being told
            self.things[key] = Thing(TRASH, "trash", kind("trash"), {})
        if key not in self.things:
            raise command.refuse(f"no labware '{key}' was loaded before")
        return self.things[key]

    def module(self, command: Command) -> Module:
        """The module that a command names."""
        key = command.text("moduleId")
        if key not in self.modules:
            raise command.refuse(f"no module '{key}' was loaded before")
        return self.modules[key]

    def standing(self, slot: str) -> str:
        """What stands in a slot, for a person to read."""
        names = [t.name for t in self.things.values() if t.key != TRASH and not t.bears and t.root == slot != OFF]
        return " and ".join(f"'{name}'" for name in names)

    def hold(self, key: str, well: str, volume_ul: float) -> bool:
        """Have a well hold a volume; true when its definition had to be changed for that."""
        spec = self.document[key]
        found = kind_of(spec.get("type") or spec["definition"])
        if volume_ul <= found.wells[well].capacity_ul:
            return False
        if spec.pop("type", None) is not None:
            spec["definition"] = deepcopy(dict(found.definition))
        spec["definition"]["wells"][well]["totalLiquidVolume"] = volume_ul
        return True

    def fits(self, pipette: str, nozzles: int) -> bool:
        """Whether so many nozzles of a pipette fit every place that the file names for it."""
        named = [command.params for command in self.file.commands if command.params.get("pipetteId") == pipette]
        places = [(self.things.get(str(params.get("labwareId"))), str(params.get("wellName"))) for params in named]
        return all(thing.kind.covered(well, nozzles) for thing, well in places if thing and thing.key != TRASH)

    # Parts

    def _thing(self, key: str, command: Command) -> Thing:
        name = command.params.get("displayName") or said(self.file.labware, key, "displayName")
        uri = said(self.file.labware, key, "definitionId")
        load_name = command.params.get("loadName")
        if isinstance(load_name, str):
            uri = f"{command.params.get('namespace')}/{load_name}/{command.params.get('version')}"
        if not uri:
            raise command.refuse(f"it is not said of what kind labware '{key}' is")
        found, source = self._kind(uri, command)
        return Thing(key, name if isinstance(name, str) and name else found.display_name, found, source)

    def _kind(self, uri: str, command: Command) -> tuple[LabwareKind, Mapping[str, Any]]:
        carried = self.file.definitions.get(uri, self._by_content.get(uri))
        load_name = uri.split("/")[1] if uri.count("/") == 2 else uri
        try:
            if carried is not None:
                return from_definition(carried), {"definition": carried}
            if load_name not in library():
                raise UnknownLabware(f"the file carries no definition of {uri}, nor does the library")
            found = kind(load_name)
        except UnknownLabware as error:
            raise command.refuse(str(error)) from error
        newest = found.definition["version"]
        if uri.rsplit("/", 1)[-1] != str(newest):
            self.findings.assume("IMP-005", f"{uri} is not in the file: version {newest} of the library is taken")
        return found, {"type": load_name}

    def _is_trash_place(self, key: str, where: Any) -> bool:
        slot = where.get("slotName") if isinstance(where, dict) else None
        return key == FIXED_TRASH or str(slot) in ("12", "A3")

    def _key(self, key: str) -> str:
        """The id of the source where our format can carry it (not blank at its ends, not the lab's own trash)."""
        if key == key.strip() and key != TRASH:
            return key
        used = {thing.key for thing in self.things.values()}
        stem = key.strip() if key.strip() not in ("", TRASH) else "labware"
        new = next(n for i in range(1, len(used) + 3) if (n := f"{stem}_{i}") not in used | self.things.keys())
        self.findings.note("IMP-005", f"labware '{key}' is called '{new}' here")
        return new

    def _put(self, thing: Thing, where: Any, command: Command) -> None:
        """Note where a thing stands from now on."""
        thing.on, thing.slot = None, OFF
        if where in ("offDeck", "systemLocation"):
            return
        if not isinstance(where, dict):
            raise command.refuse(f"it is not said where '{thing.name}' goes")
        area = next((str(where[key]) for key in _AREAS if isinstance(where.get(key), str | int)), None)
        if isinstance(where.get("moduleId"), str):
            self._put_on_module(thing, where["moduleId"], command)
        elif isinstance(where.get("labwareId"), str):
            self._put_on_thing(thing, where["labwareId"], command)
        elif area is None:
            raise command.refuse(f"where '{thing.name}' goes is none of slot, module, labware or offDeck")
        elif not is_disposal(area):
            thing.slot = self.slots.slot(area, command)

    def _put_on_module(self, thing: Thing, module: str, command: Command) -> None:
        if module not in self.modules:
            raise command.refuse(f"no module '{module}' was loaded before")
        thing.slot = self.modules[module].slot
        self._stands_lower(thing, self.modules[module].model)

    def _put_on_thing(self, thing: Thing, below: str, command: Command) -> None:
        support = self.things.get(below)
        if support is None or support is thing or thing in _below(support):
            raise command.refuse(f"'{thing.name}' cannot stand on '{below}'")
        if support.bears:
            thing.on = support
            self._stands_lower(thing, support.name)
        elif not thing.bears:
            text = f"'{thing.name}' stands on '{support.name}' in the source; here it waits beside the deck"
            self.findings.assume("IMP-005", text)

    def _stands_lower(self, thing: Thing, support: str) -> None:
        if not thing.bears:
            place = f"on slot {thing.root} itself" if thing.root != OFF else "beside the deck"
            text = f"'{thing.name}' stands on '{support}' in the source; here it stands {place}"
            hint = "Leave the slot bare: the robot is told of no module or adapter, and would go too low."
            self.findings.assume("IMP-005", text, hint=hint)


def _below(thing: Thing) -> list[Thing]:
    """What a thing stands on, from top to bottom."""
    found = []
    while thing.on is not None:
        thing = thing.on
        found.append(thing)
    return found


def _id(command: Command, key: str) -> str:
    """The id of what is loaded: given by the file, or by the robot in a recorded result."""
    given = command.params.get(key, command.result.get(key))
    if not isinstance(given, str) or not given:
        raise command.refuse(f"`{key}` must be text")
    return given


def _uri(definition: Any) -> str:
    """What a definition calls itself; empty when it says nothing."""
    parameters = definition.get("parameters") if isinstance(definition, dict) else None
    if not isinstance(parameters, dict):
        return ""
    return f"{definition.get('namespace')}/{parameters.get('loadName')}/{definition.get('version')}"
