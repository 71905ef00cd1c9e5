"""Liquids of the source: what it loads into wells, and what must be there besides for its commands to be possible."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from protocols.importers.findings import Findings
from protocols.importers.opentrons.brim import brim_ul
from protocols.importers.opentrons.deck import Deck
from protocols.importers.opentrons.levels import Counted, Real, Well, run
from protocols.importers.opentrons.read import Command, SourceFile, said
from protocols.importers.opentrons.steps import quantity
from protocols.ledger import TOLERANCE_UL


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
        at_start = {well: dict(held) for well, held in self.wells.items()}
        short = run(Counted, document, self.wells).lent_ul
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
        self._believe_draws(document, deck, at_start)

    def _believe_draws(
        self, document: Mapping[str, Any], deck: Deck, at_start: Mapping[Well, Mapping[str, float]]
    ) -> None:
        """Wells that overflow in the source's count alone, which takes air for liquid; the others are refused later."""
        real, counted = run(Real, document, at_start), run(Counted, document, self.wells)
        partly_air: dict[str, list[str]] = {}
        to_the_brim: dict[str, list[str]] = {}
        for (labware, well), peak_ul in counted.peak_ul.items():
            found, real_ul = counted.items[labware].kind, real.peak_ul.get((labware, well), 0.0)
            nominal_ul = found.wells[well].capacity_ul
            room_ul = max(nominal_ul, brim_ul(found.definition, well) or 0.0) if real_ul > nominal_ul else nominal_ul
            if real_ul <= room_ul + TOLERANCE_UL and deck.hold(labware, well, peak_ul):
                (partly_air if real_ul <= nominal_ul + TOLERANCE_UL else to_the_brim).setdefault(labware, []).append(
                    well
                )
        for labware, wells in partly_air.items():
            text = (
                f"'{deck.document[labware]['name']}' {', '.join(wells)}: more is drawn in all than is there; it is "
                "counted as liquid that was there from the start, or came with it, and the wells as if they held it"
            )
            self.findings.assume("IMP-006", text, hint="Fill sources again in time, or know that air is drawn.")
        for labware, wells in to_the_brim.items():
            text = (
                f"'{deck.document[labware]['name']}' {', '.join(wells)}: more is in them than the volume that they "
                "are named for; by their geometry they hold it to the brim"
            )
            self.findings.assume("IMP-006", text, hint="Carry it with care, or take labware with deeper wells.")

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
