"""Plans of Bluesky's over the lab's devices."""

from fastapi import APIRouter, Request, Response

from api import models as m
from api.desk import plans as desk
from api.http.answers import page, told
from api.http.asker import After, Here, IdempotencyKey, Limit, Who

router = APIRouter(tags=["plans"])


@router.get("/plans", response_model=list[m.PlanInfo])
async def plans(request: Request, office: Here, who: Who) -> Response:
    """The plans that may be run here, their arguments, and the devices with their limits."""
    return told(request, await desk.listed(office, who))


@router.post("/plans", response_model=m.Run, status_code=202)
async def run_plan(request: Request, office: Here, who: Who, asked: m.PlanIn, key: IdempotencyKey) -> Response:
    """Run a plan while it has its devices to itself, in turn with the runs; it is watched and steered like a run."""
    return told(request, await desk.run_plan(office, who, asked, key), 202)


@router.get("/plan-runs", response_model=m.Page[m.Run])
async def plan_runs(request: Request, office: Here, who: Who, limit: Limit = 50, after: After = None) -> Response:
    """The newest plans that were asked for, the newest first."""
    return told(request, page(await desk.runs(office, who), limit, after, lambda run: run.run_id))
