"""The JSON Schema of lab.toml: it says what the reader says, and the checked-in file is not stale."""

import tomllib
from collections.abc import Mapping
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from pydantic import BaseModel

from labfile import model, schema
from labfile.plugins import Driver

Drivers = Mapping[str, Driver]


def errors(document: Any, drivers: Drivers) -> list[str]:
    validator = jsonschema.Draft202012Validator(schema.generate(drivers))
    return [error.json_path for error in validator.iter_errors(document)]


def test_the_checked_in_schema_is_not_stale() -> None:
    assert schema.PATH.read_text(encoding="utf-8") == schema.text(schema.generate()), (
        "lab.schema.json is stale; write it anew with: .venv/bin/python -m labfile.schema"
    )


def test_the_schema_is_a_schema_and_takes_a_good_file(good: str, drivers: Drivers) -> None:
    jsonschema.Draft202012Validator.check_schema(schema.generate(drivers))
    assert errors(tomllib.loads(good), drivers) == []


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("schema = 1", "schema = 2", "$.schema"),
        ('deck = "standard"', "", "$.devices.handler"),
        ('deck = "standard"', 'deck = "standard"\nlefft = "p20"', "$.devices.handler"),
        ('volume = ["5 uL", "0.3 mL"]', 'speed = ["1 rpm", "2 rpm"]', "$.devices.handler"),
        ('driver = "fake.arm"', 'driver = "fake.leg"', "$.devices.arm"),
        ("scale = 2", 'scale = "2"', "$.devices.sensor"),
        ("[devices.arm]", "[devices.Arm]", "$.devices"),
        ("slots = 2", "slots = 0", "$.storage.hotel.slots"),
        ('may = ["submit"]', 'may = ["approve:low"]', "$.agents.explorer.may[0]"),
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(
    old: str, new: str, where: str, good: str, drivers: Drivers
) -> None:
    assert good.count(old) == 1
    assert errors(tomllib.loads(good.replace(old, new)), drivers) == [where]


def test_every_key_of_every_table_is_described() -> None:
    tables = [kind for kind in vars(model).values() if isinstance(kind, type) and issubclass(kind, BaseModel)]
    bare = [
        f"{table.__name__}.{key}"
        for table in tables
        for key, field in table.model_fields.items()
        if not field.description
    ]
    assert len(tables) > 10
    assert bare == []
