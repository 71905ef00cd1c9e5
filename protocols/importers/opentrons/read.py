"""The bytes of an Opentrons JSON protocol as typed parts; whatever is not of that kind is refused with its place.

Source of the format: Opentrons shared-data, protocol schemas 6, 7 and 8. Schema 6 keeps names of pipettes, labware
and modules in tables at the top; 7 and 8 write them into the commands that load them.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from protocols.importers.findings import refused
from protocols.parse import MAX_BYTES
from protocols.problems import Problem, ProtocolError

SCHEMAS = (6, 7, 8)
ROBOTS = {"OT-2 Standard": False, "OT-3 Standard": True}  # model -> whether it is a Flex
MAX_DEPTH = 60  # nesting of lists and tables; real files have about ten levels
_READ_AS = (
    "Protocols of schema 6, 7 and 8 are read: open the file in Opentrons Protocol Designer and export it again. "
    "A file whose name ends with .py is taken as a Python protocol."
)


@dataclass(frozen=True, slots=True)
class Command:
    """One command; `number` counts from 1 in the order of the file."""

    number: int
    kind: str
    params: Mapping[str, Any]
    result: Mapping[str, Any]
    key: str = ""  # its id in an analysis

    def __str__(self) -> str:
        return f"command {self.number} {self.kind}"

    def refuse(self, message: str) -> ProtocolError:
        """The error for this command."""
        return refused("IMP-002", f"{self}: {message}", "The file is damaged or was edited by hand: export it again.")

    def text(self, key: str, default: str | None = None) -> str:
        """A parameter that is text; missing is wrong unless there is a default."""
        value = self.params.get(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or (not value and default is None):
            raise self.refuse(f"`{key}` must be text, not {_short(value)}")
        return value

    def amount(self, key: str, default: float | None = None, low: float = 0.0) -> float:
        """A parameter that is a finite number of at least `low`."""
        value = self.params.get(key)
        return default if value is None and default is not None else self.finite(key, value, low)

    def finite(self, key: str, value: Any, low: float = -math.inf) -> float:
        """Any value of this command as a finite number."""
        try:
            number = math.nan if isinstance(value, bool) or not isinstance(value, int | float) else float(value)
        except OverflowError:
            number = math.nan
        if not math.isfinite(number) or number < low:
            wanted = "a number" if low == -math.inf else f"a number of at least {low:g}"
            raise self.refuse(f"`{key}` must be {wanted}, not {_short(value)}")
        return number

    def table(self, key: str) -> Mapping[str, Any]:
        """A parameter that is a table; empty when it is missing."""
        value = self.params.get(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self.refuse(f"`{key}` must be a table, not {_short(value)}")
        return value


@dataclass(frozen=True, slots=True)
class SourceFile:
    """An Opentrons JSON protocol; the three tables are of schema 6 and empty in later ones."""

    name: str
    sha256: str
    flex: bool
    title: str
    purpose: str
    author: str
    definitions: Mapping[str, Any]
    liquids: Mapping[str, Any]
    pipettes: Mapping[str, Any]
    labware: Mapping[str, Any]
    modules: Mapping[str, Any]
    commands: tuple[Command, ...]
    cuts: bool = False  # whether the robot cuts what is given to what the tip holds (Python API before 2.17)


def said(table: Mapping[str, Any], key: str, word: str) -> str:
    """The text at `table[key][word]`; empty where there is none."""
    entry = table.get(key)
    found = entry.get(word) if isinstance(entry, dict) else None
    return found.strip() if isinstance(found, str) else ""


def read(data: bytes, name: str) -> SourceFile:
    """Read the file; raises `ProtocolError` (IMP-001 for the file, IMP-002 for each broken command)."""
    top = _load(data, name)
    schema = top.get("schemaVersion")
    if "schemaVersion" not in top:
        raise refused("IMP-001", f"{name} is no Opentrons protocol: it has no schemaVersion", _READ_AS)
    if schema not in SCHEMAS or isinstance(schema, bool):
        raise refused("IMP-001", f"{name} is of schema {_short(schema)}", _READ_AS)
    robot = _table(top, "robot", name).get("model")
    if not isinstance(robot, str) or robot not in ROBOTS:
        known = " and ".join(ROBOTS)
        raise refused("IMP-001", f"{name}: robot.model is {_short(robot)}", f"Known: {known}.")
    metadata, designer = _table(top, "metadata", name), _table(top, "designerApplication", name)
    made_by = " ".join(part for key in ("name", "version") if isinstance(part := designer.get(key), str) and part)
    title, purpose = metadata.get("protocolName"), metadata.get("description")
    return SourceFile(
        name=name,
        sha256=hashlib.sha256(data).hexdigest(),
        flex=ROBOTS[robot],
        title=" ".join(title.split())[:200] if isinstance(title, str) and title.strip() else name[:200] or "imported",
        purpose=purpose if isinstance(purpose, str) else "",
        author=made_by or robot,
        definitions=_table(top, "labwareDefinitions", name),
        liquids=_table(top, "liquids", name),
        pipettes=_table(top, "pipettes", name),
        labware=_table(top, "labware", name),
        modules=_table(top, "modules", name),
        commands=commands(top, name),
    )


def _load(data: bytes, name: str) -> dict[str, Any]:
    if len(data) > MAX_BYTES:
        raise refused("IMP-001", f"{name} has {len(data)} bytes; at most {MAX_BYTES} are read")
    try:
        text = data.decode("utf-8-sig")
        top = json.loads(text, parse_constant=_no_constant)
        if not isinstance(top, dict):
            raise ValueError("it holds no table at its top")
        _require_shallow(top)
        if "\\u" in text:  # an escape may stand for half a character, which no file can hold
            json.dumps(top, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:  # UnicodeError is a ValueError
        detail = " ".join(str(error).split())[:200]
        raise refused("IMP-001", f"{name} is no Opentrons JSON protocol: {detail}", _READ_AS) from error
    return top


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


def _require_shallow(top: dict[str, Any]) -> None:
    level: list[Any] = [top]
    for _ in range(MAX_DEPTH):
        level = [
            part
            for whole in level
            for part in (whole.values() if isinstance(whole, dict) else whole)
            if isinstance(part, dict | list)
        ]
        if not level:
            return
    raise ValueError(f"it is nested more than {MAX_DEPTH} levels deep")


def _table(top: Mapping[str, Any], key: str, name: str) -> Mapping[str, Any]:
    value = top.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise refused("IMP-001", f"{name}: `{key}` must be a table, not {_short(value)}", _READ_AS)
    return value


def commands(top: Mapping[str, Any], name: str) -> tuple[Command, ...]:
    """The list of commands at the top of a file or of an analysis; raises `ProtocolError` naming each broken one."""
    raw = top.get("commands")
    if not isinstance(raw, list):
        raise refused("IMP-001", f"{name}: `commands` must be a list, not {_short(raw)}", _READ_AS)
    found: list[Command] = []
    problems: list[Problem] = []
    for number, entry in enumerate(raw, 1):
        kind = entry.get("commandType") if isinstance(entry, dict) else None
        params = entry.get("params") if isinstance(entry, dict) else None
        if not isinstance(kind, str) or not kind or not isinstance(params, dict | None):
            broken = Command(number, str(kind), {}, {})
            problems += broken.refuse("must have a commandType and params").problems
            continue
        result = entry.get("result")
        key = str(entry.get("id") or "")
        found.append(Command(number, kind, params or {}, result if isinstance(result, dict) else {}, key))
    if problems:
        raise ProtocolError(problems)
    return tuple(found)


def _short(value: Any) -> str:
    text = repr(value)
    return "missing" if value is None else text if len(text) <= 60 else text[:57] + "..."
