"""The run's own file: whole lines, whatever happens, and every value as it was."""

import asyncio
import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchestrator.sinks import DamagedFile, FileSink, read_documents
from orchestrator.sinks.file import decode, encode

Documents = list[tuple[str, dict[str, Any]]]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
    max_leaves=8,
)


def written(path: Path, documents: Documents) -> FileSink:
    sink = FileSink(path)
    for name, document in documents:
        sink(name, document)
    asyncio.run(sink.close())
    return sink


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), VALUES))
@example({"": -(2**63) - 1})  # orjson reads it as a float
def test_every_json_value_comes_back(document: dict[str, Any]) -> None:
    line = encode("event", document)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert decode(line) == ("event", document)


def test_numpy_nan_and_huge_numbers_come_back() -> None:
    document = {
        "scalar": np.float64(1.5), "whole": np.int32(3), "true": np.bool_(True), "zero_d": np.array(2),
        "array": np.arange(4.0).reshape(2, 2), "strided": np.arange(6)[::2], "nan": [float("nan"), np.float64("-inf")],
        "huge": 2**70, "set": {2, 1},
    }  # fmt: skip
    name, found = decode(encode("event", document))
    nan, infinity = found.pop("nan")
    assert math.isnan(nan)
    assert infinity == -math.inf
    assert (name, found) == ("event", {
        "scalar": 1.5, "whole": 3, "true": True, "zero_d": 2, "array": [[0.0, 1.0], [2.0, 3.0]], "strided": [0, 2, 4],
        "huge": 2**70, "set": [1, 2],
    })  # fmt: skip


def test_the_file_holds_what_was_made(tmp_path: Path, documents: Documents) -> None:
    path = tmp_path / "documents.jsonl"
    assert written(path, documents).problem == ""
    assert [[name, dict(document)] for name, document in read_documents(path)] == json.loads(json.dumps(documents))


@given(cut=st.integers(min_value=0))
def test_a_file_torn_anywhere_is_read_to_its_last_whole_line_and_goes_on(
    cut: int, documents: Documents, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("torn") / "documents.jsonl"
    written(path, documents)
    whole = path.read_bytes()
    left = whole[: cut % (len(whole) + 1)]
    path.write_bytes(left)
    lines = left.count(b"\n")
    assert len(list(read_documents(path))) == lines
    written(path, documents[-1:])
    names = [name for name, _ in read_documents(path)]
    assert names == [name for name, _ in documents[:lines]] + ["stop"]


def test_a_long_torn_line_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "documents.jsonl"
    path.write_bytes(encode("start", {"uid": "1"}) + b"x" * 200_000)
    written(path, [("stop", {"uid": "2"})])
    assert [document["uid"] for _, document in read_documents(path)] == ["1", "2"]


def test_damage_in_the_middle_is_an_error_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "documents.jsonl"
    path.write_bytes(encode("start", {}) + b"garbage\n" + encode("stop", {}))
    with pytest.raises(DamagedFile, match=r"documents.jsonl:2: "):
        list(read_documents(path))


def test_a_full_disk_is_told_and_does_not_stop_the_lab(
    tmp_path: Path, documents: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "documents.jsonl"
    write = os.write

    def full(file: int, line: bytes) -> int:
        return write(file, line[:10]) if b'"event"' in line else write(file, line)

    monkeypatch.setattr("orchestrator.sinks.file.os.write", full)
    sink = written(path, documents)
    assert "10 of" in sink.problem
    assert [name for name, _ in read_documents(path)] == ["start", "descriptor", "stop"]


def test_what_has_no_json_form_is_told(tmp_path: Path) -> None:
    sink = written(tmp_path / "documents.jsonl", [("start", {"uid": object()})])
    assert "object cannot be written" in sink.problem


CHILD = """
import sys
from pathlib import Path
from orchestrator.sinks import FileSink
sink = FileSink(Path(sys.argv[1]))
number = 0
while True:
    sink("event", {"seq_num": number, "data": {"x": [1.5] * 50}})
    number += 1
    if number == 500:
        print("many", flush=True)
"""


def test_a_killed_process_leaves_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "documents.jsonl"
    with subprocess.Popen([sys.executable, "-c", CHILD, path], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
    found = [document["seq_num"] for _, document in read_documents(path)]
    assert len(found) >= 500
    assert found == list(range(len(found)))
    assert path.read_bytes().endswith(b"\n")
