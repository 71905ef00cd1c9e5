"""`/events`: the journal of a cell, in pages, or as it grows over a WebSocket; to be resumed after any number."""

import asyncio
import contextlib
import itertools
from collections.abc import Iterator, Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response, WebSocket, WebSocketDisconnect

from api import models as m
from api.desk import watching
from api.http.answers import told
from api.http.asker import Here, InWorld, Limit, Who
from api.identity.principal import Principal
from api.live import Event, Live, listening
from api.office import Office
from orchestrator.state import records as r

router = APIRouter(tags=["events"])
ROOM = 2000  # events that may wait for a reader; one that is further behind must come again
#: A browser cannot set headers: it offers the sub-protocols `lab` and `bearer.<token>`.
PROTOCOL, BEARER = "lab", "bearer."
_SLOW, _NOBODY, _NO_SENSE = 4008, 4401, 4400  # close codes of our own (RFC 6455, 7.4.2)
SEND_S = 15.0
_AT_ONCE = 50  # events under one watch
#: What OpenAPI has no words for: the same address as a WebSocket. Of our own, as `x-` says; tools pass it over.
_AS_SOCKET = {
    "x-websocket": {
        "query": ["world", "after"], "subprotocols": [PROTOCOL, f"{BEARER}<token>"],
        "message": {"$ref": "#/components/schemas/Event"},
        "close": {str(_SLOW): "too slow", str(_NOBODY): "nobody known", str(_NO_SENSE): "no such world or number"},
    }
}  # fmt: skip


@router.get("/events", response_model=m.Events, openapi_extra=_AS_SOCKET)
async def events_after(
    request: Request, office: Here, who: Who, world: InWorld, after: Annotated[int, Query(ge=0, lt=2**53)] = 0,
    limit: Limit = 100,
) -> Response:  # fmt: skip
    """What happened after event number `after`, the oldest first: the journal of a world's cell.

    The same address is a WebSocket, which sends every event after `after` (without it, from now on) as it comes, one
    JSON object a message. It takes the same token, in the header or, from a browser, as the sub-protocol
    `bearer.<token>` beside `lab`. A reader that is too slow is let go with close code 4008, and comes again with the
    last number that it saw.
    """
    return told(request, await watching.events(office, who, world, after, limit))


@router.websocket("/events")
async def events(socket: WebSocket, world: str | None = None, after: int | None = None) -> None:
    """Send every event after number `after`; without it, those from now on."""
    office: Office = socket.app.state.office
    who = await _who(socket, office)
    if who is None:
        await socket.close(_NOBODY, "say who you are: Authorization: Bearer, or sub-protocols lab, bearer.<token>")
        return
    if (world or office.world) not in office.live.cells or (after is not None and not 0 <= after < 2**53):
        await socket.close(_NO_SENSE, "world is twin or real; after is a number of an event")
        return
    live = office.cell(world or office.world)
    await office.allow(who, "read")
    await socket.accept(PROTOCOL if PROTOCOL in socket.scope.get("subprotocols", ()) else None)
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        await _serve(socket, office, live, live.seq if after is None else after)


async def _who(socket: WebSocket, office: Office) -> Principal | None:
    kind, _, token = socket.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer":
        offered = [name for name in socket.scope.get("subprotocols", ()) if name.startswith(BEARER)]
        token = offered[0].removeprefix(BEARER) if offered else ""
    return await office.door.who(token)


async def _serve(socket: WebSocket, office: Office, live: Live, after: int) -> None:
    """Old events first, then new ones as they come, until the reader goes or is too slow."""
    waiting: asyncio.Queue[Event] = asyncio.Queue(ROOM)
    behind = asyncio.Event()

    def hear(of: Live, event: Event, _: r.Record) -> None:
        if of is live:
            try:
                waiting.put_nowait(event)
            except asyncio.QueueFull:
                behind.set()

    with listening(office.live, hear):
        gone = asyncio.ensure_future(_until_gone(socket))
        sending = asyncio.ensure_future(_send(socket, office, live, after, waiting, behind))
        try:
            await asyncio.wait({gone, sending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (gone, sending):
                task.cancel()
            await asyncio.gather(gone, sending, return_exceptions=True)


async def _send(
    socket: WebSocket, office: Office, live: Live, sent: int, waiting: "asyncio.Queue[Event]", behind: asyncio.Event
) -> None:
    old: Iterator[Event] = office.live.events_after(live.world, sent)
    while events := await asyncio.to_thread(lambda: list(itertools.islice(old, _AT_ONCE))):
        sent = await _some(socket, events, sent)
    while not behind.is_set() or not waiting.empty():
        events = [await waiting.get()]
        while len(events) < _AT_ONCE and not waiting.empty():
            events.append(waiting.get_nowait())
        sent = await _some(socket, events, sent)
    await socket.close(_SLOW, f"too slow: come again with after={sent}")


async def _some(socket: WebSocket, events: Sequence[Event], sent: int) -> int:
    async with asyncio.timeout(SEND_S):  # a reader that takes nothing at all is let go
        for event in events:
            if event.seq > sent:
                await socket.send_text(event.text.decode())
    return max(sent, events[-1].seq)


async def _until_gone(socket: WebSocket) -> None:
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
