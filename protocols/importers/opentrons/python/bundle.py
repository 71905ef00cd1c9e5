"""What belongs to a Python protocol: its file, the labware definitions and the `fields.json` beside it, its values.

The library of Opentrons keeps a protocol in a folder with `labware/*.json` and `fields.json`; the program asks for
the values of the fields with `get_values`. Protocols of API 2.18 and later declare their parameters themselves.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from protocols.importers.findings import refused
from protocols.parse import MAX_BYTES

_FIELDS, _LABWARE = "fields.json", "labware"
_KINDS: dict[str, type] = {"int": int, "float": float}
Value = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Bundle:
    """One Python protocol: `values` answer its `get_values`, `parameters` are its own of API 2.18 and later."""

    name: str
    program: bytes
    labware: Mapping[str, bytes] = field(default_factory=dict)  # file name -> definition
    values: Mapping[str, Value] = field(default_factory=dict)
    parameters: Mapping[str, Value] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """Hash of the program alone."""
        return hashlib.sha256(self.program).hexdigest()

    def assumptions(self) -> list[str]:
        """What was taken for granted before the program ran."""
        given = {**self.values, **self.parameters}
        told = ", ".join(f"{name} = {_short(value)}" for name, value in given.items())
        return [f"the values of the source's fields: {told}"] if told else []


def read_bundle(file: Path, given: Mapping[str, str]) -> Bundle:
    """The file with what lies beside it; `given` are values by name, over those of `fields.json`.

    Raises `OSError` for the file itself and `ProtocolError` (IMP-001) for what lies beside it.
    """
    program = file.read_bytes()
    beside = file.parent / _LABWARE
    labware = {path.name: _read(path) for path in sorted(beside.glob("*.json"))} if beside.is_dir() else {}
    fields = _fields(file.parent / _FIELDS)
    values = {name: _default(spec) for name, spec in fields.items()}
    values |= {name: _as_field(fields[name], text) for name, text in given.items() if name in fields}
    parameters = {name: _plain(text) for name, text in given.items() if name not in fields}
    return Bundle(file.name, program, labware, values, parameters)


def _read(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise refused("IMP-001", f"{path}: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise refused("IMP-001", f"{path} has {len(data)} bytes; at most {MAX_BYTES} are read")
    return data


def _fields(path: Path) -> dict[str, Mapping[str, Any]]:
    if not path.is_file():
        return {}
    hint = "It lists the values that the program asks for: a name, a type and a default (or options) each."
    try:
        listed = json.loads(_read(path))
        if not isinstance(listed, list):
            raise ValueError("it is no list")
        return {str(entry["name"]): entry for entry in listed}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise refused("IMP-001", f"{path} cannot be read: {error!r}", hint) from error


def _default(spec: Mapping[str, Any]) -> Value:
    """What a field holds untouched: its default, or the first of its options."""
    value = spec.get("default")
    options = spec.get("options")
    if value is None and isinstance(options, list) and options and isinstance(options[0], dict):
        value = options[0].get("value")
    return value if isinstance(value, str | int | float) else ""


def _as_field(spec: Mapping[str, Any], text: str) -> Value:
    """A value given as text, as the kind that the field has; one of its options where it has them."""
    options = spec.get("options")
    offered = [entry.get("value") for entry in options if isinstance(entry, dict)] if isinstance(options, list) else []
    if offered:
        match = next((value for value in offered if str(value) == text), None)
        if match is None:
            hint = f"It takes {', '.join(map(str, offered))}."
            raise refused("IMP-001", f"field '{spec['name']}' does not take '{text}'", hint)
        return match if isinstance(match, str | int | float) else text
    kind = _KINDS.get(str(spec.get("type")), str)
    try:
        value: Value = kind(text)
    except ValueError as error:
        raise refused("IMP-001", f"field '{spec['name']}' is of type {spec.get('type')}, not '{text}'") from error
    return value


def _plain(text: str) -> Value:
    """A value given as text for a parameter whose kind only the program knows: JSON where it is such, else text."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, str | int | float) else text


def _short(value: Value) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 80 else f"{text[:77]}..."
