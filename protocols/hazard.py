"""How dangerous a protocol is, by what the rules found: who may take it on alone, and how many must approve it."""

from collections.abc import Iterable
from typing import Literal

from protocols.problems import Problem

Hazard = Literal["low", "medium", "high"]
#: Rules whose findings, where a person may approve them at all, two people must approve: controlled substances, living
#: waste, and what reacts or must not be pooled. The choice is ours.
GRAVE = frozenset({"CHEM-001", "CHEM-003", "CHEM-006", "BIO-002"})


def hazard(problems: Iterable[Problem]) -> Hazard:
    """`low` where nothing asks for approval; `high` where a grave rule does.

    >>> hazard([Problem("CHEM-002", "fill", "nobody knows what it is", severity="approve")])
    'medium'
    """
    asking = {problem.rule for problem in problems if problem.severity == "approve"}
    return "high" if asking & GRAVE else "medium" if asking else "low"


def approvers(level: Hazard) -> int:
    """How many people must approve.

    >>> approvers("high")
    2
    """
    return 2 if level == "high" else 1
