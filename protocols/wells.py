"""Addresses of wells as people write them: `plate/A1`, `plate/A1:A12`, `plate/A1:H12`, `plate/A1,C3`."""

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

_WELL = re.compile(r"([A-Z]{1,2})([1-9][0-9]?)")


class AddressError(ValueError):
    """The text is not an address of wells."""


@dataclass(frozen=True, slots=True)
class Wells:
    """Some wells of one piece of labware, in order."""

    labware: str
    names: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.labware}/{','.join(self.names)}"


def row_number(letters: str) -> int:
    """Row of a well's letters, from 0: A is 0, Z is 25, AA is 26."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def row_letters(number: int) -> str:
    """The letters of a row; the inverse of `row_number`."""
    text = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(65 + rest) + text
    return text


def parse_wells(text: str) -> Wells:
    """Read an address; a rectangle runs down its columns, a single row from left to right.

    The last slash parts labware from wells, for the name of imported labware may hold slashes itself.

    >>> parse_wells("plate/A1:B2,D4").names
    ('A1', 'B1', 'A2', 'B2', 'D4')
    """
    labware, slash, rest = str(text).rpartition("/")
    if not slash or not labware or not rest:
        raise AddressError(f"{text!r} is not an address; write labware/well, such as plate/A1 or plate/A1:A12")
    names: list[str] = []
    for part in rest.split(","):
        names += _span(part.strip().upper(), text)
    if len(set(names)) < len(names):
        raise AddressError(f"{text!r} names a well twice")
    return Wells(labware.strip(), tuple(names))


def _span(part: str, text: str) -> list[str]:
    ends = [_WELL.fullmatch(end) for end in part.split(":")]
    first, last = ends[0], ends[-1]
    if len(ends) > 2 or first is None or last is None:
        raise AddressError(f"{text!r}: '{part}' is not a well or a range of wells, such as A1 or A1:H12")
    rows = range(row_number(first[1]), row_number(last[1]) + 1)
    columns = range(int(first[2]), int(last[2]) + 1)
    if not rows or not columns:
        raise AddressError(f"{text!r}: '{part}' runs backwards; write the upper left well first")
    return [f"{row_letters(row)}{column}" for column in columns for row in rows]


def _read(value: object) -> Wells:
    return value if isinstance(value, Wells) else parse_wells(str(value))


def _read_one(value: object) -> Wells:
    wells = _read(value)
    if len(wells.names) != 1:
        raise AddressError(f"{value!r} names {len(wells.names)} wells; one is wanted here")
    return wells


WellsField = Annotated[Wells, BeforeValidator(_read), WithJsonSchema({"type": "string", "format": "wells"})]
WellField = Annotated[Wells, BeforeValidator(_read_one), WithJsonSchema({"type": "string", "format": "well"})]
