"""Asking people to approve something, and their word on it."""

import asyncio
import time

from api import approvals
from api.audit.chain import Entry
from api.desk.protocols import findings, job
from api.identity.principal import Principal
from api.models import ApprovalIn, ApprovalOut, Finding, Spoken, Verdict
from api.office import Office
from api.once import earlier, once
from api.refusals import Invalid, Missing

_SHOWN_READINGS = 50


async def request(office: Office, who: Principal, asked: ApprovalIn, key: str | None = None) -> ApprovalOut:
    """Dry-run a protocol and ask people to approve just that; raises `Invalid` for what cannot run at all.

    Asking again under the same key gives the first approval as it stands; `Conflict` for a key that was used otherwise.
    """
    await office.allow(who, "request_approval", world=asked.world)
    mine = once(who, "request_approval", key, asked)
    if (known := await asyncio.to_thread(earlier, office.engine, mine)) is not None:
        return out(await asyncio.to_thread(approvals.find, office.engine, known))
    looked_at = await job(office, asked, asked.world)
    found = await office.dry_runs.find(looked_at)
    told = [finding.model_dump() for finding in findings(found)]
    if not found.ok or found.program is None:
        raise Invalid(found.error or "findings forbid it", "No approval can allow this; mend it.", problems=told)
    bound_to = {
        "protocol": found.protocol_hash, "program": found.program_hash, "trace": found.trace_hash,
        "policy": office.policy_hash(), "lab": office.lab_hash(asked.world),
    }  # fmt: skip
    dry_run = {
        "duration_s": found.duration_s, "actions": len(found.program.actions), "devices": found.program.devices,
        "stock": found.stock, "readings": list(found.readings)[:_SHOWN_READINGS],
    }  # fmt: skip
    document = dict(looked_at.document)
    body = {"why": asked.why, "protocol": found.name, "document": document, "parameters": asked.parameters,
            "findings": told, "dry_run": dry_run}  # fmt: skip
    approval = await asyncio.to_thread(
        approvals.request, office.engine, who.name, asked.world, found.hazard, found.program, bound_to, body, mine
    )
    facts = {"hashes": bound_to, "hazard": found.hazard}
    await office.record(Entry(who.name, "ask", "noted", asked.world, approval.id, asked.why[:200], facts, who.token))
    return out(approval)


async def listed(office: Office, who: Principal) -> list[ApprovalOut]:
    """The newest approvals; an agent sees those that it asked for."""
    await office.allow(who, "read")
    found = await asyncio.to_thread(approvals.recent, office.engine)
    return [out(approval) for approval in found if _sees(who, approval)]


async def one(office: Office, who: Principal, approval_id: str) -> ApprovalOut:
    """One approval."""
    await office.allow(who, "read")
    approval = await asyncio.to_thread(approvals.find, office.engine, approval_id)
    if not _sees(who, approval):
        raise Missing(f"there is no approval {approval_id!r}")
    return out(approval)


async def speak(
    office: Office, who: Principal, approval_id: str, verdict: str, said: Verdict, key: str | None = None
) -> ApprovalOut:
    """A person grants or refuses; never the one who asked, never an agent."""
    note, mine = said.note, once(who, verdict, key, said, approval_id)
    approval = await asyncio.to_thread(approvals.find, office.engine, approval_id)
    await office.allow(
        who, "approve", world=approval.world, target=approval_id, level=approval.hazard,
        own=approval.requested_by == who.name, note={"verdict": verdict, "hashes": dict(approval.bound_to)},
    )  # fmt: skip
    spoken = await asyncio.to_thread(
        approvals.speak, office.engine, office.key, approval_id, who.name, verdict, note, mine
    )  # fmt: skip
    entry = Entry(who.name, verdict, "noted", approval.world, approval_id, note[:200], {}, who.token)
    await office.record(entry, sign=True)
    return out(spoken)


def _sees(who: Principal, approval: approvals.Approval) -> bool:
    return who.kind == "person" or approval.requested_by == who.name


def out(approval: approvals.Approval) -> ApprovalOut:
    """An approval for those who ask."""
    body = approval.body
    spoken = [
        Spoken(approver=g.approver, at=g.at, verdict="granted" if g.verdict == "granted" else "refused", note=g.note,
               key_id=g.key_id, signature=g.signature)
        for g in approval.grants
    ]  # fmt: skip
    return ApprovalOut(
        id=approval.id, state=approval.state(time.time()), requested_by=approval.requested_by,
        requested_at=approval.requested_at, expires_at=approval.expires_at,
        world="real" if approval.world == "real" else "twin", hazard=approval.hazard, needed=approval.needed,
        why=body["why"], bound_to=dict(approval.bound_to), protocol=body["protocol"], document=body["document"],
        parameters=body["parameters"], findings=[Finding(**finding) for finding in body["findings"]],
        dry_run=body["dry_run"], spoken=spoken,
    )  # fmt: skip
