"""The JSON Schema of `lab.toml`, made from its tables and the options of the installed drivers.

It is checked in, so that an editor completes and checks a lab file by its first line,
`#:schema labfile/schema/lab.schema.json`. `python -m labfile.schema` writes it anew.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labfile.model import FILLED_OPTIONS, Document
from labfile.plugins import Driver, installed

PATH = Path(__file__).with_name("lab.schema.json")
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def generate(drivers: Mapping[str, Driver] | None = None) -> dict[str, Any]:
    """The schema of a lab file for these drivers by name (the installed ones when left out).

    Raises whatever a driver raises that cannot be loaded: a schema without it would call its labs wrong.
    """
    chosen = installed() if drivers is None else drivers
    schema = Document.model_json_schema()
    definitions, properties = schema["$defs"], schema["properties"]
    common = definitions.pop("DeviceTable")
    for name in sorted(chosen):
        definitions |= _device(name, chosen[name], common)
    (name_pattern,) = properties["devices"]["patternProperties"]
    one_of = [{"$ref": f"#/$defs/{_definition(name)}"} for name in sorted(chosen)]
    properties["devices"]["patternProperties"] = {name_pattern: {"oneOf": one_of}}
    for table in properties.values():
        if "patternProperties" in table:
            table["additionalProperties"] = False
    return {"$schema": DIALECT, **schema, "title": "lab.toml"}


def text(schema: Mapping[str, Any]) -> str:
    """A schema as it is kept in the file."""
    return json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _device(name: str, driver: Driver, common: Mapping[str, Any]) -> dict[str, Any]:
    """The definition of a device table with this driver, and those its options refer to."""
    options = driver.options.model_json_schema(ref_template=f"#/$defs/{_definition(name)}.{{model}}")
    inner = {f"{_definition(name)}.{key}": value for key, value in options.pop("$defs", {}).items()}
    ends = {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2}
    ranges = {
        limit: {**ends, "description": f"inside {outer}"} for limit, outer in driver.default_limits.ranges.items()
    }
    shared = common["properties"]
    own = {key: value for key, value in options.get("properties", {}).items() if key not in FILLED_OPTIONS}
    device = {
        "title": name,
        "description": driver.summary,
        "type": "object",
        "properties": {
            **own,
            **shared,
            "driver": {**shared["driver"], "const": name},
            "limits": {**shared["limits"], "properties": ranges, "additionalProperties": False},
        },
        "required": [*common["required"], *options.get("required", ())],
        "additionalProperties": False,
    }
    return {_definition(name): device, **inner}


def _definition(driver: str) -> str:
    return f"device.{driver}"
