"""One mistake hides no other: two bad protocols joined into one give the messages of both."""

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.fuzz.corpus import COUNT, FILL, ROOM, STEPS, Bad, corpus, good, put, step
from labfile import Lab
from orchestrator.labview import view
from protocols.check import check, everything
from protocols.parse import from_document
from protocols.problems import Problem, ProtocolError, blocking

#: What stops every look at the steps: text that deceives, and more than can be looked at.
STOPS = {"TEXT-001", "FLOW-001", "FLOW-002", "FLOW-004", "FLOW-009"}
#: What is judged by what the steps before have left: it is not told after a step that cannot be done.
LOOKS_BACK = {"LIQ-001", "TIP-001", "SEAL-001"}


def problems(document: dict[str, Any], lab: Lab) -> list[Problem]:
    here = view(lab)
    try:
        return list(check(from_document(document), here).problems)
    except ProtocolError as error:
        return list(everything(error, here))


def of_one_step() -> Iterator[tuple[int, Bad]]:
    """Those that differ from the good protocol in one step, and in nothing else."""
    for bad in corpus():
        document = bad.document
        if not isinstance(document, dict) or bad.path is None or bad.rule in STOPS | LOOKS_BACK:
            continue
        if {**document, "steps": STEPS} != good() or len(document["steps"]) != len(STEPS):
            continue
        changed = [n for n, (one, other) in enumerate(zip(document["steps"], STEPS, strict=True)) if one != other]
        if len(changed) == 1:
            yield changed[0], bad


ONE_STEP = list(of_one_step())


def told(found: list[Problem], rule: str) -> set[tuple[str, str]]:
    return {(problem.step, problem.message) for problem in blocking(found) if problem.rule == rule}


def test_there_are_enough_to_join() -> None:
    assert len(ONE_STEP) > 120
    assert len({bad.rule for _, bad in ONE_STEP}) > 15


WHICH = st.integers(0, len(ONE_STEP) - 1)  # a document itself is too long to be shown


@given(WHICH, WHICH)
@settings(max_examples=25)
def test_two_bad_protocols_in_one_give_both_messages(lab: Lab, a: int, b: int) -> None:
    one, other = ONE_STEP[a], ONE_STEP[b]
    if one[0] == other[0]:
        return
    joined = copy.deepcopy(one[1].document)
    joined["steps"][other[0]] = other[1].document["steps"][other[0]]
    found = problems(joined, lab)
    for place, bad in (one, other):
        alone = told(problems(bad.document, lab), bad.rule)
        assert alone & told(found, bad.rule), (place, bad.name, alone, list(map(str, blocking(found))))


def test_a_wrong_unit_invents_nothing(lab: Lab) -> None:
    """What follows from a quantity that nobody knows is not told; what holds whatever it was, is."""
    document = put(good(), step("fill", "volume"), "50 ul")
    assert {problem.rule for problem in blocking(problems(document, lab))} == {"UNIT-001"}
    document = put(document, step("stir", "wells"), "plate/H12")
    assert {problem.rule for problem in blocking(problems(document, lab))} >= {"UNIT-001", "LIQ-001"}


def test_a_step_that_is_lost_is_not_missed_by_those_after_it(lab: Lab) -> None:
    """An `if` on its reading, a mix of what it was to fill, a cycler that wants its seal."""
    for name in ("read", "fill", "close"):
        document = put(good(), step(name, "do"), "enchant")
        found = blocking(problems(document, lab))
        assert {problem.rule for problem in found} == {"FMT-003"}, list(map(str, found))


def test_a_move_that_is_lost_leaves_nothing_off_the_deck(lab: Lab) -> None:
    bring = {"id": "bring", "do": "move", "labware": "stock", "to": "10", "by": "person"}
    document = {**good(), "steps": [bring, FILL]}
    document["labware"] = {**document["labware"], "stock": {**document["labware"]["stock"], "slot": "off"}}
    assert not blocking(problems(document, lab))
    alone = blocking(problems({**document, "steps": [FILL]}, lab))
    assert {problem.rule for problem in alone} == {"LAB-009"}
    found = blocking(problems(put(document, ("steps", 0, "do"), "carry"), lab))
    assert {problem.rule for problem in found} == {"FMT-003"}, list(map(str, found))


def test_what_is_wrong_beside_the_steps_hides_nothing_in_them(lab: Lab) -> None:
    wrong: dict[tuple[Any, ...], Any] = {
        ("author",): {}, ("approved",): True, ("materials", "dye", "concentration"): "1 kg",
        ("materials", "dye", "cas"): "x", ("expect",): [{"fit": "magic"}], ("labware", "other"): {"typ": "x"},
    }  # fmt: skip
    for path, value in wrong.items():
        document = put({"expect": [], **good()}, path, value)
        assert "LIM-001" not in {problem.rule for problem in problems(document, lab)}
        found = blocking(problems(put(document, step("shake", "speed"), "9000 rpm"), lab))
        assert "LIM-001" in {problem.rule for problem in found}, (path, list(map(str, found)))


def test_a_call_that_nobody_declares_hides_no_limit(lab: Lab) -> None:
    """A step that cannot be bound, beside one that a device would refuse, beside a rule of substances."""
    call = {"id": "c", "do": "call", "name": "dance"}
    hot = {"id": "hot", "do": "heat", "labware": "plate", "to": "500 degC"}
    document = {**good(), "steps": [COUNT, call, hot, ROOM]}
    document["materials"] = {"dye": {"cas": "107-44-8", "concentration": "1 mol/L"}}
    assert {"CALL-001", "LIM-001", "CHEM-003"} <= {problem.rule for problem in blocking(problems(document, lab))}
