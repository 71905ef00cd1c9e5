"""The JSON Schema of `lab-protocol/1`, generated from the models and checked in for editors and agents.

It shall fit into an agent's context (under 16 kB): what stands in many places (a volume, wells, the id of a step) is
written once and referred to, what stands in one place is written there, and the titles that pydantic adds are left out.
"""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from drivers.core.units import DIMENSIONS
from protocols.model import Protocol

FILE = Path(__file__).with_name("lab-protocol-1.schema.json")
_PARAM = {"type": "object", "properties": {"param": {"type": "string"}}, "required": ["param"],
          "description": "value of a parameter, or of an item of for_each"}  # fmt: skip
_WORDS = {
    "wells": "labware/well: plate/A1, plate/A1:B12 (down the columns), plate/A1,C3",
    "well": "labware/well, such as plate/A1",
    "place": "mm, deg or degC, as the axis moves",
    "text": "",
    "number": "",
    "count": "",
} | {
    dimension: f"unit {', '.join(unit for unit in units if unit.isascii())}"
    for dimension, (_, units) in DIMENSIONS.items()
}
_DEFS = "#/$defs/"
_TRIVIAL = 52
#: Titles, OpenAPI's discriminators, and how many or how long: that the validator says.
_LEFT_OUT = ("title", "discriminator", "minItems", "maxItems", "minLength", "maxLength", "minimum")
_MOST = 0.75
_TYPES = {"number": "number", "count": "integer"}
_LISTS = {"steps": "Transfer", "moves": "PickUp"}
Schema = dict[str, Any]


def generate() -> Schema:
    """The schema of the models as they are now."""
    schema = _trimmed(Protocol.model_json_schema())
    parts: Schema = schema.pop("$defs")
    lists = {"steps": schema["properties"]["steps"], "moves": parts["PipetteStep"]["properties"]["moves"]}
    parts = {name: _named(part, plain=name in ("Parameter", "Author")) for name, part in parts.items()}
    parts = _shared(parts | {"Protocol": _named(schema, plain=True)})
    top = parts.pop("Protocol")
    words = {name: _word(name, about) for name, about in _WORDS.items()}
    for each in lists.values():
        _gather(each, parts)
    parts |= {"param": _PARAM, **lists, **words}
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "lab-protocol/1",
             "description": "Quantities are text: a number and a unit.", **top}  # fmt: skip
    return _inlined(_used({**whole, "$defs": parts}))


def text() -> str:
    """The file's content."""
    return json.dumps(generate(), separators=(",", ":"), sort_keys=True, ensure_ascii=False) + "\n"


def _word(name: str, about: str) -> Schema:
    if about:
        return {"$ref": "#/$defs/text", "description": about}
    return {"anyOf": [{"type": _TYPES.get(name, "string")}, {"$ref": "#/$defs/param"}]}


