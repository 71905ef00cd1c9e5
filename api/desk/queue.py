"""The lab as a Bluesky queue server: an ordered list of plans and ready protocols, begun one after the other.

Items are submitted under the name of whoever added them, through the same verbs as everything else, so checks,
hazards, budgets and the audit trail are the same. Answers have the shapes of bluesky-queueserver 0.0.25.
"""

import asyncio
import logging
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Literal

import orjson

from api import models as m
from api import queue_models as q
from api import queueing
from api.desk import controls, data, looks, plans, protocols, submissions
from api.identity.principal import Principal
from api.office import Office
from api.once import once
from api.queueing import Item
from api.refusals import Conflict, Forbidden, Invalid, Missing, Refusal
from orchestrator.sinks.file import FILE_NAME, read_documents
from protocols.parse import from_document
from protocols.problems import ProtocolError
from protocols.ready import ready
from protocols.scans import MOVES, PLANS, READS

TICK_S = 0.2  # between looks at the queue, while it is at work
MAX_ITEM = 100_000  # bytes
_LOG = logging.getLogger(__name__)
_START = str(uuid.uuid4())
_KINDS = {"positional": ("POSITIONAL_OR_KEYWORD", 1), "positionals": ("VAR_POSITIONAL", 2),
          "keyword": ("KEYWORD_ONLY", 3)}  # fmt: skip
_ReState = Literal["idle", "running", "paused"]


# Looking


async def status(office: Office, who: Principal) -> q.QStatus:
    """The queue at a glance."""
    await office.allow(who, "read")
    cell = _cell(office)
    marks, working, counts = await asyncio.to_thread(
        lambda: (queueing.marks(office.engine, cell), queueing.at_work(office.engine, cell),
                 queueing.counts(office.engine, cell))
    )  # fmt: skip
    state = "" if working is None or not working.run_id else (await looks.run(office, working.run_id)).state
    exists = marks.environment and office.cell(office.world).up
    re_state: _ReState = "idle" if working is None else "paused" if state == "paused" else "running"
    busy = marks.running or working is not None
    fixed = office.lab.config_hash[:36]
    return q.QStatus(
        msg=f"RE Manager face of Genesis Lab {version('genesislab')}", time=datetime.now(UTC).isoformat(),
        items_in_queue=counts.get("waiting", 0), items_in_history=counts.get("ended", 0),
        running_item_uid=None if working is None else working.uid,
        manager_state="paused" if state == "paused" else "executing_queue" if busy else "idle",
        queue_stop_pending=marks.stopping, worker_environment_exists=exists,
        worker_environment_state="closed" if not exists else "idle" if working is None else "executing_plan",
        re_state=re_state if exists else None, pause_pending=False, status_uid=str(uuid.uuid4()),
        run_list_uid=working.uid if working else _START, plan_queue_uid=marks.queue_uid or _START,
        plan_history_uid=marks.history_uid or _START, devices_existing_uid=fixed, plans_existing_uid=fixed,
        devices_allowed_uid=fixed, plans_allowed_uid=fixed, task_results_uid=_START, lock_info_uid=_START,
    )  # fmt: skip


def known_plans(office: Office) -> dict[str, Any]:
    """Bluesky's plans over the lab's devices, and every protocol of the library as a plan of its own."""
    stock = {
        info.name: _described(
            info.name, info.what, "bluesky.plans",
            [_parameter(one.name, one.kind, one.default, one.required) for one in info.parameters],
        )
        for info in plans.catalogue(office)
    }  # fmt: skip
    library = {
        entry.name: _described(
            entry.name, f"{entry.title}. {entry.purpose}", "protocols.library",
            [_parameter(name, "keyword", spec["default"], False, spec) for name, spec in entry.parameters.items()],
        )
        for entry in protocols.library()
    }  # fmt: skip
    return {**library, **stock}


def _described(name: str, what: str, module: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": name, "description": what, "module": module, "properties": {"is_generator": True},
            "parameters": parameters}  # fmt: skip


