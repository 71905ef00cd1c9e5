"""Quantities as people write them ("20 uL", "37 degC") and as the code keeps them (a float and a named unit).

The set of units is closed: a word that is not in `UNITS` is an error with the nearest known word, never
an expression to evaluate. Factors are exact by definition of the SI prefixes and of minute, hour and day
(BIPM, The International System of Units, 9th ed.); `tests/drivers/core/test_units.py` checks every one
against pint. Suffixes in names tell the unit the code keeps: `_ul`, `_s`, `_c`, `_rpm`, `_nm`, `_mm`.
"""

import difflib
import math
import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationInfo, WithJsonSchema

# dimension -> (unit the code keeps, {written unit: factor to it})
DIMENSIONS: dict[str, tuple[str, dict[str, float]]] = {
    "volume": ("uL", {"nL": 1e-3, "uL": 1.0, "µL": 1.0, "μL": 1.0, "mL": 1e3, "L": 1e6}),
    "mass": ("g", {"ug": 1e-6, "µg": 1e-6, "μg": 1e-6, "mg": 1e-3, "g": 1.0, "kg": 1e3}),
    "time": ("s", {"ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}),
    "temperature": ("degC", {"degC": 1.0, "°C": 1.0, "K": 1.0}),
    "rotation": ("rpm", {"rpm": 1.0}),
    "length": ("mm", {"nm": 1e-6, "um": 1e-3, "µm": 1e-3, "mm": 1.0, "cm": 10.0, "m": 1e3}),
    "wavelength": ("nm", {"nm": 1.0, "um": 1e3}),
    "flow": ("uL/s", {"uL/s": 1.0, "µL/s": 1.0, "mL/s": 1e3, "uL/min": 1 / 60, "mL/min": 1e3 / 60}),
    "speed": ("mm/s", {"mm/s": 1.0, "cm/s": 10.0, "m/s": 1e3}),
    "concentration": (
        "mol/L",
        {
            "mol/L": 1.0,
            "mmol/L": 1e-3,
            "umol/L": 1e-6,
            "µmol/L": 1e-6,
            "nmol/L": 1e-9,
            "M": 1.0,
            "mM": 1e-3,
            "uM": 1e-6,
            "µM": 1e-6,
            "nM": 1e-9,
        },
    ),
    "mass_concentration": (
        "g/L",
        {"ng/mL": 1e-6, "ug/mL": 1e-3, "µg/mL": 1e-3, "mg/L": 1e-3, "g/L": 1.0, "mg/mL": 1.0, "g/mL": 1e3},
    ),
    "molar_absorptivity": ("L/mol/cm", {"L/mol/cm": 1.0, "1/M/cm": 1.0, "m^2/mol": 10.0}),
    "rate": ("1/s", {"1/s": 1.0, "1/min": 1 / 60, "1/h": 1 / 3600}),
    "second_order_rate": ("L/mol/s", {"L/mol/s": 1.0, "1/M/s": 1.0, "L/mol/min": 1 / 60}),
    "gas_flow": ("sccm", {"sccm": 1.0, "slm": 1e3}),
    "ramp": ("K/min", {"K/min": 1.0, "degC/min": 1.0, "°C/min": 1.0, "K/s": 60.0, "K/h": 1 / 60}),
    "acceleration": ("xg", {"xg": 1.0}),
    "angle": ("deg", {"deg": 1.0}),
    "angular_speed": ("deg/s", {"deg/s": 1.0}),
    "ratio": ("1", {"%": 0.01, "1": 1.0}),
}
_KELVIN_OFFSET = 273.15
_QUANTITY = re.compile(r"\s*([+-]?(?:\d++\.?\d*+|\.\d++)(?:[eE][+-]?\d++)?)\s*(\S.*?)\s*", re.ASCII)


#: Context of `model_validate` for what others wrote: there a number without a unit is no quantity.
FROM_OUTSIDE: Any = {"from": "outside"}


class UnitError(ValueError):
    """The text is not a quantity of the dimension asked for."""

    dimension: str = ""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value in the unit the code keeps for its dimension."""

    value: float
    dimension: str

    @property
    def unit(self) -> str:
        """The unit the code keeps, such as uL for a volume."""
        return DIMENSIONS[self.dimension][0]

    def __str__(self) -> str:
        return f"{self.value:g} {self.unit}"


def parse(text: object, dimension: str) -> float:
    """Read one quantity; returns its value in the unit the code keeps for `dimension`.

    >>> parse("0.2 mL", "volume")
    200.0
    >>> parse("310.15 K", "temperature")
    37.0
    >>> parse("20 min", "volume")
    Traceback (most recent call last):
    ...
    drivers.core.units.UnitError: '20 min' is a time; a volume is wanted, such as '20 uL'
    """
    try:
        return _read(text, dimension)
    except UnitError as error:
        error.dimension = dimension
        raise


def _read(text: object, dimension: str) -> float:
    kept, units = DIMENSIONS[dimension]
    example = f"such as '20 {kept}'" if kept != "1" else "such as '20 %'"
    if not isinstance(text, str):
        raise UnitError(f"{text!r} has no unit; write it as text with one, {example}")
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise UnitError(f"{text!r} is not a number with a unit, {example}")
    number, unit = float(match[1]), match[2]
    if not math.isfinite(number):
        raise UnitError(f"{text!r} is not finite")
    factor = units.get(unit)
    if factor is None:
        others = [name for name, (_, table) in DIMENSIONS.items() if unit in table]
        if others:
            raise UnitError(f"{text!r} is {named(others[0])}; {named(dimension)} is wanted, {example}")
        near = difflib.get_close_matches(unit, units, 1, 0.5) or [kept]
        raise UnitError(f"{text!r}: unknown unit '{unit}' for a {dimension} - did you mean '{near[0]}'?")
    if unit == "K":
        return round(number - _KELVIN_OFFSET, 9)
    return number * factor


def named(dimension: str) -> str:
    """A dimension in words.

    >>> named("angle"), named("gas_flow")
    ('an angle', 'a gas flow')
    """
    return f"{'an' if dimension[0] in 'aeiou' else 'a'} {dimension.replace('_', ' ')}"


def render(value: float, dimension: str) -> str:
    """Write a kept value so that `parse` gives it back.

    >>> render(37.0, "temperature")
    '37 degC'
    """
    kept = DIMENSIONS[dimension][0]
    number = repr(value).removesuffix(".0")
    return f"{number} {kept}" if kept != "1" else f"{number} 1"


def _field(dimension: str, *, low: float | None = None, strict: bool = False) -> Any:
    """A pydantic field type for a quantity in text; `low` is its least value (excluded when `strict`).

    Where our own code makes a model it may give the number itself; in a document (`context=FROM_OUTSIDE`) it may not.
    """

    def read(value: object, info: ValidationInfo) -> float:
        ours = isinstance(value, float) and info.context is not FROM_OUTSIDE
        number = value if ours and isinstance(value, float) else parse(value, dimension)
        if low is not None and (number < low or (strict and number == low)):
            kept = DIMENSIONS[dimension][0]
            error = UnitError(f"{value!r} must be {'more than' if strict else 'at least'} {low:g} {kept}")
            error.dimension = dimension
            raise error
        return number

    return Annotated[float, BeforeValidator(read), WithJsonSchema({"type": "string", "format": dimension})]


def _any_field(*dimensions: str) -> Any:
    """A pydantic field type for a `Quantity` of one of some dimensions: which of them, its text says."""

    def read(value: object) -> Quantity:
        if isinstance(value, Quantity):
            return value
        for dimension in dimensions:
            try:
                return Quantity(parse(value, dimension), dimension)
            except UnitError as error:
                if dimension == dimensions[0]:
                    first = error
        others = " or ".join(f"'20 {DIMENSIONS[dimension][0]}'" for dimension in dimensions[1:])
        more = UnitError(f"{first} (or {others})")
        more.dimension = dimensions[0]
        raise more

    return Annotated[Quantity, BeforeValidator(read), WithJsonSchema({"type": "string", "format": "place"})]


VolumeUl = _field("volume", low=0, strict=True)
MassG = _field("mass", low=0, strict=True)
DurationS = _field("time", low=0)
TemperatureC = _field("temperature", low=-_KELVIN_OFFSET)
SpeedRpm = _field("rotation", low=0, strict=True)
WavelengthNm = _field("wavelength", low=0, strict=True)
LengthMm = _field("length")
#: Where an axis goes, in its own unit.
Place = _any_field("length", "angle", "temperature")
FlowUlS = _field("flow", low=0, strict=True)
ConcentrationM = _field("concentration", low=0)
GasFlowSccm = _field("gas_flow", low=0, strict=True)
RampCMin = _field("ramp", low=0, strict=True)
AccelerationG = _field("acceleration", low=0, strict=True)
