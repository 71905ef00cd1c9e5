"""`/events`: the journal of a cell as it grows, one JSON event a message, to be resumed after any number."""

import asyncio
import contextlib
from collections.abc import Iterator

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from api.identity.principal import Principal
from api.live import Event, Live, listening
from api.office import Office
from orchestrator.state import records as r

router = APIRouter()
ROOM = 2000  # events that may wait for a reader; one that is further behind must come again
#: A browser cannot set headers: it offers the sub-protocols `lab` and `bearer.<token>`.
PROTOCOL, BEARER = "lab", "bearer."
_SLOW, _NOBODY, _NO_SENSE = 4008, 4401, 4400  # close codes of our own (RFC 6455, 7.4.2)
SEND_S = 15.0


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
    while (event := await asyncio.to_thread(next, old, None)) is not None:
        sent = await _one(socket, event, sent)
    while not behind.is_set() or not waiting.empty():
        sent = await _one(socket, await waiting.get(), sent)
    await socket.close(_SLOW, f"too slow: come again with after={sent}")


async def _one(socket: WebSocket, event: Event, sent: int) -> int:
    if event.seq <= sent:
        return sent
    async with asyncio.timeout(SEND_S):  # a reader that takes nothing at all is let go
        await socket.send_text(event.text.decode())
    return event.seq


async def _until_gone(socket: WebSocket) -> None:
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
