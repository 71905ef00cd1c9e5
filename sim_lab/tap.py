"""Listening in on a wire: every byte with its direction and time, into one hash."""

import asyncio
import hashlib

from drivers.core.transport import Transport


class Tap:
    """The hash of all that passed on the wires of one device."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def hear(self, direction: bytes, data: bytes) -> None:
        """Note bytes at the loop's time."""
        self._hash.update(b"%s %.9f %d " % (direction, asyncio.get_running_loop().time(), len(data)) + data)

    def hexdigest(self) -> str:
        """The hash so far."""
        return self._hash.hexdigest()


class Tapped(Transport):
    """A driver's end of a wire with a tap on it."""

    def __init__(self, inner: Transport, tap: Tap) -> None:
        self._inner, self._tap = inner, tap

    async def open(self) -> None:
        """As the wire does."""
        await self._inner.open()

    async def send(self, data: bytes) -> None:
        """Send, and note it."""
        self._tap.hear(b">", data)
        await self._inner.send(data)

    async def receive(self) -> bytes:
        """Receive, and note it."""
        data = await self._inner.receive()
        self._tap.hear(b"<", data)
        return data

    async def close(self) -> None:
        """As the wire does."""
        await self._inner.close()
