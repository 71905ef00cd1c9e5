"""A short turn of the coverage-guided fuzzer (the long one: `make fuzz`), and of hypothesis on what is read."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.fuzz.corpus import good, put
from labfile import Lab
from orchestrator.labview import view
from protocols.check import check, everything
from protocols.parse import loads
from protocols.problems import ProtocolError

ROOT = Path(__file__).resolve().parents[2]
JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
                    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4), max_leaves=8)  # fmt: skip
PLACES = [("steps", n, key) for n, step in enumerate(good()["steps"]) for key in step] + [(key,) for key in good()]


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris has no build for this machine")
def test_the_fuzzer_finds_nothing_in_a_while() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.fuzz", "--seconds", "20", "--seed", "7"], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "no crash, no hang" in done.stdout


@given(st.lists(st.tuples(st.sampled_from(PLACES), JSON), min_size=1, max_size=3))
@settings(max_examples=300)
def test_whatever_stands_in_a_protocol_it_is_refused_or_bound(
    lab: Lab, changes: list[tuple[tuple[Any, ...], Any]]
) -> None:
    document = good()
    for path, value in changes:
        try:
            document = put(document, path, value)
        except (KeyError, IndexError, TypeError):
            continue
    try:
        checked = check(loads(json.dumps(document).encode("utf-8", "surrogatepass")), view(lab))
    except ProtocolError as error:
        assert set(everything(error, view(lab))) >= set(error.problems)
        return
    assert checked.program is not None or checked.problems
