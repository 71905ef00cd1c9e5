"""An IKA RCT: the maker's bytes, heat that comes and goes, and settings that are read back because nobody answers them."""

import asyncio

import pytest

from drivers.core.errors import CommandFailed, CommandStopped, DeviceError, LimitError
from drivers.core.labware import kind
from drivers.hotplates.ika_rct import DRIVER, wire
from drivers.hotplates.ika_rct.wire import Request
from sim_lab import clock
from sim_lab.twins.ika_rct import Twin


@pytest.fixture
def bench(serial_bench):
    return lambda **options: serial_bench(DRIVER, Twin, "hotplate", **options)


def run(main):
    return clock.run(main, epoch_s=0.0)


@pytest.mark.parametrize(("sent", "read"), [
    (b"IN_NAME \r \n", Request("IN_NAME")), (b"IN_PV_2 \r \n", Request("IN_PV", 2)),
    (b"IN_SP_3\r\n", Request("IN_SP", 3)), (b"OUT_SP_1 60.5 \r \n", Request("OUT_SP", 1, 60.5)),
    (b"OUT_SP_4 500\r\n", Request("OUT_SP", 4, 500.0)), (b"START_1 \r \n", Request("START", 1)),
    (b"STOP_4 \r \n", Request("STOP", 4)), (b"RESET\r\n", Request("RESET")), (b"SET_MODE_A \r \n", Request("SET_MODE_A")),
    (b"OUT_SP_12@90 \r \n", Request("OUT_SP", 12, 90.0, True)), (b"OUT_WD1@20 \r \n", Request("OUT_WD", 1, 20.0, True)),
    (b"OUT_WD2@1500 \r \n", Request("OUT_WD", 2, 1500.0, True)),
])  # fmt: skip
def test_the_makers_table_of_commands(sent, read):
    """RCT digital operating instructions, "NAMUR commands"; blank CR blank LF, and CR LF as other devices of IKA."""
    requests = wire.Requests()
    assert [one for n in range(len(sent)) for one in requests.feed(sent[n : n + 1])] == [read]


def test_answers():
    assert wire.Replies().feed(b"25.0 1 \r\n") == [(25.0, 1)]
    assert wire.Replies().feed(b"60 \r \n") == [(60.0, None)]
    with pytest.raises(ValueError, match="no value"):
        wire.Replies().feed(b"25.\xf80 1 \r\n")


def test_the_bytes_of_heating(bench):
    async def main():
        lab = bench()
        await lab.device.connect()
        lab.line.sent.clear()
        await lab.do("heat", temperature_c=23.0)
        told = [sent.decode().strip() for sent in lab.line.sent]
        assert told[:11] == [
            "OUT_SP_12@0", "OUT_SP_42@0", "OUT_WD2@60", "IN_PV_2", "OUT_SP_1 23.0", "IN_SP_1", "START_1", "OUT_WD2@60",
            "IN_PV_2", "IN_PV_2", "STOP_1",
        ]  # fmt: skip
        assert told[11:] == ["STOP_4", "OUT_SP_1 0.0", "IN_SP_1", "OUT_SP_4 0.0", "IN_SP_4", "OUT_WD2@0"]

    run(main)


def test_a_ramp_is_kept_and_what_stands_there_follows(bench):
    async def main():
        lab = bench()
        await lab.device.connect()
        lab.world.place("flask", kind("reservoir_1"), "hotplate.plate")
        began = lab.world.now()
        heating = asyncio.ensure_future(lab.do("heat", temperature_c=82.0, ramp_c_min=2.0, duration_s=3600.0))
        await asyncio.sleep(900)
        assert lab.twin.plate.temperature_c() == pytest.approx(22 + 30 - 3, abs=1)  # one time constant behind
        (reached,) = await heating
        assert reached.value == pytest.approx(82, abs=0.2)
        assert 1800 + 3600 <= lab.world.now() - began < 1800 + 3600 + 600
        assert lab.world.labware["flask"].body.at(lab.world.now()) == pytest.approx(82, abs=0.2)
        (cooled,) = await lab.do("heat", temperature_c=40.0, ramp_c_min=1.0)
        assert cooled.value == pytest.approx(40, abs=1.1)
        assert not lab.twin.on

    run(main)


def test_limits_before_the_wire(bench):
    async def main():
        limits, wrong = DRIVER.default_limits.narrowed({"temperature": ["0 degC", "150 degC"]})
        assert not wrong
        lab = bench(limits=limits)
        await lab.device.connect()
        lab.line.sent.clear()
        for args in (
            {"temperature_c": 151.0},
            {"temperature_c": float("nan")},
            {"temperature_c": 50.0, "ramp_c_min": 0.0},
        ):
            with pytest.raises(LimitError):
                await lab.do("heat", **args)
        with pytest.raises(LimitError):
            await lab.do("stir", speed_rpm=1501.0)
        assert lab.line.sent == []

    run(main)


