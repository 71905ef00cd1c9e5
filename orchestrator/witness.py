"""A balance as the witness of what a person did on its pan, where the person cannot be asked any more.

It can only prove that something was done: what does not show yet may still come, and would be done twice. What it
shows is told to whoever must say.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

from orchestrator.stand_ins import owner
from orchestrator.state.cell import RunState, is_site
from protocols.holds import arrives
from protocols.program import Action
from protocols.setup import WATER_G_UL

#: Labware weighs more than this, and an empty pan shows less, g. Ours: a light plate has 30 g.
LOADED_G = 1.0
#: How far a mass that a person weighs in may be from what was asked, as a part of it. Ours.
TOLERANCE = 0.1


@dataclass(frozen=True, slots=True)
class Witness:
    """A balance that shows at least `least_g` and at most `most_g` once the action is done."""

    balance: str
    least_g: float
    most_g: float

    def proves(self, mass_g: float) -> bool:
        """Whether the action was done."""
        return self.least_g <= mass_g <= self.most_g

    def evidence(self, mass_g: float) -> str:
        """What it shows, beside what it would show, for people."""
        wanted = f"from {self.least_g:.4g}" + (f" to {self.most_g:.4g} g" if self.most_g < inf else " g on")
        return f"{self.balance} shows {mass_g:.4g} g; what was to be done shows {wanted}"


def witness_of(run: RunState, action: Action, roles: Mapping[str, str]) -> Witness | None:
    """The balance that can prove an action of a person, if any: its pan is where it was done, and it shows 0 before."""
    pan = next((thing for thing in action.needs if is_site(thing) and roles.get(owner(thing)) == "Balance"), None)
    if pan is None or roles.get(action.device) != "Operator":
        return None
    balance = owner(pan)
    before = [a.verb for a in run.order.values() if a.device == balance and run.phase(a.id) == "done"]
    if arrives(action) == pan and before[-1:] == ["zero"]:
        return Witness(balance, LOADED_G, inf)
    if action.verb == "fill" and before[-1:] == ["tare"]:
        asked_g = sum(action.args["volumes_ul"].values()) * WATER_G_UL
        return Witness(balance, asked_g * (1 - TOLERANCE), asked_g * (1 + TOLERANCE))
    return None
