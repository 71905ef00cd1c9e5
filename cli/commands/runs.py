"""`lab runs`: what has been run."""

import json
from pathlib import Path
from typing import Any

import click

from cli.output import EXIT_INVALID, Output, failure


@click.command("runs")
@click.argument("run_id", required=False)
@click.pass_obj
def command(output: Output, run_id: str | None) -> None:
    """List the runs, or show one."""
    found = [_read(folder) for folder in sorted(output.runs.glob("*/"), reverse=True) if (folder / "run.json").exists()]
    if run_id is None:
        lines = [f"{run['run_id']}  {run['world']:<5} {run['outcome']:<10} {run['protocol']}" for run in found]
        output.show("runs", {"runs": found}, lines or [f"no runs in {output.runs}"])
        return
    run = next((run for run in found if run["run_id"] == run_id), None)
    if run is None:
        raise failure("runs", EXIT_INVALID, f"there is no run '{run_id}' in {output.runs}")
    files = sorted(file.name for file in (output.runs / run_id).iterdir())
    lines = [*(f"{key}: {value}" for key, value in run.items()), f"files: {', '.join(files)}"]
    output.show("runs", {"runs": [run | {"files": files}]}, lines)


def _read(folder: Path) -> dict[str, Any]:
    try:
        run: dict[str, Any] = json.loads((folder / "run.json").read_text("utf-8"))
    except ValueError:
        run = {}
    unknown = {"run_id": folder.name, "world": "?", "outcome": "unreadable", "protocol": "?"}
    return unknown | run
