"""A run's documents made by a plain plan, and a real Tiled server."""

import asyncio
import re
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from bluesky import plans as bp
from ophyd_async.core import soft_signal_rw

from orchestrator.engine import Engine

API_KEY = "keyofthetests"  # letters and digits only, or Tiled refuses it
Documents = list[tuple[str, dict[str, Any]]]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _count(
    sinks: Sequence[Any], events: int, run_id: str = "run-1", middle: Callable[[], None] | None = None
) -> str:
    """Count `events` times into the sinks, with a call in the middle; returns the uid of the run."""
    signal = soft_signal_rw(float, 1.5, name="signal")
    await signal.connect()
    engine = Engine({"run_id": run_id})
    uids: list[str] = []

    def hear(name: str, document: dict[str, Any]) -> None:
        if name == "start":
            uids.append(document["uid"])
        if name == "event" and document["seq_num"] == events // 2 and middle is not None:
            middle()

    for sink in sinks:
        engine.subscribe(sink)
    engine.subscribe(hear)
    await engine.run(bp.count([signal], events))
    return uids[0]


@pytest.fixture(scope="session")
def count() -> Callable[..., Awaitable[str]]:
    """`await count(sinks, events, run_id=..., middle=...)`."""
    return _count


@pytest.fixture(scope="session")
def documents() -> Documents:
    """One run of five events."""
    found: Documents = []
    asyncio.run(_count([lambda name, document: found.append((name, document))], 5))
    return found


@dataclass
class Server:
    """A Tiled server in a process of its own; its catalogue outlives the process."""

    folder: Path
    port: int
    api_key: str = API_KEY
    process: subprocess.Popen[str] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Takes 8 to 20 s."""
        tiled = str(Path(sys.executable).with_name("tiled"))
        arguments = ["serve", "catalog", str(self.folder / "catalog.db"), "--init", "-w", str(self.folder / "data")]
        arguments += ["-w", f"duckdb:///{self.folder / 'tables.duckdb'}", "--port", str(self.port)]
        self.process = subprocess.Popen(
            [tiled, *arguments, "--api-key", API_KEY], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert self.process.stdout is not None
        said = []
        for line in self.process.stdout:
            said.append(line)
            if re.search("Uvicorn running", line):
                return
        raise RuntimeError("".join(said))

    def kill(self) -> None:
        """As a power cut does."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


@pytest.fixture(scope="session")
def tiled_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Tiled server for as long as the tests last."""
    pytest.importorskip("tiled", reason="the extra 'tiled' is not installed")
    server = Server(tmp_path_factory.mktemp("tiled"), free_port())
    server.start()
    yield server
    server.kill()
