"""Where each key of a TOML text stands: tomllib reads the values but keeps no positions.

A TOML statement (a table header, or `key = value`) ends at the end of the first line at which tomllib
accepts it alone, so strings and arrays over many lines need no lexer of our own. Source of the grammar:
TOML v1.0.0, https://toml.io/en/v1.0.0.
"""

import json
import re
import tomllib
from collections.abc import Iterator
from typing import Any

#: Keys of tables as text, places in arrays as numbers from 0: `("people", "ana", "may", 0)`.
KeyPath = tuple[str | int, ...]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_UNCLOSED = ("Unclosed", "Unterminated")


def line_map(text: str) -> dict[KeyPath, int]:
    """The line (from 1) of every key and array element of a valid TOML text, and of nothing else.

    A table with a header of its own stands there; a table that is only implied stands where it is first
    mentioned; what is inside a value stands on the line of the value's key.

    >>> line_map('[arm]\\nreal = "tcp://a"\\n[sites."hotel.1"]\\nat_mm = [\\n1]')
    {('arm',): 1, ('arm', 'real'): 2, ('sites',): 3, ('sites', 'hotel.1'): 3, \
('sites', 'hotel.1', 'at_mm'): 4, ('sites', 'hotel.1', 'at_mm', 0): 4}
    """
    lines: dict[KeyPath, int] = {}
    array_lengths: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for line, statement, content in _statements(text):
        if content is None:
            break
        if statement.lstrip(" \t\n").startswith("["):
            table = _header(content, line, lines, array_lengths)
        else:
            for path in _paths(content):
                lines.setdefault(table + path, line)
    return lines


def syntax_error(text: str, error: tomllib.TOMLDecodeError) -> tuple[int, str, str]:
    """Where tomllib refuses `text` (line from 1), why, and a hint; an unclosed value stands at its key."""
    message = re.sub(r" \(at [^()]*\)$", "", str(error))
    position = re.search(r"\(at line (\d+), column \d+\)$", str(error))
    line = int(position[1]) if position else text.rstrip().count("\n") + 1
    endless = next((start for start, _, content in _statements(text) if content is None), line)
    if message.startswith(_UNCLOSED):
        return endless, message, ""
    hint = f"it is inside what begins on line {endless}; close that first" if endless < line else ""
    return line, message, hint


def dotted(path: KeyPath) -> str:
    """A path as one writes it in TOML, with the place in an array in brackets.

    >>> dotted(("sites", "hotel.1", "at_mm", 2))
    'sites."hotel.1".at_mm[2]'
    """
    written = ""
    for key in path:
        if isinstance(key, int):
            written += f"[{key}]"
        else:
            name = key if _BARE_KEY.fullmatch(key) else json.dumps(key, ensure_ascii=False)
            written += f".{name}" if written else name
    return written


def _statements(text: str) -> Iterator[tuple[int, str, dict[str, Any] | None]]:
    """Each statement: first line, text, content; the content of a last one that never ends is None."""
    grown: list[str] = []
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        grown.append(line)
        statement = "\n".join(grown)
        try:
            content = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue
        yield number - len(grown) + 1, statement, content
        grown.clear()
    if grown:
        yield number - len(grown) + 1, statement, None


def _header(
    content: dict[str, Any], line: int, lines: dict[KeyPath, int], array_lengths: dict[KeyPath, int]
) -> KeyPath:
    """Note the table that a header opens, and the parents it implies; returns the table's path."""
    path: KeyPath = ()
    node: Any = content
    while node and isinstance(node, dict):
        ((key, node),) = node.items()
        path += (key,)
        lines.setdefault(path, line)
        if isinstance(node, list):
            array_lengths[path] = array_lengths.get(path, 0) + 1
        if path in array_lengths:
            path += (array_lengths[path] - 1,)
            lines.setdefault(path, line)
    lines[path] = line
    return path


def _paths(value: Any, at: KeyPath = ()) -> Iterator[KeyPath]:
    """The path of everything inside a value, parents first."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in inside:
        yield (*at, key)
        yield from _paths(inner, (*at, key))
