"""Two ends of one wire inside the process: real bytes, timed by the line's speed on the loop's clock."""

import asyncio

from drivers.core.errors import ConnectionLost
from drivers.core.transport import Transport

BITS_PER_BYTE = 10  # 8 data bits, a start and a stop bit


class Link(Transport):
    """One end of an in-process wire; what is sent here is received at the other end, in order."""

    def __init__(self, baud: int | None = None) -> None:
        self.peer: Link = self
        self._byte_s = BITS_PER_BYTE / baud if baud else 0.0
        self._line_free_at = 0.0
        self._received = bytearray()
        self._ended = False
        self._closed = False
        self._reader: asyncio.Future[None] | None = None

    async def open(self) -> None:
        """The wire is always there."""

    async def send(self, data: bytes) -> None:
        """Put bytes on the line; they arrive when the line's speed has let them through."""
        if self._closed or self.peer._closed:
            raise ConnectionLost("the wire is closed.")
        if not self._byte_s:
            self.peer._arrive(data)
            return
        loop = asyncio.get_running_loop()
        self._line_free_at = max(self._line_free_at, loop.time()) + len(data) * self._byte_s
        loop.call_at(self._line_free_at, self.peer._arrive, data)

    async def receive(self) -> bytes:
        """The next bytes, or b"" when the other end closed."""
        while not self._received:
            if self._ended or self._closed:
                return b""
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        data = bytes(self._received)
        self._received.clear()
        return data

    async def close(self) -> None:
        """Close this end; the other end reads b"" once it has read what was sent."""
        if self._closed:
            return
        self._closed = True
        self._wake()
        self.peer._ended = True
        self.peer._wake()

    def _arrive(self, data: bytes) -> None:
        self._received += data
        self._wake()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


def wire(baud: int | None = None) -> tuple[Link, Link]:
    """Both ends of a new wire; `baud` None passes bytes without delay.

    >>> async def hello() -> bytes:
    ...     here, there = wire()
    ...     await here.send(b"hello")
    ...     return await there.receive()
    >>> asyncio.run(hello())
    b'hello'
    """
    here, there = Link(baud), Link(baud)
    here.peer, there.peer = there, here
    return here, there
