"""The report: what it shows, that it is well formed, and that nothing in a protocol can get out of its text."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from labfile import Lab
from orchestrator.analysis.fits import Evaluation, evaluate
from orchestrator.labview import view
from orchestrator.report import write_report
from orchestrator.run import Run
from orchestrator.simulate import Prediction, simulate
from protocols.check import Checked, check
from protocols.parse import from_document, read

DEMO = Path(__file__).resolve().parents[2] / "protocols/library/dye_calibration.yaml"
_VOID = {"meta", "link", "br", "hr", "img"}


class Outline(HTMLParser):
    """Checks nesting and gathers headings, captions and tags."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def outline(path: Path) -> Outline:
    found = Outline()
    found.feed(path.read_text("utf-8"))
    assert not found.open
    return found


def drawings(path: Path) -> list[ET.Element]:
    return [ET.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", path.read_text("utf-8"), re.DOTALL)]


@pytest.fixture(scope="module")
def demo(lab: Lab) -> tuple[Checked, Prediction, Prediction]:
    checked = check(read(DEMO), view(lab))
    assert checked.program is not None
    return checked, simulate(lab, checked.program, seed=1), simulate(lab, checked.program, seed=7)


def report(folder: Path, checked: Checked, came: Prediction, before: Prediction | None) -> Path:
    assert checked.program is not None
    done = Run("20260101T000000Z-abcdef", folder, "twin", 7, came.result)
    measured = came.result.outcome == "completed"
    found = evaluate(checked.source.protocol, checked.program, came.result.readings) if measured else Evaluation()
    return write_report(folder, done, checked, found, before, found if before else None)


def test_it_shows_the_science_the_plates_and_the_time(
    demo: tuple[Checked, Prediction, Prediction], tmp_path: Path
) -> None:
    checked, before, came = demo
    path = report(tmp_path, checked, came, before)
    text = " ".join(" ".join(outline(path).text).split())
    assert "TWIN" in text
    assert "agree with what was expected within the noise" in text
    for wanted in (
        "Measured curve",
        "Plates",
        "Devices over time",
        "Predicted beside what came",
        "25,900",
        "dye_yellow",
    ):
        assert wanted in text
    svgs = drawings(path)
    assert len(svgs) == 2 + 3 + 1  # curves, plate maps (contents and two wavelengths), timeline
    circles = [len(svg.findall(".//{*}circle")) for svg in svgs]
    assert circles[:2] == [2 * 2 * 24, 2 * 2 * 24]  # points and what they leave over, two wavelengths
    assert circles[2:5] == [96, 96, 96]
    lanes = {span.device for span in came.result.spans}
    labels = {element.text for element in svgs[-1].findall(".//{*}text")}
    assert lanes <= labels


def test_nothing_in_it_comes_from_elsewhere(demo: tuple[Checked, Prediction, Prediction], tmp_path: Path) -> None:
    text = report(tmp_path, *demo[:1], demo[2], demo[1]).read_text("utf-8")
    assert "<script" not in text
    assert not re.search(r"(?:src|href)\s*=|url\(|@import", text)


def test_names_from_a_protocol_stay_text(lab: Lab, tmp_path: Path) -> None:
    hostile = '<script>alert(1)</script>"&'
    document = {
        "format": "lab-protocol/1", "name": hostile, "purpose": hostile,
        "author": {"kind": "agent", "name": hostile}, "assumptions": [hostile],
        "steps": [{"id": "w", "do": "operator", "message": hostile}],
    }  # fmt: skip
    checked = check(from_document(document), view(lab))
    assert checked.program is not None
    path = report(tmp_path, checked, simulate(lab, checked.program), None)
    found = outline(path)
    assert "script" not in found.tags
    assert hostile in "".join(found.text)


def test_a_failed_run_says_what_went_wrong(demo: tuple[Checked, Prediction, Prediction], tmp_path: Path) -> None:
    checked, before, came = demo
    failed = replace(came, result=replace(came.result, outcome="failed", error="step shake: it broke", readings=()))
    text = " ".join(outline(report(tmp_path, checked, failed, before)).text)
    assert "step shake: it broke" in text
    assert "FAILED" in text


def test_a_run_in_which_nothing_ran_has_a_report(demo: tuple[Checked, Prediction, Prediction], tmp_path: Path) -> None:
    checked, _, came = demo
    nothing = replace(
        came.result, outcome="failed", error="arm: no answer", spans=(), readings=(), end_state={"labware": {}}
    )
    assert "no answer" in "".join(outline(report(tmp_path, checked, replace(came, result=nothing), None)).text)
