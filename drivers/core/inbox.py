"""Bytes that have arrived and wait for their reader: what an asynchronous transport keeps inside."""

import asyncio


class Inbox:
    """A buffer with one reader; a reader that is cancelled while it waits loses nothing.

    >>> async def hello() -> bytes:
    ...     inbox = Inbox()
    ...     inbox.put(b"hel")
    ...     inbox.put(b"lo")
    ...     return await inbox.take()
    >>> asyncio.run(hello())
    b'hello'
    """

    def __init__(self) -> None:
        self._bytes = bytearray()
        self.ended = False
        self._reader: asyncio.Future[None] | None = None

    def put(self, data: bytes) -> None:
        """Add what has arrived."""
        self._bytes += data
        self._wake()

    def end(self) -> None:
        """Nothing will arrive any more; what is here can still be read."""
        self.ended = True
        self._wake()

    async def take(self) -> bytes:
        """All bytes that are here, waiting for at least one; `b""` once it has ended and is empty."""
        while not self._bytes and not self.ended:
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        data = bytes(self._bytes)
        self._bytes.clear()
        return data

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)
