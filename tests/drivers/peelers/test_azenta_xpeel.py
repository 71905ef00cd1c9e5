"""The peeler's driver on its twin, in virtual time: what it sends, how it stops and fails."""

import asyncio

import pytest

from drivers.core.errors import (
    CommandFailed,
    CommandRefused,
    CommandStopped,
    ConnectionLost,
    ProtocolViolation,
    ReplyTimeout,
)
from drivers.core.instrument import Command
from drivers.core.labware import kind
from drivers.core.transport import Port, Transport
from sim_lab import clock


def run(main):
    return clock.run(main, epoch_s=0.0)


@pytest.fixture
def bench(tapped):
    async def make(**options):
        lab = tapped("azenta.xpeel", **options)
        lab.world.place("plate", kind("plate_96_pcr"), "peeler.tray")
        lab.world.labware["plate"].sealed = True
        await lab.device.connect()
        return lab

    return make


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({}, b"*xpeel:41\r\n"),
        ({"fast": True, "adhere_s": 10.0}, b"*xpeel:34\r\n"),
        ({"begin_mm": -2, "adhere_s": 5.0}, b"*xpeel:22\r\n"),
        ({"begin_mm": 4, "fast": True}, b"*xpeel:71\r\n"),
    ],
)
def test_the_bytes_of_a_peel(bench, options, sent):
    async def main():
        lab = await bench(**options)
        assert lab.sent == [b"?\r\n", b"*stat\r\n"]  # a connection moves nothing
        lab.sent.clear()
        await lab.do("peel", labware="plate")
        assert lab.sent == [sent]

    run(main)


def test_a_plate_is_peeled(bench, capsys):
    async def main():
        lab = await bench()
        await lab.do("peel", labware="plate")
        assert not lab.world.labware["plate"].sealed
        assert "peeler.tray" not in lab.world.closed
        assert 10 < lab.world.now() < 30

    run(main)
    assert capsys.readouterr().out == ""  # PyLabRobot would print what it hears


def test_a_warning_is_no_failure_and_the_end_of_the_tape_is_one(bench):
    async def main():
        lab = await bench()
        lab.twin.seals_left = 1
        await lab.do("peel", labware="plate")
        assert lab.twin.codes == (20,)
        with pytest.raises(CommandFailed, match="its tape is at an end"):
            await lab.do("peel", labware="plate")

    run(main)


@pytest.mark.parametrize("after_s", [0.01, 5.0, 12.0])
def test_a_stop_reaches_the_wire_at_once(bench, after_s):
    async def main():
        lab = await bench()
        peeling = asyncio.create_task(lab.do("peel", labware="plate"))
        await asyncio.sleep(after_s)
        asked_s = lab.world.now()
        await lab.device.stop()
        assert lab.sent[-1] == b"*reset\r\n"
        assert lab.lines[-1].at_s[-1] == asked_s
        with pytest.raises(CommandStopped):
            await peeling
        assert lab.world.now() - asked_s < 2
        assert lab.world.labware["plate"].sealed
        await lab.device.make_safe()
        assert "peeler.tray" not in lab.world.closed
        await lab.do("peel", labware="plate")
        assert not lab.world.labware["plate"].sealed

    run(main)


def test_a_lost_line_in_mid_peel_and_the_way_back(bench):
    async def main():
        lab = await bench()
        peeling = asyncio.create_task(lab.do("peel", labware="plate"))
        await asyncio.sleep(5)
        await lab.lines[-1].inner.close()
        with pytest.raises(ConnectionLost) as lost:
            await peeling
        assert lost.value.outcome == "unknown"
        await lab.device.connect(force_reconnect=True)  # waits for the motion
        assert not lab.world.labware["plate"].sealed
        found = await lab.device.recall(Command("1", "peel", {"labware": "plate"}))
        assert found.state == "unknown"
        assert "no error" in found.evidence

    run(main)


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (b"*ready:05,00,00\r\n", CommandRefused, "does not know the command"),
        (b"*ready:04,20,00\r\n", CommandFailed, "the seal was not removed"),
        (b"*ready:51,00,00\r\n", CommandFailed, "emergency stop"),
        (b"*ready:77,00,00\r\n", CommandFailed, "code 77"),
        (b"*ready:4\r\n", ProtocolViolation, "three codes"),
        (b"*ready:xx,00,00\r\n", ProtocolViolation, "cannot be read"),
        (b"hello\r\n", ReplyTimeout, "did not end"),
        (b"\xff\xfe", ReplyTimeout, "did not end"),
        (b"*ack\r\n", ReplyTimeout, "did not end"),
        (b"", ConnectionLost, "closed the connection"),
    ],
)
def test_a_wrong_answer_is_an_error_and_never_a_hang(bench, answer, error, text):
    async def main():
        lab = await bench()
        began_s = lab.world.now()
        lab.spoil = lambda data: answer
        with pytest.raises(error, match=text) as wrong:
            await lab.do("peel", labware="plate")
        assert wrong.value.device == "peeler"
        assert lab.world.now() - began_s < 90
        lab.spoil = lambda data: data
        await lab.device.connect(force_reconnect=True)
        await lab.do("peel", labware="plate")

    run(main)


LINES = b"*xpeel:41\r\n*moveout\r\n"


@pytest.mark.parametrize("cut", range(len(LINES) + 1))
def test_what_a_dead_client_has_begun_to_write_is_never_completed(tapped, cut):
    """A serial line does not tell that its client is gone: what it wrote waits in the device for more."""

    async def main():
        lab = tapped("azenta.xpeel")
        lab.world.place("plate", kind("plate_96_pcr"), "peeler.tray")
        lab.world.labware["plate"].sealed = True
        line = lab.dial()  # there is only this one, for ever
        await line.send(LINES[:cut])

        class Forever(Transport):
            async def open(self):
                pass

            async def send(self, data):
                await line.send(data)

            async def receive(self):
                return await line.receive()

            async def close(self):
                pass

        device = type(lab.device)("peeler", Port("sim:", Forever), lab.device.options, lab.device.limits)
        await device.connect()
        assert lab.world.labware["plate"].sealed == (cut <= LINES.index(b"\n"))
        await device.make_safe()

    run(main)


def test_the_tape_that_is_left_and_winding_it_on(bench):
    async def main():
        lab = await bench()
        lab.sent.clear()
        before = await lab.do("tape_left")
        await lab.do("advance_tape")
        after = await lab.do("tape_left")
        assert lab.sent == [b"*tapeleft\r\n", b"*movespool\r\n", b"*tapeleft\r\n"]
        assert [(one.quantity, one.value) for one in before] == [("seals_left", 700), ("spool_room", 700)]
        assert after[0].value == 690  # it counts in tens
        await lab.do("peel", labware="plate")

    run(main)
