"""Protocols: the library, the guide, checks and dry runs."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Request, Response

from api import models as m
from api.desk import protocols
from api.http.answers import REPEATABLE, page, told, told_bytes
from api.http.asker import After, Here, Limit, Who

router = APIRouter(tags=["protocols"])


@router.get("/protocols", response_model=m.Page[m.LibraryEntry])
async def library(request: Request, office: Here, who: Who, limit: Limit = 100, after: After = None) -> Response:
    """The library of ready protocols."""
    return told(request, page(await protocols.list_library(office, who), limit, after, lambda entry: entry.name))


@router.get("/protocols/{name}", response_model=dict[str, Any])
async def protocol(request: Request, office: Here, who: Who, name: Annotated[str, Path(max_length=128)]) -> Response:
    """A protocol of the library, as JSON."""
    return told_bytes(request, orjson.dumps(await protocols.library_document(office, who, name)))


@router.get("/protocol-guide", response_class=Response, responses={200: {"content": {"text/markdown": {}}}})
async def protocol_guide(request: Request, office: Here, who: Who) -> Response:
    """How to write a protocol: one page."""
    await office.allow(who, "read")
    return told_bytes(request, protocols.guide().encode(), kind="text/markdown")


@router.get("/protocol-schema", response_model=dict[str, Any])
async def protocol_schema(request: Request, office: Here, who: Who) -> Response:
    """The JSON Schema of protocols."""
    await office.allow(who, "read")
    return told_bytes(request, protocols.schema())


@router.post("/validate", response_model=m.Validation, openapi_extra=REPEATABLE)
async def validate(request: Request, office: Here, who: Who, asked: m.ProtocolIn) -> Response:
    """Check a protocol against this lab: every finding at once, each with how to mend it. Nothing moves."""
    return told(request, await protocols.validate(office, who, asked))


@router.post("/simulate", response_model=m.Simulated, openapi_extra=REPEATABLE)
async def simulate(request: Request, office: Here, who: Who, asked: m.Simulation) -> Response:
    """Dry-run a protocol on a fresh twin in virtual time: duration, stock, readings, end state, cost."""
    return told(request, await protocols.simulate(office, who, asked))
