"""Which tip is next: racks in order, columns first, whole columns for an 8-channel pipette."""

from dataclasses import dataclass, field

from drivers.core.labware import LabwareKind, Pipette, kind

#: Tip sizes (uL) that fit a pipette, best first (Opentrons: GEN1 and GEN2 take these racks, Flex its own).
_SIZES: dict[str, tuple[float, ...]] = {
    "p10": (10, 20), "p20": (20, 10), "p50": (300, 200), "p300": (300, 200), "p1000": (1000,),
}  # fmt: skip
_FLEX_SIZES = (1000.0, 200.0, 50.0)


def sizes(pipette: Pipette) -> tuple[float, ...]:
    """Tip capacities that fit, in uL."""
    if "flex" in pipette.name or pipette.channels == 96:
        return tuple(size for size in _FLEX_SIZES if size >= min(pipette.max_ul, 1000.0) or size == 50)
    return _SIZES[pipette.name.split("_")[0]]


def standard_rack(pipette: Pipette) -> str:
    """The common name of the rack to add when the author declares none."""
    return f"tips_{sizes(pipette)[0]:g}"


def tip_volume(pipette: Pipette) -> float:
    """What one use of the pipette with its standard tip can carry, uL."""
    return min(pipette.max_ul, kind(standard_rack(pipette)).tip_capacity_ul)


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

    def next(self, pipette: Pipette, nozzles: int) -> tuple[str, str] | None:
        """Rack and well of the next tip(s) that fit; None when there are none."""
        for size in sizes(pipette):
            for name, rack in self.racks.items():
                if rack.tip_capacity_ul != size:
                    continue
                for column in rack.columns:
                    for well in column:
                        wells = rack.covered(well, nozzles)
                        if wells and set(wells) <= self.left[name]:
                            self.left[name] -= set(wells)
                            return name, well
        return None