def _parameter(
    name: str, kind: str, default: Any, required: bool, spec: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    told, value = _KINDS[kind]
    described: dict[str, Any] = {"name": name, "kind": {"name": told, "value": value}}
    if not required and kind != "positionals":
        described["default"] = repr(default)
    if spec is not None:
        bounds = ", ".join(f"{end} {spec[end]}" for end in ("low", "high") if end in spec)
        described["description"] = f"{spec['kind']}{': ' if bounds else ''}{bounds}"
    return described


def known_devices(office: Office) -> dict[str, Any]:
    """Every device; those that no plan may touch are neither readable nor movable."""
    return {
        device.name: {
            "is_readable": device.role in READS, "is_movable": device.role in MOVES, "is_flyable": False,
            "classname": device.role, "module": device.driver,
        }
        for device in office.lab.devices.values()
    }  # fmt: skip


async def queue_get(office: Office, who: Principal) -> q.QQueue:
    """What waits, and what is at work."""
    await office.allow(who, "read")
    cell = _cell(office)
    there, working, marks = await asyncio.to_thread(
        lambda: (queueing.waiting(office.engine, cell), queueing.at_work(office.engine, cell),
                 queueing.marks(office.engine, cell))
    )  # fmt: skip
    running = {} if working is None else {**working.item, "properties": {"time_start": working.begun_at}}
    return q.QQueue(items=[dict(item.item) for item in there], running_item=running,
                    plan_queue_uid=marks.queue_uid or _START)  # fmt: skip


async def history_get(office: Office, who: Principal) -> q.QHistory:
    """What has ended."""
    await office.allow(who, "read")
    there = await asyncio.to_thread(queueing.ended, office.engine, _cell(office))
    marks = await asyncio.to_thread(queueing.marks, office.engine, _cell(office))
    items = [{**item.item, "result": item.result} for item in there]
    return q.QHistory(items=items, plan_history_uid=marks.history_uid or _START)


# Arranging


async def item_add(office: Office, who: Principal, said: q.QAdd, key: str | None = None) -> q.QItem:
    """Look at an item and put it into the queue; what it needs beyond good arguments is seen when it begins."""
    item = _item(said.item)
    await office.allow(who, "queue", target=str(item["name"])[:64], note={"asked": "add"})
    await asyncio.to_thread(_check, office, item)
    added, size = await asyncio.to_thread(
        queueing.add,
        office.engine,
        _cell(office),
        item,
        who,
        said.pos,
        said.before_uid,
        said.after_uid,
        once(who, "queue", key, said),
    )
    return q.QItem(item=dict(added.item), qsize=size)


def _item(said: Mapping[str, Any]) -> dict[str, Any]:
    item = {"item_type": said.get("item_type", "plan"), "name": said.get("name"), "args": said.get("args", []),
            "kwargs": said.get("kwargs", {}), "meta": said.get("meta", {})}  # fmt: skip
    if item["item_type"] != "plan" or not isinstance(item["name"], str):
        raise Invalid("an item is a plan with a name", "Instructions and functions are not for a laboratory.")
    if not isinstance(item["args"], list) or not isinstance(item["kwargs"], dict):
        raise Invalid("args are a list, kwargs an object")
    try:
        small = len(orjson.dumps(item)) <= MAX_ITEM
    except TypeError as error:
        raise Invalid(f"the item cannot be kept: {error}") from None
    if not small:
        raise Invalid(f"an item has at most {MAX_ITEM} bytes")
    return item


def _check(office: Office, item: Mapping[str, Any]) -> None:
    """Raises a `Refusal` for a plan or an argument that there is not; blocks."""
    if item["name"] in PLANS:
        plans.bound(office, _plan_in(office, item))
        return
    if item["name"] not in ready():
        raise Missing(f"there is no plan {item['name'][:64]!r}", f"There are: {', '.join((*PLANS, *ready()))}.")
    if item["args"]:
        raise Invalid("the parameters of a protocol are given by name")
    try:
        asked = _submission(office, item)
        from_document(ready()[item["name"]].document, {name: str(value) for name, value in asked.parameters.items()})
    except ProtocolError as error:
        raise Invalid("; ".join(problem.message for problem in error.problems)[:2000]) from None


def _plan_in(office: Office, item: Mapping[str, Any]) -> m.PlanIn:
    return m.PlanIn(plan=item["name"], args=item["args"], kwargs=item["kwargs"], world=_world(office))


def _submission(office: Office, item: Mapping[str, Any]) -> m.Submission:
    kwargs: Mapping[str, Any] = item["kwargs"]
    bad = [name for name, said in kwargs.items() if isinstance(said, bool) or not isinstance(said, str | int | float)]
    if bad or len(kwargs) > 200:
        raise Invalid(f"parameters are at most 200 texts or numbers; {', '.join(bad)[:200] or len(kwargs)} are not")
    return m.Submission(library=item["name"], parameters=dict(kwargs), world=_world(office))


async def item_get(office: Office, who: Principal, said: q.QWhich) -> q.QItem:
    """One item that waits."""
    await office.allow(who, "read")
    there = await asyncio.to_thread(queueing.waiting, office.engine, _cell(office))
    return q.QItem(item=dict(queueing.which(there, said.uid, said.pos).item))


async def item_remove(office: Office, who: Principal, said: q.QWhich) -> q.QItem:
    """Take an item out that waits."""
    await office.allow(who, "queue", target=said.uid or "", note={"asked": "remove"})
    item, size = await asyncio.to_thread(queueing.remove, office.engine, _cell(office), said.uid, said.pos)
    return q.QItem(item=dict(item.item), qsize=size)


async def queue_clear(office: Office, who: Principal) -> q.QSaid:
    """Take everything out that waits."""
    await office.allow(who, "queue", note={"asked": "clear"})
    await asyncio.to_thread(queueing.clear, office.engine, _cell(office))
    return q.QSaid()


async def environment(office: Office, who: Principal, wanted: bool) -> q.QSaid:
    """Open or close it: here a mark only, for the worker is there as long as the lab is up."""
    await office.allow(who, "queue", note={"asked": "environment open" if wanted else "environment close"})
    marks = await asyncio.to_thread(queueing.marks, office.engine, _cell(office))
    if wanted == marks.environment:
        raise Conflict("the environment exists already" if wanted else "there is no environment: open it first")
    if wanted and not office.cell(office.world).up:
        raise Conflict("nobody works in this lab; start it with `lab up`")
    if not wanted and await asyncio.to_thread(queueing.at_work, office.engine, _cell(office)) is not None:
        raise Conflict("a plan is at work; end it first")
    await asyncio.to_thread(queueing.mark, office.engine, _cell(office), environment=wanted, running=False)
    return q.QSaid()


async def queue_start(office: Office, who: Principal) -> q.QSaid:
    """Have the items begun, one after the other, until none is left or one fails."""
    await office.allow(who, "queue", note={"asked": "start"})
    marks = await asyncio.to_thread(queueing.marks, office.engine, _cell(office))
    if not marks.environment:
        raise Conflict("there is no environment: open it first")
    if marks.running:
        raise Conflict("the queue is at work already")
    await asyncio.to_thread(queueing.start, office.engine, _cell(office))
    return q.QSaid()


async def queue_stop(office: Office, who: Principal, wanted: bool) -> q.QSaid:
    """Begin no further item once the one at work has ended; or take that back."""
    await office.allow(who, "queue", note={"asked": "stop" if wanted else "stop cancel"})
    marks = await asyncio.to_thread(queueing.marks, office.engine, _cell(office))
    if not marks.running:
        raise Conflict("the queue is not at work")
    await asyncio.to_thread(queueing.mark, office.engine, _cell(office), stopping=wanted)
    return q.QSaid()


async def re_pause(office: Office, who: Principal) -> q.QSaid:
    """Begin nothing more of the item at work."""
    await controls.pause(office, who, (await _working(office)).run_id)
    return q.QSaid()


async def re_resume(office: Office, who: Principal) -> q.QSaid:
    """Let it go on."""
    await controls.resume(office, who, (await _working(office)).run_id)
    return q.QSaid()


async def re_end(office: Office, who: Principal, how: str) -> q.QSaid:
    """End the item at work: `stopped`, `aborted` and `halted` are all a safe end, and differ in the history only."""
    item = await _working(office)
    await asyncio.to_thread(queueing.ending, office.engine, item.uid, how)  # first: the run may end at once
    await controls.abort(office, who, item.run_id, how)
    return q.QSaid()


async def _working(office: Office) -> Item:
    item = await asyncio.to_thread(queueing.at_work, office.engine, _cell(office))
    if item is None or not item.run_id:
        raise Conflict("no plan is at work")
    return item


def _cell(office: Office) -> str:
    return office.cell(office.world).cell


def _world(office: Office) -> m.World:
    return looks.world(office.cell(office.world))


# At work


async def work(office: Office) -> None:
    """Begin one item after the other, for ever; of several interfaces on a store one does, until it dies."""
    me = uuid.uuid4().hex
    while True:
        try:
            item = await asyncio.to_thread(queueing.next_up, office.engine, _cell(office), me)
            if item is not None:
                await _see_to(office, item)
        except Exception:
            _LOG.exception("the queue of beamline tools")
            await asyncio.sleep(1.0)
        await asyncio.sleep(TICK_S)


async def _see_to(office: Office, item: Item) -> None:
    if not item.run_id:
        await _begin(office, item)
        return
    run = await looks.run(office, item.run_id)
    if run.ended_at is None:
        return
    uids = await asyncio.to_thread(_run_uids, office, item.run_id)
    error = run.error.untrusted_text if run.error else ""
    await asyncio.to_thread(queueing.finish, office.engine, _cell(office), item, run.state, error, uids)


async def _begin(office: Office, item: Item) -> None:
    """Submit it; under its own key, so that another interface that does the same makes no second run."""
    who = queueing.owner(office.lab, item.who)
    try:
        if who is None:
            raise Forbidden(f"lab.toml knows no {item.who['name']!r} any more")
        key = f"queue:{item.uid}"
        if item.item["name"] in PLANS:
            run_id = (await plans.run_plan(office, who, _plan_in(office, item.item), key)).run_id
        else:
            run_id = (await submissions.submit(office, who, _submission(office, item.item), key)).run_id
    except Refusal as error:
        more = "; ".join(str(problem.get("message", "")) for problem in error.problems)
        told = f"{error.detail}{': ' if more else ''}{more}"[:2000]
        await asyncio.to_thread(queueing.finish, office.engine, _cell(office), item, "failed", told, [])
        return
    await asyncio.to_thread(queueing.begun, office.engine, item.uid, run_id)


def _run_uids(office: Office, run_id: str) -> list[str]:
    """The uids of a run's start documents."""
    try:
        file = data.folder(office, run_id) / FILE_NAME
    except Missing:
        return []
    return [document["uid"] for name, document in read_documents(file) if name == "start"] if file.exists() else []
