"""The guide and its six examples: each is valid, holds to the schema, runs on the twin, and has in it what the guide says."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from labfile import Lab
from orchestrator.labview import view
from orchestrator.simulate import simulate
from protocols import schema
from protocols.check import check
from protocols.parse import loads, read
from protocols.problems import blocking

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "protocols/examples").glob("*.yaml"))
GUIDE = (ROOT / "protocols/guide.md").read_text("utf-8")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_valid_and_runs(path: Path, lab: Lab) -> None:
    jsonschema.Draft202012Validator(schema.generate()).validate(yaml.safe_load(path.read_text("utf-8")))
    checked = check(read(path), view(lab))
    assert not blocking(checked.problems)
    assert checked.program is not None
    predicted = simulate(lab, checked.program)
    assert predicted.result.outcome == "completed", predicted.result.error
    for name, labware in checked.end_state["labware"].items():
        told = predicted.result.end_state["labware"][name]["wells"]
        if path.stem != "4_decide":  # which way was taken is known only after the reading
            assert told == labware["wells"], name


def test_there_are_six_and_the_guide_names_them() -> None:
    assert len(EXAMPLES) == 6
    assert all(f"`{path.stem}`" in GUIDE for path in EXAMPLES)


def test_the_guide_is_one_page_and_tells_of_every_step() -> None:
    assert len(GUIDE) < 6000
    kinds = set(re.findall(r'"do":\{"const":"(\w+)"', schema.text())) | {"seal", "peel"}
    assert kinds - set(re.findall(r"`(\w+)`", GUIDE)) == set()


def test_the_protocol_of_the_guide_is_valid(lab: Lab) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    assert not blocking(check(loads(block.encode()), view(lab)).problems)


def test_labware_that_the_guide_names_is_there(lab: Lab) -> None:
    (line,) = re.findall(r"\*\*Labware\*\*: (.*?), or an Opentrons", GUIDE, re.DOTALL)
    for kind in re.findall(r"`(\w+)`", line):
        document = {"format": "lab-protocol/1", "name": "t", "author": {"kind": "agent", "name": "t"},
                    "labware": {"x": {"type": kind}}, "steps": [{"id": "w", "do": "wait", "for": "1 s"}]}  # fmt: skip
        assert not blocking(check(loads(json.dumps(document).encode()), view(lab)).problems)
