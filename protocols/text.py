"""Text that strangers write: what could deceive a reader or a terminal is refused before anything else looks."""

import unicodedata
from collections.abc import Iterator
from typing import Any

from protocols.problems import Problem

#: The longest text of a document, and the longest name of a key. Ours.
MAX_TEXT, MAX_KEY = 10_000, 200
MAX_DEPTH = 40
MAX_PROBLEMS = 20
_PLAIN = frozenset("\n\t")
#: Unicode categories of what cannot be seen: control characters, formatting (reversed and zero-width text), lone
#: surrogates, private use (The Unicode Standard 16, table 4-4).
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co"})


def deceptive(document: Any) -> list[Problem]:
    """Hidden characters, texts of no reasonable length, and parts in parts too deep; the first `MAX_PROBLEMS`."""
    found: list[Problem] = []
    todo: list[tuple[str, Any, int]] = [("", document, 0)]
    while todo and len(found) < MAX_PROBLEMS:
        path, part, depth = todo.pop()
        if depth > MAX_DEPTH:
            found.append(
                Problem("TEXT-003", "", f"{path[:80]}...: parts in parts, more than {MAX_DEPTH} deep", "Nest less.")
            )
        elif isinstance(part, str):
            found += _problems(path or "text", part, MAX_TEXT)
        elif isinstance(part, list):
            todo += [(f"{path}.{number}", value, depth + 1) for number, value in reversed(list(enumerate(part)))]
        elif isinstance(part, dict):
            for key, value in reversed(part.items()):
                name = key if isinstance(key, str) and key.isprintable() and len(key) <= MAX_KEY else "a key"
                below = f"{path}.{name}" if path else str(name)
                found += _problems(below, key, MAX_KEY) if isinstance(key, str) else []
                if key != "definition":  # of labware: data of its maker, read by its own schema
                    todo.append((below, value, depth + 1))
    return found[:MAX_PROBLEMS]


def _problems(path: str, text: str, most: int) -> Iterator[Problem]:
    if len(text) > most:
        yield Problem("TEXT-002", "", f"{path}: {len(text)} characters; at most {most} are read", "Write less.")
        return
    if text.isascii() and text.isprintable():
        return
    hidden = next((char for char in text if unicodedata.category(char) in _HIDDEN and char not in _PLAIN), None)
    if hidden is not None:
        message = f"{path}: the hidden character U+{ord(hidden):04X} stands in the text"
        yield Problem("TEXT-001", "", message, "Take it out: what is read must be what is meant.")
