"""Substances that are refused, or that two persons have to approve: by CAS number (`controlled.csv` cites the lists).

A number that is not here is not free of control: the Convention's schedules and the national lists name families,
salts and isomers too, and other countries keep other lists.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Literal, cast

from protocols.chemistry.tables import rows


@dataclass(frozen=True, slots=True)
class Listing:
    """Where a substance is listed (`CWC-1`, `DEA-II`, `EXP-1`, ...), and what follows from it here."""

    cas: str
    name: str
    list: str
    level: Literal["block", "two_person"]


@cache
def listings() -> Mapping[str, Listing]:
    """All listed substances by CAS number."""
    return MappingProxyType(
        {
            row["cas"]: Listing(
                row["cas"], row["name"], row["list"], cast(Literal["block", "two_person"], row["level"])
            )
            for row in rows("controlled.csv")
        }
    )


def controlled(cas: str) -> Listing | None:
    """The listing of a substance, or None where none is known."""
    return listings().get(cas)
