"""The incubator's driver on its twin, in virtual time: what it sends, what it refuses, how it stops and fails."""

import asyncio

import pytest

from drivers.core.errors import (
    CommandFailed,
    CommandRefused,
    CommandStopped,
    ConnectionLost,
    DeviceError,
    LimitError,
    ProtocolViolation,
    ReplyTimeout,
)
from drivers.core.instrument import Command
from drivers.core.labware import kind
from drivers.core.transport import Port, Transport
from sim_lab import clock

PLATE = kind("plate_96_flat")
IN = {"labware": "plate", "source": "incubator.transfer", "destination": "incubator.7"}
OUT = {"labware": "plate", "source": "incubator.7", "destination": "incubator.transfer"}


def run(main):
    return clock.run(main, epoch_s=0.0)


@pytest.fixture
def bench(tapped):
    async def make(**options):
        lab = tapped("thermo.cytomat", **options)
        lab.world.place("plate", PLATE, "incubator.transfer")
        await lab.device.connect()
        return lab

    return make


def test_the_bytes_of_a_move(bench):
    async def main():
        lab = await bench()
        assert lab.sent[:3] == [b"?\r", b"ch:bs\r\n", b"ll:in\r\n"]
        assert set(lab.sent[3:]) == {b"ch:bs\r\n"}
        lab.sent.clear()
        await lab.device.move_labware(**IN)
        assert lab.sent[0] == b"mv:ts 007\r\n"
        await lab.device.move_labware(**OUT)
        assert b"mv:st 007\r\n" in lab.sent

    run(main)


def test_the_plate_goes_in_and_comes_out(bench):
    async def main():
        lab = await bench()
        began_s = lab.world.now()
        await lab.device.move_labware(**IN)
        assert lab.world.at == {"incubator.7": "plate"}
        assert 20 < lab.world.now() - began_s < 40
        await lab.device.move_labware(**OUT)
        assert lab.world.at == {"incubator.transfer": "plate"}

    run(main)


def test_the_plate_follows_the_chamber_and_the_chamber_its_set_point(bench):
    async def main():
        lab = await bench()
        plate = lab.world.labware["plate"]
        await lab.device.move_labware(**IN)
        await asyncio.sleep(3600)
        assert plate.body.at(lab.world.now()) == pytest.approx(37.0, abs=0.1)
        warming = asyncio.create_task(lab.device.set_temperature(45.04))
        await asyncio.sleep(600)
        chamber = lab.twin.chamber.at(lab.world.now())
        assert plate.body.at(lab.world.now()) < chamber < 44
        await warming
        assert b"ll:it 45.0\r\n" in lab.sent
        (there,) = await lab.device.measure()
        assert there.value == pytest.approx(45.0, abs=0.5)
        await lab.device.move_labware(**OUT)
        await asyncio.sleep(3600)
        assert plate.body.at(lab.world.now()) == pytest.approx(22.0, abs=0.1)

    run(main)


def test_limits_before_the_wire(bench):
    async def main():
        lab = await bench(limits={"temperature": ["30 degC", "40 degC"]})
        lab.sent.clear()
        for refused in (29.9, 40.1, float("nan")):
            with pytest.raises(LimitError):
                await lab.device.set_temperature(refused)
        for source, destination in (("incubator.1", "incubator.2"), ("hotel.1", "incubator.2"), ("moon", "mars")):
            with pytest.raises(CommandRefused, match="between incubator.transfer and its slots"):
                await lab.device.move_labware("plate", source, destination)
        assert lab.sent == []

    run(main)


@pytest.mark.parametrize(
    ("move", "text"),
    [
        (OUT, "Transfer station occupied"),
        ({**IN, "destination": "incubator.99"}, "Unknown location"),
    ],
)
def test_a_refusal_is_no_failure(bench, move, text):
    async def main():
        lab = await bench()
        with pytest.raises(CommandRefused, match=text):
            await lab.device.move_labware(**move)
        await lab.device.move_labware(**IN)

    run(main)


def test_an_empty_slot_is_a_failure_and_the_device_says_which(bench):
    async def main():
        lab = await bench()
        await lab.device.move_labware(**IN)
        with pytest.raises(CommandFailed, match="not loaded on handler shovel"):
            await lab.device.move_labware("other", "incubator.8", "incubator.transfer")
        await lab.device.move_labware(**OUT)  # PyLabRobot has reset the register

    run(main)


def test_a_plate_that_stays_on_the_shovel_is_for_a_person(bench):
    async def main():
        lab = await bench()
        await lab.device.move_labware(**IN)
        lab.world.place("second", PLATE, "incubator.transfer")
        with pytest.raises(CommandFailed, match="not unloaded from handler shovel"):
            await lab.device.move_labware(**IN)
        with pytest.raises(CommandFailed, match="a plate is on its shovel"):
            await lab.device.make_safe()
        assert (await lab.device.recall(Command("1", "move_labware", IN))).state == "unknown"

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
        assert lab.twin.held is None
        assert (await lab.device.recall(Command("1", "move_labware", IN))).state == "done"
        await lab.do("move_labware", **OUT)

    run(main)


