"""What the generated methods stand on: sending, pages, waiting for a run, events without a gap; sync and async."""

import asyncio
import os
import ssl
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator
from functools import cached_property
from types import TracebackType
from typing import Self, TypeVar

import httpx
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.sync.client import connect

from api import models as m
from api.client.call import Call, Patience, behind
from api.client.refused import refused
from api.client.table import Table

T = TypeVar("T")
ItemT = TypeVar("ItemT")
PATIENCE_S = 10.0
TIMEOUT = httpx.Timeout(120.0, connect=5.0)  # a dry run takes its time
_LOST = (ConnectionClosed, InvalidHandshake, OSError, TimeoutError)
_FIRST_S, _LONGEST_S = 0.1, 2.0  # between two looks at a run


class _Common:
    """The address and the token, else LAB_URL and LAB_TOKEN of the environment. No token is ever shown."""

    def __init__(
        self, url: str | None = None, token: str | None = None, *,
        tls: ssl.SSLContext | None = None, patience_s: float = PATIENCE_S,
    ) -> None:  # fmt: skip
        """`tls`: for a certificate that the system does not know; `patience_s`: how long a lost lab is asked again."""
        self.url = (url or os.environ.get("LAB_URL", "")).rstrip("/")
        if not self.url.startswith(("http://", "https://")):
            raise refused("no_address", f"{self.url!r} is no address", "Say http(s)://host:port, or set LAB_URL.")
        shown = token or os.environ.get("LAB_TOKEN", "")
        self._headers = {"authorization": f"Bearer {shown}"} if shown else {}
        self._tls = tls if self.url.startswith("https://") else None
        self._patience_s = patience_s

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    def _patience(self) -> Patience:
        return Patience(self.url, self._patience_s)

    def _events_at(self, world: m.World | None, after: int) -> str:
        return f"ws{self.url.removeprefix('http')}/api/v1/events?after={after}" + (f"&world={world}" if world else "")


class Base(_Common, ABC):
    """A client of code that waits."""

    @cached_property
    def _http(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers=self._headers, verify=self._tls or True, timeout=TIMEOUT)

    @abstractmethod
    def status(self) -> m.Status:
        """The generated client has it."""

    @abstractmethod
    def run(self, run_id: str) -> m.Run:
        """The generated client has it."""

    @abstractmethod
    def iter_table(self, run_id: str) -> Iterator[m.Reading]:
        """The generated client has it."""

    def _send(self, call: Call[T]) -> T:
        patience = self._patience()
        while True:
            try:
                answer = self._http.send(call.request(self._http))
                return call.read(answer.status_code, answer.content)
            except httpx.TransportError as error:
                time.sleep(patience.pause_s(error, call.again(error)))

    def _pages(self, call: Call[m.Page[ItemT]]) -> Iterator[ItemT]:
        rest: Call[m.Page[ItemT]] | None = call
        while rest is not None:
            page = self._send(rest)
            yield from page.items
            rest = behind(rest, page)

    def data(self, run_id: str) -> Table:
        """All that a run has measured so far."""
        return Table(tuple(self.iter_table(run_id)), run_id)

    def wait(self, run_id: str, *, timeout_s: float | None = None) -> m.Run:
        """Wait until a run has ended, or waits for a person (`state`); raises `TimeoutError`."""
        until, pause_s = None if timeout_s is None else time.monotonic() + timeout_s, _FIRST_S
        while not over(run := self.run(run_id)):
            if until is not None and time.monotonic() + pause_s > until:
                raise TimeoutError(f"{run_id} is {run.state} after {timeout_s:g} s")
            time.sleep(pause_s)
            pause_s = min(1.5 * pause_s, _LONGEST_S)
        return run

    def events(self, *, after: int | None = None, world: m.World | None = None) -> Iterator[m.Event]:
        """Every event after number `after`, else from now on, for ever; goes on by itself after a lost connection."""
        seq = newest(self.status(), world) if after is None else after
        patience = self._patience()
        while True:
            try:
                at = self._events_at(world, seq)
                with connect(at, additional_headers=self._headers, ssl=self._tls) as socket:
                    patience.renew()
                    for text in socket:
                        event = m.Event.model_validate_json(text)
                        seq = event.seq
                        yield event
                time.sleep(patience.pause_s(EOFError("the connection was ended")))
            except _LOST as error:
                time.sleep(patience.pause_s(known(error)))

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class AsyncBase(_Common, ABC):
    """A client of asynchronous code."""

    @cached_property
    def _http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, headers=self._headers, verify=self._tls or True, timeout=TIMEOUT)

    @abstractmethod
    async def status(self) -> m.Status:
        """The generated client has it."""

    @abstractmethod
    async def run(self, run_id: str) -> m.Run:
        """The generated client has it."""

    @abstractmethod
    def iter_table(self, run_id: str) -> AsyncIterator[m.Reading]:
        """The generated client has it."""

    async def _send(self, call: Call[T]) -> T:
        patience = self._patience()
        while True:
            try:
                answer = await self._http.send(call.request(self._http))
                return call.read(answer.status_code, answer.content)
            except httpx.TransportError as error:
                await asyncio.sleep(patience.pause_s(error, call.again(error)))

    async def _pages(self, call: Call[m.Page[ItemT]]) -> AsyncIterator[ItemT]:
        rest: Call[m.Page[ItemT]] | None = call
        while rest is not None:
            page = await self._send(rest)
            for item in page.items:
                yield item
            rest = behind(rest, page)

    async def data(self, run_id: str) -> Table:
        """All that a run has measured so far."""
        return Table(tuple([row async for row in self.iter_table(run_id)]), run_id)

    async def wait(self, run_id: str, *, timeout_s: float | None = None) -> m.Run:
        """Wait until a run has ended, or waits for a person (`state`); raises `TimeoutError`."""
        pause_s = _FIRST_S
        async with asyncio.timeout(timeout_s):
            while not over(run := await self.run(run_id)):
                await asyncio.sleep(pause_s)
                pause_s = min(1.5 * pause_s, _LONGEST_S)
            return run

    async def events(self, *, after: int | None = None, world: m.World | None = None) -> AsyncIterator[m.Event]:
        """Every event after number `after`, else from now on, for ever; goes on by itself after a lost connection."""
        seq = newest(await self.status(), world) if after is None else after
        patience = self._patience()
        while True:
            try:
                at = self._events_at(world, seq)
                async with connect_async(at, additional_headers=self._headers, ssl=self._tls) as socket:
                    patience.renew()
                    async for text in socket:
                        event = m.Event.model_validate_json(text)
                        seq = event.seq
                        yield event
                await asyncio.sleep(patience.pause_s(EOFError("the connection was ended")))
            except _LOST as error:
                await asyncio.sleep(patience.pause_s(known(error)))

    async def close(self) -> None:
        """Let the connections go."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()


def over(run: m.Run) -> bool:
    """Whether nothing more comes of a run by itself."""
    return run.ended_at is not None or run.state == "person"


def newest(status: m.Status, world: m.World | None) -> int:
    """The number of the newest event of a world."""
    return next((cell.seq for cell in status.cells if cell.world == (world or status.world)), 0)


def known(error: Exception) -> Exception:
    """The error that it was; raises `LabRefused` for an answer that stays the same however often one asks."""
    if isinstance(error, InvalidStatus) and error.response.status_code in (400, 401, 403, 404, 421):
        said = error.response.status_code
        raise refused(
            "unauthenticated" if said in (401, 403) else "http", f"the lab refuses to tell events (HTTP {said})",
            "Give a token that is good and may read.", said,
        ) from error  # fmt: skip
    return error
