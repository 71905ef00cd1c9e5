"""`/qserver`: the lab as Bluesky's HTTP server of a queue, for tools that speak with one.

`REManagerAPI(http_server_uri="http://HOST:PORT/qserver")` of bluesky-queueserver-api works against these; a call that
is not here answers 404. A tool's API key and its token are both the lab's own token.
"""

import functools
import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, NoReturn, ParamSpec

from fastapi import APIRouter, Depends, Header, Request
from pydantic import ValidationError

from api import queue_models as q
from api.desk import queue
from api.http.answers import PROBLEMS
from api.http.asker import NOBODY, Here, MayKey
from api.identity.principal import Principal
from api.refusals import BadRequest, Forbidden, Missing, Refusal, Unknown

P = ParamSpec("P")
PREFIX = "/qserver/api"
router = APIRouter(prefix=PREFIX, tags=["queue server"], responses=PROBLEMS)
rest = APIRouter(prefix=PREFIX)
_SCHEMES = ("apikey", "bearer")


async def asker(office: Here, authorization: Annotated[str, Header(max_length=9000)] = "") -> Principal:
    """The principal whose token was shown, as `ApiKey` or as `Bearer`; raises `Unknown`."""
    scheme, _, token = authorization.partition(" ")
    found = await office.door.who(token.strip()) if scheme.lower() in _SCHEMES else None
    if found is None:
        raise NOBODY
    return found


Who = Annotated[Principal, Depends(asker)]


def said(verb: Callable[P, Awaitable[q.QSaid]]) -> Callable[P, Awaitable[Any]]:
    """A refusal is an answer here, with `success` false; who may not, or is not known, gets it as HTTP's."""

    @functools.wraps(verb)
    async def answer(*args: P.args, **kwargs: P.kwargs) -> Any:
        try:
            return await verb(*args, **kwargs)
        except (Unknown, Forbidden):
            raise
        except Refusal as error:
            return q.QItem(success=False, msg=f"{error.detail}{'. ' if error.hint else ''}{error.hint}"[:4000])

    return answer


@router.get("/status", response_model=q.QStatus)
async def q_status(office: Here, who: Who) -> q.QStatus:
    """The queue at a glance."""
    return await queue.status(office, who)


@router.get("/ping", response_model=q.QStatus)
async def q_ping(office: Here, who: Who) -> q.QStatus:
    """The same."""
    return await queue.status(office, who)


@router.get("/plans/allowed", response_model=q.QPlans)
async def q_plans_allowed(office: Here, who: Who) -> q.QPlans:
    """Bluesky's plans, and the library's protocols as plans."""
    await office.allow(who, "read")
    return q.QPlans(plans_allowed=queue.known_plans(office), plans_allowed_uid=office.lab.config_hash[:36])


@router.get("/plans/existing", response_model=q.QPlansExisting)
async def q_plans_existing(office: Here, who: Who) -> q.QPlansExisting:
    """The same."""
    await office.allow(who, "read")
    return q.QPlansExisting(plans_existing=queue.known_plans(office), plans_existing_uid=office.lab.config_hash[:36])


@router.get("/devices/allowed", response_model=q.QDevices)
async def q_devices_allowed(office: Here, who: Who) -> q.QDevices:
    """The lab's devices."""
    await office.allow(who, "read")
    return q.QDevices(devices_allowed=queue.known_devices(office), devices_allowed_uid=office.lab.config_hash[:36])


@router.get("/devices/existing", response_model=q.QDevicesExisting)
async def q_devices_existing(office: Here, who: Who) -> q.QDevicesExisting:
    """The same."""
    await office.allow(who, "read")
    uid = office.lab.config_hash[:36]
    return q.QDevicesExisting(devices_existing=queue.known_devices(office), devices_existing_uid=uid)


@router.get("/queue/get", response_model=q.QQueue)
async def q_queue_get(office: Here, who: Who) -> q.QQueue:
    """What waits, and what is at work."""
    return await queue.queue_get(office, who)


@router.get("/history/get", response_model=q.QHistory)
async def q_history_get(office: Here, who: Who) -> q.QHistory:
    """What has ended, and how."""
    return await queue.history_get(office, who)


