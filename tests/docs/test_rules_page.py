"""The page of the rules: every rule that the code knows stands on it, and none that it does not know."""

import re
from pathlib import Path

from protocols.rules import RULES

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/reference/rules.md").read_text("utf-8")


def told() -> set[str]:
    found = set()
    for cell in re.findall(r"^\| ([A-Z]+-\d{3}[^|]*)", PAGE, re.MULTILINE):
        for name, first, last in re.findall(r"([A-Z]+)-(\d{3})(?: to (\d{3}))?", cell):
            found |= {f"{name}-{number:03}" for number in range(int(first), int(last or first) + 1)}
    return found


def test_every_rule_is_told_and_no_other() -> None:
    known = set(RULES)
    for path in (ROOT / "protocols").rglob("*.py"):
        if not {"importers", "exporters"} & set(path.parts):
            known |= set(re.findall(r'"([A-Z]+-\d{3})"', path.read_text("utf-8")))
    assert told() - {"FILE-002"} == known - {"FILE-002"}


def test_the_severities_are_those_of_the_code() -> None:
    rows = dict(re.findall(r"^\| ([A-Z]+-\d{3}) \| (\w+) \|", PAGE, re.MULTILINE))
    assert rows == {rule.id: rule.severity for rule in RULES.values()}
