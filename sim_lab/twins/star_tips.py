"""What a nozzle of a STAR carries and does: its tip, what is in it, and what it finds in the wells of the world."""

import random
from dataclasses import dataclass, field

from drivers.liquid_handlers.hamilton_star.calibration import liquid_ul
from drivers.liquid_handlers.hamilton_star.deck import Deck, over_waste, over_waste96
from drivers.liquid_handlers.hamilton_star.labware import FITTING_MM, Tip, tip_of
from sim_lab.world.liquids import Vessel
from sim_lab.world.model import Labware, World
from sim_lab.world.pipetting import Plunger

#: Errors with their traces (PyLabRobot 0.2.2, `trace_information_to_string`).
NO_LEVEL, TOO_LITTLE = (6, 70), (6, 71)
TIP_ALREADY, NO_TIP, NOT_DROPPED, WRONG_TIP = (7, 76), (8, 75), (3, 77), (8, 78)
NOT_ASPIRATED, CLOT, TIP_FULL, NOT_THAT_FAR, CRASH, STOPPED = (17, 80), (4, 81), (2, 53), (2, 54), (2, 62), (3, 36)
#: So much must stand in a well for its surface to be felt; how far a stop disk may miss a tip's collar: our estimates.
FELT_MM, SEAT_MM, FLOOR_MM = 0.2, 4.0, 1.0
ROOM_UL = 0.05


class NodeFails(Exception):
    """A nozzle cannot do it: error and trace."""

    def __init__(self, code: tuple[int, int]) -> None:
        super().__init__(str(code))
        self.code = code


@dataclass(frozen=True, slots=True)
class Below:
    """What really is below a nozzle."""

    labware: Labware | None = None
    well: str | None = None
    floor_mm: float = 0.0
    waste: bool = False

    @property
    def vessel(self) -> bool:
        """Whether there is an open well."""
        held = self.labware is not None and self.well in self.labware.vessels
        return held and self.labware is not None and not self.labware.sealed


@dataclass(frozen=True, slots=True)
class Dip:
    """Where a tip is to go: heights in mm; `search` looks for the surface from `start` down, not below `lowest`."""

    surface_mm: float
    lowest_mm: float
    deeper_mm: float = 0.0
    follow_mm: float = 0.0
    search: bool = False


@dataclass(slots=True)
class Floor:
    """The deck as nozzles meet it."""

    name: str
    deck: Deck
    world: World
    fallen: list[str] = field(default_factory=list)  # what was let go where nothing could hold it

    def below(self, x: float, y: float) -> Below:
        """What stands under a point."""
        site = self.deck.site_at(x, y)
        labware = self.world.on(f"{self.name}.{site}") if site else None
        if site is None or labware is None:
            return Below(waste=over_waste(x, y) or over_waste96(x, y))
        well = self.deck.well_at(site, labware.kind, x, y)
        floor = self.deck.well(site, labware.kind, well)[2] if well else 0.0
        return Below(labware, well, floor)


