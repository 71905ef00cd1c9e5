"""Writes `clients.py` from the OpenAPI document: a typed method an operation; `python -m api.client.generate`."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from api import models
from api.http.document import document

FILE = Path(__file__).with_name("clients.py")
WIDTH = 120
_HEAD = '''"""The clients. Made from the OpenAPI document by `python -m api.client.generate`, which see: do not edit."""

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Literal

from api import models as m
from api.client.base import AsyncBase, Base
from api.client.call import Call, key_or_new, quoted
from registry.manifest import Manifest
'''
#: What is there for the clients of others.
OTHERS = "/qserver/"
#: Closed sets of words that the models have a name for.
_WORDS = {get_args(value): f"m.{name}" for name, value in vars(models).items() if get_origin(value) is Literal}
#: A call or a display with its parts, some of which may be such themselves.
Part = str | tuple[str, list["Part"], str]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a method; `default` is source text, empty where there is none."""

    name: str
    place: str  # path, query or body
    annotation: str
    default: str

    def __str__(self) -> str:
        return f"{self.name}: {self.annotation}" + (f" = {self.default}" if self.default else "")


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the document; `item` is what a page of it holds."""

    name: str
    method: str
    path: str
    about: str
    parameters: tuple[Parameter, ...]
    answer: str
    item: str
    keyed: bool
    repeatable: bool


def operations(openapi: Mapping[str, Any]) -> list[Operation]:
    """All operations for our own client, by name."""
    found = [
        _operation(path, method, told, openapi["components"]["schemas"])
        for path, methods in openapi["paths"].items()
        for method, told in methods.items()
        if not path.startswith(OTHERS)
    ]
    return sorted(found, key=lambda operation: operation.name)


def _operation(path: str, method: str, told: Mapping[str, Any], schemas: Mapping[str, Any]) -> Operation:
    given = told.get("parameters", [])
    parameters = [
        _parameter(one["name"], one["in"], one["schema"], one["required"]) for one in given if one["in"] != "header"
    ]
    body = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if body is not None:
        parts = [part for part in body.get("anyOf", [body]) if "$ref" in part]
        schema = schemas[_name(parts[0])]
        needed = schema.get("required", [])
        parameters += [_parameter(name, "body", one, name in needed) for name, one in schema["properties"].items()]
    answer = _answer(told["responses"], schemas)
    return Operation(
        name=told["operationId"], method=method.upper(), path=path, about=told["description"].split("\n\n")[0],
        parameters=tuple(sorted(parameters, key=lambda one: bool(one.default))), answer=answer,
        item=answer.removeprefix("m.Page[").removesuffix("]") if answer.startswith("m.Page[") else "",
        keyed=any(one["name"] == "Idempotency-Key" for one in given),
        repeatable=method == "get" or told.get("x-repeatable", False),
    )  # fmt: skip


def _parameter(name: str, place: str, schema: Mapping[str, Any], required: bool) -> Parameter:
    annotation = _annotation(schema, {}).replace("dict[", "Mapping[")
    if required:
        return Parameter(name, place, annotation, "")
    if "default" in schema:
        return Parameter(name, place, annotation, _source(schema["default"]))
    return Parameter(name, place, annotation if "None" in annotation else f"{annotation} | None", "None")


def _source(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _answer(responses: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    good = next(told for status, told in responses.items() if status.startswith("2"))
    kind = next(iter(good.get("content", {})), "")
    if kind == "application/json":
        return _annotation(good["content"][kind]["schema"], schemas)
    return "str" if kind.startswith("text/") else "bytes" if kind else "None"


def _annotation(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    """A schema as a Python type; raises `KeyError` for what no client method can take yet."""
    match schema:
        case _ if schema.keys() <= {"title"}:
            return "Any"
        case {"$ref": _}:
            return _of_model(_name(schema), schemas)
        case {"enum": words}:
            return _WORDS.get(tuple(words)) or f"Literal[{', '.join(_source(word) for word in words)}]"
        case {"anyOf": parts}:
            return " | ".join(dict.fromkeys(_annotation(part, schemas) for part in parts))
        case {"type": "array", "items": items}:
            return f"list[{_annotation(items, schemas)}]"
        case {"type": "object"}:
            values = schema.get("additionalProperties")
            return f"dict[str, {_annotation(values, schemas) if isinstance(values, dict) else 'Any'}]"
    return {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}[schema["type"]]


def _of_model(name: str, schemas: Mapping[str, Any]) -> str:
    if name.startswith("Page_"):
        return f"m.Page[{_annotation(schemas[name]['properties']['items']['items'], schemas)}]"
    return f"m.{name}" if hasattr(models, name) else name


def _name(reference: Mapping[str, Any]) -> str:
    return str(reference["$ref"]).rpartition("/")[2]


def text() -> str:
    """The module."""
    found = operations(document())
    sync = "\n".join(line for one in found for line in _methods(one, "", "", "Iterator"))
    both = "\n".join(line for one in found for line in _methods(one, "async ", "await ", "AsyncIterator"))
    return (
        f'{_HEAD}\n\nclass LabClient(Base):\n    """A lab over HTTP, from code that waits for each answer."""\n{sync}\n'
        f'\n\nclass AsyncLabClient(AsyncBase):\n    """A lab over HTTP, from asynchronous code."""\n{both}\n'
    )


def _methods(operation: Operation, define: str, wait: str, iterator: str) -> Iterator[str]:
    keys = ["key: str | None = None"] if operation.keyed else []
    yield from _signature(f"{define}def {operation.name}", operation.parameters, keys, operation.answer)
    yield from _docstring(operation.about)
    call = _call(operation, operation.parameters)
    yield from _folded(8, "call = Call(", call, ")")
    yield f"        {'' if operation.answer == 'None' else 'return '}{wait}self._send(call)"
    if operation.item:
        rest = [one for one in operation.parameters if one.name not in ("limit", "after")]
        yield from _signature(f"def iter_{operation.name}", rest, [], f"{iterator}[{operation.item}]")
        yield from _docstring(f"All pages of `{operation.name}`, item by item.")
        yield from _folded(8, "call = Call(", _call(operation, rest), ")")
        yield "        return self._pages(call)"


def _signature(name: str, parameters: Iterable[Parameter], keys: list[str], answer: str) -> Iterator[str]:
    parameters = list(parameters)
    places = [str(one) for one in parameters if one.place == "path"]
    words = [str(one) for one in parameters if one.place != "path"] + keys
    yield ""
    yield from _folded(4, f"{name}(", ["self", *places, *(["*", *words] if words else [])], f") -> {answer}:")


def _docstring(about: str) -> Iterator[str]:
    words = f'"""{about}"""'
    yield f"        {words}" if len(words) <= WIDTH - 8 else _two_parts(about)


def _two_parts(about: str) -> str:
    """A long line of contract: its first sentence, then the rest."""
    first, _, rest = about.partition(". ") if ". " in about else about.partition("; ")
    return f'        """{first}.\n\n        {rest[:1].upper()}{rest[1:]}\n        """'


def _call(operation: Operation, parameters: Iterable[Parameter]) -> list[Part]:
    parameters = list(parameters)
    path = re.sub(r"{(\w+)}", r"{quoted(\1)}", operation.path)
    where = f'{"f" * (path != operation.path)}"{path}"'
    arguments: list[Part] = [f'"{operation.method}"', where, _type(operation.answer)]
    for place in ("query", "body"):
        named: list[Part] = [f'"{one.name}": {one.name}' for one in parameters if one.place == place]
        if named:
            arguments.append((f"{place}={{", named, "}"))
    if operation.keyed:
        arguments.append("key=key_or_new(key)")
    return [*arguments, "repeatable=True"] if operation.repeatable else arguments


def _type(answer: str) -> str:
    return "type(None)" if answer == "None" else answer


def _folded(indent: int, head: str, parts: Sequence[Part], tail: str) -> Iterator[str]:
    """A call or a signature as the formatter wants it: on one line, on one more, or a part a line."""
    space, inner = " " * indent, " " * (indent + 4)
    flat = ", ".join(map(_flat, parts))
    if len(f"{space}{head}{flat}{tail}") <= WIDTH:
        yield f"{space}{head}{flat}{tail}"
        return
    yield f"{space}{head}"
    if len(f"{inner}{flat}") <= WIDTH:
        yield f"{inner}{flat}"
    else:
        for part in parts:
            if isinstance(part, str):
                yield f"{inner}{part},"
            else:
                yield from _folded(indent + 4, part[0], part[1], f"{part[2]},")
    yield f"{space}{tail}"


def _flat(part: Part) -> str:
    return part if isinstance(part, str) else f"{part[0]}{', '.join(map(_flat, part[1]))}{part[2]}"


if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")
    print(FILE)
