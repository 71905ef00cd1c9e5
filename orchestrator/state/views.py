"""Questions about a cell's state, answered without changing it."""

from typing import Any, Literal

from orchestrator.state.cell import ActionState, CellState, RunState, is_site

RunPhase = Literal["waiting", "running", "paused", "ending", "person"]


def waits_for_person(run: RunState) -> bool:
    """Whether nothing of a run goes on before a person says what became of an action, or chooses."""
    if not run.unsettled or run.under_way:
        return False
    told = {alarm.action: alarm.at for alarm in run.alarms}
    # An alarm of an attempt before says nothing of this one, which policy may be about to try again.
    return all(name in told and told[name] >= _since(run.actions[name]) for name in run.unsettled)


def _since(was: ActionState) -> float:
    return was.at if was.ended is None else was.ended


def phase(run: RunState) -> RunPhase:
    """How a run that has not ended stands, in a word."""
    if waits_for_person(run):
        return "person"
    if run.abort_asked is not None:
        return "ending"
    if run.paused_by:
        return "paused"
    return "waiting" if run.begun_at is None else "running"


def wants_cleared(state: CellState, run: RunState) -> list[str]:
    """Sites that ended runs left occupied, and that what a run would do next needs: a person has to clear them."""
    if not state.left:
        return []  # as nearly always: the rest goes through every action
    over = {name for name in run.order if run.phase(name) in ("done", "skipped")}
    return sorted(
        {thing for name, action in run.order.items() if run.phase(name) == "waiting" and over.issuperset(action.after)
         for thing in action.needs if thing in state.left}
    )  # fmt: skip


def wanted_sites(state: CellState) -> dict[str, int]:
    """How many runs use each site, or still will; sites that ended runs left occupied count as one more."""
    wanted = dict.fromkeys(state.left, 1)
    for run in state.runs.values():
        for site in {thing for action in run.order.values() for thing in action.needs if is_site(thing)}:
            wanted[site] = wanted.get(site, 0) + 1
    return wanted


def summary(state: CellState) -> dict[str, Any]:
    """What people and agents want to know of a cell at a glance."""
    return {
        "world": state.world,
        "holder": state.holder,
        "runs": {
            name: {
                "phase": phase(run),
                "actions": len(run.order),
                "over": sum(run.phase(action) in ("done", "skipped") for action in run.order),
                "by": run.submitted.by,
                "priority": run.submitted.priority,
                "alarms": [{"action": alarm.action, "message": alarm.message} for alarm in run.alarms],
                "unsettled": list(run.unsettled),
                "wants_cleared": wants_cleared(state, run),
            }
            for name, run in state.runs.items()
        },
        "held": dict(state.held),
        "left": dict(state.left),
    }
