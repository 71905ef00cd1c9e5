"""A run as an RO-Crate 1.1: the files of its folder, its tidy table, and who made what with which versions.

Source: RO-Crate Metadata Specification 1.1 (https://w3id.org/ro/crate/1.1).
"""

import contextlib
import json
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestrator.frames import FOLDER
from orchestrator.run import digest
from orchestrator.sinks.file import FILE_NAME, DamagedFile, read_documents
from orchestrator.sinks.table import CSV, PARQUET, ParquetMissing, table_of, write_csv, write_parquet

Entity = dict[str, Any]
METADATA = "ro-crate-metadata.json"
#: The second one defines the term that RO-Crate's own context of 2020 has not got yet.
CONTEXT = ["https://w3id.org/ro/crate/1.1/context", {"sha256": "http://schema.org/sha256"}]
_TABLE = "One row a value: run, step, device, quantity, unit, seconds since the start, labware, well, contents, value"
_ABOUT = {
    "protocol.json": ("The protocol as it was given, with its parameters", "application/json"),
    "program.json": ("Every action the protocol became on this lab", "application/json"),
    "run.json": ("Who, what, when, in which world, with which versions and hashes", "application/json"),
    "result.json": ("Times, readings, stock and end state", "application/json"),
    FILE_NAME: ("Bluesky documents (event-model)", "application/jsonl"),
    "journal.jsonl": ("What was intended and what came of it, action by action", "application/jsonl"),
    "report.html": ("The report for people", "text/html"),
    CSV: (_TABLE, "text/csv"),
    PARQUET: (_TABLE, "application/vnd.apache.parquet"),
}
_IMAGE = ("An image of an area detector, rows of pixels (numpy)", "application/x-npy")


class ExportError(Exception):
    """The run cannot be exported."""


def export(folder: Path, target: Path) -> list[str]:
    """Copy a run's folder to `target` as an RO-Crate; returns the names of its files.

    Parquet is written where pyarrow is installed. Raises `ExportError` and leaves nothing behind.
    """
    if not (folder / "run.json").exists():
        raise ExportError(f"there is no run {folder.name} in {folder.parent}")
    if not (folder / "result.json").exists():
        raise ExportError(f"run {folder.name} has no result; it is running or was interrupted")
    if target.exists():
        raise ExportError(f"{target} is there already; nothing was changed")
    try:
        shutil.copytree(folder, target)
        return _complete(target)
    except (OSError, DamagedFile) as error:
        shutil.rmtree(target, ignore_errors=True)
        raise ExportError(f"{target}: {getattr(error, 'strerror', None) or error}") from error


def _complete(target: Path) -> list[str]:
    """Add the tables and the metadata to a copy of a run's folder."""
    table = table_of(target)
    write_csv(table, target / CSV)
    with contextlib.suppress(ParquetMissing):
        write_parquet(table, target / PARQUET)
    names = sorted(file.relative_to(target).as_posix() for file in target.rglob("*") if file.is_file())
    graph = {"@context": CONTEXT, "@graph": _graph(target, names)}
    (target / METADATA).write_text(json.dumps(graph, indent=1), "utf-8")
    return [*names, METADATA]


def _graph(target: Path, names: list[str]) -> list[Entity]:
    about = json.loads((target / "run.json").read_text("utf-8"))
    publisher, times = _publisher(about), _times(target)
    author = _author(json.loads((target / "protocol.json").read_text("utf-8"))["document"].get("author", {}), publisher)
    files = [_file(target, name) for name in names]
    software = [_software(name, version) for name, version in about["versions"].items()]
    licence = {
        "@id": "#licence", "@type": "CreativeWork", "name": "No licence granted",
        "description": "The data are those of the laboratory that made them; this file grants no licence.",
    }  # fmt: skip
    root = {
        "@id": "./", "@type": "Dataset", "identifier": about["run_id"], "datePublished": times["endTime"],
        "name": f"{about['protocol']}, run {about['run_id']} on the {about['world']} of {about['lab']}",
        "description": f"Outcome: {about['outcome']}. Protocol {about['protocol_hash']}, lab {about['config_hash']}.",
        "license": _link(licence), "publisher": _link(publisher),
        "author": _link(author if author["@type"] == "Person" else publisher),
        "hasPart": [_link(file) for file in files], "mentions": {"@id": "#run"},
    }  # fmt: skip
    descriptor = {
        "@id": METADATA, "@type": "CreativeWork", "about": {"@id": "./"},
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
    }  # fmt: skip
    return [descriptor, root, *files, author, publisher, licence, _action(about, author, files) | times, *software]


def _link(entity: Entity) -> Entity:
    return {"@id": entity["@id"]}


def _file(target: Path, name: str) -> Entity:
    kind = _IMAGE if name.startswith(f"{FOLDER}/") else ("A file of the run", "application/octet-stream")
    text, media = _ABOUT.get(name, kind)
    path = target / name
    return {
        "@id": name, "@type": "File", "name": name, "description": text, "encodingFormat": media,
        "contentSize": str(path.stat().st_size), "sha256": digest(path),
    }  # fmt: skip


def _author(author: Mapping[str, Any], publisher: Entity) -> Entity:
    """Who wrote the protocol: a person, or the software that an agent or an importer is."""
    found = {"@id": "#author", "name": author.get("name", "?")}
    if author.get("kind") == "human":
        return found | {"@type": "Person", "affiliation": _link(publisher)}
    model = {"softwareVersion": author["model"]} if author.get("model") else {}
    return found | {"@type": "SoftwareApplication"} | model


def _publisher(about: Mapping[str, Any]) -> Entity:
    """The facility, by its ROR identifier where the run knows it, else the lab by its name."""
    url = {"url": about["ror"]} if about.get("ror") else {}
    return url | {
        "@id": about.get("ror") or "#lab", "@type": "Organization", "name": about.get("facility") or about["lab"],
        "description": f"The laboratory cell {about['lab']}",
    }  # fmt: skip


def _software(name: str, version: str) -> Entity:
    return {"@id": f"#software-{name}", "@type": "SoftwareApplication", "name": name, "softwareVersion": version}


def _action(about: Mapping[str, Any], author: Entity, files: list[Entity]) -> Entity:
    """What was done: the protocol was the object, the other files are its result."""
    status = "CompletedActionStatus" if about["outcome"] == "completed" else "FailedActionStatus"
    given = ("protocol.json", "program.json")
    action = {
        "@id": "#run", "@type": "CreateAction", "name": f"Run {about['run_id']} of {about['protocol']}",
        "description": f"Carried out on the {about['world']} of {about['lab']}; program {about['program_hash']}.",
        "agent": _link(author), "actionStatus": {"@id": f"http://schema.org/{status}"},
        "instrument": [{"@id": f"#software-{name}"} for name in about["versions"]],
        "object": [_link(file) for file in files if file["@id"] in given],
        "result": [_link(file) for file in files if file["@id"] not in given],
    }  # fmt: skip
    error = {"error": about["error"]} if about.get("error") else {}
    return action | error


def _times(target: Path) -> dict[str, str]:
    """Start and end of the run by its documents; in the twin that is simulated time."""
    at = [document["time"] for _, document in read_documents(target / FILE_NAME) if "time" in document]
    found = (min(at), max(at)) if at else ((target / "run.json").stat().st_mtime,) * 2
    start, end = (datetime.fromtimestamp(second, UTC).isoformat(timespec="seconds") for second in found)
    return {"startTime": start, "endTime": end}
