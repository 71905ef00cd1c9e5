"""How late actions were, by the journal: from when each could begin to its intent, and on to its end.

Meant for a lab in real time (speed 1) whose runs share nothing: an action could then begin when the last action that it
follows had ended. On a twin of another speed the clock stands still while the machine is busy, and hides every delay.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.state import records as r
from protocols.program import Action

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
    """One action; ms. `turn`: from when it could begin to its intent; `carry`: on to its end, less its dry run."""

    ended: float  # s since 1970
    kind: tuple[str, str]  # device and verb
    turn: float
    carry: float

    @property
    def whole(self) -> float:
        """How much later than it could have been it ended."""
        return self.turn + self.carry


def delays(records: Iterable[r.Record]) -> list[Delay]:
    """Of every action that has ended and that follows another one."""
    actions: dict[tuple[str, str], Action] = {}
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
            done[key], action = record.at, actions[key]
            before = [done[record.run_id, name] for name in action.after if (record.run_id, name) in done]
            if before:
                took = record.at - begun[key] - predicted[record.run_id].get(record.action, 0.0)
                turn = begun[key] - max(before)
                found.append(Delay(record.at, (action.device, action.verb), 1e3 * turn, 1e3 * took))
    return found


def usual(found: Iterable[Delay]) -> dict[tuple[str, str], float]:
    """What each kind of action takes beyond its dry run, as a median, ms: what the machine and the twin cost anyway."""
    kinds: dict[tuple[str, str], list[float]] = {}
    for one in found:
        kinds.setdefault(one.kind, []).append(one.whole)
    return {kind: part(values, 0.5) for kind, values in kinds.items()}


def part(values: Iterable[float], share: float) -> float:
    """The value that such a share does not exceed."""
    ordered = sorted(values)
    return ordered[int(share * (len(ordered) - 1))]
