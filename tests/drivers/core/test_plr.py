"""PyLabRobot's io on our transports: no byte is lost, and every failure is one of ours."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.core.errors import (
    CommandFailed,
    CommandRefused,
    CommandStopped,
    ConnectionLost,
    LimitError,
    ProtocolViolation,
    ReplyTimeout,
)
from drivers.core.lines import Lines
from drivers.core.plr import TransportSerial, TransportSocket, fenced
from sim_lab import clock
from sim_lab.link import wire


async def _socket(read_timeout=30.0):
    here, there = wire()
    io = TransportSocket(lambda: here, read_timeout)
    await io.setup()
    return io, there


async def _serial(timeout=1.0):  # noqa: ASYNC109
    here, there = wire()
    io = TransportSerial(lambda: here, timeout)
    await io.setup()
    return io, there


def run(main):
    return clock.run(main, epoch_s=0.0)


def test_socket_reads():
    async def main():
        io, device = await _socket()
        await io.write(b"hello\n")
        assert await device.receive() == b"hello\n"
        await device.send(b"one\r\ntwo\r\nthree;fourfive")
        assert await io.readline() == b"one\r\n"
        assert await io.read(2) == b"tw"
        assert await io.readline() == b"o\r\n"
        assert await io.readuntil(b";") == b"three;"
        assert await io.read_exact(4) == b"four"
        await device.close()
        assert await io.read_until_eof() == b"five"
        assert await io.read() == b""
        for read in (io.readline, lambda: io.read_exact(1)):
            with pytest.raises(ConnectionLost, match="closed the connection"):
                await read()

    run(main)


def test_a_socket_read_that_times_out_keeps_what_has_come():
    async def main():
        io, device = await _socket(read_timeout=5)
        await device.send(b"half a ")
        with pytest.raises(TimeoutError, match="within 5 s"):
            await io.readline()
        assert asyncio.get_running_loop().time() == 5  # on the loop's clock
        with pytest.raises(TimeoutError, match=r"within 0.5 s"):
            await io.readline(timeout=0.5)
        await device.send(b"line\n")
        assert await io.readline() == b"half a line\n"

    run(main)


def test_a_cancelled_read_keeps_what_has_come():
    async def main():
        io, device = await _socket()
        reading = asyncio.create_task(io.readline())
        await asyncio.sleep(0)
        await device.send(b"half")
        await asyncio.sleep(1)
        reading.cancel()
        await device.send(b" done\n")
        await asyncio.gather(reading, return_exceptions=True)
        assert await io.readline() == b"half done\n"

    run(main)


def test_readers_take_turns():
    async def main():
        io, device = await _socket()
        both = asyncio.gather(io.readline(), io.readline())
        await asyncio.sleep(0)
        await device.send(b"first\nsecond\n")
        assert await both == [b"first\n", b"second\n"]

    run(main)


def test_a_new_setup_begins_with_an_empty_buffer():
    async def main():
        lines = []

        def dial():
            here, there = wire()
            lines.append(there)
            return here

        io = TransportSocket(dial)
        assert not io.connected
        with pytest.raises(ConnectionLost, match="not connected"):
            await io.write(b"x")
        await io.setup()
        await lines[0].send(b"stale\nrest")
        assert await io.readline() == b"stale\n"
        await io.setup()
        assert await lines[0].receive() == b""  # the first one was closed
        await lines[1].send(b"fresh\n")
        assert await io.readline() == b"fresh\n"
        await io.stop()
        assert not io.connected

    run(main)


def test_a_stop_bars_the_backend_but_not_itself():
    async def main():
        io, device = await _socket()
        io.barred = True
        with pytest.raises(CommandStopped):
            await io.write(b"start again\n")
        await io.write_past(b"halt\n")
        assert await device.receive() == b"halt\n"
        await device.send(b"0\n")
        assert await io.readline() == b"0\n"  # what is under way is still heard
        io.barred = False
        await io.write(b"go on\n")
        assert await device.receive() == b"go on\n"

    run(main)


def test_serial_reads_return_what_came_in_time():
    async def main():
        io, device = await _serial(timeout=2)
        await device.send(b"ok\r\nno end")
        assert await io.readline() == b"ok\r\n"
        assert await io.readline() == b"no end"
        assert asyncio.get_running_loop().time() == 2
        assert await io.readline() == b""
        await device.send(b"abc")
        assert await io.read(2) == b"ab"
        assert await io.read(5) == b"c"
        await io.reset_output_buffer()
        await device.close()
        with pytest.raises(ConnectionLost):
            await io.readline()

    run(main)


def test_a_serial_flush_forgets_what_has_arrived_and_only_that():
    async def main():
        io, device = await _serial()
        await device.send(b"stale\r\n")
        reading = asyncio.create_task(io.read(100))
        await asyncio.sleep(0.5)
        reading.cancel()
        await device.send(b"also stale\r\n")
        await io.reset_input_buffer()
        await device.send(b"fresh\r\n")
        assert await io.readline() == b"fresh\r\n"
        await device.close()
        await io.reset_input_buffer()

    run(main)


def _nested(inner: Exception) -> Exception:
    """As PyLabRobot's BioShake wraps what happens inside."""
    try:
        try:
            raise inner
        except Exception as error:
            raise RuntimeError("Unexpected error") from error
    except RuntimeError as outer:
        return outer


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (ConnectionLost("gone."), ConnectionLost),
        (_nested(ConnectionLost("gone.")), ConnectionLost),
        (_nested(LimitError("too much.")), LimitError),
        (TimeoutError("no answer within 5 s"), ReplyTimeout),
        (_nested(TimeoutError("late")), ReplyTimeout),
        (AssertionError("Speed 9 RPM is out of range"), CommandRefused),
        (_nested(NotImplementedError("not supported")), CommandRefused),
        (ValueError("invalid literal for int(): 'hello'"), ProtocolViolation),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid"), ProtocolViolation),
        (TypeError("float() argument must be a string"), ProtocolViolation),
        (BrokenPipeError("broken pipe"), ConnectionLost),
        (RuntimeError("anything"), CommandFailed),
    ],
)
def test_every_exception_becomes_one_of_ours(raised, told):
    with pytest.raises(told) as error, fenced("arm", lambda _: None):
        raise raised
    assert error.value.device == "arm"


def test_a_driver_explains_its_own_exceptions_by_the_innermost_one():
    def explain(error):
        return CommandRefused("explained.") if str(error) == "e" else None

    with pytest.raises(CommandRefused, match=r"arm: explained\."), fenced("arm", explain):
        raise _nested(RuntimeError("e"))


def test_cancellation_passes_the_fence():
    with pytest.raises(asyncio.CancelledError), fenced("arm", lambda _: CommandFailed("no")):
        raise asyncio.CancelledError


@given(st.lists(st.binary(max_size=6), max_size=12))
def test_lines_do_not_depend_on_the_pieces(pieces):
    whole = b"".join(pieces)
    lines = Lines(b"\r\n")
    found = [line for piece in pieces for line in lines.feed(piece)]
    assert found == whole.split(b"\r\n")[:-1]
