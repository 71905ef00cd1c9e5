"""HTTP/1.1 over any transport: h11 does the protocol, both roles; this file only moves its bytes."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import h11

from drivers.core.errors import ConnectionLost, ProtocolViolation, ReplyTimeout
from drivers.core.transport import Transport

#: A connection that was idle for longer is not used again: less than the shortest usual time a server keeps one (5 s).
IDLE_S = 2.0
TRIES = 3  # of what changes nothing


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks."""

    method: str
    path: str
    query: str
    body: bytes

    def json(self) -> Any:
        """The body as JSON; None when there is none. Raises ValueError."""
        return json.loads(self.body) if self.body else None


@dataclass(frozen=True, slots=True)
class Response:
    """What a server answers."""

    status: int
    body: bytes

    def json(self) -> Any:
        """The body as JSON; raises `ProtocolViolation`."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise ProtocolViolation(f"HTTP {self.status} with a body that is not JSON: {self.body[:60]!r}.") from error


class ServerSide:
    """The DEVICE role: feed bytes, get requests, turn answers into bytes. No I/O."""

    def __init__(self) -> None:
        self._connection = h11.Connection(h11.SERVER)
        self._head: h11.Request | None = None
        self._body = bytearray()

    def feed(self, data: bytes) -> list[Request]:
        """Take bytes from the wire (b"" at its end); returns the requests that are whole now.

        Raises `ProtocolViolation` for what is not HTTP: a server hangs up on it.
        """
        try:
            self._connection.receive_data(data)
        except h11.RemoteProtocolError:
            return []
        requests: list[Request] = []
        while True:
            try:
                event = self._connection.next_event()
            except h11.RemoteProtocolError as error:
                raise ProtocolViolation(f"the request is not HTTP: {error}.") from error
            if isinstance(event, h11.Request):
                self._head = event
                self._body.clear()
            elif isinstance(event, h11.Data):
                self._body += event.data
            elif isinstance(event, h11.EndOfMessage) and self._head is not None:
                path, _, query = self._head.target.decode("ascii").partition("?")
                requests.append(Request(self._head.method.decode("ascii"), path, query, bytes(self._body)))
            else:
                return requests

    def answer(self, status: int, document: Any) -> bytes:
        """The bytes of a JSON answer; call it once for each request, in order."""
        body = json.dumps(document).encode()
        headers = [("content-type", "application/json"), ("content-length", str(len(body)))]
        connection = self._connection
        data = connection.send(h11.Response(status_code=status, headers=headers)) or b""
        data += connection.send(h11.Data(data=body)) or b""
        data += connection.send(h11.EndOfMessage()) or b""
        if connection.our_state is h11.DONE and connection.their_state is h11.DONE:
            connection.start_next_cycle()
        return data


class HttpClient:
    """The CLIENT role over one kept-alive connection that is made again when it was lost, or not used for a while.

    A server may hang up on an idle client at any moment, and a request that meets this has an unknown outcome.
    """

    def __init__(self, dial: Callable[[], Transport], host: str, headers: dict[str, str]) -> None:
        self._dial = dial
        self._headers = [("host", host), *headers.items()]
        self._transport: Transport | None = None
        self._connection = h11.Connection(h11.CLIENT)
        self._used_s = 0.0

    async def request(self, method: str, target: str, document: Any = None, *, timeout_s: float) -> Response:
        """One exchange. Raises ConnectionFailed (nothing sent), ConnectionLost or ReplyTimeout (outcome unknown).

        A GET, which changes nothing, is asked again on a new connection where its own broke or its answer is noise.
        """
        for left in reversed(range(TRIES if method == "GET" else 1)):
            try:
                return await self._once(method, target, document, timeout_s)
            except (ConnectionLost, ProtocolViolation):
                if not left:
                    raise
        raise AssertionError("the last try raises")

    async def _once(self, method: str, target: str, document: Any, timeout_s: float) -> Response:
        try:
            async with asyncio.timeout(timeout_s):
                return await self._exchange(method, target, document)
        except TimeoutError:
            await self.close()
            raise ReplyTimeout(f"no answer to {method} {target} in {timeout_s:g} s.") from None
        except BaseException:
            await self.close()
            raise

    async def _exchange(self, method: str, target: str, document: Any) -> Response:
        transport = await self._connected()
        body = b"" if document is None else json.dumps(document).encode()
        headers = [*self._headers, ("content-length", str(len(body)))]
        if body:
            headers.append(("content-type", "application/json"))
        connection = self._connection
        data = connection.send(h11.Request(method=method, target=target, headers=headers)) or b""
        if body:
            data += connection.send(h11.Data(data=body)) or b""
        data += connection.send(h11.EndOfMessage()) or b""
        await transport.send(data)
        return await self._response(transport, f"{method} {target}")

    async def _connected(self) -> Transport:
        now_s = asyncio.get_running_loop().time()
        idle_s, self._used_s = now_s - self._used_s, now_s
        if idle_s > IDLE_S:
            await self.close()
        if self._transport is None:
            transport = self._dial()
            await transport.open()
            self._transport, self._connection = transport, h11.Connection(h11.CLIENT)
        return self._transport

    async def _response(self, transport: Transport, what: str) -> Response:
        connection, status, body = self._connection, 0, bytearray()
        while True:
            try:
                event = connection.next_event()
            except h11.RemoteProtocolError as error:
                raise ProtocolViolation(f"the answer to {what} is not HTTP: {error}.") from error
            if event is h11.NEED_DATA:
                data = await transport.receive()
                if not data:
                    raise ConnectionLost(f"the connection ended before the answer to {what}.")
                connection.receive_data(data)
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                self._used_s = asyncio.get_running_loop().time()
                done = connection.our_state is h11.DONE and connection.their_state is h11.DONE
                if done and not connection.trailing_data[0]:
                    connection.start_next_cycle()
                else:  # what comes unasked is the answer to nothing: RFC 9112, section 9.2
                    await self.close()
                return Response(status, bytes(body))
            elif isinstance(event, h11.ConnectionClosed):
                raise ConnectionLost(f"the connection ended before the answer to {what}.")

    async def close(self) -> None:
        """Give the connection up; the next request makes another."""
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.close()
