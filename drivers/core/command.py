"""What is said to an instrument and what it says: plain data, without the libraries that drive one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Command:
    """One verb with its arguments; `action` is the id under which it is journalled, once and for all.

    Devices keep it as the key of a command, so it must be one that no other command, of any run, ever has.
    """

    action: str
    verb: str
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """What an instrument measured: one value, or one value per well."""

    quantity: str
    unit: str
    value: float | None = None
    wells: Mapping[str, float] | None = None


Readings = tuple[Reading, ...]


@dataclass(frozen=True, slots=True)
class Identity:
    """Who an instrument says that it is, on its wire; empty where it does not tell."""

    serial: str = ""
    firmware: str = ""


@dataclass(frozen=True, slots=True)
class Recall:
    """What became of a command, by the device itself. `evidence` is what the device showed, in words for people.

    `done` and `not_done` (nothing of it happened) stand on evidence only; everything else, a command that failed
    half-way included, is `unknown`. `readings` are those of a command that was done, where the device kept them.
    """

    state: Literal["done", "not_done", "unknown"]
    evidence: str
    readings: Readings = ()
