"""For how long a program needs each device and site for itself: what a reservation is made of.

Mostly for one action. Longer where a state is left behind that others must not meet: labware stands on a site from
its arrival to its departure; a device with a place for labware (a reader, a shaker) is taken for the whole stay, with
what prepares for it (a tray that opens); a liquid handler is taken while a tip hangs on it; what takes part in a scan
is taken from its first point to its last.
"""

from collections.abc import Iterable, Mapping, Sequence

from protocols.program import Action, Hold


def holds(actions: Sequence[Action], roles: Mapping[str, str]) -> tuple[Hold, ...]:
    """Every hold of a program; each need of each action lies in exactly one. `roles`: device -> role."""
    nests = {
        owner
        for action in actions
        for site in action.needs
        if (owner := site.partition(".")[0]) != site and roles.get(owner) not in (None, "LiquidHandler")
    }
    found: list[Hold] = []
    things = dict.fromkeys(thing for action in actions for thing in action.needs)
    for thing in things:
        users = [action for action in actions if thing in action.needs]
        if thing in nests:
            found += _visits(thing, users)
        elif thing not in roles:
            found += _stays(thing, users)
        else:
            found += _carries(thing, users)
    return tuple(found)


def arrives(action: Action) -> str | None:
    """The site on which an action puts labware."""
    if action.verb == "place":
        return str(action.args["site"])
    site = action.args.get("destination") if action.verb in ("move_labware", "remove") else None
    return None if site is None else str(site)


def leaves(action: Action) -> str | None:
    """The site from which an action takes labware."""
    key = {"move_labware": "source", "remove": "site"}.get(action.verb)
    return None if key is None else str(action.args[key])


def _stays(site: str, users: Iterable[Action]) -> Iterable[Hold]:
    """A site: from arrival to departure; an action that only prepares for it counts for itself."""
    since: str | None = None
    for action in users:
        if arrives(action) == site:
            since = action.id
        elif leaves(action) == site:
            yield Hold(site, since or action.id, action.id)
            since = None
        elif since is None:
            yield Hold(site, action.id, action.id)
    if since is not None:
        yield Hold(site, since, None)


def _visits(device: str, users: Sequence[Action]) -> Iterable[Hold]:
    """A device with a nest: from its first use to the departure of its last labware; then comes the next visit."""
    since: str | None = None
    occupied: set[str] = set()
    for action in users:
        since = since or action.id
        came, went = arrives(action) or "", leaves(action) or ""
        occupied.discard(went)
        if came.startswith(f"{device}."):
            occupied.add(came)
        if went.startswith(f"{device}.") and not occupied:
            yield Hold(device, since, action.id)
            since = None
    if since is not None:
        yield Hold(device, since, None if occupied else users[-1].id)


def _carries(device: str, users: Iterable[Action]) -> Iterable[Hold]:
    """A device without a nest: action by action, from the first tip taken to the last one dropped, or a whole scan."""
    since: str | None = None
    tips: set[str] = set()
    last = {action.step: action.id for action in users if action.point is not None}
    for action in users:
        since = since or action.id
        if action.verb == "pick_up_tip":
            tips.add(action.args["mount"])
        elif action.verb == "drop_tip":
            tips.discard(action.args["mount"])
        if not tips and last.get(action.step, action.id) == action.id:
            yield Hold(device, since, action.id)
            since = None
    if since is not None:
        yield Hold(device, since, None)
