"""Labware definitions from outside: whole ones are read, all others are refused in words."""

import copy
from typing import Any

import pytest

from drivers.core.labware import UnknownLabware, from_definition, kind

GOOD: Any = kind("plate_6_flat").definition


def changed(path: str, value: Any) -> Any:
    definition = copy.deepcopy(dict(GOOD))
    place: Any = definition
    *way, last = path.split(".")
    for key in way:
        place = place[key]
    place[last] = value
    return definition


def test_a_whole_definition_is_read() -> None:
    assert from_definition(GOOD) == kind("plate_6_flat")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("wells", []), ("wells", {}), ("wells.A1", 5), ("wells.A1.depth", "deep"), ("wells.A1.diameter", 1e300),
        ("ordering", [["A1", "B1"]]), ("ordering", [["A1", "B1"], ["A2", "B2"], ["A3", "Z9"]]), ("ordering", None),
        ("parameters", None), ("parameters.loadName", ["x"]), ("metadata.displayName", 3), ("metadata", []),
        ("dimensions", {}), ("dimensions.zDimension", "high"),
    ],
)  # fmt: skip
def test_a_broken_definition_is_refused(path: str, value: Any) -> None:
    with pytest.raises(UnknownLabware, match="not of schema 2"):
        from_definition(changed(path, value))


@pytest.mark.parametrize("definition", [None, 5, "text", []])
def test_what_is_no_definition_is_refused(definition: Any) -> None:
    with pytest.raises(UnknownLabware):
        from_definition(definition)


def test_a_tip_rack_has_tips() -> None:
    rack = copy.deepcopy(dict(kind("tips_300").definition)) | {"wells": {}, "ordering": []}
    with pytest.raises(UnknownLabware):
        from_definition(rack)
