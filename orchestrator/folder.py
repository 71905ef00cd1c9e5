"""The folder of a run that a worker carries out: documents as they come, and what it was and how it ended."""

import asyncio
import json
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.journal import LineFile, read_lines


class RunFolder:
    """`runs/<run_id>`; survives the worker: a new one goes on where the last one ended."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._documents: LineFile | None = None
        self._about: dict[str, Any] = {}
        self._writing: asyncio.Future[None] | None = None

    def begin(self, about: Mapping[str, Any]) -> None:
        """Begin, or go on: a Bluesky run that a dead worker left open gets its stop document first."""
        self._path.mkdir(parents=True, exist_ok=True)
        file = self._path / "documents.jsonl"
        orphan = _open_run(file) if file.exists() else None
        if self._documents is None:
            if file.exists():
                _cut_torn_line(file)
            self._documents = LineFile(file, durable=False)
        if orphan is not None:
            self._documents.append(["stop", _stop(*orphan)])
        self._about = dict(about)
        loop = asyncio.get_running_loop()
        self._writing = loop.run_in_executor(None, self._write, {"outcome": "running"})

    def document(self, name: str, document: Mapping[str, Any]) -> None:
        """A sink of Bluesky documents."""
        if self._documents is not None:
            self._documents.append([name, document])

    async def finish(self, outcome: str, error: str) -> None:
        """The run has ended."""
        if self._writing is not None:
            await self._writing
        if not self._about and (self._path / "run.json").exists():  # opened by a worker that is no more
            self._about = json.loads((self._path / "run.json").read_text("utf-8"))
        self._path.mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(self._write, {"outcome": outcome, "error": error, "ended": time.time()})
        self.close()

    def close(self) -> None:
        """Close the file."""
        if self._documents is not None:
            self._documents.close()
            self._documents = None

    def _write(self, more: Mapping[str, Any]) -> None:
        draft = self._path / "run.draft"
        draft.write_text(json.dumps({**self._about, **more}, indent=1, default=str), "utf-8")
        draft.replace(self._path / "run.json")


def _open_run(file: Path) -> tuple[str, dict[str, int]] | None:
    """The uid of a run without its stop document, and how many events each of its streams has."""
    uid: str | None = None
    streams: dict[str, str] = {}
    events: dict[str, int] = {}
    for name, document in read_lines(file):
        if name == "start":
            uid, streams, events = document["uid"], {}, {}
        elif name == "descriptor":
            streams[document["uid"]] = document["name"]
            events.setdefault(document["name"], 0)
        elif name == "event":
            events[streams[document["descriptor"]]] += 1
        elif name == "stop":
            uid = None
    return None if uid is None else (uid, events)


def _stop(start: str, events: Mapping[str, int]) -> dict[str, Any]:
    reason = "the worker ended; the run goes on under a new start document"
    return {
        "uid": str(uuid.uuid4()), "run_start": start, "time": time.time(), "exit_status": "fail", "reason": reason,
        "num_events": dict(events),
    }  # fmt: skip


def _cut_torn_line(file: Path) -> None:
    """A crash may leave half a line; what follows must begin on its own."""
    content = file.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole != len(content):
        with file.open("r+b") as handle:
            handle.truncate(whole)
