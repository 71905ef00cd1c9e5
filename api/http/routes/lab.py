"""The lab at large: status, devices, sites, stock, plan, alarms, stop."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from api import models as m
from api.desk import controls, looks
from api.http.answers import REPEATABLE, page, told
from api.http.asker import After, Here, InWorld, Limit, MayKey, Who
from orchestrator.store.plans import reality

router = APIRouter(tags=["lab"])


@router.get("/labs", response_model=list[m.LabInfo])
async def labs(request: Request, office: Here, who: Who) -> Response:
    """The labs that are served here: one."""
    await office.allow(who, "read")
    return told(request, [looks.lab_info(office)])


@router.get("/status", response_model=m.Status)
async def status(request: Request, office: Here, who: Who) -> Response:
    """The lab at a glance."""
    await office.allow(who, "read")
    return told(request, looks.status(office))


@router.get("/devices", response_model=list[m.Device])
async def devices(request: Request, office: Here, who: Who, world: InWorld) -> Response:
    """Every instrument: what it is, what it may do, what it does now and what it last measured."""
    await office.allow(who, "read")
    return told(request, looks.devices(office, world))


@router.get("/devices/{name}", response_model=m.Device)
async def device(
    request: Request, office: Here, who: Who, world: InWorld, name: Annotated[str, Path(max_length=64)]
) -> Response:
    """One instrument."""
    await office.allow(who, "read")
    return told(request, looks.device(office, world, name))


@router.get("/labware", response_model=list[m.SiteNow])
async def labware(request: Request, office: Here, who: Who, world: InWorld) -> Response:
    """Every place for labware, who has it and what stands there."""
    await office.allow(who, "read")
    return told(request, looks.sites(office, world))


@router.get("/stock", response_model=m.Stock)
async def stock(request: Request, office: Here, who: Who, world: InWorld) -> Response:
    """What the runs that have not ended take of tips and liquids."""
    await office.allow(who, "read")
    return told(request, looks.stock(office, world))


@router.get("/schedule", response_model=m.Schedule)
async def schedule(request: Request, office: Here, who: Who, world: InWorld) -> Response:
    """The Gantt chart: the plan of what has not ended, and what came of it so far."""
    await office.allow(who, "read")
    live = office.cell(world)
    plan = [task for task in live.plan.tasks if task["run_id"] in live.state.runs]
    came = await asyncio.to_thread(reality, office.engine, live.cell, list(live.state.runs))
    return told(
        request,
        m.Schedule(
            world=looks.world(live), plan=plan, reality=[m.Task(**task, world=looks.world(live)) for task in came]
        ),
    )


@router.get("/alarms", response_model=m.Page[m.Alarm])
async def alarms(
    request: Request, office: Here, who: Who, world: InWorld, limit: Limit = 50, after: After = None
) -> Response:
    """What was raised, the newest first."""
    await office.allow(who, "read")
    return told(request, page(looks.alarms(office, world), limit, after, lambda alarm: str(alarm.seq)))


@router.post("/stop", response_model=m.Said, openapi_extra=REPEATABLE)
async def stop(request: Request, office: Here, who: Who, world: InWorld) -> Response:
    """Stop every device at once. Whoever is known may; it is never gated."""
    return told(request, await controls.stop(office, who, world))


@router.post("/clear", response_model=m.Said)
async def clear(
    request: Request, office: Here, who: Who, world: InWorld, said: m.Sites, key: MayKey = None
) -> Response:
    """Say that what ended runs left on these sites is gone."""
    return told(request, await controls.clear(office, who, world, said, key))
