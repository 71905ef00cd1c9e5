"""What this lab can do, signed: for registries of laboratories, which need no account."""

import asyncio

from fastapi import APIRouter, Request, Response

from api.http.answers import PROBLEMS, told_bytes
from api.http.asker import Here, Who
from registry.manifest import Manifest

router = APIRouter(tags=["manifest"])
well_known = APIRouter(prefix="/.well-known", tags=["manifest"], responses={421: PROBLEMS[421]})


@router.get("/manifest", response_model=Manifest)
async def manifest(request: Request, office: Here, who: Who) -> Response:
    """What this lab can do, each claim with how it is known."""
    await office.allow(who, "read")
    return told_bytes(request, (await asyncio.to_thread(office.issuer.manifest)).text)


@well_known.get("/lab-manifest.json", response_model=Manifest)
async def public_manifest(request: Request, office: Here) -> Response:
    """The same, without an account."""
    return told_bytes(request, (await asyncio.to_thread(office.issuer.manifest)).text)


@well_known.get("/lab-manifest.json.dsse", response_class=Response,
                responses={200: {"content": {"application/vnd.dsse.envelope.v1+json": {}}}})  # fmt: skip
async def manifest_envelope(request: Request, office: Here) -> Response:
    """The signed envelope around it (DSSE, Ed25519); the key is in GET /api/v1/labs."""
    issued = await asyncio.to_thread(office.issuer.manifest)
    return told_bytes(request, issued.envelope, kind="application/vnd.dsse.envelope.v1+json")
