"""Plans of Bluesky's: which there are here, and running one under a reservation of what it uses."""

import asyncio
import hashlib
import inspect
import json
from collections.abc import Mapping
from typing import Any, Literal

from api import budget
from api import models as m
from api.budget import Cost
from api.desk import looks
from api.identity.principal import Principal
from api.office import Office
from api.once import request_id
from api.refusals import Conflict, Forbidden, InvalidPlan
from orchestrator.labview import view
from orchestrator.names import new_run_id
from orchestrator.store import requests
from orchestrator.store.requests import Request
from protocols.scans import MOVES, PLANS, READS, BadPlan, Scan, bind, duration_s

_SHOWN = 500
_KINDS: Mapping[Any, Literal["positional", "positionals", "keyword"]] = {
    inspect.Parameter.VAR_POSITIONAL: "positionals", inspect.Parameter.KEYWORD_ONLY: "keyword",
}  # fmt: skip


def catalogue(office: Office) -> list[m.PlanInfo]:
    """Every plan, and the devices that it may be run over."""
    devices = office.lab.devices.values()
    readable = [device.name for device in devices if device.role in READS]
    movable = {
        device.name: str(device.limits.ranges.get(MOVES[device.role].limit, "anywhere"))
        for device in devices if device.role in MOVES
    }  # fmt: skip
    return [
        m.PlanInfo(name=name, what=str(plan.__doc__), parameters=_parameters(plan), readable=readable,
                   movable={} if name == "count" else movable)
        for name, plan in PLANS.items()
    ]  # fmt: skip


def _parameters(plan: Any) -> list[m.PlanParameter]:
    told = inspect.signature(plan).parameters.values()
    return [
        m.PlanParameter(
            name=one.name, kind=_KINDS.get(one.kind, "positional"),
            required=one.default is one.empty and one.kind != one.VAR_POSITIONAL,
            default=None if one.default is one.empty else one.default,
        )
        for one in told
    ]  # fmt: skip


async def listed(office: Office, who: Principal) -> list[m.PlanInfo]:
    """Which plans there are."""
    await office.allow(who, "read")
    return catalogue(office)


def bound(office: Office, asked: m.PlanIn) -> Scan:
    """The plan, held against the lab; raises `InvalidPlan` with everything that is wrong."""
    try:
        return bind(view(office.lab), asked.plan, asked.args, asked.kwargs)
    except BadPlan as error:
        hint = "GET /api/v1/plans tells the plans, their arguments, and the devices with their limits."
        raise InvalidPlan(str(error)[:2000], hint, faults=list(error.problems)[:50]) from None


async def run_plan(office: Office, who: Principal, asked: m.PlanIn, key: str) -> m.Run:
    """Check a plan and put it in line for its devices; durable when this returns. One key is one plan.

    Raises `InvalidPlan`, `Forbidden`, and `Conflict` for a key that was used for something else.
    """
    request = request_id(who, key)
    fingerprint = hashlib.sha256(json.dumps(asked.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()
    known = await asyncio.to_thread(requests.asked, office.engine, request)
    if known is None:
        scan = bound(office, asked)
        body = {"plan": asked.plan, "args": asked.args, "kwargs": asked.kwargs, "fingerprint": fingerprint}
        if office.tracing is not None:
            body["traceparent"] = office.tracing.context()
        run_id = new_run_id()
        await _allowed(office, who, asked, scan, request, run_id)
        ask = Request(request, "plan", run_id, body, who.name, office.cell(asked.world).cell)
        await asyncio.to_thread(requests.ask, office.engine, ask)
        known = await asyncio.to_thread(requests.asked, office.engine, request)
    if known is None or known.body.get("fingerprint") != fingerprint:
        raise Conflict("this key was used for another submission", "Take a new key for something new.")
    return await looks.run(office, known.run_id)


async def _allowed(office: Office, who: Principal, asked: m.PlanIn, scan: Scan, request: str, run_id: str) -> None:
    """Charge it and let it pass, or refuse it; both on the record. The cost is the drivers' figures'."""
    _, busy_s = await asyncio.to_thread(duration_s, view(office.lab), scan)
    moves, over = bool(scan.ways), False
    note: dict[str, Any] = {"plan": asked.plan, "devices": list(scan.devices), "points": scan.points}
    if office.permission.decide(who, "run_plan", world=asked.world, over_budget=False, moves=moves).allowed:
        money = sum(office.lab.prices.instrument_hour.get(name, 0.0) for name in scan.devices) * busy_s / 3600
        bounds = await asyncio.to_thread(
            budget.charge, office.engine, who.name, request, Cost(busy_s, 0.0, money), who.budget
        )
        over, note["budget"] = bool(bounds), "; ".join(bounds)
    try:
        await office.allow(
            who, "run_plan", world=asked.world, target=run_id, note=note, over_budget=over, moves=moves
        )  # fmt: skip
    except Forbidden as error:
        if over:
            error.more["faults"] = str(note["budget"]).split("; ")
        await asyncio.to_thread(budget.refund, office.engine, request)
        raise


async def runs(office: Office, who: Principal) -> list[m.Run]:
    """The newest plans that were asked for, the newest first."""
    await office.allow(who, "read")
    cells = {live.cell: live for live in office.live.cells.values()}
    found = await asyncio.to_thread(requests.plans_asked, office.engine, _SHOWN)
    return [
        looks.plan_run(cells[request.cell], request, at, *await office.plan_told(request))
        for request, at in found
        if request.cell in cells
    ]
