"""What pydantic finds wrong with a table, said in the words of a lab file."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from labfile.lines import KeyPath
from labfile.nearest import did_you_mean, nearest
from labfile.problems import Fault

_MESSAGES = {
    "bool_type": "must be true or false",
    "dict_type": "must be a table",
    "finite_number": "must be a finite number",
    "float_type": "must be a number",
    "frozen_set_type": "must be an array",
    "int_from_float": "must be a whole number",
    "int_type": "must be a whole number",
    "list_type": "must be an array",
    "model_attributes_type": "must be a table",
    "model_type": "must be a table",
    "set_type": "must be an array",
    "string_type": "must be text in quotes",
    "tuple_type": "must be an array",
}


def shape_faults(
    model: type[BaseModel], table: object, at: KeyPath = (), neighbours: Iterable[str] = ()
) -> list[Fault]:
    """Everything in which `table` (found at the path `at`) differs from the shape of `model`.

    `neighbours` are keys that the same table may hold besides the model's own.
    """
    try:
        model.model_validate(table)
    except ValidationError as error:
        details = error.errors(include_url=False)
    else:
        return []
    misnamed = {_within(table, detail["loc"]) for detail in details if detail["loc"][-1] == "[key]"}
    # A name that lost its quotes, as in [sites.reader.tray], makes a table of tables: that is one mistake.
    unquoted = {path for path in misnamed if _holds_tables_only(table, path)}
    return [
        _fault(model, table, at, detail, neighbours)
        for detail in details
        if detail["loc"][-1] == "[key]" or _within(table, detail["loc"])[:2] not in unquoted
    ]


def known_keys(kind: Any, path: KeyPath = ()) -> dict[str, FieldInfo]:
    """The fields, by their keys, of the table at `path` inside a model or an annotation made of models."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        fields = {field.alias or name: field for name, field in kind.model_fields.items()}
        if not path:
            return fields
        return known_keys(fields[str(path[0])].annotation, path[1:]) if path[0] in fields else {}
    holds_items = get_origin(kind) in (dict, list, tuple)
    if holds_items and not path:
        return {}
    found: dict[str, FieldInfo] = {}
    for inner in get_args(kind):
        found |= known_keys(inner, path[1:] if holds_items else path)
    return found


def _fault(
    model: type[BaseModel], table: object, at: KeyPath, detail: ErrorDetails, neighbours: Iterable[str]
) -> Fault:
    """One of pydantic's errors as a fault."""
    kind, last = detail["type"], detail["loc"][-1]
    path = _within(table, detail["loc"])
    if kind == "missing" and isinstance(last, int):
        return Fault(at + path, f"needs a value at place {last + 1}")
    if kind == "missing":
        return Fault((*at, *path, last), "missing key", _about(model, (*path, last)), absent=True)
    if kind == "extra_forbidden":
        known = known_keys(model, path[:-1])
        words = {*known, *(neighbours if len(path) == 1 else ())}
        near = nearest(str(last), words)
        meant = (*at, *path[:-1], near) if near else None
        return Fault(at + path, "unknown key", did_you_mean(str(last), words, "known"), meant=meant)
    if kind == "literal_error":
        expected = detail["ctx"]["expected"]
        words = set(re.findall(r"'([^']*)'", expected))
        given = detail["input"]
        return Fault(at + path, f"must be {expected}", did_you_mean(given, words) if isinstance(given, str) else "")
    if kind == "string_pattern_mismatch":
        return Fault(at + path, "does not have the form that is wanted", _about(model, path))
    text = detail["msg"].removeprefix("Value error, ").replace("Input should", "must", 1)
    return Fault.said(at + path, _MESSAGES.get(kind, text))


def _about(model: type[BaseModel], path: KeyPath) -> str:
    """The description of the key at `path`."""
    field = known_keys(model, path[:-1]).get(str(path[-1]))
    return (field.description or "") if field is not None else ""


def _holds_tables_only(table: object, path: KeyPath) -> bool:
    for key in path:
        table = table[key] if isinstance(table, Mapping) else {}
    return isinstance(table, Mapping) and all(isinstance(inner, Mapping) for inner in table.values())


def _within(table: object, location: tuple[int | str, ...]) -> KeyPath:
    """The part of pydantic's location that is in the file: without its names for union members and keys."""
    path: KeyPath = ()
    node = table
    for key in location:
        if isinstance(node, Mapping) and key in node:
            node = node[str(key)]
        elif isinstance(node, list) and isinstance(key, int) and key < len(node):
            node = node[key]
        else:
            continue
        path += (key,)
    return path
