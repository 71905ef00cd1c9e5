"""TCP on the loopback: bytes both ways, who closed, and what is said when nobody is there."""

import asyncio
import socket

import pytest

from drivers.core.errors import ConnectionFailed, ConnectionLost
from drivers.core.transport import port_at
from drivers.transports.tcp import TcpTransport


async def _served(handler):
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


def test_bytes_pass_both_ways_at_once_without_nagle():
    async def main():
        nodelay = []

        async def echo(reader, writer):
            while data := await reader.read(100):
                writer.write(data.upper())
            writer.close()

        server, port = await _served(echo)
        async with server:
            transport = port_at(f"tcp://127.0.0.1:{port}").transport()
            assert isinstance(transport, TcpTransport)
            await transport.open()
            await transport.open()  # does nothing
            sock = transport._streams[1].get_extra_info("socket")
            nodelay.append(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            await transport.send(b"hello")
            assert await transport.receive() == b"HELLO"
            await transport.close()
            await transport.close()  # does nothing
        assert nodelay == [1]

    asyncio.run(main())


def test_the_other_end_closing_is_an_empty_read_and_a_reset_too():
    async def main():
        async def hang_up(reader, writer):
            data = await reader.read(100)
            if data == b"reset":
                writer.transport.abort()
            writer.close()

        server, port = await _served(hang_up)
        async with server:
            for goodbye in (b"bye", b"reset"):
                transport = TcpTransport(f"tcp://127.0.0.1:{port}")
                await transport.open()
                await transport.send(goodbye)
                assert await transport.receive() == b""
                await transport.close()

    asyncio.run(main())


def test_a_cancelled_receive_loses_nothing():
    async def main():
        go = asyncio.Event()

        async def late(reader, writer):
            await go.wait()
            writer.write(b"late")
            await reader.read()
            writer.close()

        server, port = await _served(late)
        async with server:
            transport = TcpTransport(f"tcp://127.0.0.1:{port}")
            await transport.open()
            waiting = asyncio.create_task(transport.receive())
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            go.set()
            assert await transport.receive() == b"late"
            await transport.close()

    asyncio.run(main())


def test_nobody_listening_is_a_failed_connection():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        port = taken.getsockname()[1]
        with pytest.raises(ConnectionFailed, match=f"127.0.0.1 port {port}"):
            asyncio.run(TcpTransport(f"tcp://127.0.0.1:{port}").open())


def test_a_closed_connection_is_lost():
    transport = TcpTransport("tcp://127.0.0.1:1")
    with pytest.raises(ConnectionLost):
        asyncio.run(transport.send(b"x"))
    with pytest.raises(ConnectionLost):
        asyncio.run(transport.receive())


@pytest.mark.parametrize("address", ["tcp://127.0.0.1", "tcp:", "tcp://:10100", "tcp://host:port"])
def test_an_address_without_host_and_port_is_refused(address):
    with pytest.raises(ConnectionFailed, match="tcp://host:port"):
        TcpTransport(address)


@pytest.mark.parametrize(
    ("address", "host", "port", "tls"),
    [
        ("http://ot2.lab.example", "ot2.lab.example", 80, False),
        ("https://ot2.lab.example", "ot2.lab.example", 443, True),
        ("http://ot2.lab.example:31950", "ot2.lab.example", 31950, False),
        ("tcp://[::1]:10100", "::1", 10100, False),
    ],
)
def test_ports_and_tls_of_an_address(address, host, port, tls):
    transport = TcpTransport(address)
    assert (transport._host, transport._port, transport._tls) == (host, port, tls)


def test_another_tcp_port_of_the_same_device():
    transport = port_at("tcp://arm.lab.example:10100").transport(10000)
    assert (transport._host, transport._port) == ("arm.lab.example", 10000)
    with pytest.raises(ConnectionFailed, match="names no host"):
        port_at("serial:///dev/ttyUSB0").transport(10000)
