"""The folder of a run that a worker carries out: documents as they come, and what it was and how it ended."""

import asyncio
import functools
import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from labfile.lab import Lab
from orchestrator.journal import FileLog
from orchestrator.result import result_of
from orchestrator.sinks.configured import run_sinks
from orchestrator.sinks.file import FILE_NAME, read_documents
from orchestrator.sinks.sink import Document, Sink
from orchestrator.sinks.worker import Worker as FarSink
from orchestrator.state import records as r

#: What the folder has files for, and `run.json` therefore not.
_OWN_FILE = ("document", "parameters")


class RunFolder:
    """`runs/<run_id>`; survives the worker: a new one goes on where the last one ended. Only `begin` is on the loop."""

    def __init__(self, path: Path, lab: Lab, far: Sequence[FarSink] = ()) -> None:
        self._path, self._lab, self._far = path, lab, far
        self._sinks: tuple[Sink, ...] = ()
        self._writing: asyncio.Future[None] | None = None
        self._uids = {path.name}  # of the start documents; records go by the run's name
        self._gaps: list[str] = []
        self._plan: Mapping[str, Any] = {}

    def begin(self, submitted: r.Submitted) -> Sequence[Callable[[str, Document], None]]:
        """Begin, or go on; returns where the run's documents go.

        A Bluesky run that a dead worker left open gets its stop document first; a server that had a part of it is told
        as not having taken it.
        """
        return self._go_on(functools.partial(self._describe, submitted))

    def begin_plan(self, about: Mapping[str, Any]) -> Sequence[Callable[[str, Document], None]]:
        """The same for a plan that is no run of a program: it has documents, tables and `run.json`."""
        self._plan = dict(about)
        return self._go_on(functools.partial(write_whole, self._path / "run.json", {**about, "outcome": "running"}))

    async def finish_plan(self, outcome: str, error: str) -> None:
        """The plan has ended."""
        if self._writing is not None:
            await self._writing
        await self.close()
        told = {**self._plan, "outcome": outcome, "error": error, "ended": time.time()}
        problems = self._not_taken()
        told |= {"not_taken": problems} if problems else {}
        await asyncio.to_thread(write_whole, self._path / "run.json", told)

    def _go_on(self, describe: Callable[[], None]) -> Sequence[Callable[[str, Document], None]]:
        self._path.mkdir(parents=True, exist_ok=True)
        file = self._path / FILE_NAME
        orphan = _open_run(file) if file.exists() else None
        self._sinks = self._sinks or run_sinks(self._lab, self._path)
        if orphan is not None:
            self._sinks[0]("stop", _stop(*orphan))
            self._gaps = [f"{sink.name}: the worker ended in mid-run; send the folder again" for sink in self._far]
        self._writing = asyncio.get_running_loop().run_in_executor(None, describe)
        return (*self._sinks, *self._far, self._note)

    async def finish(self, load: Callable[[], Sequence[r.Record]]) -> None:
        """The run has ended: its tables, result and journal, from what `load` returns, in a thread."""
        if self._writing is not None:
            await self._writing
        records = await asyncio.to_thread(load)
        submitted = next(record for record in records if isinstance(record, r.Submitted))
        if self._writing is None:  # nothing of it began in this worker
            await asyncio.to_thread(self._describe, submitted)
            self._sinks = run_sinks(self._lab, self._path)
        await self.close()
        await asyncio.to_thread(self._conclude, submitted, records)

    async def close(self) -> None:
        """Close the run's own sinks: all of it is on the disk, and the tables are written."""
        for sink in self._sinks:
            await sink.close()

    def _note(self, name: str, document: Document) -> None:
        if name == "start":
            self._uids.add(document["uid"])

    def _describe(self, submitted: r.Submitted) -> None:
        self._path.mkdir(parents=True, exist_ok=True)
        about = submitted.about
        write_whole(self._path / "protocol.json", {name: about.get(name, {}) for name in _OWN_FILE})
        write_whole(self._path / "program.json", submitted.program.as_json())
        write_whole(self._path / "run.json", _told(submitted) | {"outcome": "running"})

    def _conclude(self, submitted: r.Submitted, records: Sequence[r.Record]) -> None:
        began = next((record.at for record in records if isinstance(record, r.Begun)), submitted.at)
        result = result_of(submitted.program, records, began)
        draft = self._path / "journal.draft"
        draft.unlink(missing_ok=True)
        log = FileLog(draft, durable=False)
        log.write(records)
        log.close()
        draft.replace(self._path / "journal.jsonl")
        told = _told(submitted) | {"began": began, "duration_s": result.duration_s, "ended": time.time()}
        told |= {"outcome": result.outcome, "error": result.error}
        problems = self._not_taken()
        write_whole(self._path / "run.json", told | ({"not_taken": problems} if problems else {}))
        write_whole(self._path / "result.json", asdict(result))  # last: with it the folder is whole

    def _not_taken(self) -> list[str]:
        """What no sink has; a server that is behind may still fail to take it, and says so when the worker ends."""
        far = [f"{s.name}: {why}" for s in self._far for run, why in s.missed.items() if run in self._uids]
        return list(dict.fromkeys([*self._gaps, *(sink.problem for sink in self._sinks if sink.problem), *far]))


def write_whole(path: Path, document: Mapping[str, Any]) -> None:
    """Write a whole file of JSON or none of it."""
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(document, indent=1, default=_plain), "utf-8")
    draft.replace(path)


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)


def _told(submitted: r.Submitted) -> dict[str, Any]:
    about = {name: value for name, value in submitted.about.items() if name not in _OWN_FILE}
    return {"run_id": submitted.run_id, **about, "by": submitted.by, "submitted": submitted.at}


def _open_run(file: Path) -> tuple[str, dict[str, int]] | None:
    """The uid of a run without its stop document, and how many events each of its streams has."""
    uid: str | None = None
    streams: dict[str, str] = {}
    events: dict[str, int] = {}
    for name, document in read_documents(file):
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
