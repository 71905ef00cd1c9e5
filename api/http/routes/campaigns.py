"""Campaigns: one protocol, many sets of parameters."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api import models as m
from api.desk import campaigning
from api.http.answers import page, told
from api.http.asker import After, Here, IdempotencyKey, Limit, RunId, Who

router = APIRouter(tags=["campaigns"])


@router.post("/campaigns", response_model=m.Campaign, status_code=202)
async def propose_campaign(
    request: Request, office: Here, who: Who, asked: m.CampaignIn, key: IdempotencyKey
) -> Response:
    """Have a protocol run once for each set of parameters, within the proposer's ceiling and budget."""
    return told(request, await campaigning.propose(office, who, asked, key), 202)


@router.get("/campaigns", response_model=m.Page[m.Campaign])
async def campaigns(request: Request, office: Here, who: Who, limit: Limit = 20, after: After = None) -> Response:
    """The newest campaigns."""
    return told(request, page(await campaigning.listed(office, who), limit, after, lambda one: one.campaign_id))


@router.get("/campaigns/{campaign_id}", response_model=m.Campaign)
async def campaign(request: Request, office: Here, who: Who, campaign_id: RunId) -> Response:
    """One campaign, with the runs of its points."""
    return told(request, await campaigning.one(office, who, campaign_id))


@router.get("/campaigns/{campaign_id}/table", response_model=m.Page[m.CampaignReading])
async def campaign_table(
    request: Request, office: Here, who: Who, campaign_id: RunId, limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    after: Annotated[int, Query(ge=0, lt=2**53)] = 0,
) -> Response:  # fmt: skip
    """The readings of all its runs as one tidy table. `after` counts rows."""
    rows = await campaigning.table(office, who, campaign_id)
    behind = str(after + limit) if after + limit < len(rows) else None
    return told(request, m.Page[m.CampaignReading](items=rows[after : after + limit], next=behind))


@router.post("/campaigns/{campaign_id}/abort", response_model=m.Campaign)
async def abort_campaign(request: Request, office: Here, who: Who, campaign_id: RunId) -> Response:
    """Submit nothing more of it, and end its runs that have not begun."""
    return told(request, await campaigning.abort(office, who, campaign_id))
