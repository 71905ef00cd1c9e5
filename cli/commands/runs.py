"""`lab runs`: what has been run."""

import click

from cli.output import Output
from cli.service import desk


@click.command("runs")
@click.argument("run_id", required=False)
@click.pass_obj
def command(output: Output, run_id: str | None) -> None:
    """List the runs, or show one."""
    asked = desk(output, "runs")
    if run_id is None:
        found = asked.runs()
        lines = [f"{run['run_id']}  {run['world']:<5} {run['outcome']:<10} {run['protocol']}" for run in found]
        output.show("runs", {"runs": found}, lines or [f"no runs in {output.url or output.runs}"])
        return
    run = asked.run(run_id)
    told = {key: value for key, value in run.items() if key != "files"}
    lines = [*(f"{key}: {value}" for key, value in told.items()), f"files: {', '.join(run['files'])}"]
    output.show("runs", {"runs": [run]}, lines)
