"""Actions before they know what they wait for: the order of the steps, made into a graph by shared things."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from drivers.core.roles import ROLES
from protocols.program import CLOCK, Action

_HARMLESS = frozenset((role, verb) for role, spec in ROLES.items() for verb in spec.harmless)


@dataclass(frozen=True, slots=True)
class Draft:
    """One command with the things it needs for itself (`uses`); a `barrier` waits for all and all wait for it."""

    step: str
    device: str
    verb: str
    args: Mapping[str, Any]
    uses: tuple[str, ...] = ()
    barrier: bool = False


def sequence(drafts: Iterable[Draft], roles: Mapping[str, str], sites: Collection[str] = ()) -> tuple[Action, ...]:
    """Number the drafts and let each wait for the last one that used a thing it needs.

    Two actions may overlap only if they share no device, no labware and no site, and no barrier is between. What an
    action `needs` of the lab are its devices and sites; its labware is its own run's.
    """
    actions: list[Action] = []
    last: dict[str, str] = {}
    floor: str | None = None
    counts: dict[str, int] = {}
    for draft in drafts:
        counts[draft.step] = counts.get(draft.step, 0) + 1
        name = f"{draft.step}.{counts[draft.step]}"
        things = {draft.device, *draft.uses} - {CLOCK}
        waits = set(last.values()) if draft.barrier else {last[thing] for thing in things if thing in last}
        if floor is not None and not waits:
            waits = {floor}
        harmless = draft.device == CLOCK or (roles.get(draft.device, ""), draft.verb) in _HARMLESS
        needs = tuple(sorted(thing for thing in things if thing in roles or thing in sites))
        order = tuple(action.id for action in actions if action.id in waits) if len(waits) > 1 else tuple(waits)
        actions.append(Action(name, draft.step, draft.device, draft.verb, draft.args, order, harmless, needs))
        if draft.barrier:
            last, floor = {}, name
        last |= dict.fromkeys(things, name)
    return tuple(actions)
