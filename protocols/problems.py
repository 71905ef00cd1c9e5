"""What is wrong with a protocol: which rule, which step, what, and how to mend it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["block", "approve", "warn"]
#: From the mildest to the gravest.
GRAVITY: tuple[Severity, ...] = ("warn", "approve", "block")


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding: `block` forbids the run, `approve` asks for a person's approval first, `warn` is for the reader."""

    rule: str
    step: str
    message: str
    hint: str = ""
    severity: Severity = "block"

    def __str__(self) -> str:
        where = f"step {self.step}: " if self.step else ""
        return f"{where}{self.rule} ({self.severity}) {self.message}" + (f"\n  {self.hint}" if self.hint else "")


class ProtocolError(Exception):
    """A protocol that cannot be run; carries every problem found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def blocking(problems: Iterable[Problem]) -> list[Problem]:
    """Those that forbid the run."""
    return [problem for problem in problems if problem.severity == "block"]
