"""The tidy table of a run, one row a value, made from its documents: for any Bluesky plan, and well by well."""

import asyncio
import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from orchestrator.sinks.file import FILE_NAME, read_documents
from orchestrator.sinks.sink import Document
from protocols.ledger import Ledger
from protocols.program import Action

CSV, PARQUET = "readings.csv", "readings.parquet"


class ParquetMissing(ImportError):
    """The package of the extra `parquet` is not installed."""


@dataclass(frozen=True, slots=True)
class Row:
    """One value. `at_s` counts from the run's start document; what does not apply is empty."""

    run: str
    step: str
    device: str
    quantity: str
    unit: str
    at_s: float
    labware: str
    #: A well's name; for another array the place in it, from 0, as in `[3]` or `[0,2]`.
    well: str
    #: What the well held when it was read, as the lab believes: `60 uL dye + 60 uL water`.
    material: str
    value: float | None
    #: The value where it is no number.
    text: str


Documents = Iterable[tuple[str, Mapping[str, Any]]]


def rows(documents: Documents, program: Mapping[str, Any] | None = None) -> Iterator[Row]:
    """Every value of every event, in order; `program` is `program.json`, which knows what is in the wells."""
    held = _Held(program)
    runs: dict[str, Mapping[str, Any]] = {}
    streams: dict[str, Mapping[str, Any]] = {}
    for name, document in documents:
        if name == "start":
            runs[document["uid"]] = document
        elif name == "descriptor":
            streams[document["uid"]] = document
        elif name == "event":
            stream = streams[document["descriptor"]]
            yield from _of_event(document, stream, runs[stream["run_start"]], held)
        elif name == "event_page":
            stream = streams[document["descriptor"]]
            for index in range(len(document["seq_num"])):
                yield from _of_event(_event(document, index), stream, runs[stream["run_start"]], held)


def _event(page: Mapping[str, Any], index: int) -> dict[str, Any]:
    return {key: {name: column[index] for name, column in page[key].items()} for key in ("data", "timestamps")}


def _of_event(
    event: Mapping[str, Any], stream: Mapping[str, Any], start: Mapping[str, Any], held: "_Held"
) -> Iterator[Row]:
    step, seen = stream["name"], {}
    for key, value in event["data"].items():
        about = stream["data_keys"].get(key, {})
        device = about.get("object_name", "")
        wells = stream["configuration"].get(device, {}).get("data", {}).get(f"{device}_wells")
        if wells and device not in seen:
            seen[device] = held.read(step, device)
        labware, materials = seen.get(device, ("", {}))
        at_s = event["timestamps"][key] - start["time"]
        quantity = key.removeprefix(f"{device}_")
        for place, one in _places(value, wells):
            number, text = (None, one) if isinstance(one, str) else (None if one is None else float(one), "")
            yield Row(
                start.get("run_id", start["uid"]), step, device, quantity, about.get("units") or "", at_s, labware,
                place, materials.get(place, ""), number, text,
            )  # fmt: skip


def _places(value: Any, wells: list[str] | None) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, list):
        yield "", value
    elif wells is not None and len(wells) == len(value):
        yield from zip(wells, value, strict=True)
    else:
        for place, one in np.ndenumerate(np.asarray(value)):
            yield f"[{','.join(map(str, place))}]", one.item()


class _Held:
    """What is in the wells when a step reads them: the program's actions up to its reading, folded."""

    def __init__(self, program: Mapping[str, Any] | None) -> None:
        self._actions = [_action(one) for one in program["actions"]] if program else []
        self._read: dict[tuple[str, str], int] = {}

    def read(self, step: str, device: str) -> tuple[str, dict[str, str]]:
        """The labware on the device, and the contents of its wells in words, at the next reading of this step.

        A reading that is made again is the last one of its step; nothing is known of a step that is not in the program.
        """
        ends = [n for n, one in enumerate(self._actions) if (one.step, one.device) == (step, device) and _reads(one)]
        if not ends:
            return "", {}
        count = self._read[step, device] = self._read.get((step, device), 0) + 1
        ledger = Ledger()
        for action in self._actions[: ends[min(count, len(ends)) - 1]]:
            ledger.apply(action)
        for name, item in ledger.items.items():
            if item.site is not None and item.site.partition(".")[0] == device:
                return name, {well: _words(contents) for well, contents in item.wells.items()}
        return "", {}


def _action(told: Mapping[str, Any]) -> Action:
    return Action(told["id"], told["step"], told["device"], told["verb"], told["args"])


def _reads(action: Action) -> bool:
    return "wells" in action.args


def _words(contents: Mapping[str, float]) -> str:
    return " + ".join(f"{volume:.6g} uL {liquid}" for liquid, volume in sorted(contents.items()) if volume > 0)


def table_of(folder: Path) -> list[Row]:
    """The tidy table of a run's folder. Raises `FileNotFoundError` and `DamagedFile`."""
    program = folder / "program.json"
    known = json.loads(program.read_text("utf-8")) if program.exists() else None
    return list(rows(read_documents(folder / FILE_NAME), known))


class TableSink:
    """Writes the table of a run into its folder, as CSV and Parquet, when the run is over."""

    def __init__(self, folder: Path) -> None:
        self.name = f"tables in {folder}"
        self.problem = ""
        self._folder = folder

    def __call__(self, name: str, document: Document) -> None:
        """Nothing yet: the run's own file has it."""

    async def room(self) -> None:
        """There always is."""

    async def close(self, patience_s: float = 10.0) -> None:
        """Write both; close the sink of the run's own file first."""
        try:
            await asyncio.get_running_loop().run_in_executor(None, self._write)
        except (OSError, ValueError, ImportError) as error:
            self.problem = f"{self.name} were not written: {error}"

    def _write(self) -> None:
        table = table_of(self._folder)
        write_csv(table, self._folder / CSV)
        write_parquet(table, self._folder / PARQUET)


def write_csv(table: Iterable[Row], path: Path) -> None:
    """As CSV in UTF-8, with a header; numbers in full precision."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([field.name for field in fields(Row)])
        writer.writerows(asdict(row).values() for row in table)


def write_parquet(table: Iterable[Row], path: Path) -> None:
    """As Parquet; words that repeat are stored once. Raises `ParquetMissing`."""
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError as error:
        raise ParquetMissing("pyarrow is not installed - pip install 'genesislab[parquet]'") from error
    kinds = {float: arrow.float64(), float | None: arrow.float64(), str: arrow.string()}
    schema = arrow.schema([(field.name, kinds[field.type]) for field in fields(Row)])  # type: ignore[index]
    parquet.write_table(arrow.Table.from_pylist([asdict(row) for row in table], schema=schema), path)
