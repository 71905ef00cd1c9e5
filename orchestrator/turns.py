"""Whose turn it is on each device and site: one queue a thing, all taken from one plan that can be carried out.

Deadlock is impossible by construction: a run enters behind everybody on every thing, and a scheduler's order comes
from a whole schedule that ends; both are total orders in time, so waiting can never go round in a circle (ADR 0008).
"""

from collections.abc import Iterable, Mapping, Sequence

from protocols.program import Hold

Place = tuple[str, str]  # (run, first action of the hold)


class Turns:
    """The queues; a hold leaves its queue when it is taken."""

    def __init__(self) -> None:
        self._queues: dict[str, list[Place]] = {}
        self._opens: dict[Place, tuple[str, ...]] = {}  # what an action takes, by the holds that begin with it

    def enter(self, run_id: str, holds: Iterable[Hold], *, first: bool = False) -> None:
        """Stand behind everybody else on every thing, in the order of the holds given (a program's own).

        `first` is for a safe end: before everybody, since others may wait for what it will give back. It may need
        only what the run has already, and things that are never kept while waiting (a person, an arm, a handler).
        """
        come: dict[str, list[Place]] = {}
        for hold in holds:
            place = (run_id, hold.first)
            self._opens[place] = (*self._opens.get(place, ()), hold.thing)
            come.setdefault(hold.thing, []).append(place)
        for thing, places in come.items():
            queue = self._queues.setdefault(thing, [])
            self._queues[thing] = [*places, *queue] if first else [*queue, *places]

    def opens(self, run_id: str, action: str) -> tuple[str, ...]:
        """The things that an action takes for longer than it has them already."""
        return self._opens.get((run_id, action), ())

    def move(self, place: Place, old: str, new: str) -> None:
        """An action takes another thing than was said, and stands behind everybody there; nothing if it took it."""
        if old in self._opens.get(place, ()):
            self._opens[place] = tuple(new if thing == old else thing for thing in self._opens[place])
            self._queues[old].remove(place)
            self._queues.setdefault(new, []).append(place)

    def blocked_on(self, run_id: str, action: str) -> str:
        """A thing on which it is another's turn; empty when the action may go."""
        place = (run_id, action)
        for thing in self._opens.get(place, ()):
            if self._queues[thing][0] != place:
                return thing
        return ""

    def take(self, run_id: str, action: str) -> None:
        """The action begins: its holds leave their queues."""
        place = (run_id, action)
        for thing in self._opens.pop(place, ()):
            self._queues[thing].remove(place)

    def leave(self, run_id: str) -> tuple[str, ...]:
        """The run needs nothing more; returns the things on which it may have kept others waiting."""
        mine = [place for place in self._opens if place[0] == run_id]
        touched = dict.fromkeys(thing for place in mine for thing in self._opens.pop(place))
        for thing in touched:
            self._queues[thing] = [place for place in self._queues[thing] if place[0] != run_id]
        return tuple(touched)

    def next(self, thing: str) -> str:
        """The run whose turn it is; empty when nobody waits."""
        queue = self._queues.get(thing)
        return queue[0][0] if queue else ""

    def waiting(self) -> Mapping[str, Sequence[Place]]:
        """Every queue, for a scheduler and for people."""
        return {thing: tuple(queue) for thing, queue in self._queues.items() if queue}

    def reorder(self, order: Mapping[str, Sequence[Place]]) -> None:
        """Take a scheduler's order; places it does not know (they came later) stay behind those it does."""
        for thing, queue in self._queues.items():
            rank = {place: number for number, place in enumerate(order.get(thing, ()))}
            queue.sort(key=lambda place: rank.get(place, len(rank)))
