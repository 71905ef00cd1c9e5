"""One question, one answer at a time on a serial line: the bus has its lock, and finds itself again after trouble.

A serial device answers in order and puts no number on its answers. So nothing is asked before the last answer came or
was given up, and after an exchange that did not end well the line is let fall silent before the next one: an answer
that comes late is thrown away, never taken for the next. Later than `quiet_s` beyond its time none may come.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from drivers.core.errors import CommandStopped, ConnectionLost, DeviceError, ProtocolViolation, ReplyTimeout
from drivers.core.transport import Transport

ReplyT = TypeVar("ReplyT")
#: How long a line may go on talking to nobody before it counts as mad.
FLOOD_S = 3.0


class Feed(Protocol[ReplyT]):
    """CLIENT role of a wire: replies out of bytes; `feed` raises `ValueError` for what its protocol does not allow."""

    def feed(self, data: bytes) -> list[ReplyT]:
        """The replies that `data` completes."""


class Exchange(Generic[ReplyT]):
    """A line that is dialled when it is needed; `name` is the device in errors."""

    def __init__(
        self, name: str, dial: Callable[[], Transport], replies: Callable[[], Feed[ReplyT]], *, reply_s: float,
        quiet_s: float = 0.2,
    ) -> None:  # fmt: skip
        self._name, self._dial, self._new_replies = name, dial, replies
        self._reply_s, self._quiet_s = reply_s, quiet_s
        self._line: Transport | None = None
        self._bus = asyncio.Lock()
        self._astray = False  # whether an answer may still be under way
        self._limit: asyncio.Timeout | None = None  # of the answer that is waited for, unless it is a stop's own
        #: Whether a stop forbids all but what belongs to it.
        self.stopped = asyncio.Event()

    @property
    def connected(self) -> bool:
        """Whether a line is open; the other end may still have gone."""
        return self._line is not None

    async def ask(self, request: bytes, *, reply_s: float | None = None, always: bool = False) -> ReplyT:
        """Send a request and give its answer; raises `DeviceError`. `always`: a stop does not hinder it."""
        replies = self._new_replies()  # at once: they may belong to the request that was just made
        async with self._bus:
            try:
                return await self._ask(request, replies, self._reply_s if reply_s is None else reply_s, always)
            except DeviceError as error:
                error.device = error.device or self._name
                raise

    async def tell(self, request: bytes, *, always: bool = False, answered: bool = False) -> None:
        """Send at once what the device does not answer, or (`answered`) what it does though nobody will read it."""
        async with self._bus:
            known, line = self._line, self._line or await self._ready()
            self._look(always)
            self._astray = self._astray or answered
            try:
                await line.send(request)
            except ConnectionLost:
                await self._drop()
                if known is None:
                    raise
                await (await self._ready()).send(request)  # the line had gone: once more, on a new one
                self._astray = self._astray or answered

    async def _ask(self, request: bytes, replies: Feed[ReplyT], reply_s: float, always: bool) -> ReplyT:
        line = await self._ready()
        self._look(always)
        self._astray = True
        try:
            async with asyncio.timeout(reply_s) as limit:
                self._limit = None if always else limit
                await line.send(request)
                while True:
                    data = await line.receive()
                    if not data:
                        raise ConnectionLost("the line was closed before it had answered.")
                    for reply in replies.feed(data):
                        self._astray = False
                        return reply
        except TimeoutError:
            self._look(always)
            raise ReplyTimeout(
                f"no answer to {request!r} within {reply_s:g} s.", hint="Is it on, and is the line right?"
            ) from None
        except ValueError as error:
            raise ProtocolViolation(f"{error}.") from error
        except ConnectionLost:
            await self._drop()
            raise
        finally:
            self._limit = None

    def distrust(self) -> None:
        """What came last may not belong to what was asked last: the line falls silent before the next question."""
        self._astray = True

    def halt(self) -> None:
        """A stop: whoever waits for an answer gets `CommandStopped` at once, and whoever asks from now on."""
        self.stopped.set()
        if self._limit is not None:
            self._limit.reschedule(asyncio.get_running_loop().time())

    def resume(self) -> None:
        """A new command: what an earlier stop forbade is allowed again."""
        self.stopped.clear()

    async def rest(self, duration_s: float) -> None:
        """Let time pass, or raise `CommandStopped` as soon as a stop comes."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(duration_s):
                await self.stopped.wait()
                raise CommandStopped("it was stopped.", device=self._name)

    def _look(self, always: bool) -> None:
        if self.stopped.is_set() and not always:
            raise CommandStopped("it was stopped.", device=self._name)

    async def _ready(self) -> Transport:
        """An open line on which nothing is left to read."""
        for _ in range(2):
            if self._line is None:
                line = self._dial()
                await line.open()
                self._line, self._astray = line, True
            if await self._is_silent(self._line, self._quiet_s if self._astray else 0):
                self._astray = False
                return self._line
            await self._drop()
        raise ConnectionLost("the line is closed as soon as it is opened.", device=self._name)

    async def _is_silent(self, line: Transport, quiet_s: float) -> bool:
        """Throw away what comes, until nothing has come for so long; False when the other end has gone."""
        await asyncio.sleep(0)  # lets the loop collect what the line has already brought
        loop = asyncio.get_running_loop()
        until_s = loop.time() + FLOOD_S
        with contextlib.suppress(TimeoutError):
            while loop.time() < until_s:
                async with asyncio.timeout(quiet_s):
                    if not await line.receive():
                        return False
            self._astray = True
            raise ProtocolViolation(f"the line does not fall silent within {FLOOD_S:g} s.", device=self._name)
        return True

    async def _drop(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            await line.close()

    async def close(self) -> None:
        """Give the line back; the next `ask` dials again."""
        await self._drop()
