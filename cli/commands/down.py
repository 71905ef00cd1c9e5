"""`lab down`: end the lab's service."""

import click

from cli.output import Output
from cli.service import ask_cell


@click.command("down")
@click.option("--twin", "world", flag_value="twin")
@click.option("--real", "world", flag_value="real")
@click.pass_obj
def command(output: Output, world: str | None) -> None:
    """End the worker; runs that are under way go on from where they are with the next `lab up`."""
    ask_cell(output, "down", "down", "", {}, world)
    output.show("down", {"ok": True, "state": "down"}, ["down"])
