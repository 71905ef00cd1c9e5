"""A run's data in a notebook: a table, maps of plates, lines over time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import product
from typing import TYPE_CHECKING, Any

from api.models import Reading

if TYPE_CHECKING:
    from orchestrator.report.curve import Curve
    from orchestrator.report.plates import PlateMap

SHOWN = 60  # rows in a notebook; `to_pandas` and `to_dicts` have them all
#: Rows and columns of plates with 6 to 1536 wells (ANSI/SLAS 4-2004 names 96, 384 and 1536).
_PLATES = ((2, 3), (3, 4), (4, 6), (6, 8), (8, 12), (16, 24), (32, 48))
_LETTERS = [first + second for first, second in product(("", "A"), "ABCDEFGHIJKLMNOPQRSTUVWXYZ")]
_LINES = 7  # as many as there are colours that stay apart


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture that a notebook shows; `of` is what is drawn, as data."""

    of: "Curve | PlateMap"

    def _repr_svg_(self) -> str:
        """By itself."""
        from orchestrator.report.alone import svg

        return svg(self.of)

    def _repr_html_(self) -> str:
        """With its title and with what its colours mean."""
        from orchestrator.report.alone import html

        return html(self.of)


@dataclass(frozen=True, slots=True)
class Table(Sequence[Reading]):
    """The tidy table of a run: one value a row. Shows itself in a notebook."""

    rows: tuple[Reading, ...]
    run_id: str = ""

    def __getitem__(self, index: Any) -> Any:
        """A row, or a shorter table."""
        return Table(self.rows[index], self.run_id) if isinstance(index, slice) else self.rows[index]

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"Table({len(self.rows)} values of {self.run_id}: {', '.join(self.quantities)})"

    @property
    def quantities(self) -> list[str]:
        """What was measured, in the order in which it came."""
        return list(dict.fromkeys(row.quantity for row in self.rows))

    def only(self, step: str = "", quantity: str = "") -> "Table":
        """The rows of a step, of a quantity, or of both."""
        kept = (row for row in self.rows if step in ("", row.step) and quantity in ("", row.quantity))
        return Table(tuple(kept), self.run_id)

    def to_dicts(self) -> list[dict[str, Any]]:
        """A dictionary a row; text of instruments as a plain string."""
        return [row.model_dump() | {"text": row.text and row.text.untrusted_text} for row in self.rows]

    def to_pandas(self) -> Any:
        """A `pandas.DataFrame` with a column for each field; pandas must be installed."""
        import pandas

        return pandas.DataFrame(self.to_dicts(), columns=list(Reading.model_fields))

    def wells(self, step: str, quantity: str = "") -> dict[str, float]:
        """Well -> the value that a step read there, the last one where it read several times.

        Raises `ValueError` that says what there is when that names nothing, or more than one quantity.
        """
        found = [row for row in self.only(step, quantity) if row.well and row.value is not None]
        names = list(dict.fromkeys(row.quantity for row in found))
        if len(names) != 1:
            had = "; ".join(f"{row.step}: {row.quantity}" for row in _firsts(self.rows))
            raise ValueError(f"step {step!r} has read {', '.join(names) or 'nothing'} of wells. There are: {had}")
        return {row.well: row.value for row in found if row.value is not None}

    def plate(self, step: str, quantity: str = "") -> Drawing:
        """A map of what a step has read; raises `ValueError` as `wells` does."""
        from orchestrator.report.plates import values_map

        values = self.wells(step, quantity)
        row = next(row for row in self.only(step, quantity) if row.well in values)
        title = f"{row.labware or row.device}: {row.quantity}" + (f", {row.unit}" if row.unit else "")
        return Drawing(values_map(title, f"Step {step}, {row.device}.", _columns(values), values))

    def plot(self, quantity: str = "", *, step: str = "", wells: Sequence[str] = ()) -> Drawing:
        """Values over time, a line a well (or a device); raises `ValueError` where there is nothing to draw."""
        from orchestrator.report.curve import lines

        sets: dict[str, list[tuple[float, float]]] = {}
        found = [row for row in self.only(step, quantity) if row.value is not None and (not wells or row.well in wells)]
        for row in found:
            name = row.quantity if not quantity else row.device
            sets.setdefault(" ".join(filter(None, (name, row.well))), []).append((row.at_s, row.value or 0.0))
        units = {row.unit for row in found}
        if not found or len(sets) > _LINES or len(units) > 1:
            why = f"{len(sets)} lines in {len(units)} units; one drawing has 1 to {_LINES} in one"
            raise ValueError(f"{why}. Choose by quantity ({', '.join(self.quantities)}), step or wells.")
        y_label = " ".join(filter(None, (quantity or "value", f"({found[0].unit})" * bool(found[0].unit))))
        return Drawing(lines(quantity or self.run_id, "time, s", y_label, sets))

    def _repr_html_(self) -> str:
        fields = Reading.model_fields
        names = [name for name in fields if any(getattr(row, name) not in ("", None) for row in self.rows)]
        head = "".join(f"<th>{name}</th>" for name in names)
        body = "".join(f"<tr>{''.join(_cells(row, names))}</tr>" for row in self.rows[:SHOWN])
        more = f"; the first {SHOWN} are shown" if len(self.rows) > SHOWN else ""
        caption = f"{escape(self.run_id)}: {len(self.rows)} values{more}"
        return f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cells(row: Reading, names: Sequence[str]) -> Iterator[str]:
    """What stands in a row: all of it escaped, for some of it comes from instruments."""
    for name in names:
        value = getattr(row, name)
        if name == "text" and value is not None:
            value = value.untrusted_text
        yield f"<td>{escape('' if value is None else f'{value:.6g}' if isinstance(value, float) else str(value))}</td>"


def _firsts(rows: Sequence[Reading]) -> list[Reading]:
    return list({(row.step, row.quantity): row for row in reversed(rows)}.values())[::-1]


def _columns(values: Mapping[str, float]) -> tuple[tuple[str, ...], ...]:
    """The wells, column by column, of the smallest usual plate that has them all."""
    for rows, columns in _PLATES:
        made = tuple(tuple(f"{_LETTERS[row]}{column + 1}" for row in range(rows)) for column in range(columns))
        if values.keys() <= {well for column in made for well in column}:
            return made
    raise ValueError(f"these are no wells of a plate: {', '.join(list(values)[:5])}")
