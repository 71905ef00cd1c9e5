"""What happens when two lots meet: by hand for known accidents, symmetry and monotony for all."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.chemistry.mixing import SEVERITIES, Meeting, meet, rules, worst
from protocols.chemistry.reactivity import CODES
from protocols.chemistry.substances import substances
from protocols.chemistry.tables import rows

KNOWN = sorted(substances())
UNKNOWN = ["0-00-0", "no such"]
lots = st.frozensets(st.sampled_from(KNOWN + UNKNOWN), max_size=5)


@pytest.mark.parametrize(
    ("a", "b", "codes", "severity"),
    [
        ("143-33-9", "7647-01-0", {"GT", "GF"}, "block"),  # sodium cyanide, hydrochloric acid
        ("26628-22-8", "7647-01-0", {"H", "G", "GT", "E"}, "block"),  # sodium azide, hydrochloric acid
        ("26628-22-8", "7758-98-7", {"E"}, "block"),  # sodium azide, copper sulfate
        ("7681-52-9", "1336-21-6", {"H", "GT"}, "block"),  # bleach, ammonia
        ("7681-52-9", "7647-01-0", {"H", "GT"}, "block"),  # bleach, acid
        ("7664-93-9", "7722-84-1", {"H", "E"}, "block"),  # piranha
        ("7722-84-1", "67-64-1", {"H", "F", "E"}, "block"),  # peroxide, acetone
        ("7440-23-5", "7732-18-5", {"W"}, "block"),  # sodium, water
        ("7697-37-2", "64-17-5", {"H", "F"}, "block"),  # nitric acid, ethanol
        ("50-00-0", "7647-01-0", {"H", "P"}, "block"),  # formaldehyde, acid: the chart says so
        ("1310-73-2", "7647-01-0", {"H"}, "approve"),  # neutralisation
        ("144-55-8", "64-19-7", {"G"}, "approve"),  # bicarbonate, acetic acid
        ("7758-98-7", "7647-01-0", {"S"}, "approve"),  # copper sulfate, acid
        ("21324-40-3", "7732-18-5", {"GT"}, "block"),  # LiPF6, water
        ("7732-18-5", "64-17-5", set(), None),  # water, ethanol
        ("7732-18-5", "7647-14-5", set(), None),  # water, salt
        ("7732-18-5", "77-86-1", set(), None),  # water, tris
        ("108-88-3", "110-54-3", set(), None),  # toluene, hexane
    ],
)
def test_known_meetings(a: str, b: str, codes: set[str], severity: str | None) -> None:
    found = meet([a], [b])
    assert (found.codes, found.unknown, worst(found.codes)) == (codes, frozenset(), severity)


def test_the_cause_is_named() -> None:
    (cause,) = meet(["7647-01-0"], ["143-33-9"]).causes
    assert (cause.a, cause.b, cause.because) == ("143-33-9", "7647-01-0", ("g11", "g1"))


def test_unknown_is_not_safe() -> None:
    assert meet(["no such"], ["7732-18-5"]) == Meeting(frozenset(), frozenset({"no such"}))
    assert meet(["25952-53-8"], ["7732-18-5"]).unknown == {"25952-53-8"}  # known, but nobody said its groups
    assert meet(["7647-14-5"], ["7732-18-5"]).unknown == frozenset()


def test_the_water_reactive_meet_neither_the_inert_nor_the_unknown() -> None:
    assert meet(["16853-85-3"], ["7440-37-1"]).codes == {"W"}
    assert meet(["no such"], ["16853-85-3"]).codes == {"W"}


def test_a_substance_does_nothing_to_itself() -> None:
    assert all(not meet([cas], [cas]).causes for cas in KNOWN)


def test_nothing_meets_nothing() -> None:
    assert meet([], ["7647-01-0"]) == Meeting(frozenset(), frozenset())
    assert worst(()) is None


@given(lots, lots)
def test_either_order(a: frozenset[str], b: frozenset[str]) -> None:
    assert meet(a, b) == meet(b, a)


@given(lots, lots, lots, lots)
def test_more_substances_never_take_a_consequence_away(
    a: frozenset[str], b: frozenset[str], more_a: frozenset[str], more_b: frozenset[str]
) -> None:
    less, more = meet(a, b), meet(a | more_a, b | more_b)
    assert less.causes <= more.causes
    assert less.unknown <= more.unknown
    assert less.codes <= more.codes


@given(st.frozensets(st.sampled_from(sorted(CODES))), st.frozensets(st.sampled_from(sorted(CODES))))
def test_more_codes_are_never_milder(few: frozenset[str], more: frozenset[str]) -> None:
    order = [None, "approve", "block"]
    assert order.index(worst(few | more)) >= order.index(worst(few))


def test_every_code_has_a_severity() -> None:
    assert SEVERITIES.keys() == CODES.keys()
    with pytest.raises(KeyError):
        worst(["X"])


def test_the_pairs_by_kind_are_said_once_in_known_codes_with_their_source() -> None:
    table = rows("incompatible.csv")
    assert len({frozenset((row["a"], row["b"])) for row in table}) == len(table)
    for row in table:
        assert row["codes"], row
        assert set(row["codes"].split()) <= CODES.keys(), row
        assert row["source"] in ("P", "L", "K"), row
    assert all(rules()[y][x] == codes for x, others in rules().items() for y, codes in others.items())


def test_five_thousand_mixings_take_a_moment() -> None:
    """Far below 0.1 s on an idle machine (see the report); the bound here only finds a change of order."""
    lab = KNOWN[::10]
    mixings = [(lab[n % 45 : n % 45 + 5], lab[n // 45 % 45 : n // 45 % 45 + 5]) for n in range(5000)]
    start = time.process_time()
    for a, b in mixings:
        meet(a, b)
    assert time.process_time() - start < 1


def test_loading_takes_a_moment() -> None:
    start = time.process_time()
    substances.__wrapped__()
    rules.__wrapped__()
    assert time.process_time() - start < 1