@router.post("/queue/item/add", response_model=q.QItem)
@said
async def q_item_add(office: Here, who: Who, asked: q.QAdd, key: MayKey = None) -> q.QItem:
    """Put a plan into the queue; under an idempotency key once, however often it is asked."""
    return await queue.item_add(office, who, asked, key)


@router.get("/queue/item/get", response_model=q.QItem)
@said
async def q_item_get(request: Request, office: Here, who: Who) -> q.QItem:
    """One item that waits; tools say which in a body, `{"uid": ...}` or `{"pos": ...}`."""
    try:
        which = q.QWhich.model_validate(json.loads(await request.body() or b"{}"))
    except (ValueError, RecursionError, ValidationError):
        raise BadRequest("say which item: uid, or pos") from None
    return await queue.item_get(office, who, which)


@router.post("/queue/item/remove", response_model=q.QItem)
@said
async def q_item_remove(office: Here, who: Who, asked: q.QWhich) -> q.QItem:
    """Take an item out that waits."""
    return await queue.item_remove(office, who, asked)


@router.post("/queue/clear", response_model=q.QSaid)
@said
async def q_queue_clear(office: Here, who: Who, asked: q.QNothing | None = None) -> q.QSaid:
    """Take everything out that waits."""
    return await queue.queue_clear(office, who)


@router.post("/queue/start", response_model=q.QSaid)
@said
async def q_queue_start(office: Here, who: Who, asked: q.QNothing | None = None) -> q.QSaid:
    """Begin the items, one after the other."""
    return await queue.queue_start(office, who)


@router.post("/queue/stop", response_model=q.QSaid)
@said
async def q_queue_stop(office: Here, who: Who, asked: q.QNothing | None = None) -> q.QSaid:
    """Begin no further item once the one at work has ended."""
    return await queue.queue_stop(office, who, True)


@router.post("/queue/stop/cancel", response_model=q.QSaid)
@said
async def q_queue_stop_cancel(office: Here, who: Who, asked: q.QNothing | None = None) -> q.QSaid:
    """Take that back."""
    return await queue.queue_stop(office, who, False)


@router.post("/environment/open", response_model=q.QSaid)
@said
async def q_environment_open(office: Here, who: Who, asked: q.QNothing | None = None) -> q.QSaid:
    """Before a queue is started."""
    return await queue.environment(office, who, True)


@router.post("/environment/close", response_model=q.QSaid)
@said
async def q_environment_close(office: Here, who: Who, asked: q.QNothing | None = None) -> q.QSaid:
    """When nothing is at work."""
    return await queue.environment(office, who, False)


@router.post("/re/pause", response_model=q.QSaid)
@said
async def q_re_pause(office: Here, who: Who, asked: q.QPause | None = None) -> q.QSaid:
    """Begin nothing more of the plan at work; what is under way goes on to its end."""
    return await queue.re_pause(office, who)


@router.post("/re/resume", response_model=q.QSaid)
@said
async def q_re_resume(office: Here, who: Who, asked: q.QNothing | None = None) -> q.QSaid:
    """Let it go on."""
    return await queue.re_resume(office, who)


@router.post("/re/stop", response_model=q.QSaid)
@said
async def q_re_stop(office: Here, who: Who, asked: q.QNothing | None = None) -> q.QSaid:
    """End it safely."""
    return await queue.re_end(office, who, "stopped")


@router.post("/re/abort", response_model=q.QSaid)
@said
async def q_re_abort(office: Here, who: Who, asked: q.QNothing | None = None) -> q.QSaid:
    """End it safely."""
    return await queue.re_end(office, who, "aborted")


@router.post("/re/halt", response_model=q.QSaid)
@said
async def q_re_halt(office: Here, who: Who, asked: q.QNothing | None = None) -> q.QSaid:
    """End it safely: no plan of a lab ends without its clean-up."""
    return await queue.re_end(office, who, "halted")


@rest.api_route("/{call:path}", methods=["GET", "POST", "PUT", "DELETE"], include_in_schema=False, response_model=None)
async def nothing_else(call: str, who: Who) -> NoReturn:
    """What Bluesky's server has beyond these, this lab has not."""
    raise Missing("this lab has no such call of a queue server", "docs/how-to/use-beamline-tools.md lists them.")
