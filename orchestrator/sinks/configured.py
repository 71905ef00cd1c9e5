"""The sinks that `[sinks]` in `lab.toml` asks for."""

from collections.abc import Callable, Iterable
from dataclasses import fields
from pathlib import Path

from labfile.lab import Lab
from orchestrator.sinks.file import FILE_NAME, FileSink
from orchestrator.sinks.sink import Document, Sink
from orchestrator.sinks.worker import Worker
from orchestrator.state.records import Record


def far_sinks(lab: Lab) -> tuple[Worker, ...]:
    """One sink for every server, for all runs of a lab; make them before the lab's loop runs, close them at its end.

    Raises `TiledMissing` where an extra is named and not installed.
    """
    asked, found = lab.sinks, list[Worker]()
    if asked.tiled is not None:
        from orchestrator.sinks.tiled import TiledSink

        found.append(TiledSink(asked.tiled, asked.tiled_api_key))
    if asked.mqtt is not None:
        from orchestrator.sinks.mqtt import MqttSink

        found.append(MqttSink(asked.mqtt, lab.name, asked.mqtt_password))
    return tuple(found)


def run_sinks(lab: Lab, folder: Path) -> tuple[Sink, ...]:
    """The sinks of one run in its own folder, in the order in which they are called and closed: its file first."""
    file = FileSink(folder / FILE_NAME)
    if not lab.sinks.parquet:
        return (file,)
    from orchestrator.sinks.table import TableSink

    return file, TableSink(folder)


def listener(sinks: Iterable[Sink]) -> Callable[[Record], None]:
    """Tells every sink what happens in the lab, as a document of the kind `record`; Tiled has no place for it."""
    told = tuple(sinks)

    def hear(record: Record) -> None:
        document = as_document(record)
        for sink in told:
            sink("record", document)

    return hear


def as_document(record: Record) -> Document:
    """A record with its kind; a program, which has a file of its own, is left out."""
    body = {field.name: getattr(record, field.name) for field in fields(record) if field.name != "program"}
    return {"kind": type(record).__name__, **body}
