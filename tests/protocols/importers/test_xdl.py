"""XDL: every step of the source gives a step of ours, in words that hold all its values; hostile files are refused."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labfile import Lab
from orchestrator.labview import view
from protocols.check import check
from protocols.importers.findings import Imported
from protocols.importers.xdl import import_xdl
from protocols.importers.xdl.words import KNOWN, seconds
from protocols.parse import from_document
from protocols.problems import ProtocolError, blocking

FILE = """<?xdl version="2.0.0" ?>
<XDL><Synthesis name="Salt">
  <Hardware><Component id="reactor" type="reactor"/><Component id="rotavap" type="rotavap"/></Hardware>
  <Reagents><Reagent name="ethanol" cas="64-17-5"/><Reagent id="mystery"/></Reagents>
  <Procedure>
    <Add vessel="reactor" reagent="ethanol" volume="50 mL" stir="true"/>
    <HeatChill vessel="reactor" temp="60 °C" time="2 h 30 min"/>
    <Wait time="90 secs"/>
    <Repeat repeats="3"><Add vessel="reactor" reagent="mystery" mass="2 g"/><Stir vessel="reactor" time="overnight"/></Repeat>
    <Evaporate vessel="rotavap" temp="40 °C" pressure="50 mbar" time="until dry"/>
    <Async pid="a"><StartStir vessel="reactor"/></Async>
    <Teleport vessel="reactor" to="Mars"/>
  </Procedure>
</Synthesis></XDL>"""


def flat(steps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for step in steps:
        yield step
        yield from flat(step.get("steps", []))


def imported(text: str | bytes) -> Imported:
    return import_xdl(text if isinstance(text, bytes) else text.encode(), "file.xdl")


def step(found: Imported, name: str) -> dict[str, Any]:
    return next(step for step in flat(found.document["steps"]) if step["id"] == name)


def test_a_file_becomes_a_valid_protocol(lab: Lab) -> None:
    found = imported(FILE)
    checked = check(from_document(found.document), view(lab))
    assert not blocking(checked.problems)
    assert step(found, "s1_Add")["message"] == "Add 50 mL ethanol to reactor (stir: true)."
    assert "hold it there for 2 h 30 min" in step(found, "s2_HeatChill")["message"]
    assert step(found, "s2_HeatChill.time") == {"id": "s2_HeatChill.time", "do": "wait", "for": "9000 s"}
    assert step(found, "s3_Wait") == {"id": "s3_Wait", "do": "wait", "for": "90 s"}
    assert step(found, "s4_Repeat")["times"] == 3
    assert step(found, "s6_Stir.time")["for"] == "57600 s"
    assert "at 40 °C and 50 mbar" in step(found, "s7_Evaporate")["message"]
    assert "to: Mars" in step(found, "s10_Teleport")["message"]
    assert found.document["materials"] == {"ethanol": {"cas": "64-17-5"}, "mystery": {}}
    assert "reactor (reactor)" in step(found, "ready1")["message"]
    assert {problem.rule for problem in found.problems} == {"IMP-004", "IMP-009"}
    assert {"CHEM-002"} <= {problem.rule for problem in checked.approvals}


def test_several_syntheses_and_bare_ones_are_read() -> None:
    bare = '<Synthesis><Procedure><Wait time="1 s"/></Procedure></Synthesis>'
    found = imported(bare + bare)
    assert [step["id"] for step in found.document["steps"]] == ["ready1", "s1_Wait", "ready2", "s2_Wait"]
    assert imported('<?xdl version="1"?><XDL><Procedure><Prep><Add reagent="x"/></Prep></Procedure></XDL>').document[
        "steps"
    ]
    latin = '<Synthesis><Procedure><HeatChillToTemp vessel="v" temp="5 °C"/></Procedure></Synthesis>'.encode("latin-1")
    assert "5 °C" in step(imported(latin), "s1_HeatChillToTemp")["message"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("30 mins", 1800),
        ("2h", 7200),
        ("16 hrs", 57600),
        ("1.5 h", 5400),
        ("1 h 30 min", 5400),
        ("10 secs", 10),
        ("5", 5),
    ],
)
def test_times_are_read(text: str, value: float) -> None:
    assert seconds(text, "Stir").value == value


@pytest.mark.parametrize("text", ["until dry", "nan h", "-5 min", "1e9 h", "5 fortnights", "٣ h", "99999 days"])
def test_a_time_that_cannot_be_counted_is_the_persons(text: str) -> None:
    found = seconds(text, "Stir")
    assert found.value is None
    assert found.assumed


@pytest.mark.parametrize(
    "data",
    [
        b"", b"no xml", b"<a><b></a>", b"\xff\xfe\x00", b"<XDL/>", b"<Synthesis><Procedure/></Synthesis>",
        b'<!DOCTYPE a [<!ENTITY x "y">]><XDL><Procedure><Add reagent="&x;"/></Procedure></XDL>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><XDL><Procedure><Wait/></Procedure></XDL>',
        b"<Synthesis><Procedure>" + b"<Prep>" * 100 + b"</Prep>" * 100 + b"</Procedure></Synthesis>",
        b"<Synthesis><Procedure>" + b"<Wait/>" * 30_000 + b"</Procedure></Synthesis>",
        b"<Synthesis><Procedure></all><all></Procedure></Synthesis>",
    ],
)  # fmt: skip
def test_a_file_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError) as caught:
        imported(data)
    assert {problem.rule for problem in caught.value.problems} == {"IMP-001"}


def test_hostile_text_is_cleaned_and_loops_are_bounded(lab: Lab) -> None:
    text = (
        '<Synthesis><Procedure><Add reagent="a&#x202E;b" vessel="' + "x" * 5000 + '"/>'
        '<Repeat repeats="1000000000000"><Wait time="1 s"/></Repeat></Procedure></Synthesis>'
    )
    found = imported(text)
    assert not blocking(check(from_document(found.document), view(lab)).problems)
    assert all("\u202e" not in str(step) for step in found.document["steps"])
    assert all(len(step.get("message", "")) <= 2000 for step in found.document["steps"])


kinds = st.sampled_from([*KNOWN, "Repeat", "Async", "Unknown", "Prep"])
values = st.text(max_size=30)
elements = st.recursive(
    st.tuples(
        kinds, st.dictionaries(st.sampled_from(["vessel", "time", "volume", "repeats", "odd"]), values), st.just([])
    ),
    lambda inner: st.tuples(
        kinds, st.dictionaries(st.sampled_from(["repeats", "pid"]), values), st.lists(inner, max_size=3)
    ),
    max_leaves=8,
)


def written(element: Any) -> str:
    from xml.sax.saxutils import quoteattr

    kind, attributes, children = element
    text = " ".join(
        f"{key}={quoteattr(''.join(c for c in value if c.isprintable()))}" for key, value in attributes.items()
    )
    return f"<{kind} {text}>{''.join(map(written, children))}</{kind}>"


def size(element: Any) -> int:
    return 1 + sum(map(size, element[2]))


@given(st.lists(elements, min_size=1, max_size=4))
def test_nothing_is_dropped(found: list[Any]) -> None:
    document = imported(f"<Synthesis><Procedure>{''.join(map(written, found))}</Procedure></Synthesis>").document
    numbers = {int(match[1]) for step in flat(document["steps"]) if (match := re.match(r"s(\d+)_", step["id"]))}
    assert numbers == set(range(1, sum(map(size, found)) + 1))
