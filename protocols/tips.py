"""Which tip is next: racks in order, columns first, whole columns for an 8-channel pipette."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from drivers.core.labware import LabwareKind
from drivers.core.pipettes import Pipette, Tips


def tip_volume(pipette: Pipette, volume_ul: float) -> float:
    """What one use of the pipette carries, with the tips that it takes for a volume, uL."""
    return min(pipette.max_ul, *(tips.carries_ul for tips in pipette.tips_for(volume_ul)[:1]))


@dataclass(slots=True)
class TipStore:
    """The racks of one program and what is left in them."""

    racks: dict[str, LabwareKind] = field(default_factory=dict)
    left: dict[str, set[str]] = field(default_factory=dict)

    def add(self, name: str, rack: LabwareKind) -> None:
        """A full rack."""
        self.racks[name], self.left[name] = rack, set(rack.wells)

    def take(self, name: str, well: str, nozzles: int) -> None:
        """Mark tips as used that the author names."""
        if name in self.racks:
            self.left[name] -= set(self.racks[name].covered(well, nozzles))

    def next(self, fitting: Sequence[Tips], nozzles: int) -> tuple[str, str] | None:
        """Rack and well of the next tip(s) of these kinds, the first kind first; None when there are none."""
        for tips in fitting:
            for name, rack in self.racks.items():
                if rack.tip_capacity_ul != tips.holds_ul:
                    continue
                for column in rack.columns:
                    for well in column:
                        wells = rack.covered(well, nozzles)
                        if wells and set(wells) <= self.left[name]:
                            self.left[name] -= set(wells)
                            return name, well
        return None
