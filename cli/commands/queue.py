"""`lab queue`: what is under way and what waits, with when it is planned."""

import time

import click

from cli.output import Output, world_option
from cli.service import desk


@click.command("queue")
@world_option
@click.option("--gantt", is_flag=True, help="With plan and reality, step by step (JSON).")
@click.pass_obj
def command(output: Output, world: str | None, gantt: bool) -> None:
    """Runs that have not ended, in the order of their planned ends; `--gantt` tells all of plan and reality."""
    document = {"ok": True, **desk(output, "queue").queue(world, gantt=gantt)}
    lines = [
        f"{run['run_id']}  {run['phase']:<8} {run['over']}/{run['actions']}{_when(run)}" for run in document["runs"]
    ]
    output.show("queue", document, lines or ["nothing waits, and nothing runs"])


def _when(run: dict[str, object]) -> str:
    end = run["planned_end"]
    return f"  planned to end {time.strftime('%H:%M:%S', time.localtime(end))}" if isinstance(end, float) else ""
