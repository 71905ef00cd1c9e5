"""The bytes of an Autoprotocol file as plain parts. Whoever wrote it is a stranger."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from protocols.importers.findings import refused
from protocols.importers.text import clean
from protocols.parse import MAX_BYTES

MAX_INSTRUCTIONS = 5000
_OP = re.compile(r"[a-z][a-z0-9_]{0,39}")
_WELL = re.compile(r"(?P<ref>[^/]{1,100})/(?P<index>\d{1,4}|[A-Za-z]{1,2}\d{1,2})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Container:
    """A container by its type, such as `96-flat`; `unknown` where the file says none."""

    kind: str


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction; `number` counts from 1."""

    number: int
    op: str
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class File:
    """Containers by their names, and the instructions."""

    containers: Mapping[str, Container]
    instructions: tuple[Instruction, ...]


def read(data: bytes, name: str) -> File:
    """A protocol (`refs` and `instructions`), or a bare list of instructions; raises `ProtocolError` (IMP-001)."""
    if len(data) > MAX_BYTES:
        raise refused("IMP-001", f"{name} has {len(data)} bytes; at most {MAX_BYTES} are read")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise refused("IMP-001", f"{name} is no JSON: {clean(str(error))}") from error
    listed = document.get("instructions") if isinstance(document, dict) else document
    if not isinstance(listed, list) or not listed:
        hint = "Give the protocol itself; a manifest only says how to make one."
        raise refused("IMP-001", f"{name} holds no instructions", hint)
    if len(listed) > MAX_INSTRUCTIONS:
        raise refused("IMP-001", f"{name} has {len(listed)} instructions; at most {MAX_INSTRUCTIONS} are read")
    instructions = tuple(_instruction(name, number, raw) for number, raw in enumerate(listed, 1))
    refs = document.get("refs") if isinstance(document, dict) else None
    containers = (
        {clean(ref)[:60]: Container(_kind(spec)) for ref, spec in refs.items()} if isinstance(refs, dict) else {}
    )
    return File(containers, instructions)


def well_of(text: Any) -> tuple[str, str] | None:
    """Container and index of a well such as `plate/0` or `plate/A1`; None where it is none."""
    match = _WELL.fullmatch(text) if isinstance(text, str) else None
    return (clean(match["ref"])[:60], match["index"]) if match else None


def _instruction(name: str, number: int, raw: Any) -> Instruction:
    op = raw.get("op") if isinstance(raw, dict) else None
    if not isinstance(op, str) or not _OP.fullmatch(op):
        raise refused("IMP-001", f"{name}: instruction {number} has no `op`", "The file is damaged: export it again.")
    return Instruction(number, op, {key: value for key, value in raw.items() if key != "op"})


def _kind(spec: Any) -> str:
    kind = spec.get("new") or spec.get("type") if isinstance(spec, dict) else None
    return clean(kind)[:60] if isinstance(kind, str) else "unknown"
