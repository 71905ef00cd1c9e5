"""What runs leave behind: tables, documents, files. Names from outside never become paths."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from api import models as m
from api.desk.looks import world
from api.live import Live
from api.office import Office
from api.refusals import Missing
from api.untrusted import untrusted
from orchestrator.sinks.file import FILE_NAME, read_documents
from orchestrator.sinks.table import Row, table_of

AnswerT = TypeVar("AnswerT")


def _cell(office: Office, run_id: str) -> Live:
    """Where a run that the journal knows was, or is; raises `Missing`."""
    for live in office.live.cells.values():
        if run_id in live.runs or run_id in live.plans:
            return live
    raise Missing(f"there is no run {run_id!r}", "GET /api/v1/runs lists them.")


def folder(office: Office, run_id: str) -> Path:
    """A run's folder, which only a run that the journal knows has; raises `Missing`."""
    _cell(office, run_id)
    found = office.runs / run_id
    if found.parent != office.runs or not found.is_dir():
        raise Missing(f"run {run_id} has left no data here yet", "Wait until it begins; another host may have them.")
    return found


def table(office: Office, run_id: str) -> list[m.Reading]:
    """Every value of a run, a row each; blocks."""
    place = folder(office, run_id)
    if not (place / FILE_NAME).exists():
        return []
    which = world(_cell(office, run_id))
    return [_reading(which, row) for row in table_of(place)]


def _reading(which: m.World, row: Row) -> m.Reading:
    return m.Reading(
        world=which, step=row.step, device=row.device, quantity=row.quantity, unit=row.unit, at_s=row.at_s,
        labware=row.labware, well=row.well, material=row.material, value=row.value,
        text=untrusted(row.text) if row.text else None,
    )  # fmt: skip


def documents(office: Office, run_id: str) -> list[dict[str, Any]]:
    """A run's event-model documents in their order, each with its name; blocks."""
    place = folder(office, run_id) / FILE_NAME
    if not place.exists():
        return []
    return [{"name": name, "doc": document} for name, document in read_documents(place)]


def files(office: Office, run_id: str) -> list[m.File]:
    """The files of a run's folder; blocks."""
    found = sorted(file for file in folder(office, run_id).iterdir() if file.is_file() and not file.is_symlink())
    which = world(_cell(office, run_id))
    return [m.File(world=which, name=file.name, bytes=file.stat().st_size) for file in found]


def file(office: Office, run_id: str, name: str) -> Path:
    """One of them, by a name that is listed; raises `Missing`."""
    for known in files(office, run_id):
        if known.name == name:
            return folder(office, run_id) / known.name
    raise Missing(f"run {run_id} has no such file", "GET /api/v1/runs/{run_id}/files lists them.")


async def in_thread(look: Callable[[Office, str], AnswerT], office: Office, run_id: str) -> AnswerT:
    """One of these, without stopping the loop."""
    return await asyncio.to_thread(look, office, run_id)
