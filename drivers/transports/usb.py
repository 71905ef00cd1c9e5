"""A USB instrument that talks in packets, as a stream with one message a line: for `usb:` addresses.

`usb://08af:8000` names vendor and product in hexadecimal digits, `?serial=...` one of several. PyLabRobot's own USB
object does the work in a thread of its own, so it needs its extra `usb` (pyusb and libusb) and runs in real time only.
A line feed ends each message on our side; none goes over the wire, where packets keep messages apart.
"""

import asyncio
import contextlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

from drivers.core.errors import ConnectionFailed, ConnectionLost
from drivers.core.transport import Transport

END = b"\n"
#: How long one look for a packet takes, s; a close waits no longer than that.
LOOK_S = 1


class UsbTransport(Transport):
    """One instrument on USB."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        vendor, _, product = parts.netloc.partition(":")
        try:
            self._vendor, self._product = int(vendor, 16), int(product, 16)
        except ValueError:
            raise ConnectionFailed(
                f"{address} names no vendor and product.", hint="Write usb://08af:8000, perhaps with ?serial=NUMBER."
            ) from None
        self._serial = next(iter(parse_qs(parts.query).get("serial", ())), None)
        self._address = address
        self._usb: Any = None
        self._sending = b""

    async def open(self) -> None:
        """Find and claim the instrument."""
        if self._usb is not None:
            return
        from pylabrobot.io.usb import USB

        usb = USB(
            human_readable_device_name=self._address, id_vendor=self._vendor, id_product=self._product,
            serial_number=self._serial, packet_read_timeout=LOOK_S, read_timeout=LOOK_S, max_workers=2,
        )  # fmt: skip
        try:
            await usb.setup()
        except (RuntimeError, OSError, ValueError) as error:
            raise ConnectionFailed(f"{self._address}: {error}", hint="Is it on, and is its cable in?") from error
        self._usb = usb

    async def send(self, data: bytes) -> None:
        """One packet for each message that `data` completes."""
        *messages, self._sending = (self._sending + data).split(END)
        for message in messages:
            try:
                await self._claimed().write(message)
            except (RuntimeError, OSError) as error:
                raise ConnectionLost(f"{self._address}: {error}") from error

    async def receive(self) -> bytes:
        """The next message, with our line feed; b"" once the instrument is closed or gone."""
        while self._usb is not None:
            try:
                return bytes(await self._usb.read()) + END
            except TimeoutError:
                await asyncio.sleep(0)
            except (RuntimeError, OSError):
                break
        return b""

    async def close(self) -> None:
        """Give it back."""
        usb, self._usb = self._usb, None
        if usb is not None:
            with contextlib.suppress(RuntimeError, OSError, ValueError):
                await usb.stop()

    def _claimed(self) -> Any:
        if self._usb is None:
            raise ConnectionLost(f"{self._address} is closed.")
        return self._usb
