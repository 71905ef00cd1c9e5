"""40 CFR 265 appendix V: the six pairs and what falls in them."""

from protocols.chemistry.appendix_v import incompatible, matching
from protocols.chemistry.mixing import wastes
from protocols.chemistry.reactivity import CODES, GROUPS
from protocols.chemistry.substances import substances
from protocols.chemistry.tables import rows


def test_six_pairs_with_both_sides() -> None:
    assert [(pair.a.name, pair.b.name) for pair in incompatible()] == [(f"{n}-A", f"{n}-B") for n in range(1, 7)]
    assert len(rows("appendix_v.csv")) == 12


def test_the_data_name_only_what_exists() -> None:
    kinds = {kind for substance in substances().values() for kind in substance.kinds}
    for pair in incompatible():
        assert pair.words
        assert pair.codes
        assert pair.codes <= CODES.keys()
        for side in (pair.a, pair.b):
            assert side.materials
            assert side.groups <= GROUPS.keys()
            assert side.kinds <= kinds


def test_known_wastes() -> None:
    assert [pair.a.name for pair in wastes("143-33-9", "7647-01-0")] == ["5-A"]  # cyanide and acid
    assert "1-A" in [pair.a.name for pair in wastes("1310-73-2", "7647-01-0")]
    assert "2-A" in [pair.a.name for pair in wastes("7440-66-6", "7647-01-0")]
    assert "3-A" in [pair.a.name for pair in wastes("7732-18-5", "16853-85-3")]
    assert "6-A" in [pair.a.name for pair in wastes("7722-64-7", "64-19-7")]
    assert wastes("7647-14-5", "7732-18-5") == () == wastes("7647-14-5", "no such")


def test_order_does_not_matter() -> None:
    assert matching((1,), (), (11,), ()) == matching((11,), (), (1,), ()) != ()
    known = list(substances())[::25]
    assert all(wastes(a, b) == wastes(b, a) for a in known for b in known)
