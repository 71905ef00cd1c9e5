"""The chart of EPA-600/2-80-076: known pairs by hand, symmetry, and that the data are whole."""

from itertools import product

import pytest

from protocols.chemistry.reactivity import CODES, DOUBTFUL, GROUPS, WATER_REACTIVE, consequences, pairs
from protocols.chemistry.tables import rows


def test_there_are_the_41_groups_of_the_chart() -> None:
    assert sorted(GROUPS) == [*range(1, 35), *range(101, 108)]
    assert len({group.name for group in GROUPS.values()}) == 41
    assert all(number == group.number for number, group in GROUPS.items())


@pytest.mark.parametrize(
    ("a", "b", "codes"),
    [
        (1, 11, "GT GF"),  # acid on cyanide
        (2, 11, "GT GF"),
        (3, 11, "GT GF"),
        (1, 8, "H G"),  # acid on azo, diazo and hydrazines
        (1, 10, "H"),  # neutralisation
        (2, 4, "H F"),  # nitric acid and alcohol
        (104, 4, "H F"),  # oxidiser and alcohol
        (104, 19, "H F"),
        (104, 16, "H F"),
        (104, 7, "H F GT"),
        (1, 33, "GT GF"),  # acid on sulfide
        (1, 15, "GT"),  # acid on fluoride
        (21, 106, "H GF"),  # sodium and water
        (21, 17, "H E"),  # sodium and chloroform
        (10, 17, "H GF"),
        (10, 27, "H E"),
        (1, 24, "S"),
        (30, 19, "E"),
        (104, 105, "H F E"),
        (105, 106, "GT GF"),
        (18, 4, "H P"),
        (34, 10, "H P"),
        (16, 29, ""),  # toluene and hexane
        (4, 106, ""),  # alcohol and water
        (13, 14, ""),
    ],
)
def test_known_pairs(a: int, b: int, codes: str) -> None:
    assert consequences(a, b) == frozenset(codes.split())
    assert consequences(b, a) == consequences(a, b)


def test_symmetry_and_known_codes_for_every_pair() -> None:
    for a, b in product(GROUPS, repeat=2):
        assert consequences(a, b) == consequences(b, a)
        assert consequences(a, b) <= CODES.keys()


def test_the_water_reactive_meet_nothing() -> None:
    assert all(consequences(WATER_REACTIVE, number) == {"W"} for number in GROUPS)


def test_a_group_with_itself_is_not_in_the_chart() -> None:
    assert not any(consequences(number, number) for number in GROUPS if number != WATER_REACTIVE)


@pytest.mark.parametrize("number", [0, 35, 100, 108, -1])
def test_a_number_that_is_no_group_is_refused(number: int) -> None:
    with pytest.raises(KeyError, match="no reactivity group"):
        consequences(1, number)


def test_no_pair_is_said_twice_and_every_one_has_codes_and_sources() -> None:
    table = rows("reactivity.csv")
    assert len({frozenset((row["a"], row["b"])) for row in table}) == len(table) == len(pairs()) == 305
    for row in table:
        assert int(row["a"]) < int(row["b"]) != WATER_REACTIVE
        assert {int(row["a"]), int(row["b"])} <= GROUPS.keys()
        assert row["codes"]
        assert set(row["codes"].split()) <= CODES.keys() - {"W"}
        assert row["sources"]
        assert set(row["sources"]) <= set("ARNK")


def test_what_no_reproduction_gave_is_doubtful() -> None:
    assert {pair.groups for pair in pairs().values() if "A" not in pair.sources} <= DOUBTFUL
    assert len(DOUBTFUL) == 16