class Nozzle:
    """One nozzle. `piston_ul` is what the firmware counts; the vessel is what is there."""

    def __init__(self, floor: Floor, rng: random.Random, head96: bool = False) -> None:
        self._floor, self._rng, self._head96 = floor, rng, head96
        self._plungers: dict[str, Plunger] = {}
        self.tip: Tip | None = None
        self.held = Vessel()
        self.piston_ul = 0.0

    def take_tip(self, below: Below, reach_mm: float, seat_mm: float | None) -> None:
        """Press onto the tip below; `reach_mm` is what the firmware was told of it, `seat_mm` where the disk stops."""
        if self.tip is not None:
            raise NodeFails(TIP_ALREADY)
        labware = below.labware
        tip = tip_of(labware.kind) if labware is not None else None
        if labware is None or tip is None or below.well not in labware.tips:
            raise NodeFails(NO_TIP)
        seat = below.floor_mm + tip.length_mm - FITTING_MM
        if seat_mm is not None and abs(seat_mm - seat) > SEAT_MM:
            raise NodeFails(NO_TIP)
        if abs(reach_mm - tip.reach_mm) > 1.0:
            raise NodeFails(WRONG_TIP)
        labware.tips.discard(below.well)
        self.tip, self.held, self.piston_ul = tip, Vessel(), 0.0

    def drop_tip(self, below: Below) -> None:
        """Throw the tip off, with what is in it."""
        if self.tip is None:
            raise NodeFails(NO_TIP)
        labware, tip = below.labware, self.tip
        self.tip, held, self.held, self.piston_ul = None, self.held, Vessel(), 0.0
        self._floor.world.discard(held)
        if labware is not None and tip_of(labware.kind) == tip and below.well and below.well not in labware.tips:
            labware.tips.add(below.well)
        elif not below.waste:
            self._floor.fallen.append(tip.load_name)

    def may_draw(self, piston_ul: float) -> None:
        """The firmware's own checks before it draws."""
        if self.tip is None:
            raise NodeFails(NO_TIP)
        if self.piston_ul + piston_ul > 1250.0 + ROOM_UL:
            raise NodeFails(TIP_FULL)

    def may_give(self, piston_ul: float, spare_ul: float) -> None:
        """The firmware's own checks before it gives; `spare_ul` is the air that it drew to blow out."""
        if self.tip is None:
            raise NodeFails(NO_TIP)
        if piston_ul > self.piston_ul + spare_ul + ROOM_UL:
            raise NodeFails(NOT_THAT_FAR)

    def draw(self, below: Below, dip: Dip, piston_ul: float, share: float = 1.0) -> None:
        """Go down and draw: liquid where the tip is in it, else air. `share` is less after a fault."""
        within_ul = self._within_ul(below, dip, piston_ul)
        self.piston_ul += piston_ul
        if below.vessel and below.labware is not None and below.well is not None and self.tip is not None:
            vessel = self._floor.world.vessel(below.labware, below.well)
            wanted = self._actual(self._moved_ul(self.piston_ul - piston_ul, piston_ul)) * share
            room = max(0.0, self.tip.capacity_ul - self.held.volume_ul)
            self.held.add(vessel.take(min(wanted, within_ul, room)))

    def _within_ul(self, below: Below, dip: Dip, piston_ul: float) -> float:
        """How much liquid is above the tip's end, where that comes to; raises where it cannot go or finds none."""
        if below.labware is not None and below.labware.sealed:
            raise NodeFails(CRASH)
        if not below.vessel or below.labware is None or below.well is None:
            if dip.search:
                raise NodeFails(NO_LEVEL)
            return 0.0
        shape = below.labware.kind.wells[below.well]
        volume = self._floor.world.vessel(below.labware, below.well).volume_ul
        surface = below.floor_mm + volume / shape.area_mm2
        if not dip.search:
            end = dip.surface_mm - dip.deeper_mm
            if end - dip.follow_mm < below.floor_mm - FLOOR_MM:
                raise NodeFails(CRASH)
            if end > surface + 1e-3:
                return 0.0
            return max(0.0, volume - max(0.0, end - dip.follow_mm - below.floor_mm) * shape.area_mm2)
        if surface < max(dip.lowest_mm, below.floor_mm + FELT_MM):
            raise NodeFails(NO_LEVEL)
        end = surface - dip.deeper_mm - dip.follow_mm
        if end < dip.lowest_mm - 1e-3:
            end = dip.lowest_mm
            if (volume - (end - below.floor_mm) * shape.area_mm2) < self._liquid(piston_ul) * 0.99:
                raise NodeFails(TOO_LITTLE)
        return max(0.0, volume - max(0.0, end - below.floor_mm) * shape.area_mm2)

    def _liquid(self, piston_ul: float) -> float:
        return liquid_ul(self.tip, piston_ul, self._head96) if self.tip else piston_ul

    def _moved_ul(self, from_ul: float, way_ul: float) -> float:
        """The liquid that a piston moves on its way; of the head each stroke goes by itself, as its driver counts."""
        if self._head96:
            return self._liquid(way_ul)
        return self._liquid(from_ul + way_ul) - self._liquid(from_ul)

    def drip(self, share: float) -> None:
        """Lose a share of what is in the tip."""
        self._floor.world.discard(self.held.take(self.held.volume_ul * share))

    def give(self, below: Below, dip: Dip, piston_ul: float, empty: bool, kept: float = 0.0) -> None:
        """Go down and give; `empty` blows out all, but for what a fault keeps back."""
        if below.labware is not None and below.labware.sealed:
            raise NodeFails(CRASH)
        if below.vessel and dip.surface_mm - dip.deeper_mm < below.floor_mm - FLOOR_MM:
            raise NodeFails(CRASH)
        last = empty or piston_ul >= self.piston_ul - ROOM_UL
        moved_ul = self._moved_ul(self.piston_ul - piston_ul, piston_ul)
        amount = self.held.volume_ul if last else min(self.held.volume_ul, self._actual(moved_ul))
        self.piston_ul = 0.0 if last else self.piston_ul - piston_ul
        given = self.held.take(amount * (1.0 - kept))
        world = self._floor.world
        if below.vessel and below.labware is not None and below.well is not None:
            world.vessel(below.labware, below.well).add(given)
        else:
            world.discard(given)

    def _actual(self, volume_ul: float) -> float:
        name = f"star{self.tip.nominal_ul:g}" if self.tip else "star300"
        if name not in self._plungers:
            self._plungers[name] = Plunger(name, self._rng)
        return self._plungers[name].actual(volume_ul) if volume_ul > 0 else 0.0
