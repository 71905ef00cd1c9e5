"""The world of one cell: labware on sites, liquids in wells, tips in racks, heat and air, on one clock."""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from drivers.core.labware import LabwareKind
from sim_lab.faults.inject import Faults
from sim_lab.world.air import Air, evaporation_mol_s, open_sides
from sim_lab.world.heat import Body
from sim_lab.world.liquids import WATER, WATER_MOL_PER_UL, Vessel, solution
from sim_lab.world.mass import EMPTY_SD, empty_g, liquid_g
from sim_lab.world.reactions import Turnover

LABWARE_TAU_S = 300.0  # a filled microplate follows its surroundings in minutes: our estimate


class PhysicalError(Exception):
    """Something that matter does not allow: two things in one place, or a grip on nothing."""


@dataclass(slots=True)
class Labware:
    """One piece of labware: its kind, what its wells hold, which tips are still in it."""

    name: str
    kind: LabwareKind
    vessels: dict[str, Vessel]
    tips: set[str]
    body: Body
    sealed: bool = False
    seen_s: dict[str, float] = field(default_factory=dict)  # until when what each well does by itself is accounted


@dataclass(slots=True)
class Room:
    """Switches of the cell that people act on: a door that stands open, an emergency stop that is pressed."""

    door_open: bool = False
    e_stop_pressed: bool = False


