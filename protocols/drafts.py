"""Actions before they know what they wait for: the order of the steps, made into a graph by shared things."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from drivers.core.verbs import ROLES
from protocols.conditions import Guard
from protocols.flow import Lane, ended
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
    lane: Lane = ()  # of a `parallel` step: a barrier holds up its own lane only
    when: tuple[Guard, ...] = ()
    awaits: tuple[str, ...] = ()  # steps whose readings its conditions look at
    point: int | None = None  # of a scan: what is read there together is one event
    harmless: bool = False  # repeating it changes nothing, as the driver says of what its role does not know


def sequence(drafts: Iterable[Draft], roles: Mapping[str, str], sites: Collection[str] = ()) -> tuple[Action, ...]:
    """Number the drafts and let each wait for the last one that used a thing it needs.

    Two actions may overlap only if they share no device, no labware and no site, and no barrier is between. What an
    action `needs` of the lab are its devices and sites; its labware is its own run's.
    """
    actions: list[Action] = []
    last: dict[str, str] = {}
    floors = _Floors()
    counts: dict[str, int] = {}
    place: dict[str, int] = {}  # action -> its number
    finals: dict[str, str] = {}  # step -> its last action so far
    for draft in drafts:
        counts[draft.step] = counts.get(draft.step, 0) + 1
        name = f"{draft.step}.{counts[draft.step]}"
        things = {draft.device, *draft.uses} - {CLOCK}
        waits = {last[thing] for thing in things if thing in last}
        waits |= {finals[step] for step in draft.awaits if step in finals}
        if draft.barrier:
            waits |= floors.under_way(draft.lane)
        if not waits or draft.lane or floors.split:
            waits |= floors.of(draft.lane)
        by_role = draft.device == CLOCK or (roles.get(draft.device, ""), draft.verb) in _HARMLESS
        harmless = draft.harmless or by_role
        needs = tuple(sorted(thing for thing in things if thing in roles or thing in sites))
        order = tuple(sorted(waits, key=place.__getitem__))
        place[name] = len(actions)
        actions.append(
            Action(
                name, draft.step, draft.device, draft.verb, draft.args, order, harmless, needs, draft.when, draft.point
            )
        )
        floors.begin(draft.lane, name, things, barrier=draft.barrier)
        if draft.barrier and not draft.lane:
            last = {}
        last |= dict.fromkeys(things, name)
        finals[draft.step] = name
    return tuple(actions)


class _Floors:
    """Below what each lane may not begin: the last barrier of it, or of the lane it lies in."""

    def __init__(self) -> None:
        self._floors: dict[Lane, set[str]] = {(): set()}
        self._latest: dict[Lane, dict[str, str]] = {(): {}}  # thing -> last action on it in that lane since its floor
        self._order: dict[str, int] = {}
        self.split = False  # whether lanes ended, and what follows has not been gathered behind a barrier yet

    def of(self, lane: Lane) -> set[str]:
        """What an action of a lane has to wait for, whatever it uses."""
        self._join(lane)
        return next((set(floor) for n in range(len(lane), -1, -1) if (floor := self._floors.get(lane[:n]))), set())

    def under_way(self, lane: Lane) -> set[str]:
        """The last actions on each thing: what a barrier of a lane waits for. The first one of a lane waits for what
        was under way before the lanes."""
        self._join(lane)
        found: set[str] = set()
        for length in range(len(lane), -1, -1):
            own, floor = set(self._latest.get(lane[:length], {}).values()), self._floors.get(lane[:length], set())
            found |= own or floor
            if floor:
                break
        return found

    def begin(self, lane: Lane, name: str, things: Iterable[str], *, barrier: bool) -> None:
        """An action stands in a lane."""
        self._order[name] = len(self._order)
        if barrier:
            self._floors[lane], self._latest[lane] = {name}, {}
            self.split = self.split and bool(lane)
        self._latest.setdefault(lane, {}).update(dict.fromkeys(things, name))

    def _join(self, lane: Lane) -> None:
        """What ended lanes did last, what follows them waits for."""
        gone: dict[Lane, list[Lane]] = {}
        for other, around in ended(lane, self._floors.keys() | self._latest.keys()):
            gone.setdefault(around, []).append(other)
        for around, lanes in gone.items():
            floor = set[str]().union(*(self._floors.pop(other, ()) for other in lanes))
            # A barrier among them has waited for all that was before the lanes.
            latest = {} if floor else dict(self._latest.get(around, {}))
            latest |= {name: name for name in floor}
            for thing, name in (item for other in lanes for item in self._latest.pop(other, {}).items()):
                latest[thing] = max(name, latest.get(thing, name), key=self._order.__getitem__)
            self._latest[around] = latest
            self._floors[around] = floor or self._floors.get(around, set())
            self.split = True
