"""The audit trail, for those who may read it."""

import asyncio
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api import models as m
from api.audit.trail import records
from api.http.answers import told
from api.http.asker import Here, Limit, Who
from api.refusals import Missing

router = APIRouter(prefix="/audit", tags=["audit"])


@router.get("", response_model=m.Page[m.AuditRecord])
async def audit(
    request: Request, office: Here, who: Who, limit: Limit = 100, after: Annotated[int, Query(ge=0, lt=2**53)] = 0
) -> Response:
    """Records in their order, from behind number `after`."""
    await office.allow(who, "audit", note={"after": after})
    rows = await asyncio.to_thread(records, office.engine, after=after, limit=limit + 1)
    items = [m.AuditRecord(seq=row.seq, hash=row.hash, body=row.body) for row in rows[:limit]]
    behind = str(items[-1].seq) if len(rows) > limit else None
    return told(request, m.Page[m.AuditRecord](items=items, next=behind))


@router.get("/head", response_model=m.AuditHead)
async def audit_head(request: Request, office: Here, who: Who) -> Response:
    """The newest signed head: to be kept elsewhere, against which the trail can be checked."""
    await office.allow(who, "read")
    found = await asyncio.to_thread(office.trail.head)
    if found is None:
        raise Missing("nothing is signed yet")
    return told(request, m.AuditHead(**asdict(found)))
