"""`lab serve`: one more HTTP and MCP interface of a lab, on the same store. `lab up` starts one and keeps it alive."""

import socket
import sys

import click

from cli.output import EXIT_REFUSED, Output, failure, world_option
from cli.service import store, tell_warnings, world_of


@click.command("serve")
@world_option
@click.option("--port", type=click.IntRange(0, 65535), default=None, help="Instead of [api] port; 0: any free one.")
@click.option("--fd", type=int, default=None, hidden=True, help="A socket that listens already.")
@click.pass_obj
def command(output: Output, world: str | None, port: int | None, fd: int | None) -> None:
    """Answer HTTP and MCP for a lab, until Ctrl-C. What it is asked goes to the worker by the store."""
    from api.keys import KeyFileError
    from api.listening import CannotListen, listen, url_of
    from api.permission import BadPolicies
    from api.server import serve
    from labfile.secret import SecretMissing
    from orchestrator.telemetry import TelemetryMissing

    tell_warnings("api", "uvicorn.error")
    lab = output.lab("serve")
    world = world_of(lab, world)
    engine = store(output, "serve", lab)
    try:
        listening = listen(lab, port) if fd is None else socket.socket(fileno=fd)
        if fd is None:
            url = url_of(lab, listening)
            output.show("serve", {"ok": True, "url": url, "world": world}, [f"{lab.name} ({world}): {url}"])
        serve(lab, world, engine, output.runs, listening, wait=None if fd is None else sys.stdin)
    except (CannotListen, KeyFileError, BadPolicies, TelemetryMissing, SecretMissing) as error:
        raise failure("serve", EXIT_REFUSED, str(error)) from error
