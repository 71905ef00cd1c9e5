"""How late actions were, by the journal: from when each could begin to its intent, and on to its end.

Meant for a lab in real time (speed 1) whose runs share nothing: an action could then begin when the last action that it
follows had ended. On a twin of another speed the clock stands still while the machine is busy, and hides every delay.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.state import records as r

#: Beside one another, and none waits for another: each has a device of its own, or none.
PROTOCOLS: dict[str, list[dict[str, Any]]] = {
    "sensor": [{"id": "look", "do": "measure", "kind": "environment"}, {"id": "rest", "do": "wait", "for": "150 ms"}],
    "clock": [{"id": "rest", "do": "wait", "for": "150 ms"}],
    "gas": [{"id": "puff", "do": "flow", "gas": "N2", "rate": "100 sccm", "for": "100 ms"}],
    "balance": [{"id": "weigh", "do": "measure", "kind": "mass", "labware": "plate"},
                {"id": "rest", "do": "wait", "for": "150 ms"}],
}  # fmt: skip
LABWARE = {"plate": {"type": "plate_96_flat"}}


def protocol(name: str, times: int) -> dict[str, Any]:
    """One of them, its steps so many times."""
    steps = PROTOCOLS[name]
    labware = LABWARE if any("labware" in step for step in steps) else {}
    return {
        "format": "lab-protocol/1", "name": name, "author": {"kind": "human", "name": "benchmarks"}, "labware": labware,
        "steps": [{"id": "again", "do": "repeat", "times": times, "steps": steps}],
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Delay:
    """One action; ms. `turn`: from when it could begin to its intent. `carry`: from there to its end, less its dry run."""

    ended: float  # s since 1970
    device: str
    turn: float
    carry: float

    @property
    def whole(self) -> float:
        """How much later than it could have been it ended."""
        return self.turn + self.carry


def delays(records: Iterable[r.Record]) -> list[Delay]:
    """Of every action that has ended and that follows another one."""
    actions: dict[tuple[str, str], Any] = {}
    predicted: dict[str, Mapping[str, float]] = {}
    begun: dict[tuple[str, str], float] = {}
    done: dict[tuple[str, str], float] = {}
    found = []
    for record in records:
        if isinstance(record, r.Submitted):
            predicted[record.run_id] = record.durations_s
            actions |= {(record.run_id, action.id): action for action in record.program.actions}
        elif isinstance(record, r.Begun):
            begun[record.run_id, record.action] = record.at
        elif isinstance(record, r.Done):
            key = record.run_id, record.action
            done[key] = record.at
            before = [done[record.run_id, name] for name in actions[key].after if (record.run_id, name) in done]
            if before:
                took = record.at - begun[key] - predicted[record.run_id].get(record.action, 0.0)
                found.append(Delay(record.at, actions[key].device, 1e3 * (begun[key] - max(before)), 1e3 * took))
    return found


def part(values: Iterable[float], share: float) -> float:
    """The value that such a share does not exceed."""
    ordered = sorted(values)
    return ordered[int(share * (len(ordered) - 1))]
