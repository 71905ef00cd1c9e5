"""Campaigns: one protocol for many sets of parameters, each submitted as anybody would submit it by hand."""

import asyncio
import hashlib
import json
import logging
import uuid
from collections import Counter
from collections.abc import Mapping
from typing import Any

from api import campaigns, queueing
from api import models as m
from api.campaigns import Kept
from api.desk import controls, data, looks, protocols, submissions
from api.identity.principal import Principal
from api.office import Office
from api.once import request_id
from api.refusals import Away, Conflict, Forbidden, Invalid, Missing, Refusal
from api.untrusted import untrusted
from orchestrator.names import new_run_id
from protocols.parse import from_document
from protocols.problems import ProtocolError

TICK_S = 0.5  # between looks for campaigns at work
WINDOW = 8  # runs of one campaign that have not ended; the others come when these have
_LOG = logging.getLogger(__name__)


async def propose(office: Office, who: Principal, asked: m.CampaignIn, key: str) -> m.Campaign:
    """Look at every set of parameters and keep the proposal; durable when this returns. One key is one campaign.

    Raises `Invalid` with everything that is wrong, `Forbidden`, and `Conflict` for a key that was used otherwise.
    """
    request = request_id(who, f"campaign:{key}")
    body = asked.model_dump(mode="json")
    print_ = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    known = await asyncio.to_thread(campaigns.of_request, office.engine, request)
    if known is None:
        campaign_id = new_run_id()
        await office.allow(who, "propose_campaign", world=asked.world, target=campaign_id,
                           note={"points": len(asked.points), "library": asked.library or ""})  # fmt: skip
        document = (await protocols.job(office, _of(asked, {}), asked.world)).document
        await asyncio.to_thread(_check, document, asked.points)
        known = await asyncio.to_thread(
            campaigns.propose, office.engine, campaign_id, request, asked.world, who.name,
            {**body, "fingerprint": print_}, who.told(),
        )  # fmt: skip
    if known.body["fingerprint"] != print_:
        raise Conflict("this key was used for another campaign", "Take a new key for something new.")
    return await _told(office, known)


def _check(document: Mapping[str, Any], points: list[m.Values]) -> None:
    """Raises `Invalid` with what is wrong with any point."""
    problems: list[dict[str, Any]] = []
    for number, values in enumerate(points):
        try:
            from_document(document, {name: str(value) for name, value in values.items()})
        except ProtocolError as error:
            problems += [
                {"rule": one.rule, "severity": one.severity, "step": f"point {number}", "message": one.message,
                 "hint": one.hint}
                for one in error.problems
            ]  # fmt: skip
    if problems:
        raise Invalid(f"{len(problems)} findings in the points", "Mend what they say.", problems=problems[:200])


def _of(asked: m.CampaignIn, values: Mapping[str, Any]) -> m.Submission:
    return m.Submission(document=asked.document, library=asked.library, parameters=dict(values), world=asked.world,
                        priority=asked.priority)  # fmt: skip


async def listed(office: Office, who: Principal) -> list[m.Campaign]:
    """The newest campaigns."""
    await office.allow(who, "read")
    return [await _told(office, kept) for kept in await asyncio.to_thread(campaigns.recent, office.engine)]


async def one(office: Office, who: Principal, campaign_id: str) -> m.Campaign:
    """One campaign with its points."""
    await office.allow(who, "read")
    return await _told(office, await asyncio.to_thread(campaigns.find, office.engine, campaign_id))


async def table(office: Office, who: Principal, campaign_id: str) -> list[m.CampaignReading]:
    """The readings of all its runs so far, each with its point and parameters."""
    await office.allow(who, "read")
    kept = await asyncio.to_thread(campaigns.find, office.engine, campaign_id)
    rows: list[m.CampaignReading] = []
    for number, (run_id, _) in sorted(kept.points.items()):
        try:
            found = await asyncio.to_thread(data.table, office, run_id) if run_id else []
        except Missing:
            continue
        more = {"point": number, "run_id": run_id, "parameters": kept.body["points"][number]}
        rows += [m.CampaignReading(**dict(row), **more) for row in found]
    return rows


