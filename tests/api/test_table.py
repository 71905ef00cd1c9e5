"""The table of the client in a notebook: what it shows, what it gives, and that hostile text stays text."""

from typing import Any
from xml.etree import ElementTree

import pytest

from api.client import Table
from api.client.table import SHOWN, Drawing
from api.models import Reading
from api.untrusted import untrusted

HOSTILE = '<script>alert("x")</script>&'


def row(step: str, quantity: str, well: str = "", value: float | None = 1.0, **more: object) -> Reading:
    facts = {
        "world": "twin",
        "device": "reader",
        "unit": "",
        "at_s": 0.0,
        "labware": "plate",
        "material": "",
        "text": None,
    } | more
    return Reading(step=step, quantity=quantity, well=well, value=value, **facts)  # type: ignore[arg-type]


READ = Table(tuple(row("read", "absorbance_520nm", f"{r}{c}", c / 10) for r in "ABC" for c in (1, 2, 12)), "r1")
KINETICS = Table(tuple(row("loop", "absorbance_405nm", w, t * s, at_s=60.0 * t, unit="AU")
                       for t in range(5) for w, s in (("A1", 0.1), ("B1", 0.2))), "r2")  # fmt: skip


def drawn(drawing: Drawing) -> Any:
    return drawing.of


def test_wells_of_a_step() -> None:
    assert READ.wells("read")["B12"] == 1.2
    assert len(READ.wells("read")) == 9
    two = Table((*READ, *(row("read", "absorbance_427nm", "A1"),)))
    with pytest.raises(ValueError, match="absorbance_427nm"):
        two.wells("read")
    assert two.wells("read", "absorbance_427nm") == {"A1": 1.0}
    with pytest.raises(ValueError, match="has read nothing of wells. There are: read: absorbance_520nm"):
        READ.wells("raed")
    assert KINETICS.wells("loop")["B1"] == pytest.approx(0.8), "the last one counts"


def test_a_table_is_a_sequence() -> None:
    assert (len(READ), READ[0].well, len(READ[2:4]), READ.quantities) == (9, "A1", 2, ["absorbance_520nm"])
    assert repr(READ) == "Table(9 values of r1: absorbance_520nm)"
    assert READ.to_dicts()[1] | {"material": "m"} == READ[1].model_dump() | {"material": "m"}


def test_text_of_instruments_is_a_string_in_data_and_escaped_in_a_page() -> None:
    table = Table((row("scan", "barcode", value=None, text=untrusted(HOSTILE), labware=HOSTILE),), HOSTILE)
    assert table.to_dicts()[0]["text"] == HOSTILE
    page = table._repr_html_()
    assert "<script>" not in page
    assert page.count("&lt;script&gt;") == 3
    ElementTree.fromstring(page)


def test_a_long_table_says_what_it_leaves_out() -> None:
    page = Table(tuple(row("s", "t", value=float(n)) for n in range(SHOWN + 1)))._repr_html_()
    assert page.count("<tr>") == SHOWN + 1, "with the head"
    assert f"{SHOWN + 1} values; the first {SHOWN} are shown" in page


@pytest.mark.parametrize(("well", "wells"), [("A3", 6), ("C4", 12), ("D6", 24), ("F8", 48), ("H12", 96), ("P24", 384),
                                             ("AF48", 1536)])  # fmt: skip
def test_a_map_has_the_wells_of_the_smallest_plate_that_has_them_all(well: str, wells: int) -> None:
    table = Table((row("read", "a", "A1", 0.0), row("read", "a", well, 2.0)))
    spots = {spot.title: spot for spot in drawn(table.plate("read")).spots}
    assert len(spots) == wells
    assert spots[f"{well}: 2.0000"].colour != spots["A1: 0.0000"].colour
    with pytest.raises(ValueError, match="no wells of a plate"):
        Table((row("read", "a", "[3]"),)).plate("read")


def test_drawings_are_svg_by_themselves() -> None:
    hostile = Table((row("read", HOSTILE, "A1"), row("read", HOSTILE, "B2")), HOSTILE)
    for drawing in (READ.plate("read"), KINETICS.plot(), hostile.plate("read"), hostile.plot(HOSTILE)):
        text = drawing._repr_svg_()
        root = ElementTree.fromstring(text)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert "<style>" in text
        page = drawing._repr_html_()
        ElementTree.fromstring(page)
        assert "<figcaption>" in page
        assert "<script>" not in text + page
    assert [label in KINETICS.plot()._repr_html_() for label in ("absorbance_405nm A1", "absorbance_405nm B1")] == [
        True
    ] * 2


def test_lines_over_time() -> None:
    curve = drawn(KINETICS.plot("absorbance_405nm"))
    assert [series.label for series in curve.series] == ["reader A1", "reader B1"]
    low, high = (series.dots[-1][1] for series in curve.series)
    assert high < low, "up is less in SVG"
    assert curve.y_label == "absorbance_405nm (AU)"
    assert len(drawn(KINETICS.plot(wells=["B1"])).series) == 1
    flat = Table((row("s", "t", value=21.0), row("s", "t", value=21.0, at_s=60.0)))
    assert len(drawn(flat.plot("t")).series[0].dots) == 2
    with pytest.raises(ValueError, match="9 lines in 1 units; one drawing has 1 to 7"):
        READ.plot()
    with pytest.raises(ValueError, match="0 lines"):
        READ.plot("humidity")


def test_pandas_is_asked_for_late(monkeypatch: pytest.MonkeyPatch) -> None:
    class Frame:
        def __init__(self, rows: list[dict[str, object]], columns: list[str]) -> None:
            self.rows, self.columns = rows, columns

    class Pandas:
        DataFrame = Frame

    monkeypatch.setitem(__import__("sys").modules, "pandas", Pandas)
    frame = READ.to_pandas()
    assert frame.columns == list(Reading.model_fields)
    assert frame.rows == READ.to_dicts()
