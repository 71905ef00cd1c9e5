"""Labware and pipettes as data: geometry, capacities and ranges.

Source of every number: the definitions of the package `opentrons-shared-data` (labware schema 2, pipette
name specs 1), and definitions of the same schema that an imported protocol carries.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from drivers.core.pipettes import Pipette, Tips
from drivers.core.vessels import VESSELS
from drivers.core.vessels import definition as vessel_definition

_DATA = files("opentrons_shared_data").joinpath("data")

#: Names that say what a thing is; the maker's load name follows. Any load name of the library works as well.
COMMON_KINDS: dict[str, str] = {
    "plate_96_flat": "corning_96_wellplate_360ul_flat",
    "plate_96_pcr": "biorad_96_wellplate_200ul_pcr",
    "plate_96_deep": "nest_96_wellplate_2ml_deep",
    "plate_384_flat": "corning_384_wellplate_112ul_flat",
    "plate_24_flat": "corning_24_wellplate_3.4ml_flat",
    "plate_6_flat": "corning_6_wellplate_16.8ml_flat",
    "reservoir_12": "nest_12_reservoir_15ml",
    "reservoir_1": "nest_1_reservoir_195ml",
    "tubes_24": "opentrons_24_tuberack_nest_2ml_snapcap",
    "tips_10": "opentrons_96_tiprack_10ul",
    "tips_20": "opentrons_96_tiprack_20ul",
    "tips_300": "opentrons_96_tiprack_300ul",
    "tips_1000": "opentrons_96_tiprack_1000ul",
    "trash": "opentrons_1_trash_1100ml_fixed",
}


class UnknownLabware(KeyError):
    """No labware definition of that name."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True, slots=True)
class Well:
    """One well: what it holds (uL), how deep it is (mm), and its inner cross-section (mm2)."""

    capacity_ul: float
    depth_mm: float
    area_mm2: float


