"""Protocols that an agent wrote from the guide and the schema alone (docs/explanation/agents.md): still valid."""

from pathlib import Path

import pytest

from labfile import Lab
from orchestrator.labview import view
from orchestrator.simulate import simulate
from protocols.check import check
from protocols.parse import read
from protocols.problems import blocking

WRITTEN = sorted((Path(__file__).parent / "agent").glob("*.yaml"))


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.stem)
def test_what_an_agent_wrote_is_valid_and_runs(path: Path, lab: Lab) -> None:
    checked = check(read(path), view(lab))
    assert not blocking(checked.problems)
    assert {problem.rule for problem in checked.approvals} == ({"CHEM-002"} if path.stem == "6" else set())
    assert checked.program is not None
    assert simulate(lab, checked.program).result.outcome == "completed"


BENCH = sorted((Path(__file__).parent / "agent/bench").glob("*.yaml"))


@pytest.mark.parametrize("path", BENCH, ids=lambda path: path.stem)
def test_what_an_agent_wrote_for_the_bench_is_valid_and_runs(path: Path, lab: Lab) -> None:
    checked = check(read(path), view(lab))
    assert not blocking(checked.problems)
    assert {problem.rule for problem in checked.approvals} == ({"CHEM-002"} if path.stem in "567" else set())
    assert checked.program is not None
    if path.stem != "1":  # the axis works in real time only
        assert simulate(lab, checked.program).result.outcome == "completed"


def test_there_are_six() -> None:
    assert [path.stem for path in WRITTEN] == ["1", "2", "3", "4", "5", "6"]
    assert len(BENCH) == 8
