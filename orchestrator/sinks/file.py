"""The run's own file, `documents.jsonl`: one document a line, `["event", {...}]`, on disk before any other sink."""

import asyncio
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

import orjson

from orchestrator.sinks.sink import Document

_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE
FILE_NAME = "documents.jsonl"
#: Whole numbers that may be beyond 64 bits, of which orjson makes others without a word.
_LONG = re.compile(rb"\d{19}")


class DamagedFile(ValueError):
    """A line in the middle of a file of documents cannot be read."""


def encode(name: str, document: Document) -> bytes:
    """One whole line. numpy scalars and arrays become numbers and lists; NaN and infinity are written as Python does.

    Raises `TypeError` for what has no JSON form.
    """
    try:
        line = orjson.dumps([name, document], option=_OPTIONS, default=plain)
        if b"null" not in line:  # what orjson also writes for NaN and infinity
            return line
    except TypeError:  # whole numbers beyond 64 bits, keys that are no text
        pass
    return json.dumps([name, document], separators=(",", ":"), default=plain).encode() + b"\n"


def decode(line: bytes) -> tuple[str, dict[str, Any]]:
    """What `encode` made a line of; raises `ValueError`."""
    if _LONG.search(line):
        name, document = json.loads(line)
        return name, document
    try:
        name, document = orjson.loads(line)
    except ValueError:  # NaN, infinity
        name, document = json.loads(line)
    return name, document


def plain(value: object) -> object:
    """A mapping, array or dataclass that the encoder does not know, as one it does."""
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


class FileSink:
    """Appends every document to a file with one write, so that a killed process leaves whole lines.

    A power cut can take the last seconds' documents; of what was commanded the journal keeps the record.
    """

    def __init__(self, path: Path) -> None:
        """Open the file for appending; what a crash tore off at its end is removed first."""
        self.name = str(path)
        self.problem = ""
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        self._end = _whole_lines(path)
        os.ftruncate(self._file, self._end)

    def __call__(self, name: str, document: Document) -> None:
        """Write one line; a full disk is told as a problem and leaves the file whole."""
        try:
            line = encode(name, document)
            written = os.write(self._file, line)
            if written != len(line):
                raise OSError(f"only {written} of {len(line)} bytes fit")
            self._end += written
        except (OSError, TypeError) as error:
            self.problem = self.problem or f"{self.name}: a document of kind '{name}' was not written: {error}"
            os.ftruncate(self._file, self._end)

    async def room(self) -> None:
        """There always is."""

    async def close(self, patience_s: float = 10.0) -> None:
        """See that all of it is on the disk itself, and close the file; the lab's loop goes on meanwhile."""
        if self._file >= 0:
            file, self._file = self._file, -1
            await asyncio.get_running_loop().run_in_executor(None, os.fsync, file)
            os.close(file)


def _whole_lines(path: Path) -> int:
    """The length in bytes of a file up to the end of its last whole line."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        while end:
            begin = max(0, end - 65536)
            file.seek(begin)
            found = file.read(end - begin).rfind(b"\n")
            if found >= 0:
                return begin + found + 1
            end = begin
    return 0


def read_documents(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The documents of a file, in order; a last line that a crash tore off is left out. Raises `DamagedFile`."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                return
            try:
                document = decode(line)
            except ValueError as error:
                raise DamagedFile(f"{path}:{number}: no document can be read here: {error}") from error
            yield document
