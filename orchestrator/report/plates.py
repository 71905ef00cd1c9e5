"""Maps of plates: what the lab believes is in the wells, and what was read there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.report.figures import PALETTE, blend, number
from orchestrator.result import Result
from protocols.check import Checked
from protocols.ledger import kind_of

PITCH, MARGIN = 34, 26
_PALE, _DEEP = (240, 246, 252), (8, 64, 129)


@dataclass(frozen=True, slots=True)
class Spot:
    """One well of a map."""

    x: float
    y: float
    radius: float
    colour: str
    title: str
    text: str
    dark: bool


@dataclass(frozen=True, slots=True)
class PlateMap:
    """One map with its headings and what its colours mean."""

    title: str
    caption: str
    width: float
    height: float
    columns: tuple[tuple[str, float], ...]
    rows: tuple[tuple[str, float], ...]
    spots: tuple[Spot, ...]
    legend: tuple[tuple[str, str], ...]


def plates(checked: Checked, result: Result) -> list[PlateMap]:
    """For every plate that holds something: its contents, and a map of each reading taken of it."""
    maps: list[PlateMap] = []
    program = checked.program
    if program is None:
        return maps
    for name, item in result.end_state["labware"].items():
        kind = kind_of(program.labware[name])
        if kind.is_tip_rack or len(kind.wells) < 6 or len(kind.columns[0]) == 1 or not item["wells"]:
            continue
        label = checked.source.protocol.labware[name].name if name in checked.source.protocol.labware else None
        maps.append(_contents(label or name, kind.columns, item["wells"]))
        for reading in _readings_of(checked, result, name):
            caption = f"Step {reading['step']}, {reading['device']}."
            maps.append(values_map(f"{label or name}: {reading['quantity']}", caption, kind.columns, reading["wells"]))
    return maps


def _readings_of(checked: Checked, result: Result, labware: str) -> list[dict[str, Any]]:
    steps = {step.id for step in checked.source.protocol.steps if getattr(step, "labware", None) == labware}
    return [reading for reading in result.readings if "wells" in reading and reading["step"] in steps]


def _contents(title: str, columns: tuple[tuple[str, ...], ...], wells: Mapping[str, Any]) -> PlateMap:
    """Colour by the solute there is most of for its most; size by volume."""
    species = sorted({name for well in wells.values() for name in well["species_mol"]} - {"water"})
    colours = dict(zip(species, PALETTE, strict=False))
    most = {name: max(well["species_mol"].get(name, 0.0) for well in wells.values()) for name in species}
    fullest = max(well["volume_ul"] for well in wells.values()) or 1.0

    def spot(well: str) -> tuple[str, str, str, float]:
        held = wells.get(well)
        if held is None or not held["volume_ul"]:
            return "none", f"{well}: empty", "", 1.0
        shares = {name: held["species_mol"].get(name, 0.0) / most[name] for name in species if most[name]}
        top = max(shares, key=lambda name: shares[name], default=None)
        colour = "#b9d9ee"
        if top is not None and shares[top] > 0:
            deep = colours.get(top, PALETTE[0])
            rgb = (int(deep[1:3], 16), int(deep[3:5], 16), int(deep[5:7], 16))
            colour = blend(0.15 + 0.85 * shares[top], (255, 255, 255), rgb)
        amounts = ", ".join(f"{n} {held['species_mol'][n] * 1e9:.3g} nmol" for n in species if n in held["species_mol"])
        title = f"{well}: {number(held['volume_ul'])} uL" + (f"; {amounts}" if amounts else "")
        return colour, title, "", 0.45 + 0.55 * (held["volume_ul"] / fullest) ** 0.5

    legend = (*((name, colours.get(name, PALETTE[0])) for name in species), ("water or unnamed", "#b9d9ee"))
    caption = f"What the lab believes at the end. Area: volume (largest {number(fullest)} uL). Colour: the solute."
    return _map(title, caption, columns, spot, legend)


def values_map(title: str, caption: str, columns: tuple[tuple[str, ...], ...], values: Mapping[str, float]) -> PlateMap:
    """What was read of each well, by colour; `columns`: the plate's wells, column by column."""
    low, high = min(values.values()), max(values.values())
    digits = len(columns) <= 12

    def spot(well: str) -> tuple[str, str, str, float]:
        if well not in values:
            return "none", f"{well}: not read", "", 1.0
        share = (values[well] - low) / (high - low or 1.0)
        return blend(share, _PALE, _DEEP), f"{well}: {values[well]:.4f}", f"{values[well]:.2f}" if digits else "", 1.0

    legend = ((f"{low:.3f}", blend(0, _PALE, _DEEP)), (f"{high:.3f}", blend(1, _PALE, _DEEP)))
    return _map(title, caption, columns, spot, legend)


def _map(title: str, caption: str, columns: Any, spot: Any, legend: Any) -> PlateMap:
    pitch = PITCH if len(columns) <= 12 else PITCH / 2
    spots = []
    for i, column in enumerate(columns):
        for j, well in enumerate(column):
            colour, told, text, size = spot(well)
            x, y = MARGIN + (i + 0.5) * pitch, MARGIN + (j + 0.5) * pitch
            dark = colour.startswith("#") and sum(int(colour[k : k + 2], 16) for k in (1, 3, 5)) < 330
            spots.append(Spot(x, y, round(size * pitch * 0.46, 2), colour, told, text, dark))
    heads = tuple(
        (column[0].lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), MARGIN + (i + 0.5) * pitch) for i, column in enumerate(columns)
    )
    rows = tuple((well.rstrip("0123456789"), MARGIN + (j + 0.5) * pitch) for j, well in enumerate(columns[0]))
    width, height = MARGIN + len(columns) * pitch + 4, MARGIN + len(columns[0]) * pitch + 4
    return PlateMap(title, caption, width, height, heads, rows, tuple(spots), tuple(legend))
