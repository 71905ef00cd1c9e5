"""Rules about time, reach, money, lids and the state of devices: once where each speaks, and once where it is silent."""

import dataclasses
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from labfile import Lab, read
from orchestrator.labview import view
from protocols.check import Checked, check
from protocols.parse import from_document
from protocols.rules import planning

ROOT = Path(__file__).resolve().parents[3]
LAB = (ROOT / "lab.toml").read_text("utf-8")
MORNING = 1_800_000_000.0  # 2027-01-15


def lab_with(tmp_path: Path, text: str = "", **changes: str) -> Lab:
    """The lab of lab.toml with other lines, and more tables at its end."""
    document = LAB
    for old, new in changes.items():
        assert old in document
        document = document.replace(old, new)
    path = tmp_path / "lab.toml"
    path.write_text(document + text)
    return read(path)


def document(*steps: dict[str, Any], author: str = "human") -> dict[str, Any]:
    return {
        "format": "lab-protocol/1", "name": "t", "author": {"kind": author, "name": "explorer"},
        "materials": {"dye": {"cas": "25956-17-6", "concentration": "0.1 mmol/L"}},
        "labware": {"stock": {"type": "reservoir_12", "holds": {"A1": {"material": "dye", "volume": "5 mL"}}},
                    "plate": {"type": "plate_96_flat"}},
        "steps": list(steps),
    }  # fmt: skip


FILL = {"id": "fill", "do": "transfer", "source": "stock/A1", "to": "plate/A1:A6", "volume": "100 uL"}
READ = {
    "id": "read",
    "do": "measure",
    "kind": "absorbance",
    "labware": "plate",
    "wells": "A1:A6",
    "wavelengths": ["500 nm"],
}
ON, OFF = ({"id": f"lid_{put}", "do": "lid", "labware": "plate", "put": put} for put in ("on", "off"))


def found(lab: Lab, *steps: dict[str, Any], author: str = "human", now: float = MORNING) -> dict[str, Any]:
    checked: Checked = check(from_document(document(*steps, author=author)), view(lab, now))
    assert checked.program is not None
    return {problem.rule: problem for problem in checked.problems}


def test_a_step_that_cannot_be_in_time(lab: Lab) -> None:
    late = found(lab, FILL, {**READ, "within": "5 s"})["TIME-003"]
    assert (late.severity, late.step) == ("block", "read")
    assert "not within 5 s" in late.message
    assert "TIME-003" not in found(lab, FILL, {**READ, "within": "2 min"})


def test_a_site_out_of_reach(tmp_path: Path) -> None:
    far = lab_with(tmp_path, **{"at_mm = [430.0, -160.0, 85.0]": "at_mm = [730.0, -460.0, 85.0]"})
    assert "does not reach reader.tray: it is too far" in found(far, FILL, READ)["REACH-003"].message
    assert "REACH-003" not in found(read(ROOT / "lab.toml"), FILL, READ)


def test_lids(lab: Lab) -> None:
    assert found(lab, ON, FILL)["LID-001"].severity == "block"
    assert found(lab, FILL, ON, READ)["LID-001"].severity == "warn"
    assert found(lab, FILL, ON, {"id": "s", "do": "seal", "labware": "plate"})["LID-001"].severity == "block"
    assert "LID-001" not in found(lab, ON, OFF, FILL, READ)


def test_a_calibration_that_is_out_of_date(tmp_path: Path) -> None:
    lab = lab_with(tmp_path, **{"[devices.reader]": "[devices.reader]\ncalibration_due = 2027-01-01"})
    assert lab.devices["reader"].calibration_due == date(2027, 1, 1)
    overdue = found(lab, FILL, READ)["CAL-001"]
    assert (overdue.severity, overdue.step) == ("approve", "read")
    assert "reader was due on 2027-01-01" in overdue.message
    assert "CAL-001" not in found(lab, FILL)  # the reader is not used
    assert "CAL-001" not in found(lab, FILL, READ, now=MORNING - 86400 * 30)


