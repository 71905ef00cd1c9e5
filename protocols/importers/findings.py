"""What an import gives: a document, and all that it assumed or could not map."""

from dataclasses import dataclass, field
from typing import Any

from protocols.problems import Problem, ProtocolError

READ_MANY = 12  # numbers of commands that a finding lists before it only counts


@dataclass(frozen=True, slots=True)
class Imported:
    """A `lab-protocol/1` document as plain data, and the findings (all of them `warn`)."""

    document: dict[str, Any]
    problems: tuple[Problem, ...]


@dataclass(slots=True)
class Findings:
    """Gathers findings while an import goes on; `assumptions` are those that change what is done."""

    problems: list[Problem] = field(default_factory=list)
    assumptions: list[str] = field(default_factory=list)
    _details: dict[tuple[str, str], list[int]] = field(default_factory=dict)

    def note(self, rule: str, message: str, step: str = "", hint: str = "") -> None:
        """Something the reader should know."""
        self.problems.append(Problem(rule, step, message, hint, "warn"))

    def assume(self, rule: str, message: str, step: str = "", hint: str = "") -> None:
        """Something taken for granted; it is written into the document too. The same one is told once."""
        if message not in self.assumptions:
            self.assumptions.append(message)
            self.note(rule, message, step, hint)

    def detail(self, rule: str, message: str, command: int) -> None:
        """Something that many commands share: told once, with their numbers."""
        self._details.setdefault((rule, message), []).append(command)

    def close(self) -> tuple[Problem, ...]:
        """All findings, the shared ones last."""
        for (rule, message), numbers in self._details.items():
            self.note(rule, f"{_listed(numbers)}: {message}")
        self._details.clear()
        return tuple(self.problems)


def refused(rule: str, message: str, hint: str = "") -> ProtocolError:
    """The error for a file that cannot be imported."""
    return ProtocolError([Problem(rule, "", message, hint)])


def _listed(numbers: list[int]) -> str:
    shown = ", ".join(map(str, numbers[:READ_MANY]))
    rest = len(numbers) - READ_MANY
    return f"command{'s' if len(numbers) > 1 else ''} {shown}" + (f" and {rest} more" if rest > 0 else "")
