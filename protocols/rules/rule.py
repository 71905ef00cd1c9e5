"""What a rule is: an identifier, its authority, how grave it is, and a pure function that looks."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from protocols.forecast import Forecast
from protocols.labview import LabView
from protocols.parse import Source
from protocols.problems import GRAVITY, Problem, Severity
from protocols.program import Program
from protocols.rules.trace import Trace


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a rule found; `severity` where it weighs otherwise than the rule does in general."""

    step: str
    message: str
    hint: str = ""
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """All that a rule may look at: the protocol, its program on a lab, and what happens on each way through it."""

    source: Source
    program: Program
    lab: LabView
    traces: tuple[Trace, ...]
    #: Material -> its substances by CAS number, in mol/L; None where nobody said how much.
    substances: Mapping[str, Mapping[str, float | None]]
    #: The predicted run on each way, where the lab tells times; and what the run takes of tips and liquids.
    forecasts: tuple[Forecast, ...] = ()
    stock: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; `citation` says where it comes from, or that it is ours."""

    id: str
    title: str
    severity: Severity
    citation: str
    look: Callable[[Case], Iterable[Finding]]

    def examine(self, case: Case) -> list[Problem]:
        """What it finds, as grave as the rule, the finding and the lab's policy say; a policy never makes it less."""
        least = case.lab.policy.rules.get(self.id, "warn")
        return [
            Problem(self.id, found.step, found.message, found.hint, graver(found.severity or self.severity, least))
            for found in dict.fromkeys(self.look(case))
        ]


def graver(one: Severity, other: Severity) -> Severity:
    """The graver of two."""
    return max(one, other, key=GRAVITY.index)
