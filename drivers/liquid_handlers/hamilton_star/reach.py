"""Where the nozzles of a mount go, and how the firmware is told: pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from drivers.core.labware import LabwareKind
from drivers.liquid_handlers.hamilton_star.deck import TRAVERSE_MM, WASTE96_MM, WASTE_X_MM, WASTE_Z_MM, Deck

CHANNELS, PITCH_MM = 8, 9.0
#: Over the waste the backmost channel throws off here, the others in front of it.
WASTE_Y_MM = 380.0
#: Mount -> the pipette that is always there, and its channels, the first the backmost; the head has none.
PIPETTE, EIGHT, HEAD = "star_channel_1000", "star_channels8_1000", "star_head96_1000"
MOUNTS: Mapping[str, tuple[str, tuple[int, ...]]] = {
    **{f"channel{n + 1}": (PIPETTE, (n,)) for n in range(CHANNELS)},
    "channels": (EIGHT, tuple(range(CHANNELS))),
    "head96": (HEAD, ()),
}


@dataclass(frozen=True, slots=True)
class Reach:
    """One command of several channels: a place for each; heights are those of the bottoms, mm."""

    channels: tuple[int, ...]
    places: tuple[tuple[float, float, float], ...]
    depth_mm: float = 0.0
    area_mm2: float = 1.0

    @property
    def pattern(self) -> list[bool]:
        """Which channels, as the firmware wants it: up to the last one."""
        return [n in self.channels for n in range(max(self.channels) + 1)]

    @property
    def xs(self) -> list[int]:
        """0.1 mm, 0 for those that are left out."""
        return self._spread(0)

    @property
    def ys(self) -> list[int]:
        """0.1 mm, 0 for those that are left out."""
        return self._spread(1)

    def _spread(self, axis: int) -> list[int]:
        found = dict(zip(self.channels, self.places, strict=True))
        return [tenths(found[n][axis]) if n in found else 0 for n in range(max(self.channels) + 1)]

    @property
    def bottom_mm(self) -> float:
        """The highest bottom."""
        return max(z for *_, z in self.places)


def wells(deck: Deck, site: str, kind: LabwareKind, names: tuple[str, ...], channels: tuple[int, ...]) -> Reach:
    """Each channel over its well; where several share one they stand in a row over its middle."""
    places = []
    for number, name in enumerate(names):
        x, y, z = deck.well(site, kind, name)
        same = [n for n, other in enumerate(names) if other == name]
        places.append((x, y + PITCH_MM * ((len(same) - 1) / 2 - same.index(number)), z))
    shape = kind.wells[names[0]]
    return Reach(channels, tuple(places), shape.depth_mm, shape.area_mm2)


def waste(channels: tuple[int, ...]) -> Reach:
    """Over the waste of the channels."""
    return Reach(channels, tuple((WASTE_X_MM, WASTE_Y_MM - PITCH_MM * n, WASTE_Z_MM) for n in channels))


def head(x_mm: float, y_mm: float) -> dict[str, int]:
    """Where nozzle A1 of the head goes."""
    return {"x_position": abs(tenths(x_mm)), "x_direction": int(x_mm < 0), "y_position": tenths(y_mm)}


def head_heights() -> dict[str, int]:
    """Up before it goes and when it is done."""
    up = tenths(TRAVERSE_MM)
    return {"minimum_traverse_height_at_beginning_of_a_command": up, "minimum_height_command_end": up}


def over_waste96() -> dict[str, int]:
    """Over the waste of the head."""
    x, y, z = WASTE96_MM
    return {**head(x, y), "z_deposit_position": tenths(z)}


def tenths(value: float) -> int:
    """The firmware's unit: 0.1 mm, 0.1 uL, 0.1 s."""
    return round(value * 10)