def test_a_lost_setting_is_seen_and_said_again(bench):
    async def main():
        lab = bench()
        await lab.device.connect()
        lost = [True, True]
        lab.line.drops = lambda data: data.startswith(b"OUT_SP_4") and bool(lost and lost.pop())
        await lab.do("stir", speed_rpm=400.0)
        assert lab.twin.targets[4] == 400
        lab.line.drops = lambda data: data.startswith(b"OUT_SP_4")
        with pytest.raises(CommandFailed, match="does not take"):
            await lab.do("stir", speed_rpm=500.0)

    run(main)


@pytest.mark.parametrize("after_s", [0.0, 0.3, 5.0, 100.0, 4000.0])
def test_a_stop_switches_off_at_once(bench, after_s):
    async def main():
        lab = bench()
        await lab.device.connect()
        await lab.do("stir", speed_rpm=400.0)
        heating = asyncio.ensure_future(lab.do("heat", temperature_c=150.0, ramp_c_min=5.0, duration_s=7200.0))
        await asyncio.sleep(after_s)
        asked = lab.world.now()
        await lab.device.stop()
        with pytest.raises(CommandStopped):
            await heating
        assert lab.world.now() - asked < 1
        assert not lab.twin.on
        assert lab.twin.targets == {1: 0.0, 4: 0.0}
        await lab.do("heat", temperature_c=30.0 if after_s < 1000 else 150.0)

    run(main)


def test_what_nobody_looks_after_cools_down(bench):
    """The process dies: its line stays, and nothing is said on it any more."""

    async def main():
        lab = bench()
        await lab.device.connect()
        heating = asyncio.ensure_future(lab.do("heat", temperature_c=150.0, duration_s=7200.0))
        await asyncio.sleep(600)
        lab.line.drops = lambda data: True
        heating.cancel()
        with pytest.raises((asyncio.CancelledError, DeviceError)):
            await heating
        await asyncio.sleep(61)
        hot = lab.twin.plate.temperature_c()
        await asyncio.sleep(3600)
        assert lab.twin.plate.temperature_c() < hot / 2

    run(main)


@pytest.mark.parametrize("spoil", [
    lambda data: data[: len(data) // 2], lambda data: b"\x00\xff\r\n", lambda data: b"25.0 4 \r\n",
    lambda data: b"", lambda data: data.replace(b" ", b""),
], ids=["half", "garbage", "another", "gone", "joined"])  # fmt: skip
def test_wrong_answers_are_errors_and_the_next_command_works(bench, spoil):
    async def main():
        lab = bench()
        await lab.device.connect()
        spoilt = [True]
        lab.line.spoil = lambda data: spoil(data) if data and spoilt and spoilt.pop() else data
        with pytest.raises(DeviceError):
            await lab.do("measure")
        temperature, speed = await lab.do("measure")
        assert temperature.value == pytest.approx(22, abs=0.1)
        assert speed.value == 0

    run(main)


def test_an_answer_that_comes_twice_counts_once(bench):
    async def main():
        lab = bench()
        await lab.device.connect()
        await lab.do("stir", speed_rpm=500.0)
        await asyncio.sleep(30)
        lab.line.spoil = lambda data: data + data
        temperature, speed = await lab.do("measure")
        assert (temperature.value, speed.value) == (22.0, 500.0)

    run(main)


def test_a_late_answer_is_thrown_away(bench):
    async def main():
        lab = bench()
        await lab.device.connect()
        await lab.do("stir", speed_rpm=500.0)
        await asyncio.sleep(30)
        lab.line.late_s = 1.1
        with pytest.raises(DeviceError, match="no answer"):
            await lab.do("measure")
        lab.line.late_s = 0.0
        temperature, speed = await lab.do("measure")
        assert (temperature.value, speed.value) == (22.0, 500.0)

    run(main)


def test_a_lost_line_is_dialled_again(bench):
    async def main():
        lab = bench()
        await lab.device.connect()
        await lab.line.inner.close()
        assert len(await lab.do("measure")) == 2
        assert len(lab.lines) == 2

    run(main)


@pytest.mark.timeout(60)
def test_a_ramp_ends_whenever_it_began(bench):
    """A rest too short for the clock to move would spin for ever: what is left of a ramp was told by two roundings."""

    async def main():
        lab = bench()
        await lab.device.connect()
        for n in range(40):
            await asyncio.sleep(41.3 + n / 7)
            lab.line.sent.clear()
            await lab.do("heat", temperature_c=60.0, ramp_c_min=2.0)
            assert len(lab.line.sent) < 2000

    run(main)
