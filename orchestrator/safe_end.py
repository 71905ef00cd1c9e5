"""The safe end of a run that was aborted: devices at rest, and a person takes the labware out.

It needs only what the run holds already, a person, and the liquid handler, which nobody keeps while he waits for
something else: so it can always be carried out before others (see `turns`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from drivers.core.verbs import ROLES
from orchestrator.state.cell import OVER, RunState, is_site
from orchestrator.station import MAKE_SAFE
from protocols.holds import arrives, holds, leaves
from protocols.program import Action, Hold

STEP = "safe_end"


def safe_end(
    run: RunState, held: Mapping[str, str], roles: Mapping[str, str]
) -> tuple[tuple[Action, ...], tuple[Hold, ...]]:
    """The actions that end a run safely, one after the other, and their holds. `roles`: device -> role."""
    operator = next((name for name, role in roles.items() if role == "Operator"), None)
    handler = next((name for name, role in roles.items() if role == "LiquidHandler"), "")
    todo: list[tuple[str, str, dict[str, Any], tuple[str, ...]]] = []
    if run.unsettled and operator:
        todo.append((operator, "confirm", {"message": _doubt(run)}, (operator,)))
    for device in (thing for thing, owner in held.items() if owner == run.run_id and not is_site(thing)):
        if device != operator:
            todo.append((device, MAKE_SAFE, {}, (device,)))
    for labware, site in standing(run).items():
        owner = site.partition(".")[0]
        if owner == handler:
            todo.append((handler, "remove_labware", {"labware": labware}, (handler, site)))
        elif owner in roles and (opens := ROLES[roles[owner]].opens):
            todo.append((owner, opens, {}, (owner,)))
        if operator and site in held:
            needs = tuple(thing for thing in (operator, owner, site) if thing in roles or is_site(thing))
            todo.append((operator, "remove", {"labware": labware, "site": site}, needs))
    actions = _chain(todo)
    return actions, holds(actions, roles)


def standing(run: RunState) -> dict[str, str]:
    """Labware of a run -> the site where it stands, by the actions that were done."""
    where: dict[str, str] = {}
    for name, action in run.order.items():
        if run.phase(name) not in OVER or run.phase(name) == "skipped":
            continue
        if leaves(action):
            where.pop(action.args["labware"], None)
        site = arrives(action)
        if site:
            where[action.args["labware"]] = site
    return where


def _chain(todo: Sequence[tuple[str, str, dict[str, Any], tuple[str, ...]]]) -> tuple[Action, ...]:
    actions: list[Action] = []
    for number, (device, verb, args, needs) in enumerate(todo, 1):
        after = (actions[-1].id,) if actions else ()
        actions.append(Action(f"{STEP}.{number}", STEP, device, verb, args, after, needs=tuple(sorted(needs))))
    return tuple(actions)


def _doubt(run: RunState) -> str:
    told = "; ".join(
        f"{run.order[name].verb} of step {run.order[name].step}: {run.actions[name].error or 'outcome unknown'}"
        for name in run.unsettled
    )
    return f"Run {run.run_id} ends. Put in order what is in doubt, then confirm: {told}."
