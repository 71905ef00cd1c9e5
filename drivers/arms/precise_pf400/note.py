"""What the driver notes at the controller while it carries labware, so that another process can tell how far it came.

The controller stores 20 places for its clients and keeps them as long as it has power; this driver moves by
coordinates and needs none of them. The last two carry the note: place 20 the key of the command (two numbers of a hash
of the action's id) and how far it is, place 19 where the labware comes from. Pure.
"""

import hashlib
from dataclasses import dataclass
from enum import IntEnum

from drivers.arms.precise_pf400 import wire

NOTE, SOURCE = 20, 19
#: Numbers that TCS writes and reads without loss: whole, below a million.
_MODULUS = 999_983
Numbers = tuple[float, float, float]


class Phase(IntEnum):
    """How far a move is; each is noted before what it names begins."""

    NONE = 0
    BEGUN = 1
    GRIPPING = 2  # from closing the fingers at the source on
    RELEASING = 3  # from opening them at the destination on
    DONE = 4
    RETURNED = 5  # the labware was put back to its source


@dataclass(frozen=True, slots=True)
class Note:
    """One note; `key` is (0, 0) at a controller that has none."""

    key: tuple[float, float]
    phase: Phase

    @property
    def is_blank(self) -> bool:
        """Whether nothing was noted since the controller has power."""
        return self.key == (0.0, 0.0)

    def write(self) -> str:
        """The command that stores the note."""
        return store(NOTE, (*self.key, float(self.phase)))


def key(action: str) -> tuple[float, float]:
    """The key of an action's id; two ids share one by chance once in 10^12.

    >>> key("r/1") == key("r/1"), key("r/1") == key("r/2"), min(key("")) >= 1
    (True, False, True)
    """
    digest = hashlib.sha256(action.encode()).digest()
    first, second = (int.from_bytes(digest[i : i + 8]) % _MODULUS + 1 for i in (0, 8))
    return float(first), float(second)


def store(place: int, numbers: Numbers) -> str:
    """The command that stores three numbers at a place, as x, y and z of a level pose."""
    return wire.command("locXyz", place, *numbers, 0, 90, 180)


def ask(place: int) -> str:
    """The command that asks for a place."""
    return wire.command("locXyz", place)


def stored(answer: str) -> Numbers:
    """The three numbers of an answer to `ask`; raises ValueError for another kind of place.

    >>> stored("0 20 12 345 4 0 90 180")
    (12.0, 345.0, 4.0)
    """
    kind, _, x, y, z, *_ = wire.numbers(answer)
    if kind != 0:
        raise ValueError(f"'{answer}' is no place in x, y and z")
    return x, y, z


def read(answer: str) -> Note:
    """The note of an answer to `ask(NOTE)`; what is no note of this driver is a blank one."""
    x, y, phase = stored(answer)
    return Note((x, y), Phase(int(phase))) if phase in tuple(Phase) else Note((0.0, 0.0), Phase.NONE)
