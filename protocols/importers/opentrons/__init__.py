"""Opentrons JSON protocols (schema 6, 7 and 8) as documents of `lab-protocol/1`, command by command, in order.

Every command becomes a part of the document or a finding that names it. Rules of findings:
IMP-001 the file cannot be read, IMP-002 a command cannot be read (both refuse the file);
IMP-003 left out, moves no matter; IMP-004 asked of a person; IMP-005 about the deck; IMP-006 about liquids;
IMP-007 about pipettes; IMP-008 a detail without a counterpart.
"""

from collections.abc import Callable, Iterable
from typing import Any

from protocols.importers.findings import Findings, Imported
from protocols.importers.opentrons.deck import Deck
from protocols.importers.opentrons.handwork import Handwork
from protocols.importers.opentrons.liquids import Liquids
from protocols.importers.opentrons.pipettes import Pipettes
from protocols.importers.opentrons.pipetting import Moves
from protocols.importers.opentrons.read import Command, SourceFile, read
from protocols.importers.opentrons.steps import Steps
from protocols.layout import OFF
from protocols.parse import from_document
from protocols.problems import Problem, ProtocolError

_RAW_MOTION = frozenset(
    {"home", "moveToCoordinates", "moveRelative", "moveToSlot", "retractAxis", "moveToMaintenancePosition"}
)
_NO_MATTER = frozenset(
    {
        "savePosition", "setRailLights", "setStatusBar", "configureForVolume", "prepareToAspirate", "verifyTipPresence",
        "getTipPresence", "liquidProbe", "tryLiquidProbe", "loadLiquidClass", "getNextTip",
    }
)  # fmt: skip
_MODULES = ("magneticModule/", "temperatureModule/", "heaterShaker/", "thermocycler/", "absorbanceReader/")


def import_opentrons(data: bytes, name: str) -> Imported:
    """The document of a file's bytes, with all findings; raises `ProtocolError` where it cannot be imported."""
    return import_file(read(data, name))


def import_file(file: SourceFile, assumptions: Iterable[str] = ()) -> Imported:
    """The document of a file's parts; `assumptions` were made before there were any."""
    work = _Import(file)
    for text in assumptions:
        work.findings.assume("IMP-008", text)
    return work.imported()


class _Import:
    def __init__(self, file: SourceFile) -> None:
        self.file, self.findings, self.steps = file, Findings(), Steps()
        self.deck = Deck(file, self.findings)
        self.pipettes = Pipettes(file, self.findings, self.deck)
        self.liquids = Liquids(file, self.findings)
        self.moves = Moves(self.deck, self.pipettes, self.findings, self.steps)
        self.handwork = Handwork(self.deck, self.findings, self.steps)
        self._handlers: dict[str, Callable[[Command], None]] = {
            "loadPipette": self.pipettes.load, "configureNozzleLayout": self.pipettes.configure,
            "loadModule": self.deck.load_module, "loadLabware": self._load_labware, "loadLiquid": self._load_liquid,
            "comment": self._comment, **self.moves.handlers(), **self.handwork.handlers(),
        }  # fmt: skip

    def imported(self) -> Imported:
        """Every command in order, then the liquids that they need."""
        if self.file.flex:
            text = (
                "written for a Flex: labware stands in the OT-2 slot at the same place, pipettes are taken as they are"
            )
            self.findings.assume("IMP-005", text)
        problems: list[Problem] = []
        for command in self.file.commands:
            try:
                self._handler(command)(command)
            except ProtocolError as error:
                problems += error.problems
        if problems:
            raise ProtocolError(problems)
        if not self.steps.done:
            text = "the file has no command that would be a step; a person is asked to look at the deck"
            self.findings.note(
                "IMP-004", text, self.steps.ask("The source only sets the deck up: look whether it is right.")
            )
        document = self._document()
        from_document(document)
        return Imported(document, self.findings.close())

    def _handler(self, command: Command) -> Callable[[Command], None]:
        if command.kind in self._handlers:
            return self._handlers[command.kind]
        if command.kind in _RAW_MOTION | _NO_MATTER:
            return self._leave_out
        return self.handwork.module if command.kind.startswith(_MODULES) else self.handwork.unknown

    def _load_labware(self, command: Command) -> None:
        thing = self.deck.load_labware(command)
        if thing is None or thing.bears:
            return
        late = bool(self.steps.done)
        self.deck.declare(thing, OFF if late else thing.root)
        if late:
            self.handwork.late(command, thing)

    def _load_liquid(self, command: Command) -> None:
        self.liquids.load(command, self.deck)
        if self.steps.done:
            text = f"{command}: the source loads this liquid during the run; here it is filled before"
            self.findings.assume("IMP-006", text)

    def _comment(self, command: Command) -> None:
        said = command.params.get("message")
        self.findings.note("IMP-003", f"{command}: a remark, kept only here: {str(said)[:500]}")

    def _leave_out(self, command: Command) -> None:
        if command.kind in _RAW_MOTION:
            self.findings.note("IMP-003", f"{command}: raw motion moves no matter; left out")
            self.moves.drift(command)
        else:
            self.findings.note("IMP-003", f"{command}: moves no matter; left out")

    def _document(self) -> dict[str, Any]:
        document: dict[str, Any] = {
            "format": "lab-protocol/1",
            "name": self.file.title,
            "purpose": self.file.purpose,
            "author": {
                "kind": "import", "name": self.file.author,
                "source": self.file.name, "source_sha256": self.file.sha256,
            },
            "materials": self.liquids.materials,
            "labware": self.deck.document,
            "pipettes": self.pipettes.document(),
            "steps": self.steps.done,
            "assumptions": self.findings.assumptions,
        }  # fmt: skip
        self.liquids.fill_up(document, self.deck)
        for name, spec in document["labware"].items():
            holds = self.liquids.holds(name)
            if holds:
                spec["holds"] = holds
        return document
