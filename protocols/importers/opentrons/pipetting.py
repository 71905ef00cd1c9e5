"""Pipetting commands as moves of `pipette` steps."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from protocols.importers.findings import Findings
from protocols.importers.opentrons.deck import Deck, Thing
from protocols.importers.opentrons.pipettes import Alias, Pipettes
from protocols.importers.opentrons.read import Command
from protocols.importers.opentrons.slots import is_disposal
from protocols.importers.opentrons.steps import Steps, quantity
from protocols.layout import OFF
from protocols.ledger import TRASH

TRASH_WELL = f"{TRASH}/A1"
RIM_MM = 0.0  # the trash's one well has no depth: its bottom is its rim
DEFAULT_MM = 1.0  # height that a move has when it is not written
NO_VOLUME_UL = 1e-9
FASTEST_UL_S = (
    1000.0  # more than the fastest pipette of an OT-2 does: p1000_single_gen2, uiMaxFlowRate 812 (shared data)
)
#: Parameters that are mapped, besides where and with what.
_KNOWN = {
    "pipetteId", "labwareId", "wellName", "volume", "flowRate", "wellLocation", "addressableAreaName",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Where a pipette was last brought; `drifted` names a raw motion after that."""

    well: str
    height_mm: float
    above_well: bool = False
    drifted: str = ""


