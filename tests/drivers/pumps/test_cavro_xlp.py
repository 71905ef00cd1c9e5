"""A Cavro XLP: the maker's frames, a command that is done once however often it is sent, and liquid through a valve."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.core.errors import CommandFailed, CommandRefused, CommandStopped, DeviceError, LimitError
from drivers.core.labware import kind
from drivers.pumps.cavro_xlp import DRIVER, wire
from drivers.pumps.cavro_xlp.wire import Reply, Request
from sim_lab import clock
from sim_lab.twins.cavro_xlp import Twin

WATER = {"7732-18-5": 55.4}


@pytest.fixture
def bench(serial_bench):
    def make(**options):
        lab = serial_bench(DRIVER, Twin, "pump", **options)
        for name, site in (("stock", "pump.inlet"), ("flask", "pump.outlet")):
            lab.world.place(name, kind("reservoir_1"), site)
        lab.world.fill("stock", "A1", 50_000.0, WATER)
        return lab

    return make


def held(lab, name):
    return lab.world.labware[name].vessels["A1"].volume_ul


def run(main):
    return clock.run(main, epoch_s=0.0)


def test_the_makers_frames():
    """Operating Manual 734237-C, chapter 3: DT and OEM blocks, the status byte, and that 0xFF may come before."""
    assert wire.encode_request(Request(0, "ZR")) == b"/1ZR\r"
    assert wire.encode_request(Request(14, "Q")) == b"/?Q\r"
    assert wire.encode_request(Request(0, "A3000R", 1)) == b"\x0211A3000R\x03" + bytes(
        [0x02 ^ 0x41 ^ 0x33 ^ 0x30 ^ 0x52 ^ 0x03]
    )
    assert wire.encode_request(Request(0, "R", 2, True))[2] == 0x3A
    assert wire.Replies().feed(b"\xff/0`\x03\r\n") == [Reply(True)]
    assert wire.Replies().feed(b"/0@\x03\r\n") == [Reply(False)]
    assert wire.Replies().feed(b"/0i\x03\r\n") == [Reply(True, 9)]
    assert wire.Replies().feed(b"/0`3000\x03\r\n") == [Reply(True, 0, "3000")]


REPLIES = st.builds(Reply, st.booleans(), st.integers(0, 15), st.from_regex(r"[0-9]{0,6}", fullmatch=True))
REQUESTS = st.builds(
    Request,
    st.integers(0, 14),
    st.from_regex(r"[AIPDV][0-9]{1,5}R?", fullmatch=True),
    st.integers(0, 7),
    st.just(False),
)


@given(st.lists(REPLIES, min_size=1, max_size=4), st.booleans(), st.integers(1, 9))
def test_replies_come_in_pieces_of_any_size(replies, oem, size):
    data, found, feed = b"".join(wire.encode_reply(one, oem=oem) for one in replies), [], wire.Replies()
    for n in range(0, len(data), size):
        found += feed.feed(data[n : n + size])
    assert found == replies


@given(st.lists(REQUESTS, min_size=1, max_size=4), st.binary(max_size=5).filter(lambda data: not set(data) & {2, 47}))
def test_requests_are_found_among_noise(requests, noise):
    data = noise + b"".join(map(wire.encode_request, requests))
    assert wire.Requests().feed(data) == requests


@pytest.mark.parametrize("frame", ["oem", "dt"])
def test_liquid_goes_through_the_valve(bench, frame):
    async def main():
        lab = bench(frame=frame)
        await lab.device.connect()
        assert lab.twin.is_ready_for_moves
        began = lab.world.now()
        await lab.do("withdraw", volume_ul=4000.0, rate_ul_s=400.0)
        assert 10 <= lab.world.now() - began < 12
        await lab.do("infuse", volume_ul=1234.0, rate_ul_s=400.0)
        assert held(lab, "stock") == pytest.approx(46_000, abs=2)
        assert held(lab, "flask") == pytest.approx(1234, abs=0.5)
        assert max(map(abs, lab.world.imbalance([lab.twin.syringe.liquid]).values())) < 1e-9
        assert lab.line.sent[-1].startswith(b"/" if frame == "dt" else b"\x02")

    run(main)


def test_limits_before_a_move(bench):
    async def main():
        lab = bench()
        await lab.device.connect()
        lab.line.sent.clear()
        with pytest.raises(LimitError):
            await lab.do("withdraw", volume_ul=30_000.0)
        with pytest.raises(CommandRefused, match="its syringe can do"):
            await lab.do("withdraw", volume_ul=100.0, rate_ul_s=1.0)
        assert lab.line.sent == []
        await lab.do("withdraw", volume_ul=4000.0)
        with pytest.raises(CommandRefused, match="holds 4000 of 5000"):
            await lab.do("withdraw", volume_ul=1001.0)
        with pytest.raises(CommandRefused, match="too much"):
            await lab.do("infuse", volume_ul=4001.0)

    run(main)


@pytest.mark.parametrize("after_s", [0.05, 0.3, 5.0])
def test_a_stop_acts_while_it_runs(bench, after_s):
    async def main():
        lab = bench()
        await lab.device.connect()
        drawing = asyncio.ensure_future(lab.do("withdraw", volume_ul=4000.0, rate_ul_s=100.0))
        await asyncio.sleep(after_s)
        await lab.device.stop()
        with pytest.raises(CommandStopped):
            await drawing
        inside = lab.twin.syringe.liquid.volume_ul
        assert inside <= 100 * after_s + 20
        await asyncio.sleep(60)
        assert lab.twin.syringe.liquid.volume_ul == inside
        await lab.do("withdraw", volume_ul=100.0)
        assert lab.twin.syringe.liquid.volume_ul == pytest.approx(inside + 100, abs=0.5)

    run(main)


@pytest.mark.parametrize("at", range(12))
@pytest.mark.parametrize("way", ["request", "reply", "garbage"])
def test_what_is_lost_on_the_line_is_repeated_and_done_once(bench, way, at):
    async def main():
        lab = bench()
        await lab.device.connect()
        left = [at]

        def strikes(_):
            left[0] -= 1
            return left[0] == -1

        if way == "request":
            lab.line.drops = strikes
        else:
            lab.line.spoil = lambda data: (
                (b"" if way == "never" else b"\x020\x00\x03\x00" if way == "garbage" else b"\xff")
                if strikes(data)
                else data
            )
        await lab.do("withdraw", volume_ul=1000.0)
        assert held(lab, "stock") == pytest.approx(49_000, abs=0.5)
        assert lab.twin.strokes == 2  # and one to initialise

    run(main)


def test_a_line_that_stays_dumb_is_an_error(bench):
    async def main():
        lab = bench()
        await lab.device.connect()
        lab.line.drops = lambda data: True
        with pytest.raises(DeviceError, match="no answer"):
            await lab.do("withdraw", volume_ul=1000.0)
        lab.line.drops = lambda data: False
        await lab.do("withdraw", volume_ul=1000.0)

    run(main)


def test_a_blocked_plunger_is_told_and_a_new_start_mends_it(bench):
    async def main():
        lab = bench()
        await lab.device.connect()
        lab.twin.is_blocked = True
        with pytest.raises(CommandFailed, match="plunger is blocked"):
            await lab.do("withdraw", volume_ul=1000.0)
        lab.twin.is_blocked = False
        with pytest.raises(CommandRefused, match="not initialised"):
            await lab.do("withdraw", volume_ul=1000.0)
        await lab.device.connect(force_reconnect=True)
        await lab.do("withdraw", volume_ul=1000.0)

    run(main)
