"""The twin's prediction beside the run: a clot shows as a wrong absorbance, and an undisturbed run as nothing."""

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.core.instrument import Reading
from drivers.core.world import WorldSettings
from labfile import Lab
from orchestrator.bands import TOLD, Predicted, outside, predict
from orchestrator.cell import Cell
from orchestrator.conductor import Conductor
from orchestrator.journal import MemoryLog
from orchestrator.labview import view
from orchestrator.recovery import Policy
from orchestrator.service import Service
from orchestrator.simulate import simulate
from orchestrator.state import records as r
from protocols.check import check
from protocols.parse import from_document, read
from protocols.program import Program
from sim_lab.twins.ot2_pipette import Head

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def program(lab: Lab) -> Program:
    found = check(read(ROOT / "protocols/library/dye_calibration.yaml"), view(lab)).program
    assert found is not None
    return found


@pytest.fixture(scope="module")
def predicted(lab: Lab, program: Program) -> tuple[dict[str, Any], ...]:
    return predict(program, simulate(lab, program).result.readings)


def serve(
    lab: Lab, program: Program, predicted: tuple[Predicted, ...], policy: Policy, seed: int = 5
) -> list[r.Record]:
    """One run as `lab up` makes it, in virtual time; a paused one is let go on after an hour."""
    cell = Cell(lab, "twin", WorldSettings(seed=seed, epoch_s=0.0))
    cell.load(program.devices)
    story: list[r.Record] = []

    async def main() -> None:
        conductor = Conductor(MemoryLog(), asyncio.get_running_loop().time)
        conductor.listeners.append(story.append)
        service = Service(conductor, cell, policy=policy)
        await service.submit("run", program, about={}, predicted=predicted)
        while "run" in conductor.state.runs:
            await asyncio.sleep(3600)
            if "run" in conductor.state.runs and conductor.state.run("run").paused_by:
                await service.resume("run", "tests")
        await service.close()
        await cell.close()

    cell.world.run(main)
    return story