def test_a_stop_ends_the_wait_for_warmth(bench):
    async def main():
        lab = await bench()
        warming = asyncio.create_task(lab.do("set_temperature", temperature_c=45.0))
        await asyncio.sleep(100)
        await lab.device.stop()
        with pytest.raises(CommandStopped):
            await warming
        assert lab.world.now() < 130

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
        assert b"ll:in\r\n" not in lab.sent  # a new connection disturbs nothing
        assert (await lab.device.recall(Command("1", "move_labware", IN))).state == "done"
        await lab.do("move_labware", **OUT)

    run(main)


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (b"hello\r", ProtocolViolation, "cannot be read"),
        (b"\xff\xfe\r", ProtocolViolation, "cannot be read"),
        (b"bs ZZ\r", ProtocolViolation, "cannot be read"),
        (b"er 02\r", ProtocolViolation, "refuses everything"),
        (b"er 01\r", ProtocolViolation, "refuses everything"),
        (b"", ConnectionLost, "closed the connection"),
        (b"ok 0", ReplyTimeout, "no answer"),
        (b"ok 01\r", ReplyTimeout, "did not complete"),
        (b"it +37.0 +37.0\r", ProtocolViolation, "cannot be read"),
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
        if error is ConnectionLost:
            await lab.device.connect(force_reconnect=True)
        assert (await lab.device.recall(Command("1", "move_labware", IN))).state == "done"

    run(main)


@pytest.mark.parametrize("noise", [b"\xe2\xf3 82\r", b"bs 8", b"it +37.0 +37.0\r"])
def test_a_question_is_asked_again_and_an_action_never(bench, noise):
    """One garbled look at the overview register is no reason to give up a plate that is on its way."""

    async def main():
        lab = await bench()
        lab.sent.clear()
        struck = []

        def spoil(data):
            if lab.sent[-1].startswith(b"ch:bs") and len(struck) < 2:
                struck.append(data)
                return noise
            return data

        lab.spoil = spoil
        await lab.device.move_labware(**IN)
        assert len(struck) == 2
        assert lab.world.at == {IN["destination"]: "plate"}
        assert [data for data in lab.sent if data.startswith(b"mv")] == [b"mv:ts 007\r\n"]
        lab.sent.clear()
        lab.spoil = lambda data: noise if lab.sent[-1].startswith(b"mv") else data
        with pytest.raises((ProtocolViolation, ReplyTimeout)):
            await lab.device.move_labware(**OUT)
        assert [data for data in lab.sent if data.startswith(b"mv")] == [b"mv:st 007\r\n"]

    run(main)


def test_a_silent_device_is_an_error(tapped):
    async def main():
        lab = tapped("thermo.cytomat")

        async def deaf(link):
            await asyncio.sleep(1e6)

        lab.twin.serve = deaf
        with pytest.raises(ReplyTimeout, match="no answer"):
            await lab.device.connect()

    run(main)


def test_a_late_answer_is_not_taken_for_the_next_one(bench):
    async def main():
        lab = await bench()
        await lab.device.measure()
        lab.lines[-1].inner._near.put(b"it +37.0 +99.0\r")
        (there,) = await lab.device.measure()
        assert there.value == 37.0

    run(main)


TELEGRAMS = b"mv:ts 007\r\nll:it 40.0\r\nch:bs\r\n"


@pytest.mark.parametrize("cut", range(len(TELEGRAMS) + 1))
def test_what_a_dead_client_has_begun_to_write_is_never_completed(tapped, cut):
    """A serial line does not tell that its client is gone: what it wrote waits in the device for more."""

    async def main():
        lab = tapped("thermo.cytomat")
        lab.world.place("plate", PLATE, "incubator.transfer")
        line = lab.dial()  # there is only this one, for ever
        await line.send(TELEGRAMS[:cut])

        class Forever(Transport):
            async def open(self):
                pass

            async def send(self, data):
                await line.send(data)

            async def receive(self):
                return await line.receive()

            async def close(self):
                pass

        device = type(lab.device)("incubator", Port("sim:", Forever), lab.device.options, lab.device.limits)
        await device.connect()
        whole = TELEGRAMS[:cut].split(b"\r")[:-1]
        assert (lab.world.on("incubator.7") is not None) == (b"mv:ts 007" in whole)
        assert lab.twin.chamber.target_c == (40.0 if b"\nll:it 40.0" in whole else 37.0)
        await device.make_safe()

    run(main)


def test_a_set_point_that_somebody_changes_is_noticed(bench):
    async def main():
        lab = await bench()
        warming = asyncio.create_task(lab.do("set_temperature", temperature_c=45.0))
        await asyncio.sleep(100)
        lab.twin.set_c = 30.0
        lab.twin.chamber.aim(30.0, lab.world.now())
        with pytest.raises(DeviceError, match="its set-point is 30 degC, not 45"):
            await warming

    run(main)
