"""`lab up`: the lab as a service. A supervisor here, a worker of the cell in a process of its own."""

import signal
import sys
from types import FrameType

import click

from cli.output import EXIT_FAILED, Output, failure, world_option
from cli.service import store, world_of


@click.command("up")
@world_option
@click.option("--speed", type=click.FloatRange(min=0, min_open=True), default=1.0, show_default=True,
              help="Twin: simulated seconds a second.")  # fmt: skip
@click.option("--seed", type=int, default=1, show_default=True, help="Of the twin's errors.")
@click.pass_obj
def command(output: Output, world: str | None, speed: float, seed: int) -> None:
    """Take what is submitted and run it, until `lab down` or Ctrl-C. A worker that dies or hangs is replaced."""
    from orchestrator.supervise import WorkerFailed, supervise
    from orchestrator.worker import cell_name

    lab = output.lab("up")
    world = world_of(lab, world)
    engine = store(output, "up", lab)
    cell = cell_name(lab, world)
    told: list[int] = []

    def end(number: int, _: FrameType | None) -> None:
        told.append(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    worker = [
        sys.executable, "-m", "cli.main", "--lab", str(output.lab_file), "--runs", str(output.runs), "work",
        f"--{world}", "--speed", str(speed), "--seed", str(seed),
    ]  # fmt: skip
    output.show("up", {"ok": True, "state": "starting", "cell": cell, "world": world}, [f"{cell}: starting"])
    try:
        supervise(worker, engine, cell, lambda line: click.echo(line, err=True), until=lambda: bool(told))
    except WorkerFailed as error:
        raise failure("up", EXIT_FAILED, str(error)) from error
    click.echo(f"{cell}: down", err=True)
