"""The STX44's driver on its twin, in virtual time: what it sends, what it refuses, how it stops and fails."""

import asyncio

import pytest

from drivers.core.errors import (
    CommandFailed,
    CommandRefused,
    CommandStopped,
    ConnectionLost,
    LimitError,
    ProtocolViolation,
    ReplyTimeout,
)
from drivers.core.instrument import Command
from drivers.core.labware import kind
from drivers.transports.serial import SerialTransport
from sim_lab import clock

PLATE = kind("plate_96_flat")
IN = {"labware": "plate", "source": "incubator.transfer", "destination": "incubator.25"}
OUT = {"labware": "plate", "source": "incubator.25", "destination": "incubator.transfer"}


def run(main):
    return clock.run(main, epoch_s=0.0)


@pytest.fixture
def bench(tapped):
    async def make(**options):
        lab = tapped("liconic.stx", **options)
        lab.world.place("plate", PLATE, "incubator.transfer")
        await lab.device.connect()
        return lab

    return make


def test_the_bytes_of_a_move(bench):
    async def main():
        lab = await bench()
        assert lab.sent == [b"CR\r", b"ST 1801\r", b"RD 1915\r"]
        lab.sent.clear()
        await lab.device.move_labware(**IN)
        sent = [data for data in lab.sent if data != b"RD 1915\r"]
        assert sent == [b"WR DM0 2\r", b"WR DM23 788\r", b"WR DM25 22\r", b"WR DM5 3\r", b"ST 1904\r", b"ST 1903\r"]
        assert lab.world.at == {"incubator.25": "plate"}
        lab.sent.clear()
        await lab.device.move_labware(**OUT)
        assert b"ST 1905\r" in lab.sent
        assert lab.world.at == {"incubator.transfer": "plate"}

    run(main)


@pytest.mark.parametrize("tenth", range(40, 500, 23))
def test_every_tenth_of_a_degree_can_be_set(bench, tenth):
    async def main():
        lab = await bench()
        await lab.device.set_temperature(tenth / 10)
        assert f"WR DM890 {tenth:05d}\r".encode() in lab.sent
        (there,) = await lab.device.measure()
        assert there.value == pytest.approx(tenth / 10, abs=0.51)

    run(main)


def test_a_cooler_is_cold(bench):
    async def main():
        lab = await bench(model="STX44_HC")
        await lab.device.move_labware(**IN)
        await asyncio.sleep(3600)
        assert lab.world.labware["plate"].body.at(lab.world.now()) == pytest.approx(4.0, abs=0.1)

    run(main)


def test_limits_before_the_wire(bench):
    async def main():
        lab = await bench(limits={"temperature": ["4 degC", "20 degC"]})
        lab.sent.clear()
        for refused in (3.9, 20.1, float("nan")):
            with pytest.raises(LimitError):
                await lab.device.set_temperature(refused)
        for source, destination in (("incubator.1", "incubator.2"), ("incubator.transfer", "incubator.45")):
            with pytest.raises(CommandRefused):
                await lab.device.move_labware("plate", source, destination)
        assert lab.sent == []

    run(main)


def test_an_empty_slot_is_a_failure_and_connecting_again_a_way_back(bench):
    async def main():
        lab = await bench()
        await lab.device.move_labware(**IN)
        with pytest.raises(CommandFailed):
            await lab.device.move_labware("other", "incubator.8", "incubator.transfer")
        with pytest.raises(CommandFailed, match="its last motion failed"):
            await lab.device.make_safe()
        await lab.device.connect(force_reconnect=True)
        await lab.device.make_safe()
        await lab.device.move_labware(**OUT)

    run(main)


@pytest.mark.parametrize("after_s", [0.01, 5.0, 15.0])
def test_a_stop_ends_the_verb_at_once_and_nothing_more_is_sent(bench, after_s):
    async def main():
        lab = await bench()
        moving = asyncio.create_task(lab.do("move_labware", **IN))
        await asyncio.sleep(after_s)
        asked_s = lab.world.now()
        lab.sent.clear()
        await lab.device.stop()
        with pytest.raises(CommandStopped):
            await moving
        assert lab.world.now() - asked_s < 2
        assert lab.sent == []
        await lab.device.make_safe()
        found = await lab.device.recall(Command("1", "move_labware", IN))
        assert found.state == ("done" if "incubator.25" in lab.world.at else "not_done")

    run(main)