MAINTENANCE = """
[maintenance.lamp]
device = "reader"
from = 2027-01-15T08:10:00Z
until = 2027-01-15T10:00:00Z
"""


def test_a_device_in_maintenance(tmp_path: Path) -> None:
    lab = lab_with(tmp_path, MAINTENANCE)
    assert found(lab, FILL, {"id": "w", "do": "wait", "for": "20 min"}, READ)["MAINT-001"].severity == "warn"
    assert "MAINT-001" not in found(lab, FILL, READ)  # over before it begins
    assert "MAINT-001" not in found(lab, FILL, now=MORNING + 600)


def test_an_agent_has_so_much_instrument_time(tmp_path: Path) -> None:
    poor = lab_with(tmp_path, **{"instrument_minutes_per_day = 600": "instrument_minutes_per_day = 1"})
    spent = found(poor, FILL, READ, author="agent")["BUDGET-001"]
    assert spent.severity == "block"
    assert "explorer may use 1 in a whole day" in spent.message
    assert "BUDGET-001" not in found(poor, FILL, READ)  # a person's protocol
    assert "BUDGET-001" not in found(read(ROOT / "lab.toml"), FILL, READ, author="agent")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("reagent_ml_per_day = 500", "reagent_ml_per_day = 4", "5 mL of liquids"),
        ("money_per_day = 1000", "money_per_day = 1", "USD"),
    ],
)
def test_an_agent_has_so_much_of_the_rest(tmp_path: Path, old: str, new: str, said: str) -> None:
    poor = lab_with(tmp_path, **{old: new})
    assert said in found(poor, FILL, author="agent")["BUDGET-001"].message


#: The robot at 60 an hour, dye at 2 a mL; tips are at 0.1.
PRICES = {'currency = "USD"\n': 'currency = "USD"\nliquid_ml = { dye = 2.0 }\n', "ot2 = 40": "ot2 = 60"}


def priced(tmp_path: Path, above: float, stock: float) -> Lab:
    prices = {**PRICES, "tip = 0.1\n": f"tip = 0.1\napprove_above = {above}\n"}
    return lab_with(tmp_path, f"\n[stock]\nliquid_ml = {{ dye = {stock} }}\n", **prices)


def test_what_a_run_costs(tmp_path: Path) -> None:
    dear = found(priced(tmp_path, 10.0, 100.0), FILL)["BUDGET-002"]
    assert dear.severity == "approve"
    assert "USD" in dear.message
    cost = float(dear.message.split()[2])
    assert 10.0 + 0.6 + 0.5 < cost < 10.0 + 0.6 + 3.0  # 5 mL at 2, 6 tips, a minute or two of the robot
    assert "BUDGET-002" not in found(priced(tmp_path, 20.0, 100.0), FILL)


def test_more_than_is_on_the_shelf(tmp_path: Path) -> None:
    empty = found(priced(tmp_path, 100.0, 4.0), FILL)["BUDGET-003"]
    assert empty.severity == "block"
    assert "5 mL of dye; the lab has 4 mL" in empty.message
    assert "BUDGET-003" not in found(priced(tmp_path, 100.0, 5.0), FILL)


def test_every_rule_of_this_kind_is_shown_here_and_has_its_authority() -> None:
    shown = set(re.findall(r"[A-Z]+-\d{3}", Path(__file__).read_text("utf-8")))
    assert {rule.id for rule in planning.RULES} <= shown
    assert all(len(rule.citation) > 15 for rule in planning.RULES)


def test_a_lab_that_tells_no_times_is_asked_for_none(lab: Lab) -> None:
    silent = dataclasses.replace(view(lab, MORNING), timings=None)
    checked = check(from_document(document(FILL, {**READ, "within": "5 s"})), silent)
    assert checked.forecasts == ()
    assert "TIME-003" not in {problem.rule for problem in checked.problems}
