"""Words to a running lab: pause, resume, abort, settle, choose, clear, stop."""

from collections.abc import Mapping
from typing import Any

from api.audit.chain import Entry
from api.identity.principal import Principal
from api.models import Decision, Said, Settlement, Sites
from api.office import Office
from api.refusals import Conflict, Refusal


async def pause(office: Office, who: Principal, run_id: str, key: str | None = None) -> Said:
    """Begin nothing more of a run; what is under way goes on to its end."""
    await _control(office, who, "pause", run_id, {}, key)
    return Said(run_id=run_id, state="paused")


async def resume(office: Office, who: Principal, run_id: str, key: str | None = None) -> Said:
    """Let a paused run go on."""
    await _control(office, who, "resume", run_id, {}, key)
    return Said(run_id=run_id, state="running")


async def abort(office: Office, who: Principal, run_id: str, reason: str, key: str | None = None) -> Said:
    """End a run safely: what is under way ends, devices come to rest."""
    await _control(office, who, "abort", run_id, {"reason": reason}, key)
    return Said(run_id=run_id, state="ending")


async def settle(office: Office, who: Principal, run_id: str, said: Settlement, key: str | None = None) -> Said:
    """Say what became of an action in doubt."""
    await _person(office, who, "settle", run_id, said.model_dump(), key)
    return Said(run_id=run_id, state="running")


async def choose(office: Office, who: Principal, run_id: str, said: Decision, key: str | None = None) -> Said:
    """Say how a run goes on after a failed action."""
    told = said.model_dump()
    await _person(office, who, "choose", run_id, {**told, "note": told.pop("step")}, key)
    return Said(run_id=run_id, state="running")


async def clear(office: Office, who: Principal, world: str, said: Sites, key: str | None = None) -> Said:
    """Say that what ended runs had left on these sites is gone."""
    await office.allow(who, "clear", world=world, target=", ".join(said.sites)[:500])
    await office.ask(who, "clear", "", {"things": said.sites}, world, key)
    return Said(state="clear")


async def stop(office: Office, who: Principal, world: str) -> Said:
    """Stop every device at once. Whoever is known may; the order goes out before anything else is done."""
    failed: Refusal | None = None
    office.decided(who, "stop", world, True)
    try:
        await office.ask(who, "stop", "", {}, world)
    except Refusal as error:
        failed = error
    verdict, reason = ("allowed", "") if failed is None else ("failed", failed.detail)
    await office.record(Entry(who.name, "stop", verdict, world, "", reason, {}, who.token), sign=True)
    if failed is not None:
        raise failed
    return Said(state="stopped")


async def _open(office: Office, run_id: str) -> tuple[str, str]:
    """(world, submitter) of a run that is not over; raises `Missing`, or `Conflict` for one that is."""
    live, (request, _) = await office.whose(run_id)
    if outcome := live.outcome(run_id):
        raise Conflict(f"run {run_id} is over: {outcome}")
    return live.world, request.asked_by


async def _control(
    office: Office, who: Principal, verb: str, run_id: str, body: Mapping[str, Any], key: str | None
) -> None:
    world, by = await _open(office, run_id)
    await office.allow(who, verb, world=world, target=run_id, own=by == who.name)
    await office.ask(who, verb, run_id, body, world, key)


async def _person(
    office: Office, who: Principal, kind: str, run_id: str, body: Mapping[str, Any], key: str | None
) -> None:
    world, _ = await _open(office, run_id)
    await office.allow(who, "settle", world=world, target=run_id, note={"kind": kind, **body})
    await office.ask(who, kind, run_id, body, world, key)
