"""PyLabRobot behind a fence: its backends speak through our transports, and fail with our errors.

A backend of PyLabRobot 0.2.2 keeps its connection in the public attribute `io`. Put one of the objects here
in its place (`backend.io = TransportSocket(port.transport)`) and the backend's own code runs on hardware, on
a twin and in virtual time alike: every wait in it is then on the loop's clock.

What this fence keeps out (measured on 0.2.2):

- `pylabrobot.io` opens its own sockets and its own threads, knows no serial URLs, and loses bytes of a read
  that was cancelled. None of it is used.
- Its errors are plain `RuntimeError`, `ValueError`, `AssertionError`, often wrapped in each other: `fenced`
  makes `DeviceError`s of them.
- It has no lock and no idea of a reply that comes too late: the driver serialises its calls (`Instrument`
  has the lock) and connects afresh after an exchange that did not end.
- Its verbs are several commands in a row, and none of them knows of a stop: `barred` keeps a verb that is
  under way from sending the next one, which might start again what was just stopped.
- Importing `pylabrobot` takes seconds, searches the folders upwards for `pylabrobot.ini` and stops its log
  records from reaching the root logger: import it in a driver's `device.py` only, which is loaded on first
  use. To see its log, give a handler to `logging.getLogger("pylabrobot")`.
"""

# ruff: noqa: ASYNC109  (the names of the parameters are PyLabRobot's)

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

from drivers.core.errors import (
    CommandFailed,
    CommandRefused,
    CommandStopped,
    ConnectionLost,
    DeviceError,
    ProtocolViolation,
    ReplyTimeout,
)
from drivers.core.exchange import FLOOD_S
from drivers.core.transport import Transport

Dial = Callable[[], Transport]
#: What a driver knows of its backend's own exceptions; None leaves an exception to the general rules.
Explain = Callable[[BaseException], DeviceError | None]


#: How many times more a question that changes nothing is asked, and how long a line is silent that owes nothing.
ASKED_AGAIN, QUIET_S = 2, 0.2


class TransportIo:
    """A connection that is dialled at `setup`, with a buffer that outlives a cancelled or timed-out read."""

    def __init__(self, dial: Dial) -> None:
        self._dial = dial
        self._transport: Transport | None = None
        self._buffer = bytearray()
        self._reading = asyncio.Lock()
        #: Set by a stop: until it is taken back, a backend that goes on gets `CommandStopped` at its next write.
        self.barred = False

    @property
    def connected(self) -> bool:
        """Whether `setup` was called and `stop` was not; the other end may still have gone."""
        return self._transport is not None

    async def setup(self) -> None:
        """Dial, leaving an earlier connection; raises `ConnectionFailed`."""
        await self.stop()
        transport = self._dial()
        await transport.open()
        self._buffer.clear()
        self._transport = transport

    async def stop(self) -> None:
        """Close the connection, if there is one."""
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.close()

    async def write(self, data: bytes, timeout: float | None = None) -> None:
        """Send all of `data`, unless barred."""
        if self.barred:
            raise CommandStopped("it was stopped.")
        async with asyncio.timeout(timeout):
            await self._open().send(data)

    async def write_past(self, data: bytes) -> None:
        """Send all of `data`, barred or not: for the stop itself."""
        await self._open().send(data)

    async def _fill(self, enough: Callable[[], bool], timeout: float) -> bool:
        """Receive until `enough()`; False when the other end closed before. Raises `TimeoutError`."""
        if enough():  # most reads are of one byte, of many that came together
            return True
        async with self._reading, asyncio.timeout(timeout):
            while not enough():
                data = await self._open().receive()
                if not data:
                    return False
                self._buffer += data
        return True

    def _take(self, count: int) -> bytes:
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data

    def _open(self) -> Transport:
        if self._transport is None:
            raise ConnectionLost("not connected.", hint="Connect the device again.")
        return self._transport


class TransportSocket(TransportIo):
    """Stands in for `pylabrobot.io.socket.Socket`: the same reads, each with its timeout in seconds."""

    def __init__(self, dial: Dial, read_timeout: float = 30.0) -> None:
        super().__init__(dial)
        self._read_timeout = read_timeout

    async def read(self, num_bytes: int = 128, timeout: float | None = None) -> bytes:
        """Up to `num_bytes`, at least one; b"" when the other end closed."""
        await self._await(lambda: bool(self._buffer), timeout)
        return self._take(num_bytes)

    async def readline(self, timeout: float | None = None) -> bytes:
        """One line with its newline."""
        return await self.readuntil(b"\n", timeout)

    async def readuntil(self, separator: bytes = b"\n", timeout: float | None = None) -> bytes:
        """Everything up to a separator, which is included."""
        if not await self._await(lambda: separator in self._buffer, timeout):
            raise _ended()
        return self._take(self._buffer.index(separator) + len(separator))

    async def read_exact(self, num_bytes: int, timeout: float | None = None) -> bytes:
        """Exactly `num_bytes`."""
        if not await self._await(lambda: len(self._buffer) >= num_bytes, timeout):
            raise _ended()
        return self._take(num_bytes)

    async def read_until_eof(self, chunk_size: int = 1024, timeout: float | None = None) -> bytes:
        """Everything until the other end closes."""
        await self._await(lambda: False, timeout)
        return self._take(len(self._buffer))

    async def _await(self, enough: Callable[[], bool], timeout: float | None) -> bool:
        seconds = self._read_timeout if timeout is None else timeout
        try:
            return await self._fill(enough, seconds)
        except TimeoutError as error:
            raise TimeoutError(f"no answer within {seconds:g} s") from error


