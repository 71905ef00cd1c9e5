"""One mount of the twin's OT-2: what the robot thinks its tips hold, and what they do hold."""

import random

from drivers.core.labware import LabwareKind
from drivers.core.pipettes import Pipette
from sim_lab.twins.ot2_deck import same_place
from sim_lab.world.liquids import Vessel
from sim_lab.world.model import Labware, World
from sim_lab.world.pipetting import Plunger

TOLERANCE_UL = 1e-6


class RobotError(Exception):
    """A command that the robot refuses or fails, with the error name of the robot server."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


class Head:
    """A mount with its pipette. `thought_ul` is the robot's count; `tips` are the real ones, None where none sits."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self._world, self._rng = world, rng
        self._plunger: Plunger | None = None
        self.pipette: Pipette | None = None
        self.nozzles: int | None = None
        self.tips: list[Vessel | None] | None = None
        self._left_on: list[Vessel | None] | None = None  # tips that a drop did not throw off
        self.thought_ul = 0.0
        self._capacity_ul = 0.0

    def carry(self, pipette: Pipette) -> None:
        """Hang a pipette up; its plunger keeps its bias for as long as it hangs."""
        if self.pipette != pipette:
            self.pipette, self._plunger = pipette, Plunger(pipette.name, self._rng)
        self.nozzles = None

    def _covered(self, kind: LabwareKind, well: str) -> tuple[str, ...]:
        if self.pipette is None:
            raise RobotError("PipetteNotLoadedError", "no pipette was loaded on this mount")
        wells = kind.covered(well, len(self.tips) if self.tips else self.nozzles or self.pipette.channels)
        if not wells:
            raise RobotError("PartialTipMovementNotAllowedError", f"the nozzles do not fit {kind.load_name} at {well}")
        return wells

    def pick_up(self, really: Labware | None, told: LabwareKind, well: str) -> None:
        """Press onto the tips; the robot believes in success, whatever was there."""
        if self.tips is not None:
            raise RobotError("TipAttachedError", "the pipette has a tip already")
        wells = self._above(really, told, well) or self._covered(told, well)
        self.tips, self._left_on = self._left_on or [self._take_tip(really, told, name) for name in wells], None
        self.thought_ul = 0.0
        self._capacity_ul = min(told.tip_capacity_ul, self.pipette.max_ul if self.pipette else 0.0)

    def _above(self, really: Labware | None, told: LabwareKind, well: str) -> tuple[str, ...]:
        """At the end of a column the first nozzles of eight alone find tips."""
        column = next((column for column in told.columns if well in column), ())
        below = column[column.index(well) :] if column else ()
        eight = self.pipette is not None and (self.nozzles or self.pipette.channels) == 8 == len(column)
        found = [name for name in below if really is not None and same_place(told, name, really.kind) in really.tips]
        return tuple(found) if eight and 0 < len(found) < 8 and tuple(found) == below[: len(found)] else ()

    @staticmethod
    def _take_tip(really: Labware | None, told: LabwareKind, well: str) -> Vessel | None:
        place = same_place(told, well, really.kind) if really is not None else None
        if really is None or place not in really.tips:
            return None
        really.tips.remove(place)
        return Vessel()

    def drop(self, really: Labware | None, told: LabwareKind, well: str, stays: bool = False) -> None:
        """Throw the tips off with what is in them; in a rack they can be picked up again."""
        wells = self._covered(told, well)
        if self.tips is None:
            raise RobotError("TipNotAttachedError", "the pipette has no tip")
        if stays:
            self._left_on, self.tips, self.thought_ul = self.tips, None, 0.0
            return
        for name, tip in zip(wells, self.tips, strict=True):
            if tip is not None:
                self._world.discard(tip)
                place = same_place(told, name, really.kind) if really is not None and really.kind.is_tip_rack else None
                if really is not None and place is not None:
                    really.tips.add(place)
        self.tips, self.thought_ul = None, 0.0

    def may_aspirate(self, volume_ul: float) -> None:
        """The robot's own check before it draws."""
        if self.tips is None:
            raise RobotError("TipNotAttachedError", "the pipette has no tip")
        if self.thought_ul + volume_ul > self._capacity_ul + TOLERANCE_UL:
            raise RobotError(
                "InvalidAspirateVolumeError",
                f"{volume_ul:g} uL do not fit; the tip holds {self._capacity_ul:g} uL",
            )

    def may_dispense(self, volume_ul: float) -> None:
        """The robot's own check before it gives."""
        if self.tips is None:
            raise RobotError("TipNotAttachedError", "the pipette has no tip")
        if volume_ul > self.thought_ul + TOLERANCE_UL:
            raise RobotError(
                "InvalidDispenseVolumeError",
                f"{volume_ul:g} uL are more than the tip's {self.thought_ul:g} uL",
            )

    def aspirate(
        self, really: Labware | None, told: LabwareKind, well: str, volume_ul: float, share: float = 1.0
    ) -> None:
        """Draw what is there, with the plunger's error; air where there is nothing. `share` is less after a fault."""
        self.thought_ul += volume_ul
        for tip, vessel in self._pairs(really, told, well):
            if tip is not None and vessel is not None:
                tip.add(vessel.take(self._error(volume_ul) * share))

    def drip(self, share: float) -> None:
        """Lose a share of what is in the tips."""
        for tip in self.tips or ():
            if tip is not None:
                self._world.discard(tip.take(tip.volume_ul * share))

    def dispense(
        self, really: Labware | None, told: LabwareKind, well: str, volume_ul: float, kept: float = 0.0
    ) -> None:
        """Give a share of what is in the tips; the last share gives all, but for what a fault keeps back."""
        last = volume_ul >= self.thought_ul - TOLERANCE_UL
        share = 1.0 if last else volume_ul / self.thought_ul
        self.thought_ul = 0.0 if last else self.thought_ul - volume_ul
        for tip, vessel in self._pairs(really, told, well):
            if tip is not None:
                amount_ul = tip.volume_ul if last else tip.volume_ul * share * self._error(volume_ul) / volume_ul
                given = tip.take(amount_ul * (1.0 - kept))
                (vessel.add if vessel is not None else self._world.discard)(given)

    def blow_out(self, really: Labware | None, told: LabwareKind, well: str) -> None:
        """Empty the tips."""
        self.may_dispense(0.0)
        self.dispense(really, told, well, self.thought_ul)

    def _error(self, volume_ul: float) -> float:
        return self._plunger.actual(volume_ul) if self._plunger else volume_ul

    def _pairs(self, really: Labware | None, told: LabwareKind, well: str) -> list[tuple[Vessel | None, Vessel | None]]:
        """Each tip with the vessel it stands in; None where there is no open vessel."""
        wells = self._covered(told, well)
        vessels = [self._vessel(really, told, name) for name in wells]
        return list(zip(self.tips or [], vessels, strict=True))

    def _vessel(self, really: Labware | None, told: LabwareKind, well: str) -> Vessel | None:
        if really is None or really.sealed:
            return None
        place = same_place(told, well, really.kind)
        return self._world.vessel(really, place) if place in really.vessels else None
