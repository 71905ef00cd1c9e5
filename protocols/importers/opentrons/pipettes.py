"""Pipettes of the source, and the names under which our steps use them: one for each layout of nozzles in use."""

from dataclasses import dataclass, field
from typing import Any, Literal, cast

from drivers.core.labware import pipettes
from drivers.core.pipettes import Pipette
from protocols.importers.findings import Findings
from protocols.importers.opentrons.deck import Deck
from protocols.importers.opentrons.read import Command, SourceFile, said

Mount = Literal["left", "right"]
#: Nozzles of a layout; PARTIAL_COLUMN, ROW and QUADRANT have no counterpart here.
_NOZZLES = {"SINGLE": 1, "COLUMN": 8}


@dataclass(slots=True)
class Loaded:
    """One pipette of the source, with the number of nozzles it uses now."""

    model: Pipette
    mount: Mount
    nozzles: int
    told: bool = False  # whether the file said how many nozzles are used


@dataclass(frozen=True, slots=True)
class Alias:
    """A name in our `pipettes`: which model hangs where, and how many nozzles it uses."""

    name: str
    model: Pipette
    mount: Mount
    nozzles: int


@dataclass(slots=True)
class Pipettes:
    """Loads and layouts of the source, one after the other."""

    file: SourceFile
    findings: Findings
    deck: Deck
    loaded: dict[str, Loaded] = field(default_factory=dict)
    aliases: dict[tuple[str, int], Alias] = field(default_factory=dict)  # (pipette id, nozzles) -> name

    def load(self, command: Command) -> None:
        """Hang a pipette up."""
        key = command.params.get("pipetteId", command.result.get("pipetteId"))
        if not isinstance(key, str) or not key:
            raise command.refuse("`pipetteId` must be text")
        name = command.text("pipetteName", said(self.file.pipettes, key, "name"))
        mount = command.text("mount")
        if name not in pipettes():
            raise command.refuse(f"there is no pipette '{name}'")
        if mount not in ("left", "right"):
            raise command.refuse(f"there is no mount '{mount}'")
        if any(other.mount == mount for other in self.loaded.values()):
            raise command.refuse(f"the {mount} mount carries a pipette already")
        model = pipettes()[name]
        if model.channels == 96 and not self.file.flex:
            text = f"an OT-2 carries no {name} with 96 nozzles: each command is taken to mean the one well it names"
            self.findings.assume("IMP-007", text)
        self.loaded[key] = Loaded(model, cast(Mount, mount), self._all(model))

    def configure(self, command: Command) -> None:
        """Choose how many nozzles are used from now on."""
        pipette = self._named(command)
        style = command.table("configurationParams").get("style")
        nozzles = self._all(pipette.model) if style == "ALL" else _NOZZLES.get(str(style), 0)
        if not 0 < nozzles <= self._all(pipette.model):
            raise command.refuse(f"a layout of nozzles '{style}' of {pipette.model.name} has no counterpart here")
        pipette.nozzles, pipette.told = nozzles, True
        text = (
            f"{command}: {style}, so {nozzles} nozzle{'s' if nozzles > 1 else ''} of {pipette.model.name} from here on"
        )
        self.findings.note("IMP-007", text)

    def use(self, command: Command) -> Alias:
        """The name under which a command uses its pipette."""
        key, pipette = command.text("pipetteId"), self._named(command)
        if pipette.nozzles == 96 and not pipette.told and not self.deck.fits(key, 96):
            pipette.nozzles = 1
            text = (
                f"96 nozzles of {pipette.model.name} do not fit the wells named: each command is taken to mean one well"
            )
            self.findings.assume("IMP-007", text)
        if (key, pipette.nozzles) not in self.aliases:
            self.aliases[key, pipette.nozzles] = self._alias(pipette, command)
        return self.aliases[key, pipette.nozzles]

    def document(self) -> dict[str, dict[str, Any]]:
        """Our `pipettes`; those that the file loads and never uses are kept."""
        named = list(self.aliases.values())
        for pipette in self.loaded.values():
            if all(alias.mount != pipette.mount for alias in named):
                named.append(
                    Alias(self._name(pipette.model, pipette.mount), pipette.model, pipette.mount, pipette.nozzles)
                )
        return {alias.name: _need(alias) for alias in named}

    def _all(self, model: Pipette) -> int:
        return 1 if model.channels == 96 and not self.file.flex else model.channels

    def _named(self, command: Command) -> Loaded:
        key = command.text("pipetteId")
        if key not in self.loaded:
            raise command.refuse(f"no pipette '{key}' was loaded before")
        return self.loaded[key]

    def _alias(self, pipette: Loaded, command: Command) -> Alias:
        """The pipette itself, or for a second layout of it a pipette with so few nozzles on the other mount."""
        model, mount, nozzles = pipette.model, pipette.mount, pipette.nozzles
        if nozzles not in (1, model.channels) or any(alias.mount == mount for alias in self.aliases.values()):
            mount = "right" if mount == "left" else "left"
            busy = {loaded.mount for loaded in self.loaded.values()} | {alias.mount for alias in self.aliases.values()}
            if mount in busy:
                raise command.refuse(
                    f"{nozzles} nozzles of {model.name} would need a pipette more than an OT-2 carries"
                )
            model = _like(model, nozzles)
            few = f"{nozzles} nozzle{'s' if nozzles > 1 else ''} of {pipette.model.name}"
            text = f"{few} at a time: {model.name} on the {mount} mount does it here"
            self.findings.assume("IMP-007", text)
        return Alias(self._name(model, mount), model, mount, nozzles)

    def _name(self, model: Pipette, mount: str) -> str:
        used = {alias.name for alias in self.aliases.values()}
        return model.name if model.name not in used else f"{model.name}_{mount}"


def _need(alias: Alias) -> dict[str, Any]:
    few = {"single_nozzle": True} if alias.nozzles < alias.model.channels else {}
    return {"model": alias.model.name, "mount": alias.mount, **few}


def _like(model: Pipette, nozzles: int) -> Pipette:
    """The pipette with that many nozzles that takes the same tips and comes nearest in volume."""
    flex = "flex" in model.name or model.channels == 96
    fits = [
        p for p in pipettes().values() if p.channels == nozzles and ("flex" in p.name) == flex and "_em_" not in p.name
    ]
    return min(fits, key=lambda p: (abs(p.max_ul - model.max_ul), ("gen2" in p.name) != ("gen2" in model.name)))
