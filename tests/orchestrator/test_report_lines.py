"""What came of a run, in lines for a terminal."""

from pathlib import Path

from labfile import Lab
from orchestrator.labview import view
from orchestrator.report.lines import MAX_LINES, what_came
from orchestrator.simulate import simulate
from protocols.check import check
from protocols.parse import read

ROOT = Path(__file__).resolve().parents[2]


def lines(lab: Lab, file: str, **values: str) -> list[str]:
    program = check(read(ROOT / file, values), view(lab)).program
    assert program is not None
    return list(what_came(program, simulate(lab, program).result))


def test_readings_and_what_was_passed_over(lab: Lab) -> None:
    found = lines(lab, "protocols/examples/4_decide.yaml", limit="2.0")
    assert any(line.startswith("  read: absorbance_504nm: A1 ") for line in found)
    assert any("passed over" in line and "dilute" in line for line in found), found
    other = lines(lab, "protocols/examples/4_decide.yaml", limit="0.1")
    assert not any("passed over" in line and "dilute" in line for line in other), other


def test_a_person_s_message_and_no_more_lines_than_a_screen_has(lab: Lab) -> None:
    found = lines(lab, "protocols/examples/6_with_a_person.yaml")
    assert any("a person is told: " in line for line in found)
    long = lines(lab, "protocols/library/growth_curve.yaml")
    assert len([line for line in long if "absorbance" in line]) == MAX_LINES
    assert any("more readings" in line for line in long)