def test_a_lost_line_in_mid_move_and_the_way_back(bench):
    async def main():
        lab = await bench()
        moving = asyncio.create_task(lab.do("move_labware", **IN))
        await asyncio.sleep(5)
        await lab.lines[-1].inner.close()
        with pytest.raises(ConnectionLost) as lost:
            await moving
        assert lost.value.outcome == "unknown"
        await lab.device.connect(force_reconnect=True)
        assert (await lab.device.recall(Command("1", "move_labware", IN))).state == "done"
        await lab.do("move_labware", **OUT)

    run(main)


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (b"hello\r\n", ProtocolViolation, "cannot be read"),
        (b"\xff\xfe\r\n", ProtocolViolation, "cannot be read"),
        (b"E1\r\n", CommandRefused, "Invalid command"),
        (b"", ConnectionLost, "closed the connection"),
        (b"O", ReplyTimeout, "no answer"),
        (b"OK\r\n", ProtocolViolation, "cannot be read"),
    ],
)
def test_a_wrong_answer_is_an_error_and_never_a_hang(bench, answer, error, text):
    async def main():
        lab = await bench()
        began_s = lab.world.now()
        lab.spoil = lambda data: answer
        with pytest.raises(error, match=text) as wrong:
            await lab.device.move_labware(**IN)
        assert wrong.value.device == "incubator"
        assert lab.world.now() - began_s < 150
        lab.spoil = lambda data: data
        await lab.device.connect(force_reconnect=True)
        assert (await lab.device.recall(Command("1", "move_labware", IN))).state in ("done", "not_done")

    run(main)


@pytest.mark.parametrize("noise", [b"\xb1\r\n", b"1", b"OK\r\n", b"E1\r\n"])
def test_a_question_is_asked_again_and_an_action_never(bench, noise):
    """One garbled look at a relay is no reason to give up a plate that is on its way."""

    async def main():
        lab = await bench()
        lab.sent.clear()
        struck = []

        def spoil(data):
            if lab.sent[-1] == b"RD 1915\r" and len(struck) < 2:
                struck.append(data)
                return noise
            return data

        lab.spoil = spoil
        await lab.device.move_labware(**IN)
        assert len(struck) == 2
        assert lab.world.at == {IN["destination"]: "plate"}
        assert lab.sent.count(b"ST 1904\r") == 1
        lab.spoil = lambda data: b"\xcf\r\n" if lab.sent[-1] == b"ST 1905\r" else data
        with pytest.raises(ProtocolViolation, match="cannot be read"):
            await lab.device.move_labware(**OUT)
        assert lab.sent.count(b"ST 1905\r") == 1

    run(main)


def test_a_late_answer_to_a_question_is_not_taken_for_the_next_one(bench):
    async def main():
        lab = await bench()
        lab.sent.clear()
        loop, answers = asyncio.get_running_loop(), []

        def late(data):  # the first question is answered late: so is its repetition, once the next may be asked
            if lab.sent[-1] == b"RD DM890\r":
                answers.append(data)
                if len(answers) == 1:
                    return b"0"
                if len(answers) == 2:
                    loop.call_later(0.1, lab.lines[-1].inner._near.put, b"00999\r\n")
            return data

        lab.spoil = late
        (there,) = await lab.device.measure()
        assert there.value == pytest.approx(37.0, abs=0.5)
        assert lab.sent == [b"RD DM890\r", b"RD DM890\r", b"RD DM982\r"]

    run(main)


def test_a_break_reaches_a_serial_line():
    """PyLabRobot's set-up asks for one of 0.2 s; a pseudo-terminal lets it pass."""

    async def main():
        import os

        master, slave = os.openpty()
        line = SerialTransport(f"serial://{os.ttyname(slave)}?parity=E")
        await line.open()
        seen = []
        type(line._port).break_condition  # noqa: B018 - pyserial has it
        port = line._port
        line._port = type("Port", (), {
            "__setattr__": lambda self, name, value: seen.append((name, value)), "close": port.close,
        })()  # fmt: skip
        await line.send_break(0.01)
        line._port = port
        await line.close()
        os.close(master)
        os.close(slave)
        assert seen == [("break_condition", True), ("break_condition", False)]

    asyncio.run(main())
