"""The procedure that people read: every step and value in words, and nothing of an author's text as markup."""

from pathlib import Path

import pytest

from benchmarks.fuzz.corpus import good
from labfile import Lab
from orchestrator.labview import view
from protocols.check import check
from protocols.parse import from_document, read
from protocols.sop import page, plain, sop

ROOT = Path(__file__).resolve().parents[2]
FILES = [*sorted((ROOT / "protocols/examples").glob("*.yaml")), *sorted((ROOT / "protocols/library").glob("*.yaml"))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_step_is_in_the_procedure(path: Path, lab: Lab) -> None:
    checked = check(read(path), view(lab))
    text = sop(checked)
    assert text.startswith(f"# {checked.source.protocol.name}\n")
    for number, step in enumerate(checked.source.steps, 1):
        assert f"\n{number}. **{plain(step.id)}**" in text
    html = page(text)
    assert html.count("<li>") >= len(checked.source.steps)
    assert "<table>" in html


def test_every_kind_of_step_has_words(lab: Lab) -> None:
    text = sop(check(from_document(good()), view(lab)))
    for words in (
        "transfer 50 uL from stock/A1", "distribute 40 uL", "1 to 2 along", "mix plate/A1 2 times", "shake plate with 500 rpm for 30 s",
        "keep plate at 37 degC for 5 min", "spin plate with 300 x g", "3 x (60 degC 10 s)", "seal plate", "take the seal off plate",
        "at 504 nm", "bring the axis to 5 mm", "bring plate to hotel", "by a person: Look.", "wait 60 s",
        "if the reading of read at 504 nm is above 0.5", "lane lanes.1",
    ):  # fmt: skip
        assert words in text, words


def test_an_authors_text_is_no_markup(lab: Lab) -> None:
    document = good() | {"name": "<script>alert(1)</script> [x](http://a) **b** | c", "purpose": "# not a title"}
    text = sop(check(from_document(document), view(lab)))
    html = page(text)
    assert "<script" not in html
    assert "<a " not in html
    assert "<strong>b" not in html
    assert html.count("<h1>") == 1


def test_what_is_known_to_be_dangerous_is_said(lab: Lab) -> None:
    document = good()
    document["materials"]["dye"] = {"cas": "64-17-5", "concentration": "1 mol/L"}
    text = sop(check(from_document(document), view(lab)))
    assert "flammable liquid" in text
    assert "flash point 12 degC" in text
    document["materials"]["dye"] = {}
    assert "nothing is known of it" in sop(check(from_document(document), view(lab)))
