"""Autoprotocol: pipetting becomes steps, the rest tasks for a person; nothing is dropped, and hostile files are refused."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labfile import Lab
from orchestrator.labview import view
from protocols.check import check
from protocols.importers.autoprotocol import import_autoprotocol
from protocols.importers.autoprotocol.values import Unreadable, quantity
from protocols.importers.findings import Imported
from protocols.parse import from_document
from protocols.problems import ProtocolError, blocking

REFS = {
    "plate": {"new": "96-flat", "discard": True},
    "other": {"id": "ct1", "type": "96-flat"},
    "tube": {"new": "micro-1.5"},
}
GROUPS = [
    {"transfer": [{"from": "plate/0", "to": "other/12", "volume": "50.0:microliter"}]},
    {
        "distribute": {
            "from": "plate/1",
            "to": [{"well": "other/0", "volume": "30:microliter"}, {"well": "other/1", "volume": "30:microliter"}],
        }
    },
    {"consolidate": {"to": "other/95", "from": [{"well": "plate/2", "volume": "40:microliter"}]}},
    {"mix": [{"well": "other/12", "volume": "25:microliter", "repetitions": 3}]},
]
INSTRUCTIONS: list[dict[str, Any]] = [
    {"op": "provision", "resource_id": "rs1", "to": [{"well": "tube/0", "volume": "100:microliter"}]},
    {"op": "pipette", "groups": GROUPS},
    {
        "op": "absorbance",
        "object": "other",
        "wells": ["other/12", "other/A1"],
        "wavelength": "504:nanometer",
        "dataref": "x",
    },
    {"op": "seal", "object": "other", "type": "ultra-clear"},
    {"op": "spin", "object": "other", "acceleration": "1000:g", "duration": "5:minute"},
    {"op": "unseal", "object": "other"},
    {"op": "incubate", "object": "other", "where": "warm_37", "duration": "1:hour", "shaking": False},
    {"op": "pipette", "groups": [{"transfer": [{"from": "tube/0", "to": "plate/0", "volume": "10:microliter"}]}]},
    {"op": "acoustic_transfer", "groups": [{"droplet_size": "25:nanoliter"}]},
]


def imported(instructions: Any, refs: Any = REFS) -> Imported:
    return import_autoprotocol(json.dumps({"refs": refs, "instructions": instructions}).encode(), "file.json")


def steps(found: Imported) -> dict[str, dict[str, Any]]:
    return {step["id"]: step for step in found.document["steps"]}


def test_a_file_becomes_a_valid_protocol(lab: Lab) -> None:
    found = imported(INSTRUCTIONS)
    checked = check(from_document(found.document), view(lab))
    assert not blocking(checked.problems), checked.problems
    made = steps(found)
    assert made["s2_pipette.1"] == {
        "id": "s2_pipette.1",
        "do": "transfer",
        "source": "plate/A1",
        "to": "other/B1",
        "volume": "50 uL",
    }
    assert made["s2_pipette.4"]["to"] == "other/H12"
    assert made["s2_pipette.5"] == {
        "id": "s2_pipette.5",
        "do": "mix",
        "wells": "other/B1",
        "volume": "25 uL",
        "times": 3,
    }
    assert made["s3_absorbance"]["wells"] == "B1,A1"
    assert made["s5_spin"]["force"] == "1000 xg"
    assert made["s7_incubate.time"]["for"] == "1 h"
    assert "tube/0" in made["s8_pipette"]["message"]
    assert "25 nanoliter" in made["s9_acoustic_transfer"]["message"]
    assert found.document["labware"]["plate"]["holds"] == dict.fromkeys(("A1", "A2", "A3"), "contents of plate")
    wells = checked.end_state["labware"]["other"]["wells"]
    assert {well: wells[well]["volume_ul"] for well in ("A1", "A2", "B1", "H12")} == {
        "A1": 30,
        "A2": 30,
        "B1": 50,
        "H12": 40,
    }
    assert "IMP-006" in {problem.rule for problem in found.problems}


def test_a_bare_list_of_instructions_is_read() -> None:
    found = import_autoprotocol(b'[{"op": "seal", "object": "w1"}]', "f")
    assert steps(found)["s1_seal"]["do"] == "operator"


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{}", b'{"instructions": []}', b'{"instructions": [7]}', b'[{"op": "../x"}]', b'[{"op": 1}]', b"[" * 100_000,
     b'{"protocols": [{"name": "x"}]}', b"\xff", json.dumps([{"op": "seal"}] * 6000).encode()],
)  # fmt: skip
def test_a_file_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError) as caught:
        import_autoprotocol(data, "f")
    assert {problem.rule for problem in caught.value.problems} == {"IMP-001"}


@pytest.mark.parametrize(
    "value", ["20:second", "1e999:microliter", "nan:microliter", 5, None, "5 uL", "٥:microliter", "-:liter"]
)
def test_what_is_no_volume_is_told(value: Any) -> None:
    with pytest.raises(Unreadable, match="is no volume"):
        quantity(value, "volume")


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=15) | st.sampled_from(["plate/0", "5:microliter", "plate"]),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["from", "to", "well", "volume", "object", "x"]), inner, max_size=3), max_leaves=6)  # fmt: skip
OPS = st.sampled_from(
    ["pipette", "transfer", "mix", "seal", "spin", "absorbance", "incubate", "dispense", "cover", "odd_one"]
)
instructions = st.builds(lambda op, values: {**values, "op": op}, OPS,
                         st.dictionaries(st.sampled_from(["object", "groups", "wells", "wavelength", "duration", "from", "to", "volume"]), JSON, max_size=4))  # fmt: skip


@given(st.lists(instructions, min_size=1, max_size=5))
def test_nothing_is_dropped(found: list[dict[str, Any]]) -> None:
    made = steps(imported(found))
    numbers = {int(match[1]) for name in made if (match := re.match(r"s(\d+)_", name))}
    assert numbers == set(range(1, len(found) + 1))
