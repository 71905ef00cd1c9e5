"""A line on which messages go wrong: the device's end of a wire, in the process or on a real port."""

import asyncio
import random

from drivers.core.transport import Transport
from sim_lab.faults.inject import Faults

FLOOD_BYTES = 10_000
HEAD_BYTES = 2  # of a frame of Channel Access: which command it is
FOREIGN = b"\x8f\x8e\x8d\r\n"  # a reply as from another device: nothing that this one would say


class FaultyLine(Transport):
    """What passes between a client and a device, one message (a send of either side) at a time."""

    def __init__(self, inner: Transport, device: str, faults: Faults, rng: random.Random) -> None:
        self._inner, self._device, self._faults, self._rng = inner, device, faults, rng
        self._said = b""  # the last message of the device

    async def open(self) -> None:
        """As the wire does."""
        await self._inner.open()

    async def receive(self) -> bytes:
        """What the device is told."""
        while data := await self._inner.receive():
            if self._happens("request_lost") is not None:
                continue
            if self._happens("echo") is not None:
                await self._inner.send(data)
            return self._noisy(data) if self._happens("request_garbled") is not None else data
        return b""

    async def send(self, data: bytes) -> None:
        """What the device says."""
        if not data:
            return
        before, self._said = self._said, data
        if self._happens("line_cut") is not None:
            await self._inner.close()
            return
        late_s = self._happens("reply_late")
        if late_s is not None:
            await asyncio.sleep(late_s)
        if self._happens("reply_lost") is not None:
            return
        if self._happens("reply_foreign") is not None:
            await self._inner.send(FOREIGN)
        if self._happens("flood") is not None:
            await self._inner.send(bytes(self._rng.randrange(0x80, 0x100) for _ in range(FLOOD_BYTES)))
        if self._happens("reply_stale") is not None and before:
            data = before
        if self._happens("reply_garbled") is not None:
            data = self._noisy(data)
        if self._happens("reply_half") is not None:
            await self._half(data[: len(data) // 2])
        elif data:
            await self._inner.send(data)
            if self._happens("reply_doubled") is not None:
                await self._inner.send(data)

    async def close(self) -> None:
        """As the wire does."""
        await self._inner.close()

    async def _half(self, data: bytes) -> None:
        """What arrives of a message, and no more of it."""
        if data:
            await self._inner.send(data)

    def _happens(self, fault: str) -> float | None:
        return self._faults.happens(self._device, fault)

    def _noisy(self, data: bytes) -> bytes:
        """A third of the bytes as noise that no ASCII protocol knows.

        A changed digit that is a digit again cannot be seen on a line without check sums, so it is not made here.
        """
        noisy = bytearray(data)
        for place in self._rng.sample(range(len(noisy)), max(1, len(noisy) // 3)):
            noisy[place] = self._rng.randrange(0x80, 0x100)
        return bytes(noisy)


class FramedLine(FaultyLine):
    """A line over TCP whose frames carry no check sum of their own, for TCP has one (Channel Access).

    What TCP cannot do is not made here: noise hits the head of a frame, not its values alone, and behind half a frame
    nothing comes any more.
    """

    async def _half(self, data: bytes) -> None:
        await self._inner.send(data)
        await self._inner.close()

    def _noisy(self, data: bytes) -> bytes:
        return bytes(self._rng.randrange(0x80, 0x100) for _ in data[:HEAD_BYTES]) + super()._noisy(data)[HEAD_BYTES:]