@pytest.fixture
def clot(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first tip that is to draw 40 uL is clogged: the robot counts what it never got."""
    whole, clogged = Head.aspirate, []

    def aspirate(self: Head, really: Any, told: Any, well: str, volume_ul: float, share: float = 1.0) -> None:
        if volume_ul == 40.0 and not clogged:
            clogged.append(well)
            share = 0.0
        whole(self, really, told, well, volume_ul, share)

    monkeypatch.setattr(Head, "aspirate", aspirate)


@pytest.mark.usefixtures("clot")
def test_a_clot_raises_an_alarm_that_names_the_step_and_the_run_goes_on(
    lab: Lab, program: Program, predicted: tuple[Predicted, ...]
) -> None:
    story = serve(lab, program, predicted, Policy())
    alarms = [record for record in story if isinstance(record, r.Alarmed)]
    assert alarms
    assert all("step read" in alarm.message and "reader" in alarm.message for alarm in alarms)
    assert any("absorbance_504nm" in alarm.message and "G2 0." in alarm.message for alarm in alarms), alarms
    assert not any("G1" in alarm.message or "A1" in alarm.message for alarm in alarms)
    assert isinstance(story[-1], r.Finished)
    assert story[-1].outcome == "completed"
    assert not any(isinstance(record, r.Paused) for record in story)
    done = next(n for n, one in enumerate(story) if isinstance(one, r.Done) and one.action == alarms[0].action)
    assert story[done + 1] is alarms[0], "they are written together"


@pytest.mark.usefixtures("clot")
def test_the_policy_may_pause_the_run(lab: Lab, program: Program, predicted: tuple[Predicted, ...]) -> None:
    story = serve(lab, program, predicted, Policy(outside_band="pause"))
    (paused,) = [n for n, record in enumerate(story) if isinstance(record, r.Paused)]
    (resumed,) = [n for n, record in enumerate(story) if isinstance(record, r.Resumed)]
    assert not any(isinstance(record, r.Begun) for record in story[paused:resumed])
    assert any(isinstance(record, r.Begun) for record in story[resumed:])
    assert isinstance(story[-1], r.Finished)
    assert story[-1].outcome == "completed"


def test_an_undisturbed_run_raises_none(lab: Lab, program: Program, predicted: tuple[Predicted, ...]) -> None:
    assert not [record for record in serve(lab, program, predicted, Policy()) if isinstance(record, r.Alarmed)]


@pytest.mark.slow
def test_twenty_undisturbed_runs_raise_none(lab: Lab, program: Program, predicted: tuple[Predicted, ...]) -> None:
    for seed in range(100, 120):
        for one in simulate(lab, program, seed=seed).result.readings:
            reading = Reading(one["quantity"], one["unit"], one.get("value"), one.get("wells"))
            assert not outside(predicted, one["action"], reading), f"seed {seed}"


def test_every_well_of_the_demo_is_watched(predicted: tuple[Predicted, ...]) -> None:
    """And no sensor of the room: what it will show is nobody's to predict."""
    watched = {one["quantity"]: len(one["half"]) for one in predicted if "half" in one}
    assert watched == {"absorbance_427nm": 64, "absorbance_504nm": 64}
    red = next(one for one in predicted if one["quantity"] == "absorbance_504nm")
    assert max(red["half"].values()) < 0.12
    assert red["wells"]["A1"] - red["half"]["A1"] > 0.5, "an empty well is far outside"


def test_nothing_is_claimed_of_what_the_twin_cannot_see(lab: Lab) -> None:
    """A solute without a spectrum, and a liquid that nobody has described."""
    document = {
        "format": "lab-protocol/1", "name": "unseen", "author": {"kind": "human", "name": "tests"},
        "materials": {
            "salt": {"cas": "7647-14-5", "concentration": "1 mmol/L"}, "dye": {"cas": "25956-17-6", "concentration": "0.1 mmol/L"},
            "water": {"cas": "7732-18-5"},
        },
        "labware": {"stock": {"type": "reservoir_12", "holds": {"A1": "salt", "A2": "dye", "A3": "water"}},
                    "plate": {"type": "plate_96_flat"}},
        "steps": [
            {"id": "salt", "do": "transfer", "source": "stock/A1", "to": "plate/A1:A3", "volume": "100 uL"},
            {"id": "dye", "do": "transfer", "source": "stock/A2", "to": "plate/B1:B3", "volume": "100 uL"},
            {"id": "water", "do": "transfer", "source": "stock/A3", "to": "plate/C1:C3", "volume": "100 uL"},
            {"id": "read", "do": "measure", "kind": "absorbance", "labware": "plate", "wells": "A1:C3", "wavelengths": ["504 nm"]},
        ],
    }  # fmt: skip
    checked = check(from_document(document), view(lab))
    assert checked.program is not None, checked.problems
    (one,) = predict(checked.program, simulate(lab, checked.program).result.readings)
    assert set(one["half"]) == {"B1", "B2", "B3", "C1", "C2", "C3"}


BAND: Mapping[str, Any] = {"action": "a", "quantity": "absorbance_504nm", "wells": {"A1": 1.0}, "half": {"A1": 0.125}}


@given(st.floats())
def test_a_value_is_outside_exactly_when_it_is_far(value: float) -> None:
    found = outside((BAND,), "a", Reading("absorbance_504nm", "1", wells={"A1": value}))
    assert bool(found) is not (0.875 <= value <= 1.125)


def test_only_its_own_action_is_measured_by_a_band_and_a_missing_value_is_told() -> None:
    far = Reading("absorbance_504nm", "1", wells={"A1": 3.0})
    assert not outside((BAND,), "b", far)
    assert not outside((BAND,), "a", Reading("absorbance_427nm", "1", wells={"A1": 3.0}))
    assert not outside(({**BAND, "half": {}},), "a", far)
    (missing,) = outside((BAND,), "a", Reading("absorbance_504nm", "1", wells={}))
    assert str(missing) == "A1 nothing, predicted 1.000 ± 0.125"


def test_a_prediction_that_makes_no_sense_harms_no_run(
    lab: Lab, program: Program, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        story = serve(lab, program, ({"nonsense": 1},), Policy())
    assert isinstance(story[-1], r.Finished)
    assert story[-1].outcome == "completed"
    assert "a rule failed" in caplog.text


def test_an_alarm_does_not_list_a_whole_plate(lab: Lab, program: Program, predicted: tuple[Predicted, ...]) -> None:
    wrong = tuple({**one, "wells": dict.fromkeys(one["half"], 9.0)} if "half" in one else one for one in predicted)
    alarms = [record for record in serve(lab, program, wrong, Policy()) if isinstance(record, r.Alarmed)]
    assert len(alarms) == 2, "one a reading"
    assert alarms[0].message.count("predicted 9") == TOLD
    assert "and 56 more wells" in alarms[0].message
