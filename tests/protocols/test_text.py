"""Hidden characters, long texts, deep documents."""

from hypothesis import given
from hypothesis import strategies as st

from protocols.text import MAX_DEPTH, MAX_PROBLEMS, deceptive


def rules(document: object) -> list[str]:
    return [problem.rule for problem in deceptive(document)]


def test_what_can_be_seen_is_let_be() -> None:
    assert not deceptive({"name": "Größe µL – 試験\n\tline", "steps": [{"id": "é"}], "n": [1, None, 2.5]})


def test_what_cannot_be_seen_is_named() -> None:
    (problem,) = deceptive({"steps": [{"message": "a\u202eb"}]})
    assert problem.rule == "TEXT-001"
    assert "steps.0.message" in problem.message
    assert "U+202E" in problem.message
    assert rules({"a\u200b": 1}) == ["TEXT-001"]
    assert "\u200b" not in str(deceptive({"a\u200b": 1})[0])


def test_a_carried_definition_is_its_makers() -> None:
    assert not deceptive({"labware": {"x": {"definition": {"metadata": "a\x00" * 9000}}}})


def test_depth_and_number_have_bounds() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert rules(deep) == ["TEXT-003"]
    assert MAX_DEPTH < 100
    assert len(rules(["\x00"] * 1000)) == MAX_PROBLEMS


@given(st.text())
def test_no_text_with_a_hidden_character_passes(text: str) -> None:
    assert bool(rules({"a": f"{text}\u2067"}))
