"""Steps that must not wait do not, however many runs want the same devices; and what is late is told."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks.many.shift import Job, Outcome, jobs, shift
from labfile import Lab
from orchestrator import limits
from orchestrator.labview import view
from orchestrator.simulate import simulate
from orchestrator.state import records as r
from orchestrator.state.cell import fold
from protocols.check import check
from protocols.parse import from_document
from protocols.program import Program

READ = {"do": "measure", "kind": "absorbance", "labware": "plate", "wells": "A1:A4", "wavelengths": ["504 nm"]}


REST = {"id": "rest", "do": "wait", "for": "2 min"}
HOG = ({"id": "read", **READ}, {"id": "rest", "do": "wait", "for": "20 min"}, {"id": "again", **READ})  # has the reader


def assay(**limited: str) -> tuple[dict[str, Any], ...]:
    """Pipette, rest in the hotel, read; the reading may be limited."""
    return {"id": "store", "do": "move", "labware": "plate", "to": "hotel"}, REST, {"id": "read", **READ, **limited}


def document(*steps: dict[str, Any]) -> dict[str, Any]:
    return {
        "format": "lab-protocol/1", "name": "assay", "author": {"kind": "human", "name": "tests"},
        "materials": {"dye": {"cas": "25956-17-6", "concentration": "0.1 mmol/L"}},
        "labware": {"stock": {"type": "reservoir_12", "holds": {"A1": "dye"}}, "plate": {"type": "plate_96_flat"}},
        "steps": [
            {"id": "mix", "do": "transfer", "source": "stock/A1", "to": "plate/A1:A2", "volume": "50 uL", "tips": "once"},
            *steps,
        ],
    }  # fmt: skip


def bound(lab: Lab, *steps: dict[str, Any]) -> Program:
    program = check(from_document(document(*steps)), view(lab), clear=True).program
    assert program is not None
    return program


def work(lab: Lab, folder: Path, protocols: Sequence[tuple[dict[str, Any], ...]]) -> list[Job]:
    for number, steps in enumerate(protocols):
        (folder / f"{number}.json").write_text(json.dumps(document(*steps)))
    return jobs(lab, [(folder / f"{number}.json", {}) for number in range(len(protocols))])


def gaps(program: Program, came: Outcome) -> dict[str, float]:
    """By run: from the end of the wait to the end of the reading, s."""
    last = {action.step: action.id for action in program.actions}
    ends = {(x.run_id, x.action): x.at for x in came.records if isinstance(x, r.Done)}
    runs = {run_id for run_id, _ in ends}
    return {run_id: ends[run_id, last["read"]] - ends[run_id, last["rest"]] for run_id in runs}


def test_a_limited_step_is_never_delayed_by_other_runs(lab: Lab, tmp_path: Path) -> None:
    longest = {}
    for limit in ("", "1 min"):
        mine = assay(within=limit) if limit else assay()
        todo = work(lab, tmp_path, [HOG, mine])
        came = shift(lab, todo, 1.0)
        assert len(came.ends_s) == 2
        assert fold(came.records) == came.state
        assert not came.state.held
        longest[limit] = gaps(todo[1].program, came)["r1"]
        assert not [record for record in came.records if isinstance(record, r.Alarmed)]
    assert longest["1 min"] <= 60 < 600 < longest[""], "without the limit it waits for the reader"


def test_limits_and_plans_of_the_scheduler_do_not_deadlock(lab: Lab, tmp_path: Path) -> None:
    limited = assay(within="1 min")
    came = shift(lab, work(lab, tmp_path, [HOG, limited, HOG, assay(), limited]), 1.0)
    assert len(came.ends_s) == 5
    assert not came.state.held
    assert fold(came.records) == came.state


def test_a_run_that_is_too_slow_by_itself_is_told_before(lab: Lab) -> None:
    result = simulate(lab, bound(lab, *assay(within="5 s"))).result
    assert result.outcome == "failed"
    assert result.error.startswith("step read ended ")
    assert "after step rest, not within 5.0 s - shorten" in result.error


@pytest.mark.parametrize(("late_s", "told"), [(0.0, 0), (200.0, 1)])
def test_a_step_that_is_late_raises_an_alarm(lab: Lab, late_s: float, told: int) -> None:
    program = bound(lab, *assay(within="1 min"))
    records: list[r.Record] = [r.Submitted(at=0, run_id="one", program=program, by="me", about={})]
    now = 0.0
    for action in program.actions:
        now += 1.0 + (late_s if action.id == program.limits[0].after else 0.0)
        records += [r.Begun(at=now, run_id="one", action=action.id), r.Done(at=now, run_id="one", action=action.id)]
    (read,) = [x for x in records if isinstance(x, r.Done) and x.action == program.limits[0].after]
    alarms = list(limits.watch(fold(records), read))
    assert len(alarms) == told
    assert all("step read ended" in alarm.message for alarm in alarms if isinstance(alarm, r.Alarmed))
