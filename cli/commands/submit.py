"""`lab submit`: give a protocol to a running lab."""

from datetime import datetime
from pathlib import Path

import click

from cli.output import EXIT_PERSON, Failure, Output, file_argument, param_option, world_option
from cli.service import Submitting, desk, interface


@click.command("submit")
@file_argument
@param_option
@world_option
@click.option("--any", "anywhere", is_flag=True, help="To whichever lab on this store has the devices and room first.")
@click.option("--priority", type=int, default=0, show_default=True, help="Higher goes first where there is a choice.")
@click.option("--deadline", type=click.DateTime(("%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M")), default=None, metavar="WHEN",
              help="When it should have ended (local time): 2027-01-31T17:30.")  # fmt: skip
@click.option("--key", default=None, help="Yours: submitting twice under one key is submitting once.")
@click.option(
    "--approval", default=None, metavar="ID", help="That a person has granted for just this; by the interface."
)
@click.option("--ask", "why", default=None, metavar="WHY", help="Ask people to approve it first; by the interface.")
@click.pass_obj
def command(
    output: Output,
    file: Path,
    parameters: tuple[str, ...],
    world: str | None,
    anywhere: bool,
    priority: int,
    deadline: datetime | None,
    key: str | None,
    approval: str | None,
    why: str | None,
) -> None:
    """Check a protocol, dry-run it, and queue it. Returns at once; `lab status` tells how it goes."""
    asked = Submitting(file, parameters, world, anywhere, priority, deadline, key, approval)
    if why is not None:
        wanted = interface(output, "submit").ask(asked, why)
        line = f"approval {wanted.id} waits for {wanted.needed} people; then: lab submit FILE --approval {wanted.id}"
        document = {"schema": "lab-submit/1", "ok": False, "state": wanted.state, "approval": wanted.id}
        raise Failure(EXIT_PERSON, [line], document)
    told = (desk if approval is None else interface)(output, "submit").submit(asked)
    line = f"{told['run_id']} {told['state']} in {told['cell']}; {told['predicted_s']:,.0f} s by itself"
    output.show("submit", {"ok": True, **told}, [line])
