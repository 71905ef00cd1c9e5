"""The steps of our document, grown one act at a time."""

from dataclasses import dataclass, field
from typing import Any

from drivers.core.units import render
from protocols.importers.opentrons.pipettes import Alias


@dataclass(slots=True)
class Steps:
    """A `pipette` step goes on until another kind of step, another pipette, or the drop of its tip."""

    done: list[dict[str, Any]] = field(default_factory=list)
    _open: str | None = None  # name of the pipette whose step goes on

    def act(self, pipette: Alias, act: str, **keys: Any) -> str:
        """Add one pipette move; returns the id of its step."""
        if self._open != pipette.name:
            channels = {"channels": pipette.nozzles} if pipette.nozzles > 1 else {}
            self.add("pipette", pipette.name, pipette=pipette.name, **channels, moves=[])
            self._open = pipette.name
        step = self.done[-1]
        step["moves"].append({"act": act, **keys})
        if act == "drop":
            self._open = None
        return str(step["id"])

    def add(self, do: str, label: str, **keys: Any) -> str:
        """Add one step of another kind; returns its id."""
        self._open = None
        name = f"s{len(self.done) + 1:03}_{label}"
        self.done.append({"id": name, "do": do, **keys})
        return name

    def ask(self, message: str) -> str:
        """Add a task for a person; a very long one is cut."""
        return self.add("operator", "operator", message=message if len(message) <= 2000 else message[:1997] + "...")


def quantity(value: float, dimension: str) -> str:
    """A number as text with its unit, without the noise of the last bits."""
    return render(round(value, 9), dimension)
