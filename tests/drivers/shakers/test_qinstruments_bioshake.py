"""The shaker's driver on its twin, in virtual time: what it sends, what it refuses, how it stops and fails."""

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
from drivers.core.transport import Port, Transport
from drivers.shakers.qinstruments_bioshake import DRIVER
from drivers.shakers.qinstruments_bioshake.options import Options
from drivers.shakers.qinstruments_bioshake.wire import ElmState
from sim_lab import clock


def run(main):
    return clock.run(main, epoch_s=0.0)


def test_the_bytes_of_shaking(bench):
    async def main():
        lab = bench()
        await lab.shaker.connect()
        assert lab.line.sent == [b"?\r", b"getShakeState\r", b"getElmState\r", b"setElmUnlockPos\r"]
        lab.line.sent.clear()
        await lab.shaker.perform(Command("1", "shake", {"speed_rpm": 600.0, "duration_s": 30.0}))
        assert [sent for sent in lab.line.sent if sent != b"getShakeState\r"] == [
            b"setElmLockPos\r", b"getShakeMinRpm\r", b"getShakeMaxRpm\r", b"setShakeTargetSpeed600\r",
            b"getShakeAccelerationMin\r", b"getShakeAccelerationMax\r", b"setShakeAcceleration3\r", b"shakeOnWithRuntime40\r",
            b"getShakeActualSpeed\r", b"getShakeAccelerationMin\r", b"getShakeAccelerationMax\r",
            b"setShakeAcceleration3\r", b"shakeOff\r", b"setElmUnlockPos\r",
        ]  # fmt: skip

    run(main)


def test_the_plate_is_shaken_and_free_again(bench):
    async def main():
        lab = bench()
        await lab.shaker.connect()
        for rpm, seconds in ((600.0, 30.0), (200.0, 0.0), (3000.0, 3600.0)):
            await lab.shaker.shake(rpm, seconds)
            shaken = lab.twin.shaken[-1]
            assert shaken.labware == "plate"
            assert seconds <= shaken.duration_s <= seconds + 2  # the backend's own pauses come on top
            assert lab.twin.elm is ElmState.UNLOCKED
            assert not lab.world.clamped
        assert lab.twin.shaken[-1].speed_rpm == 3000

    run(main)


@pytest.mark.parametrize("ramp_s", [0, 3, 10, 30])
def test_the_lock_waits_for_the_table_to_come_home(bench, ramp_s):
    async def main():
        lab = bench(ramp_s=ramp_s)
        await lab.shaker.connect()
        await lab.shaker.shake(1000, 60)
        assert lab.twin.elm is ElmState.UNLOCKED
        assert lab.twin.failures == []

    run(main)


def test_heat_reaches_the_plate_and_leaves_it(bench):
    async def main():
        lab = bench()
        await lab.shaker.connect()
        await lab.shaker.set_temperature(36.9)
        assert b"setTempTarget369\r" in lab.line.sent
        await asyncio.sleep(3600)
        assert lab.plate.body.at(lab.world.now()) == pytest.approx(36.9, abs=0.1)
        await lab.shaker.deactivate()
        await asyncio.sleep(3600)
        assert lab.plate.body.at(lab.world.now()) == pytest.approx(22.0, abs=0.1)

    run(main)


def test_every_tenth_of_a_degree_can_be_set(bench):
    async def main():
        lab = bench()
        await lab.shaker.connect()
        for tenth in range(0, 991, 7):
            await lab.shaker.set_temperature(tenth / 10)
            assert lab.twin.target_c == tenth / 10

    run(main)


def test_limits_before_the_wire(bench):
    async def main():
        limits, wrong = DRIVER.default_limits.narrowed({"speed": ["300 rpm", "1200 rpm"]})
        assert not wrong
        lab = bench(limits=limits)
        await lab.shaker.connect()
        lab.line.sent.clear()
        for refused in (
            lab.shaker.shake(1500, 10),
            lab.shaker.shake(299, 10),
            lab.shaker.shake(float("nan"), 10),
            lab.shaker.shake(600, 8 * 86400),
            lab.shaker.set_temperature(120),
        ):
            with pytest.raises(LimitError) as error:
                await refused
            assert error.value.device == "shaker"
        assert lab.line.sent == []

    run(main)