@dataclass(slots=True)
class Moves:
    """Turns pipetting commands into moves; remembers where every pipette is, for commands in place."""

    deck: Deck
    pipettes: Pipettes
    findings: Findings
    steps: Steps
    at: dict[str, Place] = field(default_factory=dict)  # pipette id -> place
    stirred_ul: dict[str, float] = field(default_factory=dict)  # pipette id -> drawn from the trash
    held_ul: dict[str, float] = field(default_factory=dict)  # pipette id -> in each of its tips
    tips: dict[str, int] = field(default_factory=dict)  # pipette id -> how many it carries
    gone: dict[str, set[str]] = field(default_factory=dict)  # rack -> wells without a tip

    def handlers(self) -> dict[str, Callable[[Command], None]]:
        """The commands that it turns into moves."""
        return {
            "pickUpTip": self._pick_up, "dropTip": self._drop, "dropTipInPlace": self._drop_in_place,
            "aspirate": self._flow, "dispense": self._flow, "blowout": self._blow_out, "touchTip": self._touch,
            "aspirateInPlace": self._flow_in_place, "dispenseInPlace": self._flow_in_place,
            "airGapInPlace": self._flow_in_place, "blowOutInPlace": self._blow_out_in_place,
            "moveToWell": self._go_to, "moveToAddressableArea": self._go_to_area,
            "moveToAddressableAreaForDropTip": self._go_to_area,
        }  # fmt: skip

    def drift(self, command: Command) -> None:
        """A raw motion: from now on nobody knows which well is below."""
        for key, place in self.at.items():
            if command.params.get("pipetteId", key) == key:
                self.at[key] = Place(place.well, place.height_mm, place.above_well, str(command))

    # Commands at a well

    def _pick_up(self, command: Command) -> None:
        """A tip; a rack whose tips are gone is one that the source takes to be renewed."""
        (rack, well), pipette = self._well(command), self._pipette(command)
        if well in self.gone.get(rack.key, ()):
            self._renew(command, rack)
            rack = self.deck.thing(command)
        wells = self._tips_taken(rack, well, pipette.nozzles)
        self.gone.setdefault(rack.key, set()).update(wells)
        self.held_ul[command.text("pipetteId")] = 0.0
        self.tips[command.text("pipetteId")] = len(wells)
        few = {"tips": len(wells)} if 0 < len(wells) < pipette.nozzles else {}
        if few:
            text = (
                f"of {pipette.model.name} the first nozzles alone take tips, the others hang over the rim of the rack; "
                "nothing tall may stand in front of it"
            )
            self.findings.detail("IMP-007", text, command.number)
        self.steps.act(pipette, "pick_up", tip=self._at_rim(command), **few)

    def _tips_taken(self, rack: Thing, well: str, nozzles: int) -> tuple[str, ...]:
        """The tips that are taken from a rack: of eight nozzles at the end of a column, the first ones' alone."""
        column = next((column for column in rack.kind.columns if well in column), ())
        if nozzles != 8 or len(column) != 8:
            return rack.kind.covered(well, nozzles)
        below = column[column.index(well) :]
        gone = [index for index, name in enumerate(below) if name in self.gone.get(rack.key, ())]
        return below[: gone[0]] if gone else below

    def _renew(self, command: Command, rack: Thing) -> None:
        fresh = self.deck.renew(command)
        for key, place in ((rack.key, OFF), (fresh.key, fresh.root)):
            self.steps.add("move", "move", labware=key, to=place, by="person")
        text = f"'{rack.name}' has no tip left where the source takes one: a fresh rack is brought"
        self.findings.detail("IMP-005", text, command.number)

    def _drop(self, command: Command) -> None:
        where, pipette = self._at_rim(command), self._pipette(command)
        thing, well = self._well(command)
        tips = self.tips.get(command.text("pipetteId"), pipette.nozzles)
        self.gone.setdefault(thing.key, set()).difference_update(thing.kind.covered(well, tips))
        self.steps.act(pipette, "drop", **({} if where == TRASH_WELL else {"into": where}))
        self._dropped(command)

    def _dropped(self, command: Command) -> None:
        self.held_ul.pop(command.text("pipetteId"), None)

    def _flow(self, command: Command) -> None:
        self._move_liquid(command, command.kind, self._go(command))

    def _blow_out(self, command: Command) -> None:
        self.steps.act(self._pipette(command), "blow_out", well=self._at_rim(command))
        self.held_ul[command.text("pipetteId")] = 0.0

    def _touch(self, command: Command) -> None:
        self.steps.act(self._pipette(command), "touch_tip", well=self._at_rim(command))

    def _go_to(self, command: Command) -> None:
        place = self._go(command)
        self.steps.act(self._pipette(command), "go_to", well=place.well, height=quantity(place.height_mm, "length"))

    def _go_to_area(self, command: Command) -> None:
        area = command.text("addressableAreaName")
        if not is_disposal(area):
            self.findings.note("IMP-003", f"{command}: raw motion to {area} moves no matter; left out")
            self.drift(command)
            return
        pipette = self._pipette(command)
        self.at[command.text("pipetteId")] = Place(TRASH_WELL, RIM_MM)
        self.steps.act(pipette, "go_to", well=TRASH_WELL, height=quantity(RIM_MM, "length"))

    # Commands in place

    def _flow_in_place(self, command: Command) -> None:
        kind = {"aspirateInPlace": "aspirate", "dispenseInPlace": "dispense"}.get(command.kind, "aspirate")
        self._move_liquid(command, kind, self._here(command))

    def _blow_out_in_place(self, command: Command) -> None:
        self.steps.act(self._pipette(command), "blow_out", well=self._here(command).well)
        self.held_ul[command.text("pipetteId")] = 0.0

    def _drop_in_place(self, command: Command) -> None:
        where = self._here(command).well
        self.steps.act(self._pipette(command), "drop", **({} if where == TRASH_WELL else {"into": where}))
        self._dropped(command)

    # Parts

    def _move_liquid(self, command: Command, act: str, place: Place) -> None:
        pipette, volume = self._pipette(command), command.amount("volume")
        height = quantity(place.height_mm, "length")
        volume = self._held(command, act, volume)
        if volume < NO_VOLUME_UL:
            self.findings.detail("IMP-003", "0 uL are moved; only the way to the well is kept", command.number)
            self.steps.act(pipette, "go_to", well=place.well, height=height)
            return
        if self._in_trash(command, act, place, volume):
            self.steps.act(pipette, "go_to", well=place.well, height=height)
            return
        if act == "aspirate" and (place.above_well or command.kind == "airGapInPlace"):
            text = "an air gap is drawn; it is counted as liquid of the well below"
            self.findings.detail("IMP-006", text, command.number)
        keys: dict[str, Any] = {"volume": quantity(volume, "volume")}
        rate = command.amount("flowRate", 0.0)
        if rate:
            if rate > FASTEST_UL_S:
                text = f"a rate above {FASTEST_UL_S:g} uL/s, which no pipette of an OT-2 reaches, is cut to that"
                self.findings.detail("IMP-008", text, command.number)
            keys["rate"] = quantity(min(rate, FASTEST_UL_S), "flow")
        self.steps.act(pipette, act, well=place.well, **keys, height=height)

    def _held(self, command: Command, act: str, volume: float) -> float:
        """The volume that is really moved: a robot that cuts gives no more than its tip holds."""
        key = command.text("pipetteId")
        held = self.held_ul.get(key, 0.0)
        if act == "dispense" and self.deck.file.cuts and volume > held + NO_VOLUME_UL:
            text = "more is given than the tip holds; as on the robot, it gives what is there"
            self.findings.detail("IMP-006", text, command.number)
            volume = held
        self.held_ul[key] = held + volume if act == "aspirate" else held - volume
        return volume

    def _in_trash(self, command: Command, act: str, place: Place, volume: float) -> bool:
        """Whether this only stirs the trash: liquid drawn from it, or given back to it, belongs to no well."""
        key = command.text("pipetteId")
        if place.well != TRASH_WELL:
            return False
        if act == "aspirate":
            self.stirred_ul[key] = self.stirred_ul.get(key, 0.0) + volume
        elif volume <= self.stirred_ul.get(key, 0.0):
            self.stirred_ul[key] -= volume
        else:
            return False
        text = "it stirs the trash, which moves no matter of any well; only the way there is kept"
        self.findings.detail("IMP-003", text, command.number)
        return True

    def _pipette(self, command: Command) -> Alias:
        for key in command.params.keys() - _KNOWN:
            if not _idle(command.params[key]):
                text = f"`{key}` has no counterpart here; the robot's own way is taken"
                self.findings.detail("IMP-008", text, command.number)
        if command.kind in ("blowout", "blowOutInPlace") and "flowRate" in command.params:
            text = "the rate of a blow-out has no counterpart here; the pipette's own is taken"
            self.findings.detail("IMP-008", text, command.number)
        return self.pipettes.use(command)

    def _well(self, command: Command) -> tuple[Thing, str]:
        thing, well = self.deck.thing(command), command.text("wellName")
        if thing.key == TRASH:
            return thing, "A1"
        if thing.key not in self.deck.document:
            raise command.refuse(f"'{thing.name}' holds no liquid and no tips")
        if well not in thing.kind.wells:
            raise command.refuse(f"'{thing.name}' has no well '{well}'")
        return thing, well

    def _go(self, command: Command) -> Place:
        """Bring the pipette to a well, to the height that the command says."""
        thing, well = self._well(command)
        origin, z = self._location(command)
        place = Place(TRASH_WELL, RIM_MM)
        if thing.key != TRASH:
            depth = thing.kind.wells[well].depth_mm
            height = {"bottom": z, "top": depth + z, "center": depth / 2 + z}.get(origin, DEFAULT_MM)
            place = Place(f"{thing.key}/{well}", height, above_well=height > depth)
        self.at[command.text("pipetteId")] = place
        return place

    def _at_rim(self, command: Command) -> str:
        """The well of a command whose height our format does not carry."""
        if not _idle(command.table("wellLocation").get("offset")):
            text = "the height of a tip, a blow-out or a touch has no counterpart here; the robot's own is taken"
            self.findings.detail("IMP-008", text, command.number)
        return self._go(command).well

    def _location(self, command: Command) -> tuple[str, float]:
        """From where the height counts, and the height (mm)."""
        location = command.table("wellLocation")
        origin, offset = location.get("origin", "top"), location.get("offset")
        if not isinstance(offset, dict | None):
            raise command.refuse("`wellLocation.offset` must be a table")
        x, y, z = (command.finite(f"wellLocation.offset.{axis}", (offset or {}).get(axis) or 0) for axis in "xyz")
        if x or y:
            text = "offsets in x and y have no counterpart here; the tip goes to the middle of the well"
            self.findings.detail("IMP-008", text, command.number)
        if origin not in ("bottom", "top", "center", "default"):  # a drop has a height of the robot's own by default
            text = (
                f"a height from the {origin} is not known before the run; {DEFAULT_MM:g} mm above the bottom is taken"
            )
            self.findings.detail("IMP-008", text, command.number)
        return str(origin), z

    def _here(self, command: Command) -> Place:
        """Where the pipette is, for a command in place."""
        place = self.at.get(command.text("pipetteId"))
        if place is None and command.kind in ("dropTipInPlace", "blowOutInPlace"):
            text = f"{command}: nothing says where the pipette is; it is taken to be over the trash"
            self.findings.assume("IMP-008", text)
            return Place(TRASH_WELL, RIM_MM)
        if place is None:
            raise command.refuse("nothing says where the pipette is")
        if place.drifted:
            text = f"{command}: taken to act at {place.well}, though {place.drifted} moved the pipette before"
            self.findings.assume("IMP-008", text)
        return place


def _idle(value: Any) -> bool:
    """Whether a parameter asks for nothing: false, zero, empty, or a table of such."""
    return all(map(_idle, value.values())) if isinstance(value, dict) else not value
