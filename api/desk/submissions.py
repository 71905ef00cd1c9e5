"""Giving protocols to the lab: looked at, allowed, paid for from the budget, on the record, and then durable."""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from typing import Any

import orjson
import sqlalchemy as sa

from api import approvals, budget
from api.audit.chain import Entry
from api.desk.protocols import findings, job
from api.dryrun import Found, Job
from api.identity.principal import HAZARDS, Principal
from api.models import Submission, Submitted
from api.office import Office
from api.once import request_id
from api.refusals import Conflict, Forbidden, Invalid, Stale
from orchestrator.names import new_run_id
from orchestrator.store.log import load_program
from orchestrator.store.requests import Request, answer_of
from orchestrator.store.tables import requests as requests_table


async def submit(office: Office, who: Principal, asked: Submission, key: str) -> Submitted:
    """Check, dry-run and queue a protocol. Asking again under the same key gives the first answer.

    Raises `Invalid`, `Stale`, `Forbidden`, and `Conflict` for a key that was used for something else.
    """
    request = request_id(who, key)
    fingerprint = hashlib.sha256(json.dumps(asked.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()
    known = await asyncio.to_thread(_known, office, request)
    if known is not None:
        return await _again(office, request, known, fingerprint)
    approval = None
    if asked.approval is not None:
        approval = await asyncio.to_thread(approvals.find, office.engine, asked.approval)
    looked_at = await _job(office, asked, approval)
    found = await _look(office, looked_at)
    if approval is not None:
        await _stands(office, who, asked, approval, found)
    facts: dict[str, Any] = {"hazard": HAZARDS.index(found.hazard), "approved": approval is not None}
    hashes = {"protocol": found.protocol_hash, "program": found.program_hash, "trace": found.trace_hash,
              "approval": asked.approval or ""}  # fmt: skip
    run_id = new_run_id()
    over = False
    if office.permission.decide(who, "submit", world=asked.world, over_budget=False, **facts).allowed:
        cost = budget.cost_of(office.lab, found)
        bounds = await asyncio.to_thread(budget.charge, office.engine, who.name, request, cost, who.budget)
        over, hashes["budget"] = bool(bounds), "; ".join(bounds)
    try:
        await office.allow(
            who, "submit", world=asked.world, target=run_id, note={"hashes": hashes}, over_budget=over, **facts
        )
        if asked.approval is not None and not await asyncio.to_thread(
            approvals.use, office.engine, asked.approval, request
        ):
            raise Stale("the approval was used for another run", "An approval stands for one run: ask for a new one.")
        document = looked_at.document
        return await _put(office, who, asked, document, found, request, run_id, fingerprint)
    except Forbidden as error:
        if over:
            error.more["faults"] = hashes["budget"].split("; ")
        await asyncio.to_thread(budget.refund, office.engine, request)
        raise
    except (Stale, Conflict):
        await asyncio.to_thread(budget.refund, office.engine, request)
        raise


async def _job(office: Office, asked: Submission, approval: approvals.Approval | None) -> Job:
    """What would be run: the approved program, where one was approved."""
    program = None
    if approval is not None:
        program = await asyncio.to_thread(_program, office, approval.bound_to["program"])
    return await job(office, asked, asked.world, program=program)


async def _look(office: Office, looked_at: Job) -> Found:
    """Dry-run it; raises `Invalid` with every finding."""
    found = await office.dry_runs.find(looked_at)
    if not found.ok:
        detail = found.error or f"{len(found.blocking)} findings forbid it"
        raise Invalid(detail, "Mend what the findings say.", problems=[f.model_dump() for f in findings(found)])
    return found


async def _stands(
    office: Office, who: Principal, asked: Submission, approval: approvals.Approval, found: Found
) -> None:
    """Whether an approval stands for this, now; raises `Stale` with every reason why it does not."""
    now = {"protocol": found.protocol_hash, "program": found.program_hash, "trace": found.trace_hash,
           "policy": office.policy_hash(), "lab": office.lab_hash(asked.world)}  # fmt: skip
    faults = approvals.faults(approval, office.key, who.name, asked.world, now)
    if faults:
        entry = Entry(who.name, "submit", "refused", asked.world, approval.id, "; ".join(faults), {}, who.token)
        await office.record(entry)
        raise Stale("; ".join(faults), "Ask for a new approval of what you want to run now.", faults=list(faults))


def _program(office: Office, digest: str) -> Any:
    with office.engine.connect() as connection:
        return load_program(connection, digest)


async def _put(
    office: Office, who: Principal, asked: Submission, document: Mapping[str, Any], found: Found, request: str,
    run_id: str, fingerprint: str,
) -> Submitted:  # fmt: skip
    assert found.program is not None  # noqa: S101 - what is ok has a program
    body: dict[str, Any] = {
        "fingerprint": fingerprint,
        "about": {"protocol": found.name, "document": dict(document), "parameters": asked.parameters,
                  "approval": asked.approval},
        "durations_s": dict(found.durations_s), "predicted": list(found.predicted), "priority": asked.priority,
        "deadline": asked.deadline, "predicted_s": found.duration_s, "protocol_hash": found.protocol_hash,
    }  # fmt: skip
    if office.tracing is not None:
        body["about"] |= {"traceparent": office.tracing.context()}
    live = office.cell(asked.world)
    await office.put(Request(request, "submit", run_id, body, who.name, live.cell), found.program)
    known = await asyncio.to_thread(_known, office, request)
    assert known is not None  # noqa: S101 - it has just been put there, or was there before
    return await _again(office, request, known, fingerprint)


def _known(office: Office, request: str) -> tuple[str, str, dict[str, Any]] | None:
    """(run id, cell, body) of a request that was put before."""
    columns = (requests_table.c.run_id, requests_table.c.cell, requests_table.c.body)
    with office.engine.connect() as connection:
        row = connection.execute(sa.select(*columns).where(requests_table.c.id == request)).one_or_none()
    return None if row is None else (row.run_id, row.cell, orjson.loads(row.body))


async def _again(office: Office, request: str, known: tuple[str, str, dict[str, Any]], fingerprint: str) -> Submitted:
    """The answer to a submission that is in the store."""
    run_id, cell, body = known
    if body.get("fingerprint") != fingerprint:
        raise Conflict("this key was used for another submission", "Take a new key for something new.")
    world = cell.rpartition(":")[2]
    up = office.cell(world).up
    told = await office.answer(request, 5.0) if up else await asyncio.to_thread(answer_of, office.engine, request)
    if told is not None and not told["ok"]:
        raise Conflict(str(told["error"]))
    if told is not None:
        await office.seen(world, run_id)
    state = "asked" if told is None else "queued"
    return Submitted(
        run_id=run_id, world="real" if world == "real" else "twin", state=state,
        protocol_hash=body["protocol_hash"], predicted_s=body["predicted_s"],
    )  # fmt: skip
