"""MT-SICS: the maker's bytes, a balance that weighs what is there, and a driver that believes nothing else."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.balances.mettler_sics import DRIVER, wire
from drivers.core.errors import CommandFailed, CommandRefused, CommandStopped, DeviceError
from drivers.core.labware import kind
from sim_lab import clock
from sim_lab.twins.mettler_sics import Twin
from sim_lab.world.mass import apparent_g, empty_g, water_g_ul

WATER = {"7732-18-5": 55.4}


@pytest.fixture
def bench(serial_bench):
    return lambda **options: serial_bench(DRIVER, Twin, "balance", **options)


async def grams(lab):
    (reading,) = await lab.do("weigh")
    return reading.value


def run(main):
    return clock.run(main, epoch_s=0.0)


def test_the_makers_examples():
    """Reference Manual 11780711, examples of S, SI, T, TA, Z, I4, M21 and `@`."""
    assert wire.encode_weight("S", "S", 100.0, 2) == b"S S     100.00 g\r\n"
    assert wire.encode_weight("S", "D", 129.07, 2) == b"S D     129.07 g\r\n"
    assert wire.encode_weight("T", "S", 100.0, 2) == b"T S     100.00 g\r\n"
    assert wire.encode_weight("TA", "A", 100.0, 2) == b"TA A     100.00 g\r\n"
    assert wire.encode_reply("Z", "A") == b"Z A\r\n"
    assert wire.encode_reply("I4", "A", '"B021002593"') == b'I4 A "B021002593"\r\n'
    assert wire.Requests().feed(b"S\r\nM21 0 0\r\n@\r\n") == [
        wire.Request("S"), wire.Request("M21", ("0", "0")), wire.Request("@")
    ]  # fmt: skip


@given(st.lists(st.sampled_from([b"S\r\n", b"TA\r\n", b"\r\n", b"M21 0 0\r\n"])), st.integers(1, 7))
def test_requests_come_in_pieces_of_any_size(sent, size):
    data, requests = b"".join(sent), wire.Requests()
    found = [one for n in range(0, len(data), size) for one in requests.feed(data[n : n + size])]
    assert [wire.encode_request(one.word, *one.args) for one in found] == [one for one in sent if one.strip()]


def test_it_weighs_what_is_there(bench):
    async def main():
        lab = bench()
        await lab.device.connect()
        await lab.device.zero()
        assert await grams(lab) == pytest.approx(0, abs=1e-4)
        lab.world.place("plate", kind("plate_96_flat"), "balance.pan")
        began = lab.world.now()
        assert await grams(lab) == pytest.approx(empty_g(kind("plate_96_flat")), rel=0.02)
        assert 1 < lab.world.now() - began < 6  # it had to come to rest
        await lab.device.tare()
        lab.world.fill("plate", "A1", 300.0, WATER)
        assert await grams(lab) == pytest.approx(apparent_g(300 * water_g_ul(22.0)), abs=2e-4)
        await asyncio.sleep(3600)  # an open well dries
        assert -0.05 < await grams(lab) - 0.2993 < -0.001
        lab.world.lift("balance.pan")
        assert await grams(lab) < -40
        await lab.device.zero()
        assert await grams(lab) == pytest.approx(0, abs=1e-4)

    run(main)


def test_the_density_of_water_is_that_of_others():
    """CoolProp (IAPWS-95): 998.207 kg/m3 at 20 degC and 997.048 at 25 degC."""
    assert water_g_ul(20.0) * 1e6 == pytest.approx(998.207, abs=2e-3)
    assert water_g_ul(25.0) * 1e6 == pytest.approx(997.048, abs=3e-3)


def test_too_much_and_unrest_are_told(bench):
    async def main():
        lab = bench(tries=2)
        await lab.device.connect()
        lab.world.place("trough", kind("reservoir_1"), "balance.pan")
        lab.world.fill("trough", "A1", 190_000.0, WATER)
        with pytest.raises(CommandFailed, match="overload"):
            await grams(lab)
        with pytest.raises(CommandFailed, match="overload"):
            await lab.device.zero()
        lab.world.lift("balance.pan")
        lab.twin.disturbed_g = 0.01
        with pytest.raises(CommandRefused, match="draught"):
            await grams(lab)
        assert lab.line.sent.count(b"S\r\n") == 3
        lab.twin.disturbed_g = 0.0
        assert await grams(lab) == pytest.approx(0, abs=1e-4)

    run(main)


@pytest.mark.parametrize("spoil", [
    lambda data: data[:9], lambda data: b"S S      99.99", lambda data: b"TA A      1.00000 g\r\n",
    lambda data: data[:4] + b"    1x.00000 g\r\n", lambda data: b"S S      1.00000 mg\r\n", lambda data: b"\xff\xfe\r\n",
    lambda data: b"", lambda data: b"S D    0.00001 g\r\n",
])  # fmt: skip
def test_no_wrong_answer_is_taken_for_a_weight(bench, spoil):
    async def main():
        lab = bench()
        await lab.device.connect()
        lab.line.spoil = lambda data: spoil(data) if data.startswith(b"S ") else data
        with pytest.raises(DeviceError):
            await grams(lab)
        assert await grams(lab) == pytest.approx(0, abs=1e-4)  # on a new line

    run(main)


def test_a_late_answer_is_not_the_next_ones(bench):
    async def main():
        lab = bench()
        await lab.device.connect()
        lab.world.place("plate", kind("plate_96_flat"), "balance.pan")
        await lab.line.inner.send(b"TA\r\n")
        await asyncio.sleep(1)
        assert await grams(lab) > 40

    run(main)


def test_a_lost_line_is_dialled_again(bench):
    async def main():
        lab = bench()
        await lab.device.connect()
        await lab.line.inner.close()
        with pytest.raises(DeviceError):
            await grams(lab)
        assert await grams(lab) == pytest.approx(0, abs=1e-4)
        assert len(lab.lines) == 2

    run(main)


def test_a_stop_ends_the_wait(bench):
    async def main():
        lab = bench()
        await lab.device.connect()
        lab.twin.disturbed_g = 1.0
        weighing = asyncio.ensure_future(grams(lab))
        await asyncio.sleep(5)
        began = lab.world.now()
        await lab.device.stop()
        with pytest.raises(CommandStopped):
            await weighing
        assert lab.world.now() - began < 1
        lab.twin.disturbed_g = 0.0
        assert await grams(lab) == pytest.approx(0, abs=1e-4)

    run(main)


def test_a_test_with_the_internal_weight_is_answered_twice_and_needs_an_empty_pan(bench):
    assert wire.encode_reply(wire.TEST, "B") == b"TST3 B\r\n"
    assert (
        wire.deviation_g(["TST3", "A", '"', "0.0002", 'g"']) == wire.deviation_g(["TST3", "A", "0.0002", "g"]) == 0.0002
    )

    async def main():
        lab = bench()
        await lab.device.connect()
        began = lab.world.now()
        (reading,) = await lab.do("self_test")
        assert (reading.quantity, reading.unit) == ("deviation", "g")
        assert abs(reading.value) < 1e-3
        assert 14 < lab.world.now() - began < 20
        await lab.device.weigh()  # the line is in step
        lab.world.place("plate", kind("plate_96_flat"), "balance.pan")
        with pytest.raises(CommandRefused, match="not executable at present"):
            await lab.do("self_test")

    run(main)


def test_a_stop_ends_a_test(bench):
    async def main():
        lab = bench()
        await lab.device.connect()
        testing = asyncio.ensure_future(lab.do("self_test"))
        await asyncio.sleep(5)
        began = lab.world.now()
        await lab.device.stop()
        with pytest.raises(CommandStopped):
            await testing
        assert lab.world.now() - began < 1
        assert await lab.device.weigh()

    run(main)
