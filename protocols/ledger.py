"""What the lab believes after each action: volumes, tips, seals and places, and what an action may not do.

A pure fold: the same actions give the same belief, in a check before a run and in the journal after it. Volumes
are nominal (what was commanded); the truth differs by the instruments' errors, and only a reading can tell.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from drivers.core.labware import LabwareKind, from_definition, kind
from drivers.core.pipettes import Pipette, models
from protocols.problems import Problem
from protocols.program import Action, Program

TRASH = "trash"
TOLERANCE_UL = 1e-6
Contents = dict[str, float]  # liquid -> uL


@dataclass(slots=True)
class Tip:
    """Tips on one mount: what one holds at most, and what each nozzle's tip holds."""

    capacity_ul: float
    contents: list[Contents]


@dataclass(slots=True)
class Mounted:
    """A pipette on a mount; `nozzles` may be fewer than it has."""

    model: Pipette
    nozzles: int
    tip: Tip | None = None

    @property
    def in_use(self) -> int:
        """Nozzles that reach wells: those with a tip, or all when there is none yet."""
        return len(self.tip.contents) if self.tip else self.nozzles


@dataclass(slots=True)
class Item:
    """One piece of labware as believed."""

    kind: LabwareKind
    site: str | None
    wells: dict[str, Contents] = field(default_factory=dict)
    tips: set[str] = field(default_factory=set)
    sealed: bool = False
    used: set[str] = field(default_factory=set)  # wells that liquid went into or came from


