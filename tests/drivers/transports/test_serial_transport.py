"""Serial lines: a pseudo-terminal, a serial server over TCP, and an RFC 2217 server of pyserial's own."""

import asyncio
import os
import socket
import threading
import tty

import pytest
import serial
import serial.rfc2217

from drivers.core.errors import ConnectionFailed, ConnectionLost
from drivers.core.transport import port_at
from drivers.transports.serial import SerialTransport, parse


@pytest.fixture
def pty():
    master, slave = os.openpty()
    tty.setraw(slave)
    yield master, os.ttyname(slave)
    os.close(master)
    os.close(slave)


def test_a_port_of_this_machine(pty):
    master, name = pty

    async def main():
        transport = port_at(f"serial://{name}?baud=19200").transport()
        assert isinstance(transport, SerialTransport)
        await transport.open()
        assert transport._port.baudrate == 19200
        await transport.send(b"ping\r")
        assert os.read(master, 100) == b"ping\r"
        os.write(master, b"pong\r\n")
        assert await transport.receive() == b"pong\r\n"
        await transport.close()
        await transport.close()
        with pytest.raises(ConnectionLost):
            await transport.send(b"x")
        assert await transport.receive() == b""

    asyncio.run(main())


def test_a_full_line_makes_send_wait_and_loses_nothing(pty):
    master, name = pty
    message = bytes(range(256)) * 400

    async def main():
        transport = SerialTransport(f"serial://{name}")
        await transport.open()
        sending = asyncio.create_task(transport.send(message))
        await asyncio.sleep(0)
        assert not sending.done()
        received = bytearray()
        while len(received) < len(message):
            received += await asyncio.to_thread(os.read, master, 65536)
        await sending
        assert received == message
        await transport.close()

    asyncio.run(main())


def test_a_cancelled_receive_loses_nothing(pty):
    master, name = pty

    async def main():
        transport = SerialTransport(f"serial://{name}")
        await transport.open()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await transport.receive()
        os.write(master, b"late")
        assert await transport.receive() == b"late"
        await transport.close()

    asyncio.run(main())


def test_the_line_going_away_is_an_empty_read():
    async def main():
        master, slave = os.openpty()
        transport = SerialTransport(f"serial://{os.ttyname(slave)}")
        await transport.open()
        os.close(slave)
        os.close(master)  # as when a USB adapter is pulled
        assert await transport.receive() == b""
        await transport.close()

    asyncio.run(main())


def test_a_second_program_on_the_port_is_told_so(pty):
    _, name = pty

    async def main():
        first, second = SerialTransport(f"serial://{name}"), SerialTransport(f"serial://{name}")
        await first.open()
        with pytest.raises(ConnectionFailed, match="lock"):
            await second.open()
        await first.close()

    asyncio.run(main())


def test_a_serial_server_over_tcp():
    async def main():
        async def echo(reader, writer):
            writer.write((await reader.read(100)).upper())
            await reader.read()
            writer.close()

        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            transport = SerialTransport(f"serial:socket://127.0.0.1:{port}")
            await transport.open()
            await transport.send(b"hello")
            assert await transport.receive() == b"HELLO"
            await transport.close()

    asyncio.run(main())


class _Rfc2217Server(threading.Thread):
    """pyserial's own port manager in front of its loop:// port: what is sent comes back."""

    def __init__(self):
        super().__init__()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = serial.serial_for_url("loop://", timeout=0.02)

    def write(self, data):  # the port manager answers through this
        self.connection.sendall(data)

    def run(self):
        self.connection, _ = self.listener.accept()
        manager = serial.rfc2217.PortManager(self.port, self)
        self.connection.settimeout(0.02)
        while True:
            try:
                data = self.connection.recv(1024)
                if not data:
                    break
                self.port.write(b"".join(manager.filter(data)))
            except TimeoutError:
                pass
            except OSError:
                break
            if echoed := self.port.read(self.port.in_waiting or 1):
                self.connection.sendall(b"".join(manager.escape(echoed)))
        self.connection.close()
        self.listener.close()


@pytest.mark.filterwarnings("ignore:(setDaemon|setName):DeprecationWarning")  # pyserial 3.5
def test_an_rfc2217_server_has_no_descriptor_and_is_read_by_a_thread():
    server = _Rfc2217Server()
    server.start()

    async def main():
        transport = SerialTransport(f"serial:rfc2217://127.0.0.1:{server.listener.getsockname()[1]}?baud=4800")
        await transport.open()
        assert transport._fd is None
        assert transport._port.baudrate == 4800
        await transport.send(b"hello")
        received = b""
        while len(received) < 5:
            received += await transport.receive()
        assert received == b"hello"
        await transport.close()
        assert await transport.receive() == b""

    asyncio.run(main())
    server.join(5)
    assert not server.is_alive()


@pytest.mark.parametrize(
    ("address", "port", "settings"),
    [
        ("serial:///dev/ttyUSB0", "/dev/ttyUSB0", {}),
        ("serial://COM3?bits=7&parity=e&stop=2", "COM3", {"bytesize": 7, "parity": "E", "stopbits": 2.0}),
        ("serial:///dev/ttyS0?rtscts=1", "/dev/ttyS0", {"rtscts": True}),
        (
            "serial:rfc2217://gw.example:4001?ign_set_control&baud=9600",
            "rfc2217://gw.example:4001?ign_set_control=",
            {"baudrate": 9600},
        ),
    ],
)
def test_addresses(address, port, settings):
    assert parse(address) == (port, settings)


@pytest.mark.parametrize("address", ["serial:///dev/ttyUSB0?bauds=9600", "serial:///dev/ttyUSB0?baud=fast"])
def test_settings_that_are_none_are_refused(address):
    with pytest.raises(ConnectionFailed, match="baud"):
        SerialTransport(address)


@pytest.mark.parametrize("address", ["serial:///dev/no-such-port", "serial:nosuch://x:1"])
def test_a_port_that_is_not_there_cannot_be_opened(address):
    with pytest.raises(ConnectionFailed, match="cannot be opened"):
        asyncio.run(SerialTransport(address).open())


def test_settings_that_pyserial_refuses(pty):
    with pytest.raises(ConnectionFailed, match="parity"):
        asyncio.run(SerialTransport(f"serial://{pty[1]}?parity=x").open())
