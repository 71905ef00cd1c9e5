"""`lab queue`: what is under way and what waits, with when it is planned."""

import time

import click

from cli.output import Output, world_option
from cli.service import state_of, store, world_of


@click.command("queue")
@world_option
@click.option("--gantt", is_flag=True, help="With plan and reality, step by step (JSON).")
@click.pass_obj
def command(output: Output, world: str | None, gantt: bool) -> None:
    """Runs that have not ended, in the order of their planned ends; `--gantt` tells all of plan and reality."""
    from orchestrator.state.views import summary
    from orchestrator.store.plans import plan_of, reality
    from orchestrator.worker import cell_name

    lab = output.lab("queue")
    engine = store(output, "queue", lab)
    cell = cell_name(lab, world_of(lab, world))
    runs = summary(state_of(engine, cell))["runs"]
    plan = [task for task in plan_of(engine, cell) if task["run_id"] in runs]
    for run_id, run in runs.items():
        mine = [task for task in plan if task["run_id"] == run_id]
        run["planned_start"] = min((task["start"] for task in mine), default=None)
        run["planned_end"] = max((task["end"] for task in mine), default=None)
    ordered = sorted(runs.items(), key=lambda item: item[1]["planned_end"] or float("inf"))
    document = {"ok": True, "cell": cell, "runs": [{"run_id": name, **run} for name, run in ordered]}
    if gantt:
        document |= {"plan": plan, "reality": reality(engine, cell, list(runs))}
    lines = [f"{name}  {run['phase']:<8} {run['over']}/{run['actions']}{_when(run)}" for name, run in ordered]
    output.show("queue", document, lines or ["nothing waits, and nothing runs"])


def _when(run: dict[str, object]) -> str:
    end = run["planned_end"]
    return f"  planned to end {time.strftime('%H:%M:%S', time.localtime(end))}" if isinstance(end, float) else ""
