"""Approvals: asked for by anyone who may submit, given by other people."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from api import models as m
from api.desk import approving
from api.http.answers import page, told
from api.http.asker import After, Here, Limit, MayKey, Who

router = APIRouter(tags=["approvals"])
ApprovalId = Annotated[str, Path(pattern=r"^[0-9a-f]{1,64}$")]


@router.post("/approvals", response_model=m.ApprovalOut, status_code=201)
async def request_approval(
    request: Request, office: Here, who: Who, asked: m.ApprovalIn, key: MayKey = None
) -> Response:
    """Ask people to approve a protocol; the lab dry-runs it, and the approval stands for just that."""
    return told(request, await approving.request(office, who, asked, key), 201)


@router.get("/approvals", response_model=m.Page[m.ApprovalOut])
async def approvals(request: Request, office: Here, who: Who, limit: Limit = 20, after: After = None) -> Response:
    """The newest approvals; an agent sees its own."""
    return told(request, page(await approving.listed(office, who), limit, after, lambda one: one.id))


@router.get("/approvals/{approval_id}", response_model=m.ApprovalOut)
async def approval(request: Request, office: Here, who: Who, approval_id: ApprovalId) -> Response:
    """One approval: what is asked, the dry run, and who has said what."""
    return told(request, await approving.one(office, who, approval_id))


@router.post("/approvals/{approval_id}/grant", response_model=m.ApprovalOut)
async def grant(
    request: Request, office: Here, who: Who, approval_id: ApprovalId, said: m.Verdict | None = None,
    key: MayKey = None,
) -> Response:  # fmt: skip
    """A person approves: never the one who asked, never an agent; high hazard needs two."""
    return told(request, await approving.speak(office, who, approval_id, "granted", said or m.Verdict(), key))


@router.post("/approvals/{approval_id}/refuse", response_model=m.ApprovalOut)
async def refuse(
    request: Request, office: Here, who: Who, approval_id: ApprovalId, said: m.Verdict | None = None,
    key: MayKey = None,
) -> Response:  # fmt: skip
    """A person refuses: that is the end of it."""
    return told(request, await approving.speak(office, who, approval_id, "refused", said or m.Verdict(), key))
