"""Liquids of the source: what it loads into wells, and what must be there besides for its commands to be possible."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from drivers.core.units import parse
from protocols.importers.findings import Findings
from protocols.importers.opentrons.deck import Deck
from protocols.importers.opentrons.read import Command, SourceFile, said
from protocols.importers.opentrons.steps import quantity
from protocols.ledger import TOLERANCE_UL, TRASH, Ledger, kind_of
from protocols.program import Action
from protocols.wells import parse_wells

Well = tuple[str, str]  # labware, well
_LENT = "lent"
_VERBS = {
    "pick_up": "pick_up_tip", "drop": "drop_tip", "aspirate": "aspirate", "dispense": "dispense",
    "blow_out": "blow_out", "touch_tip": "touch_tip", "go_to": "move_to",
}  # fmt: skip


@dataclass(slots=True)
class Liquids:
    """What every well holds at the start: liquid -> uL."""

    file: SourceFile
    findings: Findings
    names: dict[str, str] = field(default_factory=dict)  # liquid id of the source -> our material
    materials: dict[str, dict[str, str]] = field(default_factory=dict)
    wells: dict[Well, dict[str, float]] = field(default_factory=dict)

    def load(self, command: Command, deck: Deck) -> None:
        """A liquid in some wells."""
        thing = deck.thing(command)
        material = self._material(command.text("liquidId"))
        for well, volume in command.table("volumeByWell").items():
            if well not in thing.kind.wells or thing.kind.is_tip_rack or thing.key not in deck.document:
                raise command.refuse(f"'{thing.name}' has no well {well} that liquid could be in")
            volume_ul = command.finite(f"volumeByWell.{well}", volume, 0.0)
            if volume_ul > TOLERANCE_UL:
                held = self.wells.setdefault((thing.key, well), {})
                held[material] = held.get(material, 0.0) + volume_ul

    def fill_up(self, document: Mapping[str, Any], deck: Deck) -> None:
        """Add what the steps draw and the source never said was there: just enough, without a dead volume."""
        self._believe_loads(deck)
        short = _shortages(document, self.wells)
        groups: dict[tuple[str, float, str], list[str]] = {}  # labware, uL more, liquids loaded -> wells
        for (labware, well), more_ul in short.items():
            loaded = " and ".join(self.wells.get((labware, well), {}))
            groups.setdefault((labware, round(more_ul, 6), loaded), []).append(well)
        unnamed: dict[str, str] = {}
        for (labware, more_ul, loaded), wells in groups.items():
            where = f"'{document['labware'][labware]['name']}' {', '.join(wells)}"
            if loaded:
                text = (
                    f"{where}: {more_ul:g} uL more of {loaded} are drawn than the file loads; they are filled as well"
                )
            else:
                if labware not in unnamed:
                    unnamed[labware] = self._unique(f"unnamed liquid {len(unnamed) + 1}")
                    self.materials[unnamed[labware]] = {"name": "not named in the source; wells may differ"}
                fill = f"{more_ul:g} uL of {unnamed[labware]} are filled by hand"
                text = f"{where}: the file never says what is there; {fill}"
            self.findings.assume("IMP-006", text)
        for (labware, well), more_ul in short.items():
            held = self.wells.setdefault((labware, well), {}) or {unnamed.get(labware, ""): 0.0}
            total = sum(held.values())
            share = {liquid: part / total if total else 1.0 for liquid, part in held.items()}
            self.wells[labware, well] = {liquid: held[liquid] + more_ul * part for liquid, part in share.items()}

    def _believe_loads(self, deck: Deck) -> None:
        """Where the file loads more than its own definition allows, the load is believed."""
        overfull: dict[str, float] = {}
        for (labware, well), held in self.wells.items():
            if deck.hold(labware, well, sum(held.values())):
                overfull[labware] = max(overfull.get(labware, 0.0), sum(held.values()))
        for labware, volume in overfull.items():
            name = deck.document[labware]["name"]
            text = (
                f"'{name}': the file loads {volume:g} uL into a well that holds less by its definition; it is taken to"
            )
            hint = "Look whether the labware at hand holds as much."
            self.findings.assume("IMP-006", text, hint=hint)

    def holds(self, labware: str) -> dict[str, dict[str, str]]:
        """The `holds` of one piece of labware; liquids together in a well become a material of their own."""
        found = {}
        for (there, well), held in self.wells.items():
            if there == labware:
                material = next(iter(held)) if len(held) == 1 else self._mixture(held)
                found[well] = {"material": material, "volume": quantity(sum(held.values()), "volume")}
        return found

    def _material(self, liquid: str) -> str:
        if liquid not in self.names:
            wanted = said(self.file.liquids, liquid, "displayName") or f"liquid {liquid}"
            more = said(self.file.liquids, liquid, "description")
            self.names[liquid] = self._unique(wanted)
            self.materials[self.names[liquid]] = {"name": more} if more else {}
        return self.names[liquid]

    def _mixture(self, held: Mapping[str, float]) -> str:
        """The name of a mixture; equal names have equal parts."""
        total = sum(held.values())
        name = " + ".join(f"{volume / total:.4g} {liquid}" for liquid, volume in sorted(held.items()))
        if name not in self.materials:
            self.materials[name] = {}
            self.findings.assume("IMP-006", f"wells loaded with more than one liquid hold a mixture: {name}")
        return name

    def _unique(self, wanted: str) -> str:
        return next(
            n
            for i in range(1, len(self.materials) + 2)
            if (n := wanted if i == 1 else f"{wanted} ({i})") not in self.materials
        )


def _shortages(document: Mapping[str, Any], filled: Mapping[Well, Mapping[str, float]]) -> dict[Well, float]:
    """How much more every well must hold at the start, by the same ledger that checks the protocol."""
    kinds = {name: kind_of(spec.get("type") or spec["definition"]) for name, spec in document["labware"].items()}
    ledger = Ledger(lend={(name, well): _LENT for name, found in kinds.items() for well in found.wells})
    for action in _actions(document, filled):
        ledger.apply(action)
    return ledger.lent_ul


def _actions(document: Mapping[str, Any], filled: Mapping[Well, Mapping[str, float]]) -> Iterator[Action]:
    """The document's liquid handling as the ledger reads it; places do not matter to volumes."""
    for name, spec in document["labware"].items():
        args = {"labware": name, "kind": spec.get("type"), "site": name, "definition": spec.get("definition")}
        yield Action("", "", "", "place", args)
    for (labware, well), held in filled.items():
        for liquid, volume in held.items():
            pour = {"labware": labware, "liquid": liquid, "volumes_ul": {well: volume}, "species": {}}
            yield Action("", "", "", "fill", pour)
    for need in document["pipettes"].values():
        few = {"nozzles": 1} if need.get("single_nozzle") else {}
        yield Action("", "", "", "load_pipette", {"mount": need["mount"], "pipette": need["model"], **few})
    for step in document["steps"]:
        for move in step.get("moves", ()):
            mount = document["pipettes"][step["pipette"]]["mount"]
            where = parse_wells(move.get("well") or move.get("tip") or move.get("into") or f"{TRASH}/A1")
            at: dict[str, Any] = {"mount": mount, "labware": where.labware, "well": where.names[0]}
            if "volume" in move:
                at["volume_ul"] = parse(move["volume"], "volume")
            yield Action("", "", "", _VERBS[move["act"]], at)
