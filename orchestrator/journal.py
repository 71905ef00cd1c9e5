"""What was intended and what came of it, action by action: append-only, on disk before the command goes out."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from drivers.core.errors import Outcome
from drivers.core.instrument import Readings
from protocols.program import Action


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal; `at_s` is the lab's time since the run's loop began."""

    event: Literal["begun", "done", "failed"]
    action: Action
    at_s: float
    readings: Readings = ()
    error: str | None = None
    outcome: Outcome | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain data; the action is named by its id, its arguments stand in `program.json`."""
        line: dict[str, Any] = {"event": self.event, "action": self.action.id, "at_s": self.at_s}
        if self.readings:
            line["readings"] = [asdict(reading) for reading in self.readings]
        if self.error is not None:
            line |= {"error": self.error, "outcome": self.outcome}
        return line


class LineFile:
    """A file of JSON lines that is on the disk when `append` returns, if it is told to be `durable`."""

    def __init__(self, path: Path, *, durable: bool) -> None:
        self._file = path.open("ab", buffering=0)
        self._durable = durable

    def append(self, document: object) -> None:
        """Write one line."""
        self._file.write(json.dumps(document, separators=(",", ":"), default=_plain).encode() + b"\n")
        if self._durable:
            os.fdatasync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _plain(value: object) -> object:
    """numpy scalars and arrays as Bluesky's documents may carry them."""
    to_list: Callable[[], object] | None = getattr(value, "tolist", None)
    if to_list is None:
        raise TypeError(f"{type(value).__name__} cannot be written as JSON")
    return to_list()
