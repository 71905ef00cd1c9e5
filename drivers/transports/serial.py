"""Bytes over a serial line: a port of this machine, or any URL that pyserial knows (`socket:`, `rfc2217:`).

    serial:///dev/ttyUSB0?baud=9600&parity=E       a port of this machine
    serial:socket://127.0.0.1:4001                 a plain serial server
    serial:rfc2217://gateway.example:4001?baud=9600

Nothing blocks the loop: opening and closing run in the loop's executor; reading waits for the port's file
descriptor, and where there is none (RFC 2217) a thread reads.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import serial

from drivers.core.errors import ConnectionFailed, ConnectionLost
from drivers.core.inbox import Inbox
from drivers.core.transport import Transport

#: Keys of an address, what pyserial calls them, and how their text is read.
SETTINGS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "baud": ("baudrate", int),
    "bits": ("bytesize", int),
    "parity": ("parity", str.upper),
    "stop": ("stopbits", float),
    "rtscts": ("rtscts", lambda text: text == "1"),
}
_POLL_S = 0.1  # how long a thread's read may take before it looks whether the port was closed


def parse(address: str) -> tuple[str, dict[str, Any]]:
    """pyserial's name of the port, and its settings; raises `ConnectionFailed` for a setting that is not one.

    >>> parse("serial:///dev/ttyUSB0?baud=19200&parity=e")
    ('/dev/ttyUSB0', {'baudrate': 19200, 'parity': 'E'})
    >>> parse("serial:socket://127.0.0.1:4001")
    ('socket://127.0.0.1:4001', {})
    """
    rest = address.removeprefix("serial:")
    port, _, query = rest.partition("?")
    is_url = not rest.startswith("//") and "://" in rest
    settings, others = {}, []
    for key, text in parse_qsl(query, keep_blank_values=True):
        if key not in SETTINGS:
            others.append((key, text))
            continue
        name, read = SETTINGS[key]
        try:
            settings[name] = read(text)
        except ValueError as error:
            raise ConnectionFailed(f"{address}: '{key}={text}' is not a number.") from error
    if others and not is_url:
        raise ConnectionFailed(
            f"{address}: '{others[0][0]}' is not a setting of a serial line.",
            hint=f"There are: {', '.join(SETTINGS)}.",
        )
    if is_url:
        return port + ("?" + urlencode(others) if others else ""), settings
    parts = urlsplit(rest)
    return parts.netloc + parts.path, settings


class SerialTransport(Transport):
    """One serial line, 9600 baud 8N1 where the address does not say otherwise."""

    def __init__(self, address: str) -> None:
        self._name, self._settings = parse(address)
        self._port: Any = None
        self._fd: int | None = None
        self._threads: ThreadPoolExecutor | None = None
        self._inbox = Inbox()
        self._sending = asyncio.Lock()

    async def open(self) -> None:
        """Open the port and listen to it."""
        if self._port is not None:
            return
        loop = asyncio.get_running_loop()
        try:
            self._port = await loop.run_in_executor(None, self._open)
        except (serial.SerialException, ValueError, OSError) as error:
            raise ConnectionFailed(
                f"serial port {self._name} cannot be opened: {error}.",
                hint="Is it plugged in, and may this user read and write it?",
            ) from error
        self._inbox = Inbox()
        self._fd = _file_descriptor(self._port)
        if self._fd is not None:
            loop.add_reader(self._fd, self._readable, self._fd)
        else:
            self._threads = ThreadPoolExecutor(2, thread_name_prefix=f"serial {self._name}")
            self._threads.submit(self._read_forever, self._port, loop)

    def _open(self) -> Any:
        # A second program on the same port would take half of the replies.
        lock = {} if "://" in self._name else {"exclusive": True}
        return serial.serial_for_url(self._name, timeout=_POLL_S, **lock, **self._settings)

    def _readable(self, fd: int) -> None:
        try:
            data = os.read(fd, 4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._inbox.put(data)
        else:
            asyncio.get_running_loop().remove_reader(fd)
            self._inbox.end()

    def _read_forever(self, port: Any, loop: asyncio.AbstractEventLoop) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is gone
            try:
                while port.is_open:
                    if data := port.read(max(1, port.in_waiting)):
                        loop.call_soon_threadsafe(self._inbox.put, data)
            except (OSError, TypeError, AttributeError):  # what pyserial raises for a port closed meanwhile
                pass
            loop.call_soon_threadsafe(self._inbox.end)

    async def send(self, data: bytes) -> None:
        """Hand the bytes to the port, waiting where its buffer is full."""
        if self._port is None:
            raise ConnectionLost(f"serial port {self._name} is closed.")
        try:
            if self._fd is None:
                await asyncio.get_running_loop().run_in_executor(self._threads, self._port.write, data)
            else:
                async with self._sending:  # a long message may need several goes
                    await self._write(self._fd, data)
        except OSError as error:
            raise ConnectionLost(f"serial port {self._name}: {error}.") from error

    async def _write(self, fd: int, data: bytes) -> None:
        left = memoryview(data)
        while left:
            try:
                left = left[os.write(fd, left) :]
            except BlockingIOError:
                await _writable(fd)

    async def send_break(self, duration_s: float) -> None:
        """Hold the line in break; ports that know none (`socket:`) let it pass."""
        if self._port is None:
            raise ConnectionLost(f"serial port {self._name} is closed.")
        try:
            self._port.break_condition = True
            await asyncio.sleep(duration_s)
            self._port.break_condition = False
        except OSError as error:
            raise ConnectionLost(f"serial port {self._name}: {error}.") from error

    async def receive(self) -> bytes:
        """The next bytes; b"" when the port is gone."""
        return await self._inbox.take()

    async def close(self) -> None:
        """Stop listening and give the port back."""
        if self._port is None:
            return
        port, self._port = self._port, None
        loop = asyncio.get_running_loop()
        if self._fd is not None:
            loop.remove_reader(self._fd)
        with contextlib.suppress(OSError):
            await loop.run_in_executor(None, port.close)
        if self._threads is not None:
            self._threads.shutdown(wait=False)
            self._threads = None
        self._inbox.end()


def _file_descriptor(port: Any) -> int | None:
    """The descriptor that tells when bytes are there; None for a port that has none."""
    try:
        number: int = port.fileno()
    except (OSError, AttributeError):
        return None
    return number


async def _writable(fd: int) -> None:
    loop = asyncio.get_running_loop()
    ready = loop.create_future()

    def wake() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_writer(fd, wake)
    try:
        await ready
    finally:
        loop.remove_writer(fd)
