"""A run as an RO-Crate 1.1: the files of its folder, a tidy table of its readings, and what each of them is.

Source: RO-Crate Metadata Specification 1.1 (https://w3id.org/ro/crate/1.1).
"""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

from orchestrator.run import digest

CONTEXT = "https://w3id.org/ro/crate/1.1/context"
_ABOUT = {
    "protocol.json": ("The protocol as it was given, with its parameters", "application/json"),
    "program.json": ("Every action the protocol became on this lab", "application/json"),
    "run.json": ("Who, what, when, in which world, with which versions and hashes", "application/json"),
    "result.json": ("Times, readings, stock and end state", "application/json"),
    "documents.jsonl": ("Bluesky documents (event-model)", "application/jsonl"),
    "journal.jsonl": ("What was intended and what came of it, action by action", "application/jsonl"),
    "report.html": ("The report for people", "text/html"),
    "readings.csv": ("One row a value: step, device, quantity, unit, time, well, value", "text/csv"),
}


class ExportError(Exception):
    """The run cannot be exported."""


def export(folder: Path, target: Path) -> list[str]:
    """Copy a run's folder to `target` as an RO-Crate; returns the names of its files."""
    if not (folder / "run.json").exists():
        raise ExportError(f"there is no run {folder.name} in {folder.parent}")
    if not (folder / "result.json").exists():
        raise ExportError(f"run {folder.name} has no result; it is running or was interrupted")
    if target.exists():
        raise ExportError(f"{target} is there already; nothing was changed")
    try:
        shutil.copytree(folder, target)
        result = json.loads((folder / "result.json").read_text("utf-8"))
        _write_table(target / "readings.csv", result["readings"])
        about = json.loads((folder / "run.json").read_text("utf-8"))
        names = sorted(file.name for file in target.iterdir())
        (target / "ro-crate-metadata.json").write_text(json.dumps(_crate(target, names, about), indent=1), "utf-8")
    except OSError as error:
        raise ExportError(f"{target}: {error.strerror}") from error
    return [*names, "ro-crate-metadata.json"]


def _write_table(path: Path, readings: list[dict[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["step", "device", "quantity", "unit", "at_s", "well", "value"])
        for reading in readings:
            about = [reading[key] for key in ("step", "device", "quantity", "unit", "at_s")]
            wells = reading["wells"].items() if "wells" in reading else [("", reading["value"])]
            table.writerows([*about, well, value] for well, value in wells)


def _crate(target: Path, names: list[str], about: dict[str, Any]) -> dict[str, Any]:
    day = f"{about['run_id'][:4]}-{about['run_id'][4:6]}-{about['run_id'][6:8]}"
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": f"{about['protocol']}, run {about['run_id']} on the {about['world']} of {about['lab']}",
        "description": f"Outcome: {about['outcome']}. Protocol {about['protocol_hash']}, lab {about['config_hash']}.",
        "datePublished": day,
        "license": "Of the laboratory that made it; no licence is granted by this file.",
        "identifier": about["run_id"],
        "hasPart": [{"@id": name} for name in names],
    }
    descriptor = {
        "@id": "ro-crate-metadata.json",
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
    }
    files = []
    for name in names:
        text, media = _ABOUT.get(name, ("A file of the run", "application/octet-stream"))
        size = str((target / name).stat().st_size)
        entry = {"@id": name, "@type": "File", "name": name, "description": text, "encodingFormat": media}
        files.append(entry | {"contentSize": size, "sha256": digest(target / name)})
    return {"@context": CONTEXT, "@graph": [descriptor, root, *files]}
