"""Runs: submit, watch, steer, and take the data."""

import asyncio
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import FileResponse

from api import models as m
from api.desk import controls, data, looks, submissions
from api.http.answers import page, told, told_bytes
from api.http.asker import After, Here, IdempotencyKey, InWorld, Limit, MayKey, RunId, Who

router = APIRouter(tags=["runs"])


@router.post("/runs", response_model=m.Submitted, status_code=202)
async def submit(request: Request, office: Here, who: Who, asked: m.Submission, key: IdempotencyKey) -> Response:
    """Give a protocol to the lab. Durable when answered; asking again under one key is asking once."""
    return told(request, await submissions.submit(office, who, asked, key), 202)


@router.get("/runs", response_model=m.Page[m.Run])
async def runs(request: Request, office: Here, who: Who, limit: Limit = 50, after: After = None) -> Response:
    """Every run, the newest first."""
    await office.allow(who, "read")
    return told(request, page(looks.runs(office), limit, after, lambda run: run.run_id))


@router.get("/queue", response_model=m.Page[m.Run])
async def queue(
    request: Request, office: Here, who: Who, world: InWorld, limit: Limit = 50, after: After = None
) -> Response:
    """Runs that have not ended, in the order of their planned ends."""
    await office.allow(who, "read")
    open_runs = [run for run in looks.runs(office) if run.ended_at is None and run.world == world]
    open_runs.sort(key=lambda run: (run.planned_end or float("inf"), run.submitted_at))
    return told(request, page(open_runs, limit, after, lambda run: run.run_id))


@router.get("/runs/{run_id}", response_model=m.Run)
async def run(request: Request, office: Here, who: Who, run_id: RunId) -> Response:
    """One run as it stands, and what of it waits for a person."""
    await office.allow(who, "read")
    return told(request, await looks.run(office, run_id))


@router.get("/runs/{run_id}/table", response_model=m.Page[m.Reading])
async def table(
    request: Request, office: Here, who: Who, run_id: RunId, limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    after: Annotated[int, Query(ge=0, lt=2**53)] = 0,
) -> Response:  # fmt: skip
    """A run's data as a tidy table: one value a row, with its well and what was in it. `after` counts rows."""
    await office.allow(who, "read")
    rows = await asyncio.to_thread(data.table, office, run_id)
    part = rows[after : after + limit]
    behind = str(after + limit) if after + limit < len(rows) else None
    return told(request, m.Page[m.Reading](items=part, next=behind))


@router.get("/runs/{run_id}/documents", response_model=m.Page[dict[str, Any]])
async def documents(
    request: Request, office: Here, who: Who, run_id: RunId, limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    after: Annotated[int, Query(ge=0, lt=2**53)] = 0,
) -> Response:  # fmt: skip
    """A run's Bluesky documents (event-model), in their order. `after` counts documents."""
    await office.allow(who, "read")
    found = await asyncio.to_thread(data.documents, office, run_id)
    behind = str(after + limit) if after + limit < len(found) else None
    return told_bytes(request, orjson.dumps({"items": found[after : after + limit], "next": behind}))


@router.get("/runs/{run_id}/files", response_model=list[m.File])
async def files(request: Request, office: Here, who: Who, run_id: RunId) -> Response:
    """The files of a run's folder."""
    await office.allow(who, "read")
    return told(request, await asyncio.to_thread(data.files, office, run_id))


@router.get("/runs/{run_id}/files/{name}", response_class=FileResponse,
            responses={200: {"content": {"application/octet-stream": {}}}})  # fmt: skip
async def file(office: Here, who: Who, run_id: RunId, name: Annotated[str, Path(max_length=128)]) -> FileResponse:
    """One file, to be saved: never shown by a browser as a page of this lab's."""
    await office.allow(who, "read")
    path = await asyncio.to_thread(data.file, office, run_id, name)
    headers = {"x-content-type-options": "nosniff"}
    return FileResponse(path, media_type="application/octet-stream", filename=path.name, headers=headers)


@router.post("/runs/{run_id}/pause", response_model=m.Said)
async def pause(request: Request, office: Here, who: Who, run_id: RunId, key: MayKey = None) -> Response:
    """Begin nothing more of a run; what is under way goes on to its end."""
    return told(request, await controls.pause(office, who, run_id, key))


@router.post("/runs/{run_id}/resume", response_model=m.Said)
async def resume(request: Request, office: Here, who: Who, run_id: RunId, key: MayKey = None) -> Response:
    """Let a paused run go on."""
    return told(request, await controls.resume(office, who, run_id, key))


@router.post("/runs/{run_id}/abort", response_model=m.Said)
async def abort(
    request: Request, office: Here, who: Who, run_id: RunId, said: m.Reason | None = None, key: MayKey = None
) -> Response:
    """End a run safely: what is under way ends, devices come to rest."""
    reason = "" if said is None else said.reason
    return told(request, await controls.abort(office, who, run_id, reason, key))


@router.post("/runs/{run_id}/settle", response_model=m.Said)
async def settle(
    request: Request, office: Here, who: Who, run_id: RunId, said: m.Settlement, key: MayKey = None
) -> Response:
    """A person says what became of an action of which the lab does not know."""
    return told(request, await controls.settle(office, who, run_id, said, key))


@router.post("/runs/{run_id}/choose", response_model=m.Said)
async def choose(
    request: Request, office: Here, who: Who, run_id: RunId, said: m.Decision, key: MayKey = None
) -> Response:
    """A person says how a run goes on after a failed action."""
    return told(request, await controls.choose(office, who, run_id, said, key))
