"""USB packets as a stream of lines; PyLabRobot's USB object is replaced, for want of a bus."""

import asyncio
from typing import Any, ClassVar

import pytest

from drivers.core.errors import ConnectionFailed, ConnectionLost
from drivers.core.transport import port_at, transport_class
from drivers.transports.usb import UsbTransport


class Bus:
    """What PyLabRobot's object does, without a bus."""

    made: ClassVar[list["Bus"]] = []

    def __init__(self, **what: Any) -> None:
        self.what, self.packets, self.answers = what, list[bytes](), [b"C0RMid0001er00/00kb0F"]
        Bus.made.append(self)

    async def setup(self) -> None:
        if self.what["serial_number"] == "none":
            raise RuntimeError("USB device not found.")

    async def write(self, data: bytes) -> None:
        if not data:
            raise OSError("gone")
        self.packets.append(data)

    async def read(self) -> bytes:
        if self.answers:
            return self.answers.pop(0)
        raise OSError("gone")

    async def stop(self) -> None:
        self.packets.append(b"stopped")


def test_packets_and_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pylabrobot.io.usb.USB", Bus)

    async def main() -> None:
        assert transport_class("usb") is UsbTransport
        line = port_at("usb://08af:8000?serial=1234").transport()
        await line.open()
        bus = Bus.made[-1]
        assert (bus.what["id_vendor"], bus.what["id_product"], bus.what["serial_number"]) == (0x08AF, 0x8000, "1234")
        await line.send(b"C0RMid0001\nC0Q")
        await line.send(b"Mid0002\n")
        assert bus.packets == [b"C0RMid0001", b"C0QMid0002"]
        assert await line.receive() == b"C0RMid0001er00/00kb0F\n"
        assert await line.receive() == b""
        with pytest.raises(ConnectionLost, match="gone"):
            await line.send(b"\n")
        await line.close()
        await line.close()
        assert bus.packets[-1] == b"stopped"
        with pytest.raises(ConnectionLost, match="closed"):
            await line.send(b"C0RMid0001\n")
        with pytest.raises(ConnectionFailed, match="not found"):
            await UsbTransport("usb://08af:8000?serial=none").open()
        with pytest.raises(ConnectionFailed, match="Write usb://"):
            UsbTransport("usb://star")

    asyncio.run(main())