def _trimmed(part: Any, *, names: bool = False) -> Any:
    """Without titles, defaults of nothing and what else is left out; `names`: the keys are an author's."""
    if isinstance(part, list):
        return [_trimmed(each) for each in part]
    if not isinstance(part, dict):
        return part
    if names:
        return {key: _trimmed(value) for key, value in part.items()}
    found: Schema = {}
    for key, value in part.items():
        if key in _LEFT_OUT or (key == "additionalProperties" and value is True) or (key == "default" and not value):
            continue
        if key == "patternProperties":  # of names: which are allowed, the validator says
            key, value = "additionalProperties", next(iter(value.values()))
        found[key] = _trimmed(value, names=key in ("properties", "$defs"))
    if "description" in found:
        found["description"] = " ".join(found["description"].split())
        if "properties" in found and len(found["description"]) < _TRIVIAL:
            del found["description"]  # such as "Shake labware." of `shake`
    if "const" in found or "enum" in found:
        found.pop("type", None)
    choices = [choice for choice in found.pop("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1:
        return {**choices[0], **found}
    return {**found, "anyOf": choices} if choices else found


def _named(part: Any, *, plain: bool = False) -> Any:
    """Quantities, addresses and texts by their names; where it is not `plain`, a parameter may stand for each."""
    if isinstance(part, list):
        return [_named(each, plain=plain) for each in part]
    if not isinstance(part, dict):
        return part
    if "properties" in part:
        properties = {name: _named(each, plain=plain) for name, each in part["properties"].items()}
        return {**part, "properties": properties}
    about = {name: part[name] for name in ("default", "description") if name in part}
    name = _list_of(part)
    if name:
        return {"$ref": f"#/$defs/{name}", **about}
    if "format" in part:
        return {"$ref": f"#/$defs/{part['format']}", **about}
    bare = {name: each for name, each in part.items() if name not in about}
    closed = {"enum", "const", "pattern"} & bare.keys()
    if plain or closed or bare.get("type") not in ("string", "number", "integer"):
        return {name: _named(each, plain=plain) for name, each in part.items()}
    name = {"string": "text", "number": "number", "integer": "count"}[bare.pop("type")]
    return {"$ref": f"#/$defs/{name}", **bare, **about}


def _gather(kinds: Schema, parts: Schema) -> None:
    """What (nearly) all the kinds of a list have in common is said of its items, and no more of each kind.

    So the schema lets `within` stand at a few kinds that have it not; the validator says so.
    """
    names = [kind["$ref"].removeprefix("#/$defs/") for kind in kinds["items"]["oneOf"]]
    counts = Counter((key, json.dumps(each)) for name in names for key, each in parts[name]["properties"].items())
    shared = {
        key: json.loads(written) for (key, written), times in sorted(counts.items()) if times > _MOST * len(names)
    }
    required = [key for key in parts[names[0]]["required"] if all(key in parts[name]["required"] for name in names)]
    for name in names:
        part = {key: each for key, each in parts[name].items() if key not in ("type", "additionalProperties")}
        part["properties"] = {key: each for key, each in part["properties"].items() if key not in shared}
        part["required"] = [key for key in part["required"] if key not in required]
        parts[name] = {key: each for key, each in part.items() if each != []}
    kinds["items"] |= {"type": "object", "required": required, "unevaluatedProperties": False}
    if shared:
        kinds["items"]["properties"] = shared


def _list_of(part: Schema) -> str:
    """The name of a list of steps, or of a pipette's moves; empty for any other part."""
    kinds = part["items"].get("oneOf", ()) if isinstance(part.get("items"), dict) else ()
    return next((name for name, kind in _LISTS.items() if {"$ref": f"#/$defs/{kind}"} in kinds), "")


def _shared(parts: Schema) -> Schema:
    """A key that means the same in several parts is described once, under its own name."""
    counts: Counter[tuple[str, str]] = Counter()
    for part in parts.values():
        counts.update((key, json.dumps(each)) for key, each in part.get("properties", {}).items())
    found: Schema = {}
    names: dict[tuple[str, str], str] = {}
    for (key, written), times in counts.items():
        if times > 1 and len(written) > 50:
            names[key, written] = key if key not in found and key not in _WORDS else f"{key}_{len(found)}"
            found[names[key, written]] = json.loads(written)
    for title, part in parts.items():
        if "properties" in part:
            part = {**part, "properties": {
                key: {"$ref": f"#/$defs/{names[key, json.dumps(each)]}"} if (key, json.dumps(each)) in names else each
                for key, each in part["properties"].items()
            }}  # fmt: skip
        found[title] = part
    return found


def _used(schema: Schema) -> Schema:
    """Without definitions that nothing refers to (any more)."""
    while True:
        written = json.dumps(schema)
        unused = [name for name in schema["$defs"] if f'"#/$defs/{name}"' not in written]
        if not unused:
            return schema
        schema = {**schema, "$defs": {name: part for name, part in schema["$defs"].items() if name not in unused}}


def _inlined(schema: Schema) -> Schema:
    """With each definition that one place refers to written there: a kind of step stands in the list of steps."""
    parts: Schema = schema["$defs"]
    counts = Counter(_referred(schema))
    once = {name for name in parts if counts[name] == 1 and not set(_referred(parts[name])) & {name}}

    def put(part: Any) -> Any:
        if isinstance(part, list):
            return [put(each) for each in part]
        if not isinstance(part, dict):
            return part
        name = str(part.get("$ref", "")).removeprefix(_DEFS)
        if name not in once:
            return {key: put(each) for key, each in part.items()}
        return {**put(parts[name]), **{key: each for key, each in part.items() if key != "$ref"}}

    kept = {name: put(part) for name, part in parts.items() if name not in once}
    return {**put({key: part for key, part in schema.items() if key != "$defs"}), "$defs": kept}


def _referred(part: Any) -> Iterator[str]:
    """The names of the definitions that a part refers to, as often as it does."""
    if isinstance(part, list):
        for each in part:
            yield from _referred(each)
    elif isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"].removeprefix(_DEFS)
        for each in part.values():
            yield from _referred(each)
