"""A furnace behind a Eurotherm 3200: Modbus frames, programs, and a furnace that nobody looks after cools down."""

import asyncio
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.core.errors import CommandFailed, CommandRefused, CommandStopped, DeviceError, LimitError
from drivers.core.labware import kind
from drivers.furnaces.eurotherm_3200 import DRIVER, wire
from drivers.furnaces.eurotherm_3200.wire import Answer, Register
from sim_lab import clock
from sim_lab.twins.eurotherm_3200 import Twin


@pytest.fixture
def bench(serial_bench):
    return lambda **options: serial_bench(DRIVER, Twin, "furnace", **options)


def run(main):
    return clock.run(main, epoch_s=0.0)


def test_the_examples_of_the_specification():
    """MODBUS Application Protocol V1.1b3, 6.3 and 6.6: read registers 108 to 110, write 3 to register 2."""
    client = wire.Client(rtu=False, unit=1)
    assert client.read(107, 3)[7:] == bytes.fromhex("03 006B 0003")
    reply = bytes.fromhex("0001 0000 0009 01 03 06 022B 0000 0064")
    assert client.replies().feed(reply) == [Answer((0x22B, 0, 100))]
    assert client.write(1, 3)[7:] == bytes.fromhex("06 0001 0003")
    assert client.replies().feed(bytes.fromhex("0002 0000 0006 01 06 0001 0003")) == [Answer((3,), 1)]
    client.read(0, 1)
    assert client.replies().feed(bytes.fromhex("0003 0000 0003 01 83 02")) == [Answer(refused=2)]


def test_the_addresses_of_the_handbook():
    """HA028651, 15.5 "Parameter Modbus Addresses"."""
    assert (Register.PV, Register.TARGET, Register.OUTPUT, Register.WORKING) == (1, 2, 4, 5)
    assert (Register.SELECT, Register.SP1, Register.REMOTE, Register.RATE, Register.STATUS) == (15, 24, 26, 35, 75)


@given(st.booleans(), st.integers(0, 300), st.integers(-0x8000, 0x7FFF), st.integers(1, 8))
def test_a_request_in_pieces_of_any_size(rtu, address, value, size):
    client, requests = wire.Client(rtu=rtu, unit=7), wire.Requests()
    frame = client.write(address, value)
    found = [one for n in range(0, len(frame), size) for one in requests.feed(frame[n : n + size])]
    assert [(one.address, one.values, one.unit, one.is_rtu) for one in found] == [(address, (value,), 7, rtu)]
    answer = wire.encode_answer(found[0], Answer((value,), address))
    assert client.replies().feed(answer) == [Answer((value,), address)]


@given(st.booleans(), st.binary(max_size=30))
def test_no_bytes_make_the_readers_fall_over(rtu, data):
    wire.Requests().feed(data)
    client = wire.Client(rtu=rtu, unit=1)
    client.read(1)
    with contextlib.suppress(ValueError):
        client.replies().feed(data)


@pytest.mark.parametrize("frame", ["tcp", "rtu"])
def test_a_program_and_what_stands_in_the_chamber(bench, frame):
    async def main():
        lab = bench(frame=frame)
        await lab.device.connect()
        lab.world.place("boat", kind("reservoir_1"), "furnace.chamber")
        began = lab.world.now()
        running = asyncio.ensure_future(lab.do("run_program", segments=[
            {"temperature_c": 322.0, "ramp_c_min": 10.0, "duration_s": 1800.0}, {"temperature_c": 222.0, "ramp_c_min": 5.0}]))  # fmt: skip
        await asyncio.sleep(1200)
        now = lab.world.now()
        assert lab.twin.chamber.temperature_c() == pytest.approx(222 - 10 / 60 * 120, abs=1)  # one time constant behind
        assert lab.world.labware["boat"].body.at(now) == pytest.approx(222 - 10 / 60 * (120 + 300), abs=8)
        (reached,) = await running
        assert reached.value == pytest.approx(222, abs=2.1)
        assert lab.world.now() - began >= 1800 + 1800 + 1200
        assert lab.twin.working_c == 20
        assert lab.line.sent[-1][:2] == (b"\x01\x03" if frame == "rtu" else lab.line.sent[-1][:2])

    run(main)


def test_its_version_is_read_as_hexadecimal(bench):
    """The operator's manual of the 3216, section 9.3: 0111 is V1.11, at 107."""

    async def main():
        lab = bench(frame="rtu")
        await lab.device.connect()
        assert (await lab.device.identify()).firmware == "V1.11"
        assert lab.line.sent[-1][:6] == bytes([1, 3, 0, 107, 0, 1])

    run(main)