def test_the_devices_own_range_counts_too(bench, monkeypatch):
    from sim_lab.twins import qinstruments_bioshake

    monkeypatch.setattr(qinstruments_bioshake, "SPEED_RPM", (200, 2000))  # a D30

    async def main():
        lab = bench()
        await lab.shaker.connect()
        with pytest.raises(CommandRefused, match="2500 RPM is out of range"):
            await lab.shaker.shake(2500, 10)

    run(main)


@pytest.mark.parametrize("after_s", [0.1, 1.5, 3.0, 20.0, 62.0, 66.0])
def test_a_stop_reaches_the_wire_at_once(bench, after_s):
    async def main():
        lab = bench()
        await lab.shaker.connect()
        await lab.shaker.set_temperature(40.0)
        loop = asyncio.get_running_loop()
        shaking = asyncio.create_task(
            lab.shaker.perform(Command("1", "shake", {"speed_rpm": 900.0, "duration_s": 60.0}))
        )
        await asyncio.sleep(after_s)
        asked_s = loop.time()
        await lab.shaker.stop()
        assert loop.time() == asked_s
        stops = [when for when, sent in zip(lab.line.at_s, lab.line.sent, strict=True) if b"tempOff" in sent]
        assert stops[-1] == asked_s
        with pytest.raises(CommandStopped):
            await shaking
        assert loop.time() - asked_s < 6
        await asyncio.sleep(10)
        assert not lab.twin.table.is_on
        assert not lab.twin.is_heating
        await lab.shaker.deactivate()  # and from there it can go on
        assert lab.twin.elm is ElmState.UNLOCKED
        await lab.shaker.shake(500, 5)

    run(main)


def test_a_stop_while_nothing_runs_and_without_a_connection(bench):
    async def main():
        lab = bench()
        await lab.shaker.stop()
        assert lab.line.sent == [b"?\rshakeOff\rtempOff\r"]
        await lab.shaker.connect()
        await lab.shaker.set_temperature(40.0)
        await lab.shaker.stop()
        await asyncio.sleep(1)
        assert not lab.twin.is_heating
        await lab.shaker.shake(500, 5)

    run(main)


def test_a_lost_line_in_mid_command_and_the_way_back(bench):
    async def main():
        lab = bench()
        await lab.shaker.connect()
        shaking = asyncio.create_task(lab.shaker.shake(900, 60))
        await asyncio.sleep(30)
        await lab.line.inner.close()
        with pytest.raises(ConnectionLost) as lost:
            await shaking
        assert lost.value.outcome == "unknown"
        assert lab.twin.table.is_on  # nobody could tell it
        await lab.shaker.connect(force_reconnect=True)
        assert lab.twin.table.is_on  # a new connection disturbs nothing
        await lab.shaker.make_safe()
        assert not lab.twin.table.is_on
        await lab.shaker.shake(500, 5)

    run(main)


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (b"hello\r\n", ProtocolViolation, "cannot be read"),
        (b"\xff\xfe\r\n", ReplyTimeout, "No response"),
        (b"", ConnectionLost, "closed the connection"),
        (b"200", ReplyTimeout, "Timed out"),
        (b"ok\r\n", ProtocolViolation, "cannot be read"),
        (b"u -> getShakeMinRpm\r\n", CommandRefused, "not supported"),
        (b"e\r\n", CommandFailed, "error for 'setElmLockPos'"),
    ],
)
def test_a_wrong_answer_is_an_error_and_never_a_hang(bench, answer, error, text):
    async def main():
        lab = bench()
        await lab.shaker.connect()
        began_s = asyncio.get_running_loop().time()
        good = [b"ok\r\n"] if error is not CommandFailed else []  # the lock is still answered rightly
        lab.line.spoil = lambda data: good.pop() if good else answer
        with pytest.raises(error, match=text) as wrong:
            await lab.shaker.shake(500, 5)
        assert wrong.value.device == "shaker"
        assert asyncio.get_running_loop().time() - began_s < 30

    run(main)