async def abort(office: Office, who: Principal, campaign_id: str) -> m.Campaign:
    """Submit nothing more, and end the runs that have not begun; those that have go on to their end."""
    kept = await asyncio.to_thread(campaigns.find, office.engine, campaign_id)
    await office.allow(who, "abort", world=kept.world, target=campaign_id, own=kept.by == who.name)
    if kept.state != "running":
        raise Conflict(f"campaign {campaign_id} is over: {kept.state}")
    await asyncio.to_thread(campaigns.end, office.engine, campaign_id, "aborted")
    kept = await asyncio.to_thread(campaigns.find, office.engine, campaign_id)
    for run_id, _ in kept.points.values():
        if run_id and (run := await looks.run(office, run_id)).ended_at is None and run.begun_at is None:
            try:
                await controls.abort(office, who, run_id, f"campaign {campaign_id} was aborted")
            except (Conflict, Away) as error:  # it has just ended, or nobody is there: the run says so itself
                _LOG.info("run %s of campaign %s: %s", run_id, campaign_id, error)
    return await _told(office, kept)


async def _told(office: Office, kept: Kept) -> m.Campaign:
    points = [await _point(office, kept, number) for number in range(len(kept.body["points"]))]
    return m.Campaign(
        campaign_id=kept.id, state=kept.state, world="real" if kept.world == "real" else "twin", by=kept.by,
        asked_at=kept.at, why=kept.body["why"], error=kept.error, counts=dict(Counter(point.state for point in points)),
        points=points,
    )  # fmt: skip


async def _point(office: Office, kept: Kept, number: int) -> m.Point:
    run_id, error = kept.points.get(number, ("", ""))
    values = kept.body["points"][number]
    if run_id:
        run = _known(office, run_id) or await looks.run(office, run_id)
        return m.Point(number=number, parameters=values, run_id=run_id, state=run.state, error=run.error)
    state: Any = "refused" if error else "ahead" if kept.state == "running" else "dropped"
    return m.Point(number=number, parameters=values, run_id="", state=state,
                   error=untrusted(error) if error else None)  # fmt: skip


def _known(office: Office, run_id: str) -> m.Run | None:
    """A run from memory, where its submission has come to this process."""
    for live in office.live.cells.values():
        if run_id in live.runs:
            return looks.known_run(live, run_id)
    return None


# At work


async def work(office: Office) -> None:
    """Submit one point after the other of every campaign, for ever; of several interfaces one does, until it dies."""
    me = uuid.uuid4().hex
    while True:
        try:
            for kept in await asyncio.to_thread(campaigns.mine, office.engine, me):
                await _go_on(office, kept)
        except Exception:
            _LOG.exception("campaigns")
            await asyncio.sleep(1.0)
        await asyncio.sleep(TICK_S)


async def _go_on(office: Office, kept: Kept) -> None:
    """One more point, if there is room for it; the end, when all have ended."""
    points = [await _point(office, kept, number) for number in sorted(kept.points)]
    still = [point for point in points if point.run_id and point.state not in _OVER]
    if len(points) == len(kept.body["points"]):
        if not still:
            await asyncio.to_thread(campaigns.end, office.engine, kept.id, "completed")
        return
    if len(still) >= WINDOW:
        return
    number = next(number for number in range(len(kept.body["points"])) if number not in kept.points)
    who = queueing.owner(office.lab, kept.who)
    asked = m.CampaignIn.model_validate({key: value for key, value in kept.body.items() if key != "fingerprint"})
    try:
        if who is None:
            raise Forbidden(f"lab.toml knows no {kept.by!r} any more")
        key = f"campaign:{kept.id}:{number}"
        run = await submissions.submit(office, who, _of(asked, asked.points[number]), key)
    except Away:
        return
    except Forbidden as error:  # what one may not, or cannot pay, the next may not either
        await asyncio.to_thread(campaigns.note, office.engine, kept.id, number, "", error.detail)
        faults = "; ".join(error.more.get("faults", ()))
        await asyncio.to_thread(
            campaigns.end, office.engine, kept.id, "refused", f"{error.detail}{': ' if faults else ''}{faults}"
        )
    except Refusal as error:
        await asyncio.to_thread(campaigns.note, office.engine, kept.id, number, "", error.detail)
    else:
        await asyncio.to_thread(campaigns.note, office.engine, kept.id, number, run.run_id)


_OVER = ("completed", "aborted", "failed", "interrupted")
