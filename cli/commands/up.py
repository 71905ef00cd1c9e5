"""`lab up`: the lab as a service. A supervisor here, a worker of the cell in a process of its own."""

import signal
import sys
from types import FrameType

import click

from cli.output import EXIT_FAILED, EXIT_REFUSED, Output, failure, world_option
from cli.service import store, world_of


@click.command("up")
@world_option
@click.option("--speed", type=click.FloatRange(min=0, min_open=True), default=1.0, show_default=True,
              help="Twin: simulated seconds a second.")  # fmt: skip
@click.option("--seed", type=int, default=1, show_default=True, help="Of the twin's errors.")
@click.option("--port", type=click.IntRange(0, 65535), default=None, help="Instead of [api] port; 0: any free one.")
@click.pass_obj
def command(output: Output, world: str | None, speed: float, seed: int, port: int | None) -> None:
    """Take what is submitted and run it, until `lab down` or Ctrl-C; serve HTTP and MCP beside it.

    A worker, or an interface, that dies or hangs is replaced; neither disturbs the other.
    """
    from api.keeping import Keeper
    from api.listening import CannotListen, listen, url_of
    from orchestrator.names import cell_name
    from orchestrator.supervise import WorkerFailed, supervise

    lab = output.lab("up")
    world = world_of(lab, world)
    engine = store(output, "up", lab)
    cell = cell_name(lab, world)
    told: list[int] = []

    def end(number: int, _: FrameType | None) -> None:
        told.append(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    try:
        listening = listen(lab, port)
    except CannotListen as error:
        raise failure("up", EXIT_REFUSED, str(error)) from error
    lab_command = [sys.executable, "-m", "cli.main", "--lab", str(output.lab_file), "--runs", str(output.runs)]
    worker = [*lab_command, "work", f"--{world}", "--speed", str(speed), "--seed", str(seed)]
    url = url_of(lab, listening)
    document = {"ok": True, "state": "starting", "cell": cell, "world": world, "url": url}
    output.show("up", document, [f"{cell}: starting; {url}"])

    def tell(line: str) -> None:
        click.echo(line, err=True)

    keeper = Keeper([*lab_command, "serve", f"--{world}"], listening, tell, tls=lab.api.certificate is not None)
    try:
        supervise(worker, engine, cell, tell, until=lambda: bool(told))
    except WorkerFailed as error:
        raise failure("up", EXIT_FAILED, str(error)) from error
    finally:
        keeper.close()
    click.echo(f"{cell}: down", err=True)