def test_a_failure_says_what_the_device_says_of_it(bench):
    async def main():
        lab = bench()
        await lab.shaker.connect()
        lab.twin.table.is_braked = True  # an emergency stop at the device
        with pytest.raises(CommandFailed, match="103 the shaker was not initialised"):
            await lab.shaker.shake(500, 5)

    run(main)


def test_shaking_that_ends_by_itself_is_noticed(bench):
    async def main():
        lab = bench()
        await lab.shaker.connect()
        shaking = asyncio.create_task(lab.shaker.shake(900, 3600))
        await asyncio.sleep(600)
        lab.twin.table.end(lab.world.now())
        with pytest.raises(CommandFailed, match="too early"):
            await shaking
        assert lab.world.now() < 650

    run(main)


def test_connecting_again_ends_a_command_that_runs(bench):
    async def main():
        lab = bench()
        await lab.shaker.connect()
        shaking = asyncio.create_task(
            lab.shaker.perform(Command("1", "shake", {"speed_rpm": 900.0, "duration_s": 3600.0}))
        )
        await asyncio.sleep(100)
        await lab.shaker.connect(force_reconnect=True)
        with pytest.raises(CommandStopped):
            await shaking
        assert lab.twin.table.is_on
        assert lab.world.now() < 150
        await lab.shaker.make_safe()
        assert not lab.twin.table.is_on
        assert lab.twin.elm is ElmState.UNLOCKED

    run(main)


def test_a_table_that_is_too_slow_is_noticed(bench):
    async def main():
        lab = bench()
        await lab.shaker.connect()
        shaking = asyncio.create_task(lab.shaker.shake(900, 60))
        await asyncio.sleep(20)
        lab.twin.table.target_rpm = 500
        with pytest.raises(CommandFailed, match="shook at 500 rpm, not at 900"):
            await shaking
        assert lab.twin.elm is ElmState.UNLOCKED

    run(main)


def test_a_table_that_does_not_come_home_is_noticed(bench):
    async def main():
        lab = bench()
        await lab.shaker.connect()
        shaking = asyncio.create_task(lab.shaker.shake(900, 60))
        await asyncio.sleep(64)
        lab.twin.table.home_s = 1e9
        with pytest.raises(CommandFailed, match="did not come home; it is in state 8"):
            await shaking
        assert lab.twin.elm is ElmState.LOCKED

    run(main)


WORDS = b"setElmLockPos\rshakeOnWithRuntime40\rsetTempTarget370\rtempOn\rgetShakeState\r"


@pytest.mark.parametrize("cut", range(len(WORDS) + 1))
def test_what_a_dead_client_has_begun_to_write_is_never_completed(bench, cut):
    """A serial line does not tell that its client is gone: what it wrote waits in the device for more."""

    async def main():
        lab = bench()
        line = lab.dial()  # there is only this one, for ever
        await line.send(WORDS[:cut])

        class Forever(Transport):
            async def open(self):
                pass

            async def send(self, data):
                await line.send(data)

            async def receive(self):
                return await line.receive()

            async def close(self):
                pass

        lab.shaker = DRIVER.load()("shaker", Port("sim:shaker", Forever), Options(), DRIVER.default_limits)
        await lab.shaker.connect()
        whole = WORDS[:cut].split(b"\r")[:-1]
        assert lab.twin.table.is_on == (b"shakeOnWithRuntime40" in whole)
        assert lab.twin.target_c == (37.0 if b"setTempTarget370" in whole else 25.0)
        assert lab.twin.is_heating == (b"tempOn" in whole)
        assert not lab.twin.failures
        await lab.shaker.make_safe()
        assert not lab.twin.table.is_on
        assert lab.twin.elm is ElmState.UNLOCKED

    run(main)


def test_a_stop_after_half_a_word(bench):
    async def main():
        lab = bench()
        await lab.shaker.connect()
        await lab.shaker.shake(500, 5)
        lab.twin.table.begin(lab.world.now())
        await lab.line.send(b"setShakeTarget")
        stopper = DRIVER.load()("shaker", Port("sim:shaker", lambda: lab.line), Options(), DRIVER.default_limits)
        await stopper.stop()
        await asyncio.sleep(0.1)
        assert not lab.twin.table.is_on

    run(main)
