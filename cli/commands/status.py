"""`lab status`: who works, what is under way, what waits for a person."""

from typing import Any

import click

from cli.output import Output
from cli.service import desk


@click.command("status")
@click.pass_obj
def command(output: Output) -> None:
    """Every cell of this lab: its worker, its runs, what is held and what was left behind."""
    cells = desk(output, "status").cells()
    document = {"ok": True, "state": "up" if any(cell["state"] == "up" for cell in cells) else "down", "cells": cells}
    lines = [line for cell in cells for line in _lines(cell)]
    output.show("status", document, lines or ["down: nobody has worked here yet. Start with `lab up`."])


def _lines(cell: dict[str, Any]) -> list[str]:
    lines = [f"{cell['cell']}: {cell['state']}" + (f", {cell['holder']}" if cell["holder"] else "")]
    for run_id, run in cell["runs"].items():
        lines.append(f"  {run_id}  {run['phase']:<8} {run['over']}/{run['actions']}  by {run['by']}")
        lines += [f"    ! {alarm['action']}: {alarm['message']}" for alarm in run["alarms"]]
        if run["wants_cleared"]:
            lines.append(
                f"    ! waits until {', '.join(run['wants_cleared'])} is cleared: look there, then `lab clear`"
            )
    lines += [f"  {site} still has what run {run_id} left there" for site, run_id in cell["left"].items()]
    return lines
