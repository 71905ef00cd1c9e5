"""Where a cell's records go: into memory, into a file, or (orchestrator/store) into a database.

A log's `write` returns when the records are as safe as it promises; only then may anyone act on them.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import orjson

from orchestrator.state.records import Codec, Record


class Log(ABC):
    """An append-only journal of one cell."""

    #: True where `write` may take milliseconds (a database, a network): it is then called in a thread.
    threaded: ClassVar[bool] = False

    @abstractmethod
    def write(self, records: Sequence[Record]) -> None:
        """Append; durable when this returns. Raises when it could not: the cell then commands nothing more."""

    def beat(self, instruments: bytes) -> None:
        """Show life; `instruments` (JSON) is what the cell's devices are seen to do, for logs that others read."""
        self.write(())

    @abstractmethod
    def close(self) -> None:
        """Nothing more will come."""


class MemoryLog(Log):
    """For dry runs: nothing is at stake."""

    def write(self, records: Sequence[Record]) -> None:
        """Kept by nobody; the conductor's state is all there is."""

    def close(self) -> None:
        """Nothing is open."""


class FileLog(Log):
    """A file of JSON lines, on the disk (fdatasync) when `write` returns, unless it is a copy of another log."""

    def __init__(self, path: Path, *, durable: bool = True) -> None:
        self._file = LineFile(path, durable=durable)
        self._codec = Codec()

    def write(self, records: Sequence[Record]) -> None:
        """One line a record."""
        self._file.extend(
            {"kind": Codec.kind(record), "at": record.at, "run_id": record.run_id, **self._codec.encode(record)}
            for record in records
        )

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class LineFile:
    """A file of JSON lines that is on the disk when `append` returns, if it is told to be `durable`."""

    def __init__(self, path: Path, *, durable: bool) -> None:
        self._file = path.open("ab", buffering=0)
        self._durable = durable

    def append(self, document: object) -> None:
        """Write one line."""
        self.extend([document])

    def extend(self, documents: Any) -> None:
        """Write several lines at once."""
        self._file.write(b"".join(orjson.dumps(d, default=plain, option=_OPTIONS) for d in documents))
        if self._durable:
            os.fdatasync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()


_OPTIONS = orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS


def read_lines(path: Path) -> Iterator[Any]:
    """The documents of a `LineFile`; a last line that a crash cut short is left out."""
    for line in path.read_bytes().split(b"\n")[:-1]:
        yield orjson.loads(line)


def plain(value: object) -> object:
    """What orjson does not know: mappings that are no dict, numpy scalars."""
    if hasattr(value, "items"):
        return dict(value.items())
    to_list: Callable[[], object] | None = getattr(value, "tolist", None)
    if to_list is None:
        raise TypeError(f"{type(value).__name__} cannot be written as JSON")
    return to_list()
