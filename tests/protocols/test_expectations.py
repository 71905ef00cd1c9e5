"""`expect` is held against the steps before anything runs, and says how to mend it."""

from copy import deepcopy
from typing import Any

import pytest
import yaml

from labfile import Lab
from orchestrator.labview import view
from protocols.check import check
from protocols.parse import from_document
from protocols.problems import Problem, ProtocolError

DOCUMENT = yaml.safe_load("""
format: lab-protocol/1
name: Test
author: { kind: human, name: t }
materials:
  dye: { cas: "1934-21-0", concentration: 0.1 mmol/L }
  red: { cas: "25956-17-6", concentration: 0.1 mmol/L }
  bare: { cas: "25956-17-6" }
labware:
  stock: { type: reservoir_12, holds: { A1: dye, A2: water, A3: red } }
  plate: { type: plate_96_flat }
steps:
  - { id: fill, do: transfer, source: stock/A1, to: "plate/A1:A6", volume: 100 uL }
  - { id: read, do: measure, kind: absorbance, labware: plate, wells: "A1:B6", wavelengths: [427 nm] }
  - id: course
    do: repeat
    times: 4
    steps: [{ id: watch, do: measure, kind: absorbance, labware: plate, wells: "A1:B6", wavelengths: [427 nm] }]
""")
GOOD = {"reading": "read", "fit": "beer_lambert", "material": "dye", "wells": "plate/A1:A6", "blank": "plate/B1:B2",
        "at": "427 nm"}  # fmt: skip
COURSE = {"reading": "watch", "fit": "decay", "materials": ["dye"], "wells": "plate/A1:A6", "blank": "plate/B1:B2",
          "at": "427 nm"}  # fmt: skip


def problems(lab: Lab, *fits: dict[str, Any]) -> list[Problem]:
    document = deepcopy(DOCUMENT) | {"expect": list(fits)}
    try:
        return [p for p in check(from_document(document), view(lab)).problems if p.severity == "block"]
    except ProtocolError as error:
        return list(error.problems)


def test_what_can_be_computed_is_silent(lab: Lab) -> None:
    assert (
        problems(lab, GOOD, COURSE, {**COURSE, "reading": "watch.2"} | {"fit": "binding", "materials": ["dye", "red"]})
        == []
    )


@pytest.mark.parametrize(
    ("fit", "rule", "said"),
    [
        ({**GOOD, "reading": "raed"}, "EXP-001", "Did you mean 'read'"),
        ({**GOOD, "reading": "fill"}, "EXP-001", "reads no absorbance"),
        ({**COURSE, "reading": "read"}, "EXP-002", "`repeat`"),
        ({**GOOD, "material": "die"}, "EXP-003", "Did you mean 'dye'"),
        ({**GOOD, "material": "bare"}, "EXP-003", "Give `concentration`"),
        ({**GOOD, "at": "504 nm"}, "EXP-004", "It reads 427 nm"),
        ({**GOOD, "wells": "plate/A1:C6"}, "EXP-004", "does not read plate/C1"),
        ({**GOOD, "blank": "stock/A2"}, "EXP-004", "does not read stock/A2"),
        ({**COURSE, "fit": "michaelis_menten", "materials": ["dye", "red", "dye"]}, "EXP-005", "absorptivity of dye"),
        ({**{k: v for k, v in GOOD.items() if k not in ("material", "at")}, "fit": "mixture",
          "materials": ["dye", "red"]}, "EXP-005", "do not part dye, red"),
        ({**GOOD, "published": "3 mmol/L"}, "UNIT-001", "a molar absorptivity is wanted"),
        ({k: v for k, v in GOOD.items() if k != "material"}, "UNIT-001", "fit beer_lambert needs `material`"),
        ({**COURSE, "samples": "plate/B3"}, "UNIT-001", "fit decay has no `samples`"),
        ({**COURSE, "materials": ["dye", "red", "red"]}, "UNIT-001", "what fades, excess (may be left out)"),
        ({**COURSE, "fit": "calibration", "samples": "plate/B3", "published": "3 mmol/L"}, "UNIT-001", "leave `published` out"),
        ({**GOOD, "fit": "cubic"}, "FMT-001", "beer_lambert"),
    ],
)  # fmt: skip
def test_what_cannot_is_refused_with_a_hint(lab: Lab, fit: dict[str, Any], rule: str, said: str) -> None:
    found = problems(lab, fit)
    assert rule in {problem.rule for problem in found}, found
    assert any(said in f"{problem.message} {problem.hint}" for problem in found), found


SCAN = {"id": "peak", "do": "scan", "plan": "scan", "num": 9, "detectors": ["diffraction"],
        "axes": [{"axis": "diffractometer", "from": {"param": "first"}, "to": {"param": "last"}}]}  # fmt: skip
CELL = {"reading": "peak", "fit": "cubic_cell", "material": "dye", "published": "0.543 nm"}


@pytest.mark.parametrize(
    ("ways", "fit", "rule", "said"),
    [
        (3, {}, "", ""),
        (2, {}, "EXP-002", "3 reflections"),
        (3, {"reading": "read"}, "EXP-001", "scans no diffraction"),
        (3, {"material": "die"}, "EXP-003", "Did you mean 'dye'"),
        (3, {"material": "bare"}, "EXP-003", "`pure` for a powder"),
        (3, {"wells": "plate/A1"}, "UNIT-001", "has no `wells`"),
        (3, {"published": "5 mL"}, "UNIT-001", "a length is wanted"),
    ],
)
def test_a_cell_wants_scans_over_reflections(lab: Lab, ways: int, fit: dict[str, Any], rule: str, said: str) -> None:
    items = [{"first": f"{20 + n} deg", "last": f"{20.4 + n} deg"} for n in range(ways)]
    steps = [*DOCUMENT["steps"], {"id": "all", "do": "for_each", "items": items, "steps": [SCAN]}]
    document = deepcopy(DOCUMENT) | {"steps": steps, "expect": [CELL | fit]}
    try:
        found = [p for p in check(from_document(document), view(lab)).problems if p.severity == "block"]
    except ProtocolError as error:
        found = list(error.problems)
    assert {problem.rule for problem in found} == ({rule} if rule else set()), found
    assert said in " ".join(f"{problem.message} {problem.hint}" for problem in found)


def test_fits_of_light_want_their_wells(lab: Lab) -> None:
    bare = {key: value for key, value in GOOD.items() if key not in ("wells", "blank")}
    assert "needs `wells`" in problems(lab, bare)[0].message
