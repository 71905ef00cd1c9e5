"""The reference page of `lab-protocol/1`, generated from the models, so that it cannot be out of date."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from protocols import expect, model, moves

FILE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "protocol.md"
_HEAD = """# The protocol format `lab-protocol/1`

Generated from `protocols/model.py`, `moves.py` and `expect.py` by `make schemas`; do not edit. The JSON Schema is
`protocols/schema/lab-protocol-1.schema.json`. Quantities are text with a unit. Keys without a default are required.

`incubate`, `seal`, `peel`, `centrifuge` and `thermocycle` are done by a device of the lab that can, if the arm brings
the labware to it; `incubate` else on a heater at rest; otherwise by a person ([devices](devices.md)).
"""


def text() -> str:
    """The page."""
    return "\n".join([_HEAD, *_sections()]) + "\n"


def _sections() -> Iterator[str]:
    yield from _table("Header", model.Protocol)
    for title, part in (
        ("author", model.Author), ("parameters.<name>", model.Parameter), ("materials.<name>", model.Material),
        ("labware.<id>", model.Labware), ("pipettes.<name>", model.PipetteNeed),
    ):  # fmt: skip
        yield from _table(f"`{title}`", part)
    for step in get_args(get_args(model.Step)[0]):
        yield from _table(f"Step `{_tag(step, 'do')}`", step)
    for move in get_args(get_args(moves.Move)[0]):
        yield from _table(f"Move `{_tag(move, 'act')}`", move)
    yield from _table("expect", expect.Fit)


def _tag(part: type[BaseModel], key: str) -> str:
    return " / ".join(map(str, get_args(part.model_fields[key].annotation)))


def _table(title: str, part: type[BaseModel]) -> Iterator[str]:
    schema = part.model_json_schema(by_alias=True)
    schema = schema["$defs"][part.__name__] if "$ref" in schema else schema
    properties: dict[str, Any] = schema["properties"]
    yield f"## {title}\n\n{' '.join((part.__doc__ or '').split())}\n"
    yield "| key | kind | default | |\n| --- | --- | --- | --- |"
    for name, field in part.model_fields.items():
        key = field.alias or name
        default = "" if field.is_required() else _default(field.get_default(call_default_factory=True))
        yield f"| `{key}` | {_kind(properties[key])} | {default} | {field.description or ''} |"
    yield ""


def _default(value: Any) -> str:
    return "none" if value is None else f"`{value}`"


def _kind(schema: dict[str, Any]) -> str:
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return " \\| ".join(f"`{value}`" for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_kind(choice) for choice in schema["anyOf"] if choice.get("type") != "null")
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[1]
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    if "format" in schema:
        return str(schema["format"])
    return str(schema.get("type", "one of the kinds below"))