class TransportSerial(TransportIo):
    """Stands in for `pylabrobot.io.serial.Serial`: a read that times out returns what has come, as pyserial's.

    Line speed and framing belong to the transport's address. Modem lines are not offered: a transport is a stream
    of bytes, with breaks where it is a serial line.
    """

    def __init__(self, dial: Dial, timeout: float = 1.0) -> None:
        super().__init__(dial)
        self.timeout = timeout

    async def read(self, num_bytes: int = 1) -> bytes:
        """`num_bytes`, or what came within the timeout."""
        await self._await(lambda: len(self._buffer) >= num_bytes)
        return self._take(num_bytes)

    async def readline(self) -> bytes:
        """One line with its newline, or what came of it within the timeout."""
        await self._await(lambda: b"\n" in self._buffer)
        end = self._buffer.find(b"\n") + 1
        return self._take(end or len(self._buffer))

    async def reset_input_buffer(self) -> None:
        """Forget what has arrived."""
        transport = self._open()
        await asyncio.sleep(0)  # lets the loop collect what the line has already brought
        with contextlib.suppress(TimeoutError):
            async with self._reading, asyncio.timeout(0):
                while await transport.receive():
                    pass
        self._buffer.clear()

    async def send_break(self, duration: float) -> None:
        """Hold the line in break for so many seconds."""
        await self._open().send_break(duration)

    async def reset_output_buffer(self) -> None:
        """Nothing waits here: `write` hands everything on."""

    async def _await(self, enough: Callable[[], bool]) -> None:
        with contextlib.suppress(TimeoutError):
            if not await self._fill(enough, self.timeout):
                raise _ended()


class QuestionSerial(TransportSerial, ABC):
    """A line of one request, one reply; a question that changes nothing is asked again where no reply can be read.

    Replies have no numbers. A device answers in order, so what it still owes comes right behind a late reply: after a
    question that was asked again the line is let fall silent, and nothing of it is taken for the next reply.
    """

    _asked = b""

    @abstractmethod
    def _is_question(self, request: bytes) -> bool:
        """Whether a request changes nothing."""

    @abstractmethod
    async def _reply(self) -> bytes:
        """One reply that fits what was asked; raises `ReplyTimeout` and `ProtocolViolation`."""

    async def write(self, data: bytes, timeout: float | None = None) -> None:
        """Send all of `data`, after forgetting a reply that came too late for its question."""
        await self.reset_input_buffer()
        self._asked = data
        await super().write(data, timeout)

    async def read(self, num_bytes: int = 1) -> bytes:
        """One whole reply, however long."""
        left = ASKED_AGAIN if self._is_question(self._asked) else 0
        was_lost = False
        while True:
            try:
                reply = await self._reply()
                break
            except (ReplyTimeout, ProtocolViolation):
                if not left:
                    raise
            left, was_lost = left - 1, True
            await self._fall_silent()
            await super().write(self._asked)
        if was_lost:
            await self._fall_silent()
        return reply

    async def _fall_silent(self) -> None:
        """Forget what comes, until nothing has come for `QUIET_S`; raises `ProtocolViolation` where it does not end."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + FLOOD_S
        while loop.time() < until_s:
            self._buffer.clear()
            try:
                if not await self._fill(lambda: bool(self._buffer), QUIET_S):
                    raise _ended()
            except TimeoutError:
                return
        raise ProtocolViolation(f"the line does not fall silent within {FLOOD_S:g} s.")


def _ended() -> ConnectionLost:
    return ConnectionLost("the device closed the connection before it had answered.")


@contextlib.contextmanager
def fenced(device: str, explain: Explain) -> Iterator[None]:
    """Turn whatever PyLabRobot raises inside into a `DeviceError` of `device`. Cancellation passes."""
    try:
        yield
    except Exception as error:
        told = _told(error, explain)
        told.device = told.device or device
        raise told from (None if told is error else error)


def _told(error: BaseException, explain: Explain) -> DeviceError:
    chain = [error]
    while (cause := chain[-1].__cause__) is not None:
        chain.append(cause)
    ours = next((link for link in chain if isinstance(link, DeviceError)), None)
    if ours is not None:
        return ours
    root = chain[-1]
    explained = explain(root)
    if explained is not None:
        return explained
    if any(isinstance(link, TimeoutError) for link in chain):
        return ReplyTimeout(f"{error}.", hint="Connect the device again before its next command.")
    if isinstance(root, AssertionError | NotImplementedError):
        return CommandRefused(f"{root}.")
    if isinstance(root, ValueError | TypeError | LookupError):
        return ProtocolViolation(f"the answer cannot be read: {root}.")
    if isinstance(root, OSError):
        return ConnectionLost(f"{root}.")
    return CommandFailed(f"{type(root).__name__}: {root}.")