class Violation(Exception):
    """An action that the belief does not allow; becomes a `Problem` with the action's step."""

    def __init__(self, rule: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.rule, self.message, self.hint = rule, message, hint


def kind_of(source: str | Mapping[str, Any]) -> LabwareKind:
    """A labware kind from its name or from a carried definition."""
    return kind(source) if isinstance(source, str) else from_definition(source)


class Ledger:
    """The belief, folded action by action. `lend` lists wells that may be overdrawn, for finding what they need."""

    def __init__(self, lend: Mapping[tuple[str, str], str] | None = None) -> None:
        self.items: dict[str, Item] = {TRASH: Item(kind("trash"), None, {"A1": {}})}
        self.mounts: dict[str, Mounted] = {}
        self.syringes: dict[str, Contents] = {}  # pump -> what it holds
        self.filled_ul: Contents = {}
        self.tips_used: dict[str, int] = {}
        self.waste_ul = 0.0
        self.lent_ul: dict[tuple[str, str], float] = {}
        self._lend = lend or {}
        self._verbs: dict[str, Callable[..., object]] = {
            "place": self._place, "remove": self._remove, "fill": self._fill, "seal": self._seal, "peel": self._peel,
            "move_labware": self._move_labware, "load_pipette": self._load_pipette,
            "pick_up_tip": self._pick_up_tip, "drop_tip": self._drop_tip, "aspirate": self._aspirate,
            "dispense": self._dispense, "blow_out": self._blow_out, "touch_tip": self._reach, "move_to": self._reach,
            "read_absorbance": self._read_absorbance, "withdraw": self._withdraw, "infuse": self._infuse,
        }  # fmt: skip

    def apply(self, action: Action) -> list[Problem]:
        """Fold one action in; what it may not do is returned, and then not done."""
        verb = self._verbs.get(action.verb)
        if verb is None:
            return []
        try:
            verb(action.device, **action.args)
        except Violation as violation:
            return [Problem(violation.rule, action.step, violation.message, violation.hint)]
        return []

    # Labware

    def item(self, labware: str) -> Item:
        """The labware of that name."""
        try:
            return self.items[labware]
        except KeyError:
            known = ", ".join(name for name in self.items if name != TRASH) or "none"
            raise Violation("LAB-001", f"there is no labware '{labware}'", f"Declared: {known}.") from None

    def _place(
        self,
        _: str,
        labware: str,
        kind: str,
        site: str,
        definition: Mapping[str, Any] | None = None,
        sealed: bool = False,
    ) -> None:
        found = kind_of(definition or kind)
        wells: dict[str, Contents] = {} if found.is_tip_rack else {well: {} for well in found.wells}
        self.items[labware] = Item(found, site, wells, set(found.wells) if found.is_tip_rack else set(), sealed)

    def _remove(self, _: str, labware: str, site: str, destination: str | None = None) -> None:
        self.item(labware).site = destination

    def _move_labware(self, _: str, labware: str, source: str, destination: str) -> None:
        item = self.item(labware)
        if item.site != source:
            raise Violation("LAB-006", f"{labware} stands on {item.site}, not on {source}")
        standing = next((name for name, other in self.items.items() if other.site == destination), None)
        if standing:
            raise Violation("LAB-007", f"{standing} stands on {destination} already", "Move it away first.")
        item.site = destination

    def _seal(self, _: str, labware: str, **__: Any) -> None:
        self.item(labware).sealed = True

    def _peel(self, _: str, labware: str) -> None:
        self.item(labware).sealed = False

    def _fill(
        self, _: str, labware: str, liquid: str, volumes_ul: Mapping[str, float], species: Mapping[str, float]
    ) -> None:
        item = self.item(labware)
        for well, volume in volumes_ul.items():
            self._pour(labware, item, well, {liquid: volume})
            self.filled_ul[liquid] = self.filled_ul.get(liquid, 0.0) + volume

    def _read_absorbance(self, _: str, wells: Any, wavelengths_nm: Any) -> None:
        """Nothing changes; whether the plate is there is the binder's matter."""

    # Pipettes

    def _load_pipette(self, _: str, mount: str, pipette: str, nozzles: int | None = None) -> None:
        model = models()[pipette]
        self.mounts[mount] = Mounted(model, nozzles or model.channels)

    def _mounted(self, mount: str) -> Mounted:
        if mount not in self.mounts:
            raise Violation("PIP-001", f"no pipette hangs on the {mount} mount")
        return self.mounts[mount]

    def _loaded(self, mount: str) -> Tip:
        tip = self._mounted(mount).tip
        if tip is None:
            raise Violation("TIP-001", f"the {mount} pipette has no tip", "Put a pick_up before this move.")
        return tip

    def _reach(self, _: str, mount: str, labware: str, well: str, **__: Any) -> tuple[str, ...]:
        item = self.item(labware)
        if well not in item.kind.wells:
            raise Violation(
                "LAB-002",
                f"{labware} ({item.kind.load_name}) has no well {well}",
                f"It has {_extent(item.kind)}.",
            )
        if item.sealed:
            raise Violation("LAB-003", f"{labware} is sealed", "Put a peel step before this one.")
        nozzles = self._mounted(mount).in_use
        covered = item.kind.covered(well, nozzles)
        if not covered:
            hint = "Name the well of the first nozzle: row A of a 96-well plate, A or B of 384."
            raise Violation("LAB-004", f"{nozzles} nozzles do not fit {labware}/{well}", hint)
        return covered

    def _pick_up_tip(self, device: str, mount: str, labware: str, well: str, tips: int | None = None) -> None:
        mounted = self._mounted(mount)
        if mounted.tip is not None:
            raise Violation("TIP-003", f"the {mount} pipette carries a tip already", "Put a drop before this pick_up.")
        item = self.item(labware)
        if not item.kind.is_tip_rack:
            raise Violation("TIP-004", f"{labware} ({item.kind.load_name}) is no tip rack")
        wells = self._few(item, labware, well, tips) if tips else self._reach(device, mount, labware, well)
        missing = [name for name in wells if name not in item.tips]
        if missing:
            raise Violation(
                "TIP-002", f"{labware} has no tip left at {', '.join(missing)}", "Name another tip, or none."
            )
        item.tips -= set(wells)
        used = item.kind.load_name
        self.tips_used[used] = self.tips_used.get(used, 0) + len(wells)
        mounted.tip = Tip(min(item.kind.tip_capacity_ul, mounted.model.max_ul), [{} for _ in wells])

    def _few(self, item: Item, labware: str, well: str, tips: int) -> tuple[str, ...]:
        """Tips for the first nozzles alone: the others must hang over the rim, or over places without a tip."""
        column = next((column for column in item.kind.columns if well in column), ())
        below = column[column.index(well) :] if column else ()
        extra = [name for name in below[tips:] if name in item.tips]
        if len(column) != 8 or len(below) < tips or extra:
            hint = "Name a tip below which there are no more than those: the last ones of a column."
            raise Violation("TIP-006", f"from {labware}/{well} the first nozzles cannot take just {tips} tips", hint)
        return below[:tips]

    def _drop_tip(self, device: str, mount: str, labware: str, well: str) -> None:
        tip, wells = self._loaded(mount), self._reach(device, mount, labware, well)
        if self.items[labware].kind.is_tip_rack:
            self.items[labware].tips |= set(wells)  # it can be picked up again, soiled as it is
        self.waste_ul += sum(map(volume_of, tip.contents))
        self._mounted(mount).tip = None

    def _aspirate(self, device: str, mount: str, labware: str, well: str, volume_ul: float, **_: Any) -> None:
        tip, wells = self._loaded(mount), self._reach(device, mount, labware, well)
        item = self.items[labware]
        if item.kind.is_tip_rack:
            raise Violation("LAB-005", f"{labware} is a tip rack and holds no liquid")
        would = max(map(volume_of, tip.contents)) + volume_ul
        if would > tip.capacity_ul + TOLERANCE_UL:
            raise Violation(
                "LIQ-004",
                f"the tip would hold {would:g} uL; it holds {tip.capacity_ul:g} uL",
                "Draw less at once.",
            )
        for name in set(wells):
            self._require(labware, item, name, volume_ul * wells.count(name))
        for name, contents in zip(wells, tip.contents, strict=True):
            _add(contents, _take(item.wells[name], volume_ul))
        item.used |= set(wells)

    def _require(self, labware: str, item: Item, well: str, volume_ul: float) -> None:
        there = volume_of(item.wells[well])
        short = volume_ul - there
        if short <= TOLERANCE_UL:
            return
        liquid = self._lend.get((labware, well))
        if liquid is not None:
            self.lent_ul[labware, well] = self.lent_ul.get((labware, well), 0.0) + short
            _add(item.wells[well], {liquid: short})
            return
        state = "is empty" if there <= TOLERANCE_UL else f"holds {there:g} uL"
        hint = f"Fill it first, or say under labware.{labware}.holds what it holds."
        raise Violation("LIQ-001", f"{labware}/{well} {state}; {volume_ul:g} uL are drawn", hint)

    def _dispense(self, device: str, mount: str, labware: str, well: str, volume_ul: float, **_: Any) -> None:
        tip, wells = self._loaded(mount), self._reach(device, mount, labware, well)
        held = min(map(volume_of, tip.contents))
        if volume_ul > held + TOLERANCE_UL:
            raise Violation(
                "LIQ-005",
                f"the tip holds {held:g} uL; {volume_ul:g} uL are given",
                "Draw more first, or give less.",
            )
        for name, contents in zip(wells, tip.contents, strict=True):
            self._pour(labware, self.items[labware], name, _take(contents, volume_ul))

    def _blow_out(self, device: str, mount: str, labware: str, well: str) -> None:
        tip, wells = self._loaded(mount), self._reach(device, mount, labware, well)
        for name, contents in zip(wells, tip.contents, strict=True):
            self._pour(labware, self.items[labware], name, _take(contents, volume_of(contents)))

    def _pour(self, labware: str, item: Item, well: str, contents: Contents) -> None:
        if labware == TRASH:
            self.waste_ul += volume_of(contents)
            return
        if well not in item.wells:
            raise Violation(
                "LAB-002",
                f"{labware} ({item.kind.load_name}) has no well {well}",
                f"It has {_extent(item.kind)}.",
            )
        would, capacity = volume_of(item.wells[well]) + volume_of(contents), item.kind.wells[well].capacity_ul
        if would > capacity + TOLERANCE_UL:
            hint = f"Lower the volume by {would - capacity:g} uL or more, or use labware with deeper wells."
            raise Violation(
                "LIQ-003",
                f"{labware}/{well} would hold {would:g} uL; {item.kind.load_name} holds {capacity:g} uL",
                hint,
            )
        _add(item.wells[well], contents)
        item.used.add(well)

    # Pumps

    def _withdraw(self, device: str, volume_ul: float, labware: str = "", well: str = "", **_: Any) -> None:
        item = self._open_well(labware, well)
        self._require(labware, item, well, volume_ul)
        _add(self.syringes.setdefault(device, {}), _take(item.wells[well], volume_ul))
        item.used.add(well)

    def _infuse(self, device: str, volume_ul: float, labware: str = "", well: str = "", **_: Any) -> None:
        item, held = self._open_well(labware, well), self.syringes.setdefault(device, {})
        if volume_ul > volume_of(held) + TOLERANCE_UL:
            raise Violation("LIQ-005", f"{device} holds {volume_of(held):g} uL; {volume_ul:g} uL are given")
        self._pour(labware, item, well, _take(held, volume_ul))

    def _open_well(self, labware: str, well: str) -> Item:
        item = self.item(labware)
        if well not in item.wells:
            raise Violation("LAB-002", f"{labware} has no well {well} for liquid")
        if item.sealed:
            raise Violation("LAB-003", f"{labware} is sealed", "Put a peel step before this one.")
        return item

    # Views

    def end_state(self, program: Program) -> dict[str, Any]:
        """Labware with its site, and volume and species (mol) of every well that was used, emptied ones as well."""
        return {
            "labware": {
                name: {
                    "kind": item.kind.load_name,
                    "site": item.site,
                    "wells": {
                        well: {"volume_ul": round(volume_of(held), 9), "species_mol": _species(held, program)}
                        for well, held in item.wells.items()
                        if well in item.used
                    },
                }
                for name, item in self.items.items()
                if name != TRASH
            }
        }

    def stock(self) -> dict[str, Any]:
        """What the run takes from the shelf, and what it leaves as waste."""
        return {
            "tips": dict(self.tips_used),
            "liquids_ul": _rounded(self.filled_ul),
            "waste_ul": round(self.waste_ul, 6),
        }


def fold(program: Program, done: Callable[[Action], bool] = lambda _: True) -> tuple[Ledger, list[Problem]]:
    """The belief after those actions of a program that were done, and what they may not do."""
    ledger, problems = Ledger(), []
    for action in program.actions:
        if done(action):
            problems += ledger.apply(action)
    return ledger, problems


def volume_of(contents: Contents) -> float:
    """Total volume in uL."""
    return sum(contents.values())


def _add(into: Contents, contents: Contents) -> None:
    for liquid, volume in contents.items():
        into[liquid] = into.get(liquid, 0.0) + volume


def _take(contents: Contents, volume_ul: float) -> Contents:
    """Draw a volume off in the proportions of what is there."""
    there = volume_of(contents)
    if volume_ul >= there - TOLERANCE_UL:
        taken = dict(contents)
        contents.clear()
        return taken
    taken = {liquid: part * volume_ul / there for liquid, part in contents.items()}
    for liquid, part in taken.items():
        contents[liquid] -= part
    return taken


def _species(contents: Contents, program: Program) -> dict[str, float]:
    amounts: dict[str, float] = {}
    for liquid, volume in contents.items():
        for cas, molar in program.species.get(liquid, {}).items():
            species = program.names.get(cas, cas)
            amounts[species] = amounts.get(species, 0.0) + molar * volume * 1e-6
    return amounts


def _rounded(contents: Contents) -> Contents:
    return {name: round(volume, 6) for name, volume in contents.items()}


def _extent(labware: LabwareKind) -> str:
    if not labware.columns:
        return "none"
    return f"{labware.columns[0][0]} to {labware.columns[-1][-1]}"
