"""Whoever asks for something, with all that bounds it: the lab file's words, narrowed by the token that was shown."""

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from labfile.lab import Lab
from labfile.model import Budget, Hazard

Kind = Literal["person", "agent"]
HAZARDS: tuple[Hazard, ...] = ("low", "medium", "high")
#: What everyone whom the lab knows may do, unless a token is narrower.
READ = "read"


class Terms(BaseModel):
    """What a token narrows; what is left out is as the lab file says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scopes: frozenset[str] | None = Field(None, description="of what the principal may do, and `read`")
    hazard_ceiling: Hazard | None = None
    budget: Budget | None = None


@dataclass(frozen=True, slots=True)
class Principal:
    """A person or an agent of the lab file, as far as its token reaches. `may`: words of `lab.toml`, and `read`."""

    name: str
    kind: Kind
    may: frozenset[str]
    hazard_ceiling: Hazard
    budget: Budget
    token: str = ""  # public half of the token that was shown

    def told(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "name": self.name, "kind": self.kind, "may": sorted(self.may), "hazard_ceiling": self.hazard_ceiling,
            "budget": self.budget.model_dump(exclude_none=True), "token": self.token,
        }  # fmt: skip


def principal(lab: Lab, name: str, terms: Terms | None = None, token: str = "") -> Principal | None:
    """Who that is in this lab; None where the lab file does not know the name (any more)."""
    terms = terms or Terms()
    ceiling: Hazard
    if name in lab.people:
        kind: Kind = "person"
        may, ceiling, budget = frozenset[str](lab.people[name].may), "high", Budget()
    elif name in lab.agents:
        agent = lab.agents[name]
        kind, may, ceiling, budget = "agent", frozenset[str](agent.may), agent.hazard_ceiling, agent.budget
    else:
        return None
    may |= {READ}
    if terms.scopes is not None:
        may &= terms.scopes
    if terms.hazard_ceiling is not None:
        ceiling = min(ceiling, terms.hazard_ceiling, key=HAZARDS.index)
    return Principal(name, kind, may, ceiling, _narrower(budget, terms.budget), token)


def _narrower(one: Budget, other: Budget | None) -> Budget:
    """The smaller bound of each kind."""
    if other is None:
        return one
    bounds = {}
    for field in Budget.model_fields:
        known = [bound for bound in (getattr(one, field), getattr(other, field)) if bound is not None]
        bounds[field] = min(known, default=None)
    return Budget(**bounds)
