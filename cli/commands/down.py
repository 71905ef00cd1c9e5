"""`lab down`: end the lab's service."""

import click

from cli.output import Output, world_option
from cli.own_store import OwnStore


@click.command("down")
@world_option
@click.pass_obj
def command(output: Output, world: str | None) -> None:
    """End the worker; runs that are under way go on from where they are with the next `lab up`."""
    OwnStore(output, "down").say("down", "", {}, world)
    output.show("down", {"ok": True, "state": "down"}, ["down"])
