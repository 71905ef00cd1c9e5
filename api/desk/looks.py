"""Looking at the lab: pure answers from what the journal says, none of which changes anything."""

import time
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any, Literal

from api import models as m
from api.live import DeviceNow, Live, PlanNow, RunRecord
from api.office import Office
from api.refusals import Missing
from api.untrusted import untrusted
from labfile.lab import DeviceEntry
from orchestrator.recovery import offered
from orchestrator.state.cell import RunState
from orchestrator.state.views import phase, waits_for_person, wants_cleared
from orchestrator.store.log import LEASE_S
from orchestrator.store.requests import Request

FRESH_S = 10.0  # what a device told longer ago may be otherwise by now


def world(live: Live) -> m.World:
    """A cell's world."""
    return "real" if live.world == "real" else "twin"


def lab_info(office: Office) -> m.LabInfo:
    """What this lab is."""
    lab = office.lab
    return m.LabInfo(
        lab=lab.name, facility=lab.facility, ror=lab.ror, timezone=lab.timezone, world=world(office.cell(office.world)),
        worlds=[world(live) for live in office.live.cells.values()], config_hash=lab.config_hash,
        policy_hash=office.policy_hash(), version=version("genesislab"), key=office.key.public.pem,
    )  # fmt: skip


def status(office: Office) -> m.Status:
    """The lab at a glance."""
    cells = [cell(live) for live in office.live.cells.values()]
    here = office.cell(office.world)
    return m.Status(
        lab=office.lab.name, facility=office.lab.facility, state="up" if here.up else "down", world=world(here),
        cells=cells,
    )  # fmt: skip


def cell(live: Live) -> m.Cell:
    """One cell."""
    state: Literal["up", "silent", "down"] = "up" if live.up else "silent" if live.holder else "down"
    runs = live.state.runs
    return m.Cell(
        cell=live.cell, world=world(live), state=state, holder=live.holder, seq=live.seq,
        runs={name: phase(run) for name, run in runs.items()},
        waiting_for_a_person=[name for name, run in runs.items() if waits_for_person(run)],
        held=dict(live.state.held), left=dict(live.state.left),
    )  # fmt: skip


def devices(office: Office, which: str) -> list[m.Device]:
    """Every instrument of the lab, as a world's journal knows it."""
    live = office.cell(which)
    return [_device(office, live, entry) for entry in office.lab.devices.values()]


def device(office: Office, which: str, name: str) -> m.Device:
    """One instrument; raises `Missing`."""
    entry = office.lab.devices.get(name)
    if entry is None:
        raise Missing(f"the lab has no device {name!r}", f"It has: {', '.join(office.lab.devices)}.")
    return _device(office, office.cell(which), entry)


def _device(office: Office, live: Live, entry: DeviceEntry) -> m.Device:
    now = live.devices.get(entry.name, DeviceNow())
    readings = [
        m.Value(quantity=r.quantity, unit=r.unit, value=r.value, wells=None if r.wells is None else dict(r.wells))
        for r in now.readings
    ]
    state: Literal["idle", "busy", "reserved", "maintenance"] = "idle"
    if any(window.device == entry.name and window.begins <= time.time() < window.ends
           for window in office.lab.maintenance):  # fmt: skip
        state = "maintenance"
    if entry.name in live.state.held:
        state = "busy" if now.action else "reserved"
    return m.Device(
        name=entry.name, role=entry.role, driver=entry.driver, world=world(live), state=state,
        run_id=live.state.held.get(entry.name, now.run_id), action=now.action, since=now.since,
        limits={name: str(allowed) for name, allowed in entry.limits.ranges.items()}, sites=list(entry.sites),
        readings=readings, read_at=now.read_at, last_error=untrusted(now.error) if now.error else None,
        failed_at=now.failed_at, live=_live(live, entry.name),
    )  # fmt: skip


def _live(live: Live, name: str) -> m.LiveDevice | None:
    """What the worker showed of a device; None where it has not dialled it, or where there never was a worker."""
    shown = live.shown
    if shown is None or name not in shown.devices:
        return None
    told_s = shown.told_s + time.monotonic() - live.looked_at
    silent = not live.up or told_s > LEASE_S
    device = shown.devices[name]
    values = []
    for value in device["values"]:
        age_s = max(0.0, shown.at - value["at"]) + told_s
        values.append(m.LiveValue(**value, age_s=age_s, stale=silent or age_s > FRESH_S))
    return m.LiveDevice(
        reached=device["reached"], doing=device["doing"], since=device["since"], told_s=told_s, stale=silent,
        values=values,
    )  # fmt: skip


# Runs


def runs(office: Office) -> list[m.Run]:
    """Every run, the newest first."""
    told = [_run(live, record) for live in office.live.cells.values() for record in live.runs.values()]
    return sorted(told, key=lambda run: (run.submitted_at, run.run_id), reverse=True)


async def run(office: Office, run_id: str) -> m.Run:
    """One run, also one that was submitted a moment ago; raises `Missing`."""
    live, asked = await office.whose(run_id)
    if asked[0].kind == "plan":
        return plan_run(live, *asked, *await office.plan_told(asked[0]))
    return _run(live, live.runs[run_id]) if run_id in live.runs else _asked(live, *asked)


def known_run(live: Live, run_id: str) -> m.Run:
    """A run whose submission the journal has told."""
    return _run(live, live.runs[run_id])


