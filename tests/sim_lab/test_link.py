"""The wire inside the process: order, speed, the end, and readers that give up."""

import asyncio

import pytest

from drivers.core.errors import ConnectionLost
from sim_lab import clock
from sim_lab.link import wire


def test_bytes_take_the_time_of_the_line():
    async def main():
        here, there = wire(9600)
        await here.send(b"0123456789")
        await here.send(b"ab")
        assert await there.receive() == b"0123456789"
        assert asyncio.get_running_loop().time() == pytest.approx(100 / 9600)  # ten bits a byte
        assert await there.receive() == b"ab"
        assert asyncio.get_running_loop().time() == pytest.approx(120 / 9600)

    clock.run(main, epoch_s=0.0)


@pytest.mark.parametrize("baud", [None, 9600])
def test_the_end_comes_after_what_was_sent(baud):
    async def main():
        here, there = wire(baud)
        await here.send(b"last words")
        await here.close()
        assert await there.receive() == b"last words"
        assert await there.receive() == b""
        with pytest.raises(ConnectionLost):
            await there.send(b"anyone?")
        with pytest.raises(ConnectionLost):
            await here.send(b"again")
        assert await here.receive() == b""
        await here.close()

    clock.run(main, epoch_s=0.0)


def test_a_reader_that_gives_up_loses_nothing():
    async def main():
        here, there = wire(300)
        await here.send(b"slow")
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.03):
                    await there.receive()
        assert await there.receive() == b"slow"

    clock.run(main, epoch_s=0.0)
