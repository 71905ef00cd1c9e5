"""What is wrong with a lab file: where, what, and how to mend it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from labfile.lines import KeyPath, dotted


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake at a key, before its line is known; never holds a value from the file."""

    path: KeyPath
    message: str
    hint: str = ""
    #: For an unknown key: the key that was probably meant. That one is then not called missing as well.
    meant: KeyPath | None = None
    #: True when the key at `path` should be there and is not.
    absent: bool = False

    @classmethod
    def said(cls, path: KeyPath, text: str) -> "Fault":
        """A fault from a text of the form `message - hint`, as validators give it."""
        message, _, hint = text.partition(" - ")
        return cls(path, message, hint)


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake as people and `lab check --json` see it; line 0 is the file as a whole."""

    file: str
    line: int
    path: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        what = f"{self.path}: {self.message}" if self.path else self.message
        return f"{where}: {what}" + (f" - {self.hint}" if self.hint else "")


class LabFileError(Exception):
    """A lab file cannot be used; `problems` holds every reason, in the order of the lines."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def located(faults: Iterable[Fault], file: str, lines: Mapping[KeyPath, int]) -> list[Problem]:
    """The faults as problems with their lines, each once, in the order of the lines.

    A key that is absent stands on the line of the table it belongs to.
    """
    all_faults = list(faults)
    meant = {fault.meant for fault in all_faults}
    problems = {
        Problem(file, _line(fault.path, lines), dotted(fault.path), fault.message, fault.hint)
        for fault in all_faults
        if not (fault.absent and fault.path in meant)
    }
    return sorted(problems, key=lambda problem: (problem.line, problem.path, problem.message))


def _line(path: KeyPath, lines: Mapping[KeyPath, int]) -> int:
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)
