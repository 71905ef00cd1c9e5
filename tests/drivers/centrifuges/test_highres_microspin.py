"""The centrifuge's driver on its twin, in virtual time: what it sends, what it refuses, how it stops and fails."""

import asyncio

import pytest

from drivers.core.errors import (
    CommandFailed,
    CommandStopped,
    ConnectionFailed,
    ConnectionLost,
    LimitError,
    ProtocolViolation,
    ReplyTimeout,
)
from drivers.core.instrument import Command
from drivers.core.labware import kind
from sim_lab import clock
from sim_lab.twins.highres_microspin import Spun

SPIN = {"force_g": 1000.0, "duration_s": 60.0}


def run(main):
    return clock.run(main, epoch_s=0.0)


@pytest.fixture
def bench(tapped):
    async def make(**options):
        lab = tapped("highres.microspin", **options)
        lab.world.closed.discard("centrifuge.bucket")
        lab.world.place("plate", kind("plate_96_flat"), "centrifuge.bucket")
        lab.world.closed.add("centrifuge.bucket")
        await lab.device.connect()
        return lab

    return make


def test_the_bytes_of_a_spin(bench):
    async def main():
        lab = await bench()
        assert lab.sent == [b"clearbuttonabort\r\n", b"hss\r\n", b"home\r\n"]
        lab.sent.clear()
        await lab.do("open_door")
        assert lab.sent == [b"hss\r\n", b"open 1\r\n"]
        assert "centrifuge.bucket" not in lab.world.closed
        await lab.do("spin", **SPIN)
        assert lab.sent[-1] == b"spin 1000 80 80 60\r\n"
        assert "centrifuge.bucket" in lab.world.closed
        assert lab.twin.spun == [Spun("plate", 1000, 60)]

    run(main)


def test_ramps_are_those_that_were_seen(bench):
    """PyLabRobot: `spin 1000 100 20 10` took about 7 minutes, `spin 1000 100 10 5` more than 17."""

    async def main():
        lab = await bench()
        for decel, low_s, high_s in ((20, 380, 460), (10, 1000, 1200)):
            began_s = lab.world.now()
            await lab.twin._spin(1000, 100, decel, 10)
            assert low_s < lab.world.now() - began_s < high_s

    run(main)


@pytest.mark.parametrize("force_g", [30.0, 1000.0, 3000.0])
@pytest.mark.parametrize("deceleration", [0.6, 1.0])
def test_pylabrobot_waits_long_enough_for_every_spin(bench, force_g, deceleration):
    async def main():
        lab = await bench(acceleration=0.8, deceleration=deceleration)
        await lab.do("spin", force_g=force_g, duration_s=3600.0)
        assert len(lab.twin.spun) == 1

    run(main)


def test_limits_before_the_wire(bench):
    async def main():
        lab = await bench(limits={"force": ["100 xg", "2000 xg"]})
        lab.sent.clear()
        for force, seconds in ((99.0, 10.0), (2001.0, 10.0), (500.0, 0.5), (500.0, 1e6), (float("nan"), 10.0)):
            with pytest.raises(LimitError):
                await lab.do("spin", force_g=force, duration_s=seconds)
        assert lab.sent == []

    run(main)


def test_a_rotor_out_of_balance_trips_and_gives_the_plate_back(bench):
    async def main():
        lab = await bench()
        for well in ("A1", "B1", "C1", "D1"):
            lab.world.fill("plate", well, 10_000.0, {})  # mL where uL belong
        with pytest.raises(CommandFailed, match="out of balance"):
            await lab.do("spin", **SPIN)
        assert lab.twin.spun == []
        await lab.do("open_door")  # homes it first
        assert "centrifuge.bucket" not in lab.world.closed

    run(main)


