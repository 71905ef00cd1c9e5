"""Steps that must not wait: `within` says how long after the step before it a step has ended at the latest.

Nobody else may come between: what such a step needs is the run's own from the end of the step before on. So other
runs can never delay it, and the dry run tells whether the run by itself is quick enough.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from protocols.flow import Frame, Lane, ended
from protocols.model import PlainStep
from protocols.problems import Problem, ProtocolError
from protocols.program import Action, Hold, Limit

_SEVERAL = ""  # lanes have ended: which of their last steps comes before is nobody's to say
NO_FRAMES: Mapping[str, Frame] = {}


def limits(
    steps: Iterable[PlainStep], actions: Sequence[Action], frames: Mapping[str, Frame] = NO_FRAMES
) -> tuple[Limit, ...]:
    """The limits that the steps set; raises `ProtocolError` with each step whose `within` counts from nothing.

    In a lane of a `parallel` step, the step before is that of the lane, or for its first one that before the lanes.
    """
    last = {action.step: action.id for action in actions}
    found: list[Limit] = []
    problems: list[Problem] = []
    latest: dict[Lane, str] = {}
    for step in steps:
        lane = frames[step.id].lane if step.id in frames else ()
        for other, around in ended(lane, list(latest)):
            del latest[other]
            latest[around] = _SEVERAL
        before = next((latest[lane[:n]] for n in range(len(lane), -1, -1) if lane[:n] in latest), None)
        if step.within is not None and before == _SEVERAL:
            hint = "Put the step into the lane from whose end its time counts."
            problems.append(Problem("TIME-002", step.id, "`within` right after `parallel`: of which lane?", hint))
            continue
        if step.within is not None and before is None:
            hint = "Say it of a step that follows another one."
            problems.append(Problem("TIME-001", step.id, "`within` counts from the step before; none is", hint))
        if step.within is not None and before is not None and step.id in last:
            found.append(Limit(before, last[step.id], step.within))
        if step.id in last:
            latest[lane] = last[step.id]
    if problems:
        raise ProtocolError(problems)
    return tuple(found)


def reserve(
    actions: Sequence[Action], holds: Sequence[Hold], found: Iterable[Limit], roles: Mapping[str, str]
) -> tuple[tuple[Action, ...], tuple[Hold, ...]]:
    """The same actions and holds, but a limited step follows the last action before it, from which on what it needs is
    held. Where that action is one of a liquid handler with a tip on, it is held from the tip on: nobody keeps a liquid
    handler and waits for something else (ADR 8)."""
    place = {action.id: number for number, action in enumerate(actions)}
    now, kept = list(actions), list(holds)
    for limit in reversed(tuple(found)):  # what a later one adds to a step, the earlier one has to keep as well
        step = now[place[limit.after]].step
        mine = [action for action in now if action.step == step]
        first = _first(limit.before, kept, place, roles)
        names = {action.id for action in mine}
        for action in mine:
            if not names & set(action.after) and limit.before not in action.after:
                now[place[action.id]] = replace(action, after=(*action.after, limit.before))
        for thing in dict.fromkeys(thing for action in mine for thing in action.needs):
            kept = _extend(kept, thing, first, names, place)
            taker = now[place[first]]
            if thing not in taker.needs:
                now[place[first]] = replace(taker, needs=tuple(sorted((*taker.needs, thing))))
    return tuple(now), tuple(kept)


def _first(before: str, holds: Iterable[Hold], place: Mapping[str, int], roles: Mapping[str, str]) -> str:
    """The action with which to take what a limited step needs."""
    return next(
        (
            hold.first for hold in holds
            if roles.get(hold.thing) == "LiquidHandler" and hold.last is not None
            if place[hold.first] <= place[before] <= place[hold.last]
        ), before,
    )  # fmt: skip


def _extend(holds: Sequence[Hold], thing: str, before: str, step: set[str], place: Mapping[str, int]) -> list[Hold]:
    """The holds of one thing, from the one at `before` (if any) to the last that begins in the step, as one."""

    def covers(hold: Hold) -> bool:
        ends = len(place) if hold.last is None else place[hold.last]
        return place[hold.first] <= place[before] <= ends

    one = [hold for hold in holds if hold.thing == thing and (covers(hold) or hold.first in step)]
    if not one:
        return list(holds)
    first = min((before, *(hold.first for hold in one)), key=place.__getitem__)
    last = max(one, key=lambda hold: place[hold.first]).last
    between = {place[first], *range(place[first], max(place[hold.first] for hold in one) + 1)}
    gone = {hold for hold in holds if hold.thing == thing and place[hold.first] in between}
    merged, found = Hold(thing, first, last), list[Hold]()
    for hold in holds:
        if hold not in gone:
            found.append(hold)
        elif merged not in found:
            found.append(merged)
    return found
