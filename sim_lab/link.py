"""Two ends of one wire inside the process: real bytes, timed by the line's speed on the loop's clock."""

import asyncio

from drivers.core.errors import ConnectionLost
from drivers.core.inbox import Inbox
from drivers.core.transport import Transport

BITS_PER_BYTE = 10  # 8 data bits, a start and a stop bit


class Link(Transport):
    """One end of an in-process wire; what is sent here is received at the other end, in order.

    At the line's speed the other end gets a message when its last byte is through, and the news that this
    end was closed after everything that was sent before.
    """

    def __init__(self, near: Inbox, far: Inbox, baud: int | None = None) -> None:
        self._near, self._far = near, far  # what has arrived at this end and at the other
        self._byte_s = BITS_PER_BYTE / baud if baud else 0.0
        self._line_free_at = 0.0
        self._closed = False

    async def open(self) -> None:
        """The wire is always there."""

    async def send(self, data: bytes) -> None:
        """Put bytes on the line; they arrive when the line's speed has let them through."""
        if self._closed or self._far.ended:
            raise ConnectionLost("the wire is closed.")
        if not self._byte_s:
            self._far.put(data)
            return
        loop = asyncio.get_running_loop()
        self._line_free_at = max(self._line_free_at, loop.time()) + len(data) * self._byte_s
        loop.call_at(self._line_free_at, self._far.put, data)

    async def receive(self) -> bytes:
        """The next bytes, or b"" when the other end closed."""
        return await self._near.take()

    async def close(self) -> None:
        """Close this end; the other end reads b"" once it has read what was sent."""
        if self._closed:
            return
        self._closed = True
        self._near.end()
        loop = asyncio.get_running_loop()
        if self._line_free_at > loop.time():
            # A byte's time later: two timers of the same moment may run in either order.
            loop.call_at(self._line_free_at + self._byte_s, self._far.end)
        else:
            self._far.end()


def wire(baud: int | None = None) -> tuple[Link, Link]:
    """Both ends of a new wire; `baud` None passes bytes without delay.

    >>> async def hello() -> bytes:
    ...     here, there = wire()
    ...     await here.send(b"hello")
    ...     return await there.receive()
    >>> asyncio.run(hello())
    b'hello'
    """
    here, there = Inbox(), Inbox()
    return Link(here, there, baud), Link(there, here, baud)