def _asked(live: Live, request: Request, at: float) -> m.Run:
    about = request.body.get("about", {})
    record = RunRecord(request.run_id, request.asked_by, str(about.get("protocol", "")), at, 0,
                       int(request.body.get("priority", 0)), {"program_hash": request.body.get("program")})  # fmt: skip
    return _run(live, record).model_copy(update={"state": "asked"})


def plan_run(live: Live, request: Request, at: float, answer: Mapping[str, Any] | None, paused: bool) -> m.Run:
    """A plan of Bluesky's as it stands, in the shape of a run; it has no actions of its own."""
    now = live.plans.get(request.run_id, PlanNow(at))
    begun_at = now.begun_at if request.run_id in live.plans else None
    state: Any = now.outcome or (answer or {}).get("outcome", "failed" if answer else "")
    ended_at = now.ended_at or (at if answer and begun_at is None else begun_at if answer else None)
    error = now.error or (answer or {}).get("error", "")
    if not state:
        state = "paused" if paused else "running" if begun_at else "waiting" if live.up else "asked"
    return m.Run(
        run_id=request.run_id, world=world(live), state=state, protocol=request.body["plan"], by=request.asked_by,
        priority=0, submitted_at=at, begun_at=begun_at, ended_at=ended_at, planned_end=None, actions=0, actions_over=0,
        doing=[], error=untrusted(error) if error else None, waits_for=[], hashes={},
    )  # fmt: skip


def _run(live: Live, record: RunRecord) -> m.Run:
    now = live.state.runs.get(record.run_id)
    planned = [task["end"] for task in live.plan.tasks if task["run_id"] == record.run_id] if now else []
    over = 0 if now is None else sum(now.phase(action) in ("done", "skipped") for action in now.order)
    state: Any = record.outcome or (phase(now) if now else "interrupted")
    return m.Run(
        run_id=record.run_id, world=world(live), state=state, protocol=record.protocol, by=record.by,
        priority=record.priority, submitted_at=record.submitted_at, begun_at=record.begun_at,
        ended_at=record.ended_at, planned_end=max(planned, default=None),
        actions=0 if now is None else len(now.order), actions_over=over,
        doing=[] if now is None else list(now.under_way),
        error=untrusted(record.error) if record.error else None,
        waits_for=[] if now is None else list(_choices(now)),
        wants_cleared=[] if now is None else wants_cleared(live.state, now), hashes=dict(record.hashes),
    )  # fmt: skip


def _choices(run: RunState) -> Iterable[m.Choice]:
    for name in run.unsettled if waits_for_person(run) else ():
        action, was = run.order[name], run.actions[name]
        said = [alarm.message for alarm in run.alarms if alarm.action == name]
        choices = ["settle: done", "settle: not_done"] if was.phase == "unknown" else list(offered(run, name))
        yield m.Choice(
            action=name, step=action.step, device=action.device, verb=action.verb, phase=was.phase,
            error=untrusted(said[-1] if said else was.error), attempt=was.attempt, choices=choices,
        )  # fmt: skip


def alarms(office: Office, which: str) -> list[m.Alarm]:
    """What was raised, the newest first."""
    live = office.cell(which)
    return [
        m.Alarm(
            seq=seq, world=world(live), at=alarm.at, run_id=alarm.run_id, step=_step(live, alarm.run_id, alarm.action),
            action=alarm.action, message=untrusted(alarm.message), over=alarm.run_id not in live.state.runs,
        )
        for seq, alarm in reversed(live.alarms)
    ]  # fmt: skip


def _step(live: Live, run_id: str, action: str) -> str:
    now = live.state.runs.get(run_id)
    return now.order[action].step if now is not None and action in now.order else action


# Sites and stock


def sites(office: Office, which: str) -> list[m.SiteNow]:
    """Every place for labware, and what the lab believes to stand there."""
    live = office.cell(which)
    standing = _standing(live)
    return [
        m.SiteNow(
            site=site, world=world(live), held_by=live.state.held.get(site, ""), left_by=live.state.left.get(site, ""),
            labware=standing.get(site, ""),
        )
        for site in office.lab.all_sites
    ]  # fmt: skip


def _standing(live: Live) -> dict[str, str]:
    """Site -> labware, by what the runs that are under way have moved."""
    found: dict[str, str] = {}
    for run_id, now in live.state.runs.items():
        for name, action in now.order.items():
            if now.phase(name) != "done":
                continue
            args: Mapping[str, Any] = action.args
            if action.verb == "place":
                found[str(args["site"])] = f"{run_id}/{args['labware']}"
            elif action.verb in ("move_labware", "remove"):
                found.pop(str(args.get("source", args.get("site"))), None)
                if args.get("destination"):
                    found[str(args["destination"])] = f"{run_id}/{args['labware']}"
    return found


def stock(office: Office, which: str) -> m.Stock:
    """Tips and liquids that the runs under way and those that wait will take, by their programs."""
    from protocols.ledger import fold

    live = office.cell(which)
    takes = {run_id: fold(now.program)[0].stock() for run_id, now in live.state.runs.items()}
    tips: dict[str, int] = {}
    liquids: dict[str, float] = {}
    for told in takes.values():
        for kind, count in told.get("tips", {}).items():
            tips[kind] = tips.get(kind, 0) + count
        for name, volume in told.get("liquids_ul", {}).items():
            liquids[name] = liquids.get(name, 0.0) + volume
    return m.Stock(world=world(live), runs=takes, tips=tips, liquids_ul=liquids)