@pytest.mark.parametrize("after_s", [0.5, 5.0, 60.0, 100.0])
def test_a_stop_brakes_at_once(bench, after_s):
    async def main():
        lab = await bench()
        await lab.do("open_door")
        spinning = asyncio.create_task(lab.do("spin", **SPIN))
        await asyncio.sleep(after_s)
        asked_s = lab.world.now()
        await lab.device.stop()
        assert lab.world.now() - asked_s < 0.1
        assert lab.sent == [b"abort\r\n"]  # on a line of its own
        with pytest.raises(CommandStopped):
            await spinning
        assert lab.world.now() - asked_s < 1
        assert lab.twin.spun == []
        await lab.device.make_safe()
        await lab.do("open_door")
        await lab.do("spin", **SPIN)
        assert len(lab.twin.spun) == 1

    run(main)


def test_an_abort_at_the_device_is_not_taken_back(bench):
    async def main():
        lab = await bench()
        lab.twin.is_latched = True
        for _ in range(2):
            with pytest.raises(CommandFailed, match="at its button"):
                await lab.do("spin", **SPIN)
        await lab.device.connect(force_reconnect=True)  # somebody has looked, and says so
        await lab.do("spin", **SPIN)

    run(main)


def test_a_lost_connection_in_mid_spin_and_the_way_back(bench):
    async def main():
        lab = await bench()
        spinning = asyncio.create_task(lab.do("spin", **SPIN))
        await asyncio.sleep(30)
        await lab.lines[-1].inner.close()
        with pytest.raises(ConnectionLost) as lost:
            await spinning
        assert lost.value.outcome == "unknown"
        await lab.device.connect(force_reconnect=True)  # does not wait, and does not brake
        assert lab.world.now() < 60
        command = Command("1", "spin", SPIN)
        assert (await lab.device.recall(command)).state == "done"
        assert len(lab.twin.spun) == 1
        assert (await lab.device.recall(command)).state == "unknown"
        await lab.do("open_door")
        assert (await lab.device.recall(command)).state == "not_done"

    run(main)


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (b"hello\r\n", ProtocolViolation, "Expected ACK!"),
        (b"ACK! spin 1000 80 80 60\r\n", ReplyTimeout, "no answer"),
        (b"ACK! spin 1000 80 80 60 7\r\nOK! spin 1000 80 80 60 6\r\n", ReplyTimeout, "no answer"),
        (b"ACK! x 7\r\nError 1: (0) -7: rotor is out of balance\r\nERROR! x 7\r\n", CommandFailed, "out of balance"),
        (b"ACK! x 7\r\nERROR! x 7\r\n", CommandFailed, "does not tell why"),
        (b"\xff\xfe\r\n", ProtocolViolation, "Expected ACK!"),
        (b"ACK! sp", ReplyTimeout, "no answer"),
        (b"", ConnectionLost, "closed the connection"),
    ],
)
def test_a_wrong_answer_is_an_error_and_never_a_hang(bench, answer, error, text):
    async def main():
        lab = await bench()
        began_s = lab.world.now()
        lab.spoil = lambda data: answer
        with pytest.raises(error, match=text) as wrong:
            await lab.do("spin", **SPIN)
        assert wrong.value.device == "centrifuge"
        assert lab.world.now() - began_s < 300
        lab.spoil = lambda data: data
        await lab.device.connect(force_reconnect=True)
        await lab.device.make_safe()  # the spin that was not heard of is under way
        await lab.do("spin", **SPIN)

    run(main)


def test_a_safe_end_does_not_wait_for_an_answer_that_was_lost(bench):
    """PyLabRobot asks nothing more on a connection that owes it an answer: a new one is asked, and soon."""

    async def main():
        lab = await bench()
        lost = []

        def spoil(data):
            if b"OK! status" in data and not lost:
                lost.append(data)
                return data[: data.index(b"OK! status")] + b"O! status\r\n"
            return data

        lab.spoil = spoil
        began_s, lines = lab.world.now(), len(lab.lines)
        await lab.device.make_safe()
        assert lost
        assert lab.world.now() - began_s < 240
        assert len(lab.lines) == lines + 1
        await lab.do("open_door")

    run(main)


def test_a_stop_that_reaches_nobody_says_so(bench):
    async def main():
        lab = await bench()

        class Away:
            async def open(self):
                raise ConnectionFailed("nobody there.")

        lab.device.port = type(lab.device.port)("sim:", Away)
        with pytest.raises(ConnectionFailed, match="nobody there"):
            await lab.device.stop()

    run(main)
