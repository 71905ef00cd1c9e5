"""One process that serves the lab's interface: several may, on one store; killing one disturbs no run."""

import asyncio
import contextlib
import gc
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import uvicorn
from sqlalchemy import Engine

from api.audit.trail import Trail
from api.dryrun import DryRuns
from api.http.app import build
from api.identity.door import Door
from api.issuing import Issuer
from api.keys import key_of
from api.listening import BACKLOG, url_of
from api.live import Follower
from api.office import Office
from api.permission import Permission
from labfile.lab import Lab
from orchestrator.names import cell_name
from orchestrator.telemetry import traces_of

if TYPE_CHECKING:
    from api.tracing import Tracing

_KEEP_ALIVE_S = 30
_FAREWELL_S = 3
#: For Python's collector (by default 700, 10, 10): a whole look at a busy lab's runs costs tens of ms.
_THRESHOLDS = (20_000, 10, 50)


@contextlib.contextmanager
def office_of(lab: Lab, world: str, engine: Engine, runs: Path) -> Iterator[Office]:
    """The office of a lab; raises `KeyFileError`, `BadPolicies`, `TelemetryMissing`."""
    key = key_of(lab)
    permission = Permission(lab.name, lab.policy.cedar)
    cells = {name: cell_name(lab, name) for name in ("twin", "real")}
    tracing = tracing_of(lab)
    dry_runs = DryRuns(lab.path)
    try:
        yield Office(
            lab, world, engine, runs.resolve(), Follower(engine, cells), dry_runs, Trail(engine, key), key, permission,
            Door(lab, engine), Issuer(lab, key), tracing,
        )  # fmt: skip
    finally:
        dry_runs.close()
        if tracing is not None:
            tracing.close()


def tracing_of(lab: Lab) -> "Tracing | None":
    """Spans for the interface's requests, where the lab file asks for them."""
    traces = traces_of(lab, "interface")
    if traces is None:
        return None
    from api.tracing import Tracing

    return Tracing(traces)


def serve(
    lab: Lab, world: str, engine: Engine, runs: Path, listening: socket.socket, *, wait: TextIO | None = None
) -> None:
    """Serve until SIGTERM or SIGINT; who is kept first waits for a line on `wait`, and ends with the end of it."""
    with office_of(lab, world, engine, runs) as office:
        _, guarded = build(office, url_of(lab, listening))
        if wait is not None:
            office.live.catch_up()
        _rarely_collect()
        if wait is not None and not wait.readline():
            return
        config = uvicorn.Config(
            guarded, lifespan="on", log_config=None, access_log=False, server_header=False, http="httptools",
            # Deflated one by one, for every reader, events of a few hundred bytes cost more than they save.
            ws="websockets-sansio", ws_max_size=65536, ws_per_message_deflate=False,
            backlog=BACKLOG, limit_concurrency=1000, proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE_S, timeout_graceful_shutdown=_FAREWELL_S,
            ssl_certfile=_beside(lab, lab.api.certificate), ssl_keyfile=_beside(lab, lab.api.key),
        )  # fmt: skip
        server = _Server(config)
        uvicorn_loop(server, listening, wait)


def _rarely_collect() -> None:
    """What is loaded stays, and no request waits while it is looked through for garbage; the rest is seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Ours are set on the loop."""
        yield


def uvicorn_loop(server: uvicorn.Server, listening: socket.socket, keeper: TextIO | None = None) -> None:
    """Run a server on uvloop, where that is there, until it is told to end, or its keeper says no more."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        new_event_loop = asyncio.new_event_loop  # type: ignore[assignment]

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, setattr, server, "should_exit", True)
        if keeper is not None:  # whoever takes a dead keeper's place has an interface of its own
            loop.add_reader(keeper.fileno(), hear, loop, keeper.fileno())
        await server.serve([listening])

    def hear(loop: asyncio.AbstractEventLoop, pipe: int) -> None:
        if not os.read(pipe, 64):
            loop.remove_reader(pipe)
            server.should_exit = True

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(main())


def _beside(lab: Lab, name: str | None) -> str | None:
    return None if name is None else str(lab.path.parent / name)
