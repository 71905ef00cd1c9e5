"""What a liquid handler pipettes with, as its driver declares it: models, mounts, tips, and where each kind of labware
may stand. What plans liquid steps reads this and knows no maker's names."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any


@dataclass(frozen=True, slots=True)
class Tips:
    """One kind of tips: the load name of their rack, what a tip carries and what it holds to its brim (uL)."""

    rack: str
    carries_ul: float
    holds_ul: float
    from_ul: float = 0.0  # less is better done with other tips
    exact: str = ""  # its name in `drivers.core.accuracy`, where that depends on the tip
    definition: Callable[[], Mapping[str, Any]] | None = None  # of a rack that the labware library does not know


@dataclass(frozen=True, slots=True)
class Pipette:
    """One model of pipette: nozzles, range of volumes (uL), default rates (uL/s), and its tips, usual ones first."""

    name: str
    channels: int
    min_ul: float
    max_ul: float
    aspirate_ul_s: float
    dispense_ul_s: float
    tips: tuple[Tips, ...] = ()

    def tips_for(self, volume_ul: float) -> list[Tips]:
        """Its tips, those first that are meant for a volume (0: any)."""
        return sorted(self.tips, key=lambda tips: not (not volume_ul or tips.from_ul <= volume_ul <= tips.carries_ul))

    def exact(self, tip_holds_ul: float) -> str:
        """The name of its exactness in `drivers.core.accuracy`, with a tip that holds so much."""
        return next((tips.exact for tips in self.tips if tips.holds_ul == tip_holds_ul and tips.exact), self.name)


@dataclass(frozen=True, slots=True)
class Pipetting:
    """The pipettes of one kind of liquid handler.

    `mounts` are those on which a person hangs one of `spare` (the first mount first), and which a lab file names by
    options of these names; `built_in` are mounts whose model is always there. `tip_sites` and `plate_sites` are where
    racks of tips and all other labware stand so that the pipettes reach them; empty where any site will do.
    """

    models: Mapping[str, Pipette]
    mounts: tuple[str, ...] = ()
    spare: tuple[str, ...] = ()
    built_in: Mapping[str, str] | None = None
    tip_sites: tuple[str, ...] = ()
    plate_sites: tuple[str, ...] = ()

    def hanging(self, options: object) -> dict[str, str]:
        """Mount -> model, as a lab file's options say."""
        named = {mount: name for mount in self.mounts if (name := getattr(options, mount, None))}
        return {**(self.built_in or {}), **named}

    def takes(self, site: str, *, tips: bool) -> bool:
        """Whether a rack of tips, or other labware, may stand on a site (without the device's name) for its use."""
        sites = self.tip_sites if tips else self.plate_sites
        return not sites or site in sites


@cache
def models() -> Mapping[str, Pipette]:
    """Every model that the driver of a liquid handler declares, by name."""
    from drivers.core.driver import installed

    found: dict[str, Pipette] = {}
    for driver in installed().values():
        told = driver.load_pipetting()
        found |= {} if told is None else told.models
    return found
