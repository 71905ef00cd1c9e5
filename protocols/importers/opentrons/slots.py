"""Names of deck places in the source as slots of an OT-2."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from protocols.importers.findings import Findings
from protocols.importers.opentrons.read import Command, SourceFile
from protocols.layout import OFF

TRASH_SLOT = 12  # of an OT-2 and, as A3, of a Flex
_FLEX = re.compile(r".*?([A-D])([1-4])")
_SPAN = re.compile(r"span(\d+)(?:_\d+)*")  # a thermocycler stands on several slots; its plate on the first
_DISPOSAL = re.compile(r"(fixedTrash|movableTrash\w*|\w*WasteChute\w*)", re.IGNORECASE)


def is_disposal(area: str) -> bool:
    """Whether an addressable area takes tips and waste.

    >>> [is_disposal(area) for area in ("movableTrashA3", "96ChannelWasteChute", "D3")]
    [True, True, False]
    """
    return _DISPOSAL.fullmatch(area) is not None


def place_of(name: str) -> str | None:
    """A slot's name in the source as the number of the OT-2 slot at the same place; `off` beside the deck.

    A Flex names rows D to A from front to back and columns 1 to 3 from left to right, as an OT-2 counts; its
    column 4, the staging area, lies beside. None when the name is no slot.

    >>> [place_of(name) for name in ("7", "D1", "A2", "C4", "thermocyclerModuleV2B1", "span7_8_10_11", "13")]
    ['7', '1', '11', 'off', '7', '7', None]
    """
    span = _SPAN.fullmatch(name)
    number = span[1] if span else name
    if number.isascii() and number.isdigit():
        return str(int(number)) if len(number) < 3 and 1 <= int(number) <= TRASH_SLOT else None
    flex = _FLEX.fullmatch(name)
    if flex is None:
        return None
    column = int(flex[2])
    return OFF if column == 4 else str("DCBA".index(flex[1]) * 3 + column)


@dataclass(slots=True)
class Slots:
    """Slots for one file: slot 12 holds our trash, so that what stands there in the source gets a free one."""

    findings: Findings
    taken: frozenset[str]
    instead: str = field(init=False)

    def __post_init__(self) -> None:
        free = [str(n) for n in range(1, TRASH_SLOT) if str(n) not in self.taken]
        self.instead = free[0] if free else OFF

    def slot(self, name: str, command: Command) -> str:
        """The slot of our deck for a place named in the source, or `off`."""
        place = place_of(name)
        if place is None:
            raise command.refuse(f"there is no deck slot '{name}'")
        if place == OFF:
            text = f"staging place {name} is beside the deck of an OT-2: labware waits there until a person brings it"
            self.findings.assume("IMP-005", text)
        if place == str(TRASH_SLOT):
            there = "beside the deck" if self.instead == OFF else f"in slot {self.instead}"
            self.findings.assume(
                "IMP-005", f"the trash stands in slot {TRASH_SLOT}: what the file puts on {name} stands {there}"
            )
            return self.instead
        return place


def taken(file: SourceFile) -> frozenset[str]:
    """Every slot that the file ever uses."""
    return frozenset(place for command in file.commands for name in _named(command) if (place := place_of(name)))


def _named(command: Command) -> Iterable[str]:
    for key in ("location", "newLocation"):
        where = command.params.get(key)
        if isinstance(where, dict):
            for part in ("slotName", "addressableAreaName"):
                name = where.get(part)
                if isinstance(name, str | int):
                    yield str(name)
