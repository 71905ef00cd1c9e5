"""`lab work`: the worker of a cell, in this process. `lab up` starts it and keeps it alive."""

import asyncio
import signal
import sys

import click

from cli.output import EXIT_REFUSED, EXIT_UNREACHABLE, EXIT_USAGE, Output, failure, world_option
from cli.service import store, tell_warnings, world_of


@click.command("work", hidden=True)
@world_option
@click.option("--speed", type=float, default=1.0)
@click.option("--seed", type=int, default=1)
@click.option("--gone", default=None, help="A former worker of which it is known that it is dead.")
@click.pass_obj
def command(output: Output, world: str | None, speed: float, seed: int, gone: str | None) -> None:
    """Have the cell's devices, its lease and its journal; carry out what is asked of it."""
    from sqlalchemy.exc import OperationalError

    from drivers.core.world import WorldSettings
    from labfile.secret import SecretMissing
    from orchestrator.sinks.tiled import TiledMissing
    from orchestrator.store.log import CellTaken, Fenced
    from orchestrator.telemetry import TelemetryMissing
    from orchestrator.worker import Worker

    tell_warnings("orchestrator", "sim_lab")
    lab = output.lab("work")
    engine = store(output, "work", lab)
    try:
        worker = Worker(lab, world_of(lab, world), engine, output.runs, WorldSettings(seed=seed, speed=speed))
    except (TiledMissing, TelemetryMissing, SecretMissing) as error:
        # Another start would help no more than this one: the supervisor gives up at 2.
        raise failure("work", EXIT_USAGE, str(error)) from error

    async def main() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, worker.ended.set)
        await worker.run(gone=gone)

    # Threads make plans and read journals beside the loop, which has the actions: it waits for them ms, not tens of ms.
    sys.setswitchinterval(0.001)
    try:
        worker.cell.world.run(main)
    except (CellTaken, Fenced) as error:
        raise failure("work", EXIT_REFUSED, str(error)) from error
    except OperationalError as error:
        raise failure("work", EXIT_UNREACHABLE, f"the store is away: {error.orig}") from error
