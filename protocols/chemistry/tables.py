"""The tables of this room: comma-separated files next to the code, and lines with `#` that say whence."""

import csv
from importlib.resources import files


def rows(name: str) -> list[dict[str, str]]:
    """The rows of one table as dicts of stripped texts; raises `FileNotFoundError` for a name that no table has."""
    text = files("protocols.chemistry").joinpath(name).read_text("utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [{key: value.strip() for key, value in row.items()} for row in csv.DictReader(lines)]


def number(text: str) -> float | None:
    """A number, or None where the table says nothing."""
    return float(text) if text else None