def test_limits_before_the_wire(bench):
    async def main():
        limits, wrong = DRIVER.default_limits.narrowed({"temperature": ["0 degC", "900 degC"]})
        assert not wrong
        lab = bench(limits=limits)
        await lab.device.connect()
        lab.line.sent.clear()
        for segment in ({"temperature_c": 901.0}, {"temperature_c": 500.0, "ramp_c_min": 0.0},
                        {"temperature_c": 500.0, "duration_s": -1.0}, {"temperature_c": float("nan")}):  # fmt: skip
            with pytest.raises(LimitError):
                await lab.do("run_program", segments=[{"temperature_c": 100.0}, segment])
        with pytest.raises(CommandRefused, match="needs a segment"):
            await lab.do("run_program", segments=[])
        assert lab.line.sent == []

    run(main)


@pytest.mark.parametrize("after_s", [0.0, 1.0, 500.0, 4000.0])
def test_a_stop_brings_it_to_rest(bench, after_s):
    async def main():
        lab = bench()
        await lab.device.connect()
        running = asyncio.ensure_future(
            lab.do("run_program", segments=[{"temperature_c": 500.0, "ramp_c_min": 10.0, "duration_s": 7200.0}])
        )
        await asyncio.sleep(after_s)
        asked = lab.world.now()
        await lab.device.stop()
        with pytest.raises(CommandStopped):
            await running
        assert lab.world.now() - asked < 1
        assert lab.twin.working_c == 20
        hot = lab.twin.chamber.temperature_c()
        await asyncio.sleep(5400)
        assert lab.twin.chamber.temperature_c() - 22 == pytest.approx((hot - 22) / 2.718, abs=0.5)

    run(main)


def test_a_furnace_that_nobody_looks_after_cools_down(bench):
    async def main():
        lab = bench()
        await lab.device.connect()
        running = asyncio.ensure_future(
            lab.do("run_program", segments=[{"temperature_c": 500.0, "duration_s": 7200.0}])
        )
        await asyncio.sleep(1800)
        lab.line.drops = lambda data: True
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await asyncio.sleep(6)
        assert lab.twin.working_c == 20

    run(main)


def test_a_broken_thermocouple_is_told(bench):
    async def main():
        lab = bench()
        await lab.device.connect()
        running = asyncio.ensure_future(
            lab.do("run_program", segments=[{"temperature_c": 500.0, "duration_s": 7200.0}])
        )
        await asyncio.sleep(1800)
        lab.twin.is_broken = True
        lab.twin.control()
        with pytest.raises(CommandFailed, match="thermocouple"):
            await running

    run(main)


@pytest.mark.parametrize("frame", ["tcp", "rtu"])
@pytest.mark.parametrize("spoil", [
    lambda data: data[:-3], lambda data: data[:-1] + bytes([data[-1] ^ 1]), lambda data: b"\xff" * 12, lambda data: data + data,
], ids=["half", "bit", "garbage", "twice"])  # fmt: skip
def test_trouble_on_the_line(bench, frame, spoil):
    """Now and then an answer is spoilt: the program goes on, or ends with an error and at rest; never wrongly."""

    async def main():
        lab = bench(frame=frame)
        await lab.device.connect()
        count = [0]

        def now_and_then(data):
            count[0] += 1
            return spoil(data) if data and count[0] % 50 == 0 else data

        lab.line.spoil = now_and_then
        try:
            (reached,) = await lab.do("run_program", segments=[{"temperature_c": 100.0, "ramp_c_min": 10.0}])
            assert reached.value == pytest.approx(100, abs=2.1)
        except DeviceError:
            pass
        lab.line.spoil = lambda data: data
        await lab.device.make_safe()
        assert lab.twin.working_c == 20

    run(main)


def test_a_line_that_comes_back_goes_on_with_the_program(bench):
    async def main():
        lab = bench()
        await lab.device.connect()
        running = asyncio.ensure_future(lab.do("run_program", segments=[{"temperature_c": 200.0, "ramp_c_min": 10.0}]))
        await asyncio.sleep(300)
        await lab.line.inner.close()
        (reached,) = await running
        assert reached.value == pytest.approx(200, abs=2.1)
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
            await lab.do("run_program", segments=[{"temperature_c": 40.0, "ramp_c_min": 2.0}])
            assert len(lab.line.sent) < 800

    run(main)
