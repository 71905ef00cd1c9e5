"""A protocol's scans on the twin: one event a point, as Bluesky's own scans leave it; and the tidy table of it."""

from collections.abc import Mapping
from typing import Any

import pytest

from drivers.core.world import WorldSettings
from drivers.sensors.environment import UNITS
from labfile import Lab
from orchestrator.cell import Cell
from orchestrator.execute import execute
from orchestrator.labview import view
from orchestrator.result import Result
from orchestrator.sinks.table import rows
from protocols.check import Checked, check
from protocols.parse import from_document

PLATE = {"plate": {"type": "plate_96_flat", "holds": {"A1:A2": {"material": "water", "volume": "100 uL"}}}}
LIGHT = {"labware": "plate", "wells": "A1:A2", "wavelengths": ["500 nm"]}


def ran(lab: Lab, *steps: Mapping[str, Any], speed: float | None = None, labware: Any = PLATE) -> tuple[
    Checked, Result, list[tuple[str, Mapping[str, Any]]]
]:  # fmt: skip
    document = {"format": "lab-protocol/1", "name": "t", "author": {"kind": "human", "name": "tests"},
                "labware": labware, "steps": list(steps)}  # fmt: skip
    found = check(from_document(document), view(lab))
    assert found.program is not None, found.problems
    cell = Cell(lab, "twin", WorldSettings(speed=speed, epoch_s=None if speed else 1e9))
    cell.load(found.program.devices)
    told: list[tuple[str, Mapping[str, Any]]] = []

    async def main() -> Result:
        try:
            assert found.program is not None
            return await execute(found.program, cell, {}, sinks=[lambda name, doc: told.append((name, dict(doc)))])
        finally:
            await cell.close()

    result = cell.world.run(main)
    assert result.outcome == "completed", result.error
    return found, result, told


def events(told: list[tuple[str, Mapping[str, Any]]], step: str) -> list[Mapping[str, Any]]:
    streams = {doc["uid"] for name, doc in told if name == "descriptor" and doc["name"] == step}
    return [doc for name, doc in told if name == "event" and doc["descriptor"] in streams]


def test_a_count_of_two_detectors_is_one_event_a_point_and_tidy_rows(lab: Lab) -> None:
    step = {
        "id": "c",
        "do": "scan",
        "plan": "count",
        "num": 3,
        "delay": "10 s",
        "detectors": ["environment", "absorbance"],
    }
    found, result, told = ran(lab, step | LIGHT)
    assert [sorted(event["data"]) for event in events(told, "c")] == [
        [*sorted(f"environment_{name}" for name in UNITS), "reader_absorbance_500nm"]
    ] * 3
    assert len([doc for name, doc in told if name == "descriptor" and doc["name"] == "c"]) == 1
    first, second, _ = (event["time"] for event in events(told, "c"))
    assert second - first > 10
    assert found.program is not None
    table = [row for row in rows(told, found.program.as_json()) if row.step == "c"]
    assert [(row.device, row.quantity, row.unit, row.labware, row.well) for row in table[:7]] == [
        *(("environment", name, unit, "", "") for name, unit in UNITS.items()),
        ("reader", "absorbance_500nm", "1", "plate", "A1"), ("reader", "absorbance_500nm", "1", "plate", "A2"),
    ]  # fmt: skip
    assert table[5].material == "100 uL water"
    assert len(table) == 21
    assert found.forecasts[0].duration_s == pytest.approx(result.duration_s, rel=0.05)


def test_scans_of_an_axis_in_real_time_under_a_program(lab: Lab) -> None:
    """Through Channel Access; the values are where the axis is, and the forecast knows how long that takes."""
    way = {"id": "s", "do": "scan", "plan": "scan", "num": 3, "axes": [{"from": "1 mm", "to": "3 mm"}]}
    relative = {"id": "r", "do": "scan", "plan": "rel_scan", "num": 2, "detectors": ["environment"],
                "axes": [{"from": "-1 mm", "to": "0 mm"}]}  # fmt: skip
    found, result, told = ran(lab, way, relative, speed=1, labware={})
    assert [event["data"]["axis_position"] for event in events(told, "s")] == pytest.approx([1, 2, 3], abs=0.02)
    assert [event["data"]["axis_position"] for event in events(told, "r")] == pytest.approx([2, 3], abs=0.02)
    assert [set(event["data"]) for event in events(told, "r")] == [
        {"axis_position", *(f"environment_{name}" for name in UNITS)}
    ] * 2
    moves_s = sum(span.end_s - span.start_s for span in result.spans if span.verb == "move")
    foreseen_s = found.forecasts[0].busy_s["axis"]
    assert foreseen_s == pytest.approx(5 * 0.4), "five ways of 1 mm, and one of nothing"
    assert moves_s > 0.9 * foreseen_s


def test_calls_run_on_the_twin_as_long_as_forecast(lab: Lab) -> None:
    steps = (
        {"id": "m", "do": "measure", "kind": "mass", "labware": "plate"}, {"id": "t", "do": "call", "name": "self_test"},
        {"id": "b", "do": "call", "name": "blink", "args": {"duration": "3 s"}},
        {"id": "l", "do": "call", "name": "lights", "args": {"state": "off"}},
        {"id": "x", "do": "call", "name": "tape_left"}, {"id": "a", "do": "call", "name": "advance_tape"},
        {"id": "y", "do": "call", "name": "tape_left"},
    )  # fmt: skip
    found, result, told = ran(lab, *steps)
    (test,) = events(told, "t")
    assert abs(test["data"]["balance_deviation"]) < 1e-3
    assert [event["data"]["peeler_seals_left"] for event in (*events(told, "x"), *events(told, "y"))] == [700, 690]
    assert found.forecasts[0].duration_s == pytest.approx(result.duration_s, rel=0.05)
