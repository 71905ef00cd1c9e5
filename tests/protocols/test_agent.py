"""Protocols that an agent wrote from the guide and the schema alone (docs/explanation/agents.md): still valid."""

from pathlib import Path

import pytest

from labfile import Lab
from orchestrator.labview import view
from orchestrator.simulate import simulate
from protocols.check import check
from protocols.parse import read
from protocols.problems import blocking

HERE = Path(__file__).parent / "agent"
WRITTEN = sorted(HERE.rglob("*.yaml"))
#: Where nobody knows what is in a well, or something boils off, a person decides.
APPROVALS = {
    "6": {"CHEM-002"}, "bench/5": {"CHEM-002"}, "bench/6": {"CHEM-002"}, "bench/7": {"CHEM-002"},
    "again/6": {"CHEM-002"}, "ten/3": {"CHEM-002", "CHEM-005"}, "ten/6": {"CHEM-002"},
    "twelve/2": {"CHEM-002"}, "twelve/6": {"CHEM-002"}, "twelve/9": {"CHEM-002"},
}  # fmt: skip


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: str(path.relative_to(HERE).with_suffix("")))
def test_what_an_agent_wrote_is_valid_and_runs(path: Path, lab: Lab) -> None:
    checked = check(read(path), view(lab))
    assert not blocking(checked.problems)
    name = str(path.relative_to(HERE).with_suffix(""))
    assert {problem.rule for problem in checked.approvals} == APPROVALS.get(name, set())
    assert checked.program is not None
    if not lab.in_real_time(checked.program.devices):
        assert simulate(lab, checked.program).result.outcome == "completed"


def test_all_are_there() -> None:
    assert len(WRITTEN) == 42
