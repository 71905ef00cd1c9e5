"""In front of every request: whose host it names, how large its body may be and how long it may take to come."""

import asyncio
from collections.abc import Iterable, Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.answers import problem_bytes
from api.refusals import Refusal

MAX_BODY = 4_000_000  # bytes; the largest protocol that came in weighed a tenth of it
BODY_S = 20.0  # for the whole body to come
LOCAL = ("127.0.0.1", "localhost", "[::1]", "::1")


class _TooLarge(Refusal):
    status, kind, title = 413, "too_large", "The body is too large"


class _TooSlow(Refusal):
    status, kind, title = 408, "too_slow", "The body did not come in time"


class _WrongHost(Refusal):
    status, kind, title = 421, "wrong_host", "This lab has no such name"


class Guard:
    """An ASGI wrapper. A page of another origin that points its own name at this machine (DNS rebinding) is refused."""

    def __init__(self, app: ASGIApp, names: Iterable[str] = ()) -> None:
        self._app = app
        self._names = frozenset(name.lower() for name in (*LOCAL, *names))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may pass."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1 or _without_port(hosts[0].decode("latin-1")) not in self._names:
            told = _WrongHost("the Host header names another machine", "Add its name to [api] names in lab.toml.")
            await _refuse(scope, send, told)
            return
        if scope["type"] == "websocket":
            await self._app(scope, receive, send)
            return
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > MAX_BODY:
            await _refuse(scope, send, _TooLarge(f"at most {MAX_BODY} bytes are read"))
            return
        await self._bounded(scope, receive, send, headers)

    async def _bounded(self, scope: Scope, receive: Receive, send: Send, headers: Mapping[bytes, bytes]) -> None:
        """Read the body first, as much and as long as is allowed, then answer."""
        body = bytearray()
        gone: Message | None = None
        try:
            async with asyncio.timeout(BODY_S):
                # A GET may have a body too: tools of Bluesky's queue server send one.
                bodiless = scope["method"] in ("GET", "HEAD", "OPTIONS") and int(headers.get(b"content-length", 0)) == 0
                more = not bodiless or b"transfer-encoding" in headers
                while more:
                    message = await receive()
                    if message["type"] != "http.request":
                        gone = message
                        break
                    body += message.get("body", b"")
                    more = message.get("more_body", False)
                    if len(body) > MAX_BODY:
                        await _refuse(scope, send, _TooLarge(f"at most {MAX_BODY} bytes are read"))
                        return
        except TimeoutError:
            await _refuse(scope, send, _TooSlow(f"a body has {BODY_S:g} s to come"))
            return
        if gone is not None:
            return
        given = False

        async def again() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": bytes(body), "more_body": False}

        await self._app(scope, again, send)


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()


async def _refuse(scope: Scope, send: Send, refusal: Refusal) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": refusal.detail})
        return
    headers = [(b"content-type", b"application/problem+json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": problem_bytes(refusal)})