@dataclass(frozen=True, slots=True)
class LabwareKind:
    """One kind of labware; `columns` lists the wells column by column, top to bottom."""

    load_name: str
    display_name: str
    wells: Mapping[str, Well]
    columns: tuple[tuple[str, ...], ...]
    is_tip_rack: bool
    is_trash: bool
    definition: Mapping[str, Any] = field(repr=False, compare=False)

    @property
    def tip_capacity_ul(self) -> float:
        """What one tip of this rack holds."""
        return next(iter(self.wells.values())).capacity_ul

    @property
    def first_well(self) -> str:
        """The first well of the first column, such as A1; empty where there is none."""
        return self.columns[0][0] if self.columns else ""

    @property
    def height_mm(self) -> float:
        """Outer height."""
        return float(self.definition["dimensions"]["zDimension"])

    def covered(self, well: str, channels: int) -> tuple[str, ...]:
        """The wells that the nozzles of a pipette reach when its first nozzle is at `well`, one entry a nozzle.

        Nozzles are 9 mm apart: on 384 wells an 8-channel pipette takes every second row; in a trough all
        nozzles meet in one well. Empty where the nozzles do not fit.

        >>> kind("plate_96_flat").covered("A2", 8)
        ('A2', 'B2', 'C2', 'D2', 'E2', 'F2', 'G2', 'H2')
        >>> kind("plate_384_flat").covered("B1", 8)[:3]
        ('B1', 'D1', 'F1')
        >>> kind("reservoir_12").covered("A3", 8).count("A3")
        8
        >>> kind("plate_96_flat").covered("B1", 8)
        ()
        >>> kind("tips_300").covered("F1", 3)  # with tips on the first three of eight
        ('F1', 'G1', 'H1')
        """
        if channels == 1:
            return (well,) if well in self.wells else ()
        column_index = next((i for i, column in enumerate(self.columns) if well in column), None)
        if column_index is None:
            return ()
        if self.is_trash:
            return (well,) * channels
        row_index = self.columns[column_index].index(well)
        rows = self._spread(self.columns[column_index], row_index, min(channels, 8), 8)
        columns = (
            self._spread(self.columns, column_index, channels // 8, channels // 8)
            if channels > 8
            else (self.columns[column_index],)
        )
        if not rows or not columns:
            return ()
        indices = [self.columns[column_index].index(row) for row in rows]
        return tuple(column[i] for column in columns for i in indices)

    @staticmethod
    def _spread(line: Any, start: int, nozzles: int, full: int) -> tuple[Any, ...]:
        """The places of `line` that `nozzles` of `full` in a row reach from `start`; a single long place takes all."""
        if len(line) == 1:
            return (line[0],) * nozzles
        step, rest = divmod(len(line), full)
        if rest or step == 0 or start + (nozzles - 1) * step >= len(line):
            return ()
        return tuple(line[start + i * step] for i in range(nozzles))


def from_definition(definition: Mapping[str, Any]) -> LabwareKind:
    """A kind from an Opentrons labware definition (schema 2); raises `UnknownLabware` naming what it lacks."""
    try:
        parameters = definition["parameters"]
        wells = {name: _well(spec) for name, spec in definition["wells"].items()}
        listed = [name for column in definition["ordering"] for name in column]
        if sorted(listed) != sorted(wells) or (parameters["isTiprack"] and not wells):
            raise ValueError("ordering")
        float(definition["dimensions"]["zDimension"])
        return LabwareKind(
            load_name=_text(parameters["loadName"]),
            display_name=_text(definition["metadata"]["displayName"]),
            wells=wells,
            columns=tuple(tuple(column) for column in definition["ordering"]),
            is_tip_rack=bool(parameters["isTiprack"]),
            is_trash=definition["metadata"].get("displayCategory") == "trash",
            definition=definition,
        )
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise UnknownLabware(f"the labware definition is not of schema 2: {error!r} is missing or wrong") from error


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


def _well(spec: Mapping[str, Any]) -> Well:
    if spec["shape"] == "circular":
        area = math.pi * (spec["diameter"] / 2) ** 2
    else:
        area = spec["xDimension"] * spec["yDimension"]
    return Well(float(spec["totalLiquidVolume"]), float(spec["depth"]), float(area))


@cache
def kind(name: str) -> LabwareKind:
    """A kind by its common name or load name, newest version; raises `UnknownLabware` with the nearest names."""
    if name in VESSELS:
        return from_definition(vessel_definition(name))
    load_name = COMMON_KINDS.get(name, name)
    folder = _DATA.joinpath("labware/definitions/2", load_name)
    if load_name not in library():
        import difflib

        near = difflib.get_close_matches(name, [*COMMON_KINDS, *VESSELS, *library()], 3, 0.5)
        raise UnknownLabware(
            f"no kind of labware '{name}'" + (f" - did you mean {' or '.join(repr(n) for n in near)}?" if near else "")
        )
    newest = max(folder.iterdir(), key=lambda file: int(file.name.removesuffix(".json")))
    return from_definition(json.loads(newest.read_text("utf-8")))


@cache
def library() -> frozenset[str]:
    """Every load name of the library."""
    return frozenset(entry.name for entry in _DATA.joinpath("labware/definitions/2").iterdir() if entry.is_dir())


#: Tips that fit a pipette of Opentrons, by its size; those of the Flex by theirs. Usual ones first.
_TIPS_UL: Mapping[str, tuple[float, ...]] = {
    "p10": (10, 20), "p20": (20, 10), "p50": (300, 200), "p300": (300, 200), "p1000": (1000,),
}  # fmt: skip
_FLEX_TIPS_UL: Mapping[str, tuple[float, ...]] = {"p50": (50,), "p200": (200, 50), "p1000": (1000, 200, 50)}


def _tips(name: str, channels: int) -> tuple[Tips, ...]:
    size = name.split("_")[0]
    if name.endswith("_flex") or channels == 96:
        return tuple(Tips(f"opentrons_flex_96_tiprack_{ul:g}ul", ul, ul) for ul in _FLEX_TIPS_UL[size])
    return tuple(Tips("opentrons_96_filtertiprack_200ul" if ul == 200 else f"tips_{ul:g}", ul, ul)
                 for ul in _TIPS_UL[size])  # fmt: skip


@cache
def pipettes() -> Mapping[str, Pipette]:
    """Every pipette model of Opentrons by name, such as `p300_single_gen2`."""
    specs = json.loads(_DATA.joinpath("pipette/definitions/1/pipetteNameSpecs.json").read_text("utf-8"))
    return {
        name: Pipette(
            name, spec["channels"], float(spec["minVolume"]), float(spec["maxVolume"]),
            float(spec["defaultAspirateFlowRate"]["value"]), float(spec["defaultDispenseFlowRate"]["value"]),
            _tips(name, spec["channels"]),
        )
        for name, spec in specs.items()
    }  # fmt: skip
