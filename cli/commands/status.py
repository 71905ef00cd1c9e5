"""`lab status`: who works, what is under way, what waits for a person."""

from typing import Any

import click

from cli.output import Output
from cli.service import state_of, store


@click.command("status")
@click.pass_obj
def command(output: Output) -> None:
    """Every cell of this lab: its worker, its runs, what is held and what was left behind."""
    from orchestrator.state.views import summary
    from orchestrator.store.log import LEASE_S
    from orchestrator.store.requests import alive
    from orchestrator.worker import cell_name

    lab = output.lab("status")
    engine = store(output, "status", lab)
    mine = {cell_name(lab, world): world for world in ("twin", "real")}
    cells: list[dict[str, Any]] = []
    lines: list[str] = []
    for name, told in alive(engine).items():
        if name not in mine:
            continue
        up = bool(told["holder"]) and told["silent_s"] < LEASE_S
        state = "up" if up else ("silent" if told["holder"] else "down")
        cell = {**summary(state_of(engine, name)), **told, "cell": name, "state": state, "world": mine[name]}
        cells.append(cell)
        lines += _lines(cell)
    document = {"ok": True, "state": "up" if any(cell["state"] == "up" for cell in cells) else "down", "cells": cells}
    output.show("status", document, lines or ["down: nobody has worked here yet. Start with `lab up`."])


def _lines(cell: dict[str, Any]) -> list[str]:
    lines = [f"{cell['cell']}: {cell['state']}" + (f", {cell['holder']}" if cell["holder"] else "")]
    for run_id, run in cell["runs"].items():
        lines.append(f"  {run_id}  {run['phase']:<8} {run['over']}/{run['actions']}  by {run['by']}")
        lines += [f"    ! {alarm['action']}: {alarm['message']}" for alarm in run["alarms"]]
    lines += [f"  {site} still has what run {run_id} left there" for site, run_id in cell["left"].items()]
    return lines
