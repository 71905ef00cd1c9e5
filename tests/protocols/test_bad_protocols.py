"""The corpus of bad protocols: each is refused by the rule that should, and those that can be mended are, by the hints."""

import time
from collections import Counter
from typing import Any

import pytest

from benchmarks.fuzz.corpus import Bad, corpus, good
from labfile import Lab
from orchestrator.labview import view
from protocols.check import check
from protocols.labview import LabView
from protocols.parse import from_document, loads
from protocols.problems import Problem, ProtocolError, blocking

CORPUS = corpus()


@pytest.fixture(scope="module")
def here(lab: Lab) -> LabView:
    return view(lab)


def problems(document: Any, here: LabView) -> list[Problem]:
    try:
        if isinstance(document, bytes):
            return list(check(loads(document), here).problems)
        if document.get("format") != "lab-protocol/1":
            import json

            return list(check(loads(json.dumps(document).encode()), here).problems)
        return list(check(from_document(document), here).problems)
    except ProtocolError as error:
        return list(error.problems)


def test_the_good_one_is_good(here: LabView) -> None:
    assert not blocking(problems(good(), here))


def test_there_are_enough() -> None:
    assert len(CORPUS) >= 200
    assert len({bad.name for bad in CORPUS}) == len(CORPUS), Counter(bad.name for bad in CORPUS).most_common(3)


@pytest.mark.parametrize("bad", [pytest.param(bad, id=f"{n}") for n, bad in enumerate(CORPUS)])
def test_a_bad_protocol_is_refused_by_its_rule_and_mended_by_its_message(bad: Bad, here: LabView) -> None:
    began = time.process_time()
    found = blocking(problems(bad.document, here))
    assert time.process_time() - began < 20, "it must not take long to refuse"
    assert bad.rule in {problem.rule for problem in found}, (bad.name, [str(problem) for problem in found])
    assert all(problem.message for problem in found)
    if bad.path is None:
        return
    said = " ".join(f"{problem.message} {problem.hint}" for problem in found if problem.rule == bad.rule)
    assert bad.says.lower() in said.lower(), (bad.name, said)
    if isinstance(bad.value, dict) and "__rename__" in bad.value:
        wrong, right = bad.value["__rename__"]
        place = bad.document
        for part in bad.path:
            place = place[part]
        place[right] = place.pop(wrong)
        mended = bad.document
    else:
        mended = bad.mended()
    assert not blocking(problems(mended, here)), (bad.name, [str(problem) for problem in problems(mended, here)])
