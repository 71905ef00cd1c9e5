"""From text to a protocol: parameters, hostile files, hashes, schema."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols import schema
from protocols.model import Protocol
from protocols.parse import from_document, loads, read
from protocols.problems import ProtocolError

LIBRARY = Path(__file__).resolve().parents[2] / "protocols" / "library"
DEMO = LIBRARY / "dye_calibration.yaml"


def refused(data: bytes, **values: str) -> str:
    with pytest.raises(ProtocolError) as caught:
        loads(data, values)
    return str(caught.value)


def test_a_parameter_changes_program_and_hash() -> None:
    plain, changed = read(DEMO), read(DEMO, {"volume": "100 uL"})
    assert changed.protocol.steps[1].volume == 100  # type: ignore[union-attr]
    assert plain.hash != changed.hash
    assert plain.hash == read(DEMO).hash


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"volume": "400 uL"}, "outside"),
        ({"volume": "5 s"}, "is a time"),
        ({"volum": "100 uL"}, "did you mean 'volume'"),
    ],
)
def test_wrong_parameters_are_told(values: dict[str, str], said: str) -> None:
    assert said in refused(DEMO.read_bytes(), **values)


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "FILE-004"),
        (b"\xff\xfe", "FILE-003"),
        (b"- 1\n- 2", "FILE-004"),
        (b"{", "FILE-003"),
        (b"a: [1", "FILE-003"),
        (b"a: &x 1\nb: *x", "FILE-003"),
        (b"a: 1\na: 2", "FILE-003"),
        (b"a: !!python/object/apply:os.system [true]", "FILE-003"),
        (b"format: lab-protocol/9", "FMT-002"),
        (b"[" * 100_000, "FILE-003"),
        (b'{"a": ' * 100_000, "FILE-003"),
    ],
)
def test_hostile_files_are_refused(data: bytes, rule: str) -> None:
    assert rule in refused(data)


def test_a_misspelt_step_gets_a_hint() -> None:
    text = DEMO.read_text().replace("do: shake", "do: shaek")
    assert "Did you mean 'shake'?" in refused(text.encode())
    text = DEMO.read_text().replace("speed: 600 rpm", "sped: 600 rpm")
    told = refused(text.encode())
    assert "step shake" in told
    assert "Did you mean 'speed'?" in told


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.data())
def test_no_document_breaks_the_reader(data: st.DataObject) -> None:
    document: Any = json.loads(json.dumps(_DEMO_DOCUMENT))
    place = document
    for _ in range(data.draw(st.integers(1, 4))):
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans()):
            place = place[key]
            continue
        place[key] = data.draw(_JSON)
        break
    try:
        assert from_document(document).protocol.steps
    except ProtocolError as error:
        assert error.problems


def _document() -> Any:
    import yaml

    return yaml.safe_load(DEMO.read_text())


_DEMO_DOCUMENT = _document()


def test_the_checked_in_schema_is_of_the_models() -> None:
    assert schema.FILE.read_text("utf-8") == schema.text(), "run: .venv/bin/python -m protocols.schema"


def test_every_protocol_of_the_library_reads() -> None:
    files = sorted(LIBRARY.glob("*.yaml"))
    assert files
    for file in files:
        assert isinstance(read(file).protocol, Protocol)
