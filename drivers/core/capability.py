"""What a driver offers beside the verbs of its role: declared, so that protocols can be checked against it unseen."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from drivers.core.limits import Range
from drivers.core.units import UnitError, parse

#: The dimension of an argument that is a plain number.
NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument: a quantity or a number in a range, or one of a few words. `key` is what the verb calls it."""

    key: str
    allowed: Range | tuple[str, ...]
    default: float | str | None = None  # None: it must be given

    def read(self, said: object) -> float | str:
        """What an author wrote, in the unit the code keeps; raises `UnitError` with what is allowed."""
        if isinstance(self.allowed, tuple):
            if said in self.allowed:
                return str(said)
            raise UnitError(f"{str(said)[:40]!r} is none of {', '.join(self.allowed)}")
        value = _number(said) if self.allowed.dimension == NUMBER else parse(said, self.allowed.dimension)
        if not self.allowed.low <= value <= self.allowed.high:
            raise UnitError(f"{str(said)[:40]!r} is outside {self}")
        return value

    def __str__(self) -> str:
        if isinstance(self.allowed, tuple):
            return " or ".join(self.allowed)
        return f"{self.allowed.low:g} to {self.allowed.high:g} {self.unit}".rstrip()

    @property
    def unit(self) -> str:
        """The unit of a quantity; empty for a number and for words."""
        plain = isinstance(self.allowed, tuple) or self.allowed.dimension == NUMBER
        return "" if plain else self.allowed.unit  # type: ignore[union-attr]


@dataclass(frozen=True, slots=True)
class Capability:
    """A verb that no role has, by the name of the driver's method.

    `harmless`: it only looks, or repeating it changes nothing; what is not needs a person's approval (rule CALL-004).
    `empty`: places of the device on which nothing may stand meanwhile, without the device's name.
    """

    what: str
    harmless: bool
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    empty: tuple[str, ...] = ()

    def __str__(self) -> str:
        told = ", ".join(f"{name}: {argument}" for name, argument in self.arguments.items())
        return f"{self.what}{f' ({told})' if told else ''}"


def _number(said: object) -> float:
    if isinstance(said, bool) or not isinstance(said, int | float):
        raise UnitError(f"{str(said)[:40]!r} is not a number")
    return float(said)
