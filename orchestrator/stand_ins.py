"""Devices that may take one another's place: what a plan can choose among, and a program that goes to another of them.

A visit is one hold of a device: from the first action that prepares it to the departure of its last labware. Until it
begins, it may go to any device that stands in for the one the program names (`stands_in_for` in lab.toml), with all
its places for labware.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from protocols.program import Action, Hold, Program

#: Device -> those that may take its place.
StandIns = Mapping[str, Sequence[str]]
#: Arguments of actions that are places.
_PLACES = ("site", "source", "destination")


def visit(actions: Sequence[Action], hold: Hold) -> tuple[Action, ...]:
    """The actions between the ends of a hold of a device that need it, or one of its places."""
    ids = [action.id for action in actions]
    last = len(ids) - 1 if hold.last is None else ids.index(hold.last)
    inside = islice(actions, ids.index(hold.first), last + 1)
    return tuple(action for action in inside if any(owner(thing) == hold.thing for thing in action.needs))


def choices(actions: Sequence[Action], hold: Hold, stand_ins: StandIns) -> Iterator[Mapping[str, str]]:
    """Each other way a visit may go, as places old: new; none where labware stays there beyond the program's end."""
    others = stand_ins.get(hold.thing, ()) if hold.last is not None else ()
    mine = {thing for action in visit(actions, hold) for thing in action.needs if owner(thing) == hold.thing}
    for other in others:
        yield {thing: other + thing.removeprefix(hold.thing) for thing in sorted(mine)}


def rebound(program: Program, first: str, places: Mapping[str, str]) -> Program:
    """The program whose visit that begins with action `first` goes to other places.

    Raises KeyError where it has no such visit.
    """
    found = next((hold for hold in program.holds if hold.first == first and hold.thing in places), None)
    if found is None:
        raise KeyError(first)
    meant = {action.id for action in visit(program.actions, found)}
    actions = tuple(_moved(action, places) if action.id in meant else action for action in program.actions)
    holds = tuple(
        replace(hold, thing=places[hold.thing]) if hold.first in meant and hold.thing in places else hold
        for hold in program.holds
    )
    return replace(program, actions=actions, holds=holds)


def _moved(action: Action, places: Mapping[str, str]) -> Action:
    args: dict[str, Any] = {
        name: places.get(value, value) if name in _PLACES else value for name, value in action.args.items()
    }
    needs = tuple(sorted(places.get(thing, thing) for thing in action.needs))
    return replace(action, device=places.get(action.device, action.device), args=args, needs=needs)


def owner(thing: str) -> str:
    """The device, or storage, that a place belongs to; a device is its own."""
    return thing.partition(".")[0]