class World:
    """What is so. Devices' twins change and sense it; nothing else may look, but tests."""

    def __init__(self, seed: int, sites: Mapping[str, Any], air: Air | None = None) -> None:
        self.seed = seed
        self.sites = sites
        self.air = air or Air()
        self.room = Room()
        self.now: Callable[[], float] = lambda: 0.0
        self.faults = Faults()
        self.labware: dict[str, Labware] = {}
        self.at: dict[str, str] = {}  # site -> name of the labware on it
        self.warmth: dict[str, float] = {}  # site -> degC that labware there tends to; elsewhere it is the air's
        self.paces: dict[str, float] = {}  # site -> time constant of labware there; elsewhere `LABWARE_TAU_S`
        self.heaters: dict[str, Body] = {}  # site -> what surrounds labware there, where that has a heat of its own
        self.closed: set[str] = set()  # sites that cannot be reached now, such as a tray that is in
        self.clamped: set[str] = set()  # sites that hold fast what stands there
        self.touched_s: dict[str, float] = {}  # site -> when what stands there was last changed by a hand or an arm
        self.pipettes: dict[tuple[str, str], str] = {}  # (device, mount) -> model that hangs there
        self.waste = Vessel()
        self.brought = Vessel()  # all liquid that ever came into the lab
        self.evaporated_ul = 0.0
        self.turnover = Turnover()

    def rng(self, name: str) -> random.Random:
        """A generator of its own for each name, the same for the same seed."""
        return random.Random(f"{self.seed}/{name}")

    # Labware and sites

    def place(self, name: str, kind: LabwareKind, site: str) -> None:
        """Bring new labware into the lab."""
        if name in self.labware:
            raise PhysicalError(f"{name} is in the lab already")
        self._require_free(site)
        wells = {} if kind.is_tip_rack else {well: Vessel() for well in kind.wells}
        body = Body(self.air.temperature_c, self.air.temperature_c, LABWARE_TAU_S, self.now())
        labware = Labware(name, kind, wells, set(kind.wells) if kind.is_tip_rack else set(), body)
        self._expose(labware, site)
        self.labware[name] = labware
        self.at[site] = name
        self.touched_s[site] = self.now()

    def on(self, site: str) -> Labware | None:
        """The labware on a site, if any."""
        name = self.at.get(site)
        return None if name is None else self.labware[name]

    def lift(self, site: str) -> Labware:
        """Take the labware off a site; it is nowhere until it is put down."""
        self._require_open(site)
        if site not in self.at:
            raise PhysicalError(f"nothing stands on {site}")
        if site in self.clamped:
            raise PhysicalError(f"{site} holds {self.at[site]} fast")
        labware = self.labware[self.at.pop(site)]
        self.touched_s[site] = self.now()
        self._expose(labware, None)
        return labware

    def put(self, labware: Labware, site: str) -> None:
        """Put lifted labware down."""
        self._require_free(site)
        self.at[site] = labware.name
        self.touched_s[site] = self.now()
        self._expose(labware, site)

    def take_away(self, site: str) -> None:
        """A person clears a site, whatever shuts or holds it: what stood there is nowhere, and counts all the same."""
        name = self.at.pop(site, None)
        if name is not None:
            self.touched_s[site] = self.now()
            self._expose(self.labware[name], None)

    def warm(self, site: str, temperature_c: float | None, tau_s: float = LABWARE_TAU_S) -> None:
        """Give a site a temperature of its own from now on, or with None the air's again; `tau_s`: how quickly."""
        self.paces[site] = tau_s
        if temperature_c is None:
            self.warmth.pop(site, None)
        else:
            self.warmth[site] = temperature_c
        labware = self.on(site)
        if labware is not None:
            self._expose(labware, site)

    def heat(self, site: str, heater: Body) -> None:
        """Let what stands on a site follow a plate or a chamber; to be said again whenever the heater's aim changes."""
        self.heaters[site] = heater
        labware = self.on(site)
        if labware is not None:
            self._expose(labware, site)

    def _expose(self, labware: Labware, site: str | None) -> None:
        """Bring labware among the surroundings of a site, or of none; until now its wells were among the old ones."""
        for well in labware.seen_s:
            self.vessel(labware, well)
        tau_s = self.paces.get(site or "", LABWARE_TAU_S)
        heater = self.heaters.get(site or "")
        if heater is not None:
            labware.body.follow(heater, self.now(), tau_s=tau_s)
        else:
            labware.body.aim(self.warmth.get(site or "", self.air.temperature_c), self.now(), tau_s=tau_s)

    def _require_open(self, site: str) -> None:
        if site in self.closed:
            raise PhysicalError(f"{site} is closed")

    def _require_free(self, site: str) -> None:
        self._require_open(site)
        if site in self.at:
            raise PhysicalError(f"{self.at[site]} stands on {site} already")

    def mass_g(self, labware: Labware) -> float:
        """Mass of labware with all that is in it, g."""
        temperature_c = labware.body.at(self.now())
        held = sum(liquid_g(self.vessel(labware, well), temperature_c) for well in labware.vessels)
        return empty_g(labware.kind) * (1 + EMPTY_SD * self.rng(f"mass/{labware.name}").gauss(0.0, 1.0)) + held

    # Liquids

    def fill(self, labware: str, well: str, volume_ul: float, species: Mapping[str, float]) -> None:
        """Bring liquid into the lab; `species` in mol/L."""
        for vessel in (self.vessel(self.labware[labware], well), self.brought):
            vessel.add(solution(volume_ul, species))
        self.touch(labware)

    def touch(self, labware: str) -> None:
        """What stands on the site of this labware has just changed."""
        self.touched_s |= {site: self.now() for site, name in self.at.items() if name == labware}

    def vessel(self, labware: Labware, well: str) -> Vessel:
        """What a well holds now: what reacted and evaporated up to this moment is taken account of first."""
        vessel = labware.vessels[well]
        now, before = self.now(), labware.seen_s.get(well)
        labware.seen_s[well] = now
        if before is None or now <= before or vessel.volume_ul <= 0:
            return vessel
        self.turnover.react(vessel.mol, vessel.volume_ul, labware.body, before, now)
        if not labware.sealed:
            shape = labware.kind.wells[well]
            headspace = shape.depth_mm - vessel.volume_ul / shape.area_mm2
            sides = open_sides(labware.kind.columns, well)

            def rate(liquid_c: float) -> float:
                return evaporation_mol_s(shape.area_mm2, headspace, liquid_c, self.air, sides)

            self.evaporated_ul += vessel.evaporate(labware.body.integral(rate, before, now))
        return vessel

    def discard(self, vessel: Vessel) -> None:
        """Into the waste."""
        self.waste.add(vessel)

    def imbalance(self, tips: Iterable[Vessel] = ()) -> dict[str, float]:
        """Relative mass balance: (brought in + made - there - gone) / (brought in or made), of volume and species.

        `tips` are what pipettes hold. Water that evaporated is gone; all else must be in a well or in the waste. What
        reactions made and used up is counted by their declared stoichiometry.
        """
        there = Vessel()
        for labware in self.labware.values():
            for vessel in labware.vessels.values():
                there.add(vessel)
        for vessel in (*tips, self.waste):
            there.add(vessel)
        there.volume_ul += self.evaporated_ul
        there.mol[WATER] = there.mol.get(WATER, 0.0) + self.evaporated_ul * WATER_MOL_PER_UL
        brought = {"volume": self.brought.volume_ul, **self.brought.mol}
        made = self.turnover.made()
        found = {"volume": there.volume_ul, **there.mol}
        return {
            name: (brought.get(name, 0.0) + made.get(name, 0.0) - found.get(name, 0.0)) / scale
            for name in brought.keys() | made.keys()
            if (scale := max(brought.get(name, 0.0), made.get(name, 0.0)))
        }
