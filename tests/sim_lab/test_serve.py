"""Twins on real ports: TCP with several doors, and pseudo-terminals."""

import asyncio
import contextlib
import os
import socket

import pytest

from drivers.core.errors import ConnectionFailed
from drivers.core.transport import Transport, port_at
from sim_lab.serve import serve_pty, serve_tcp
from sim_lab.twin import StreamTwin
from sim_lab.world.model import World


def _free_port() -> int:
    """One below those that the system gives to whoever names none: no other test gets it by chance."""
    for port in range(20_000 + os.getpid() % 10_000, 32_000):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise OSError("no port is free")


SECOND = _free_port()


class Echo(StreamTwin):
    """Answers in capitals; on its second port, backwards."""

    tcp_ports = (SECOND,)

    async def serve(self, link: Transport) -> None:
        while data := await link.receive():
            await link.send(data.upper())

    async def serve_port(self, tcp_port: int, link: Transport) -> None:
        while data := await link.receive():
            await link.send(data[::-1])


@pytest.fixture
def echo():
    return Echo("echo", None, World(1, {}))


async def _ask(transport: Transport, data: bytes) -> bytes:
    await transport.open()
    await transport.send(data)
    answer = b""
    while len(answer) < len(data):
        answer += await transport.receive()
    return answer


def test_both_tcp_ports(echo):
    async def main():
        served = await serve_tcp(echo, "127.0.0.1", 0)
        port = served.port()
        assert served.device == "echo"
        assert served.address.startswith("tcp://127.0.0.1:")
        first, second, other = port.transport(), port.transport(), port.transport(SECOND)
        assert await _ask(first, b"abc") == b"ABC"
        assert await _ask(second, b"def") == b"DEF"
        assert await _ask(other, b"abc") == b"cba"
        with pytest.raises(ConnectionFailed, match="no TCP port 1"):
            port.transport(1)
        await served.stop()
        for transport in (first, second, other):
            assert await transport.receive() == b""  # the clients were hung up
            await transport.close()
        with pytest.raises(ConnectionFailed):
            await port_at(served.address).transport().open()

    asyncio.run(main())


def test_a_client_that_breaks_off_does_not_end_the_twin(echo):
    async def main():
        served = await serve_tcp(echo, "127.0.0.1", 0)
        rude = port_at(served.address).transport()
        await rude.open()
        rude._streams[1].transport.abort()
        polite = port_at(served.address).transport()
        assert await _ask(polite, b"still there?") == b"STILL THERE?"
        await polite.close()
        await rude.close()
        await served.stop()

    asyncio.run(main())


def test_a_taken_port_leaves_nothing_open(echo):
    async def main():
        with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
            await serve_tcp(echo, "127.0.0.1", taken.getsockname()[1])
        free = _free_port()  # and when it is the further port that is taken, the first one is given back
        with socket.create_server(("127.0.0.1", SECOND)), pytest.raises(OSError, match="in use"):
            await serve_tcp(echo, "127.0.0.1", free)
        with pytest.raises(ConnectionFailed):
            await port_at(f"tcp://127.0.0.1:{free}").transport().open()

    asyncio.run(main())


def test_a_pseudo_terminal_outlives_its_clients(echo):
    async def main():
        served = await serve_pty(echo)
        for _ in range(2):
            transport = port_at(served.address).transport()
            assert await _ask(transport, b"\x00\x03\x04 raw\r\n") == b"\x00\x03\x04 RAW\r\n"
            await transport.close()
        await served.stop()
        return served.address.removeprefix("serial://")

    assert not os.path.exists(asyncio.run(main()))


def test_a_pseudo_terminal_that_nobody_reads_does_not_block(echo):
    async def main():
        served = await serve_pty(echo)
        name = served.address.removeprefix("serial://")
        line = os.open(name, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        for _ in range(200):
            with contextlib.suppress(BlockingIOError):  # the line is full: nobody reads what is echoed
                os.write(line, b"x" * 100)
            await asyncio.sleep(0)
        os.close(line)
        async with asyncio.timeout(5):
            await served.stop()

    asyncio.run(main())


def test_a_twin_has_no_other_ports_unless_it_says_so():
    class Plain(StreamTwin):
        async def serve(self, link: Transport) -> None:
            await link.close()

    with pytest.raises(ConnectionFailed, match="plain listens on no TCP port 1"):
        asyncio.run(Plain("plain", None, World(1, {})).serve_port(1, None))
