"""A New Era pump: the maker's bytes, liquid that is really moved, and what a next process learns of a command."""

import asyncio
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.core.errors import CommandFailed, CommandRefused, CommandStopped, DeviceError, LimitError
from drivers.core.labware import kind
from drivers.pumps.newera_ne1000 import DRIVER, wire
from drivers.pumps.newera_ne1000.wire import Reply
from sim_lab import clock
from sim_lab.twins.newera_ne1000 import COMMANDS, Twin

WATER = {"7732-18-5": 55.4}


@pytest.fixture
def bench(serial_bench):
    def make(**options):
        lab = serial_bench(DRIVER, Twin, "pump", **options)
        for name in ("stock", "flask"):
            lab.world.place(name, kind("reservoir_1"), f"bench.{name}")
        lab.world.fill("stock", "A1", 50_000.0, WATER)
        return lab

    return make


def dip(lab, name):
    there = lab.world.on("pump.line")
    if there is not None:
        lab.world.put(lab.world.lift("pump.line"), f"bench.{there.name}")
    lab.world.put(lab.world.lift(f"bench.{name}"), "pump.line")


def held(lab, name):
    return lab.world.labware[name].vessels["A1"].volume_ul


def run(main):
    return clock.run(main, epoch_s=0.0)


def test_the_makers_frames():
    """User manual 1200-01: the packet that ends the safe mode, and the syntax of answers, prompts and alarms."""
    assert wire.framed(b"SAF0") == b"\x02\x08SAF0\x55\x43\x03"
    assert wire.Requests().feed(b"\x02\x08SAF0\x55\x43\x03") == [("SAF0", True)]
    assert wire.Requests().feed(b"0 rat 5.0 mh\r") == [("0RAT5.0MH", False)]
    assert wire.Replies().feed(b"\x0200S\x03") == [Reply(0, "S")]
    assert wire.Replies().feed(b"\x0200I0.500MH\x03") == [Reply(0, "I", data="0.500MH")]
    assert wire.Replies().feed(b"\x0200A?R\x03") == [Reply(0, "", alarm="R")]
    assert wire.Replies().feed(b"\x0200S?OOR\x03") == [Reply(0, "S", error="OOR")]


REPLIES = st.builds(
    Reply, st.integers(0, 99), st.sampled_from("IWSPTUX"), data=st.from_regex(r"([0-9.]{1,5}[A-Z]{2})?", fullmatch=True)
)


@given(st.lists(REPLIES, min_size=1, max_size=4), st.booleans(), st.integers(1, 9))
def test_replies_come_in_pieces_of_any_size(replies, safe, size):
    data, found = b"".join(wire.encode_reply(one, safe=safe) for one in replies), []
    feed = wire.Replies()
    for n in range(0, len(data), size):
        found += feed.feed(data[n : n + size])
    assert found == replies


@given(REPLIES, st.data())
def test_a_safe_frame_with_a_wrong_byte_is_never_believed(reply, data):
    frame = bytearray(wire.encode_reply(reply, safe=True))
    frame[data.draw(st.integers(2, len(frame) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with contextlib.suppress(ValueError):
        assert wire.Replies().feed(bytes(frame)) == []


@pytest.mark.parametrize("silence_s", [0, 10])
def test_liquid_goes_from_one_to_the_other(bench, silence_s):
    async def main():
        lab = bench(silence_s=silence_s)
        await lab.device.connect()
        dip(lab, "stock")
        began = lab.world.now()
        await lab.do("withdraw", volume_ul=2000.0, rate_ul_s=100.0)
        assert 20 <= lab.world.now() - began < 23
        dip(lab, "flask")
        await lab.do("infuse", volume_ul=1234.0, rate_ul_s=100.0)
        assert held(lab, "stock") == pytest.approx(48_000, abs=2)
        assert held(lab, "flask") == pytest.approx(1234, abs=1)
        assert lab.twin.syringe.liquid.volume_ul == pytest.approx(766, abs=1)
        assert max(map(abs, lab.world.imbalance([lab.twin.syringe.liquid]).values())) < 1e-9
        assert lab.line.sent[-1].endswith(b"\r") == (silence_s == 0)

    run(main)


def test_limits_before_the_wire(bench):
    async def main():
        lab = bench(syringe_ml=1.0, diameter_mm=4.61)
        await lab.device.connect()
        lab.line.sent.clear()
        with pytest.raises(LimitError):
            await lab.do("withdraw", volume_ul=0.0)
        with pytest.raises(LimitError):
            await lab.do("infuse", volume_ul=10.0, rate_ul_s=float("inf"))
        with pytest.raises(CommandRefused, match="syringe holds"):
            await lab.do("withdraw", volume_ul=1001.0)
        assert lab.line.sent == []
        with pytest.raises(CommandRefused, match="out of its range"):  # the syringe is too thin for that
            await lab.do("withdraw", volume_ul=100.0, rate_ul_s=100.0)

    run(main)


def test_an_empty_syringe_stalls(bench):
    async def main():
        lab = bench()
        await lab.device.connect()
        dip(lab, "flask")
        with pytest.raises(CommandFailed, match="stalled"):
            await lab.do("infuse", volume_ul=100.0)
        dip(lab, "stock")
        await lab.do("withdraw", volume_ul=100.0)
        assert lab.twin.syringe.liquid.volume_ul == pytest.approx(100, abs=0.1)

    run(main)


@pytest.mark.parametrize("after_s", [0.02, 0.2, 1.0, 30.0])
def test_a_stop_acts_while_it_runs(bench, after_s):
    async def main():
        lab = bench()
        await lab.device.connect()
        dip(lab, "stock")
        drawing = asyncio.ensure_future(lab.do("withdraw", volume_ul=5000.0, rate_ul_s=50.0))
        await asyncio.sleep(after_s)
        await lab.device.stop()
        with pytest.raises(CommandStopped):
            await drawing
        assert lab.twin.status == "S"
        inside = lab.twin.syringe.liquid.volume_ul
        assert inside <= 50 * after_s + 1
        await asyncio.sleep(60)
        assert lab.twin.syringe.liquid.volume_ul == inside
        await lab.do("withdraw", volume_ul=100.0)
        assert lab.twin.syringe.liquid.volume_ul == pytest.approx(inside + 100, abs=1)

    run(main)


def test_it_stops_when_nobody_is_there(bench):
    async def main():
        lab = bench()
        await lab.device.connect()
        dip(lab, "stock")
        drawing = asyncio.ensure_future(lab.do("withdraw", volume_ul=10_000.0, rate_ul_s=5.0))
        await asyncio.sleep(60)
        drawing.cancel()
        await asyncio.gather(drawing, return_exceptions=True)
        await asyncio.sleep(600)
        assert lab.twin.status == "S"
        assert lab.twin.syringe.liquid.volume_ul < 5 * 71
        assert (await lab.device.recall(_command("withdraw", 10_000.0))).state == "unknown"

    run(main)


def _command(verb, volume_ul):
    from drivers.core.instrument import Command

    return Command(f"bench/{verb}", verb, {"volume_ul": volume_ul})


def test_what_became_of_a_command(bench):
    async def main():
        lab = bench()
        await lab.device.connect()
        dip(lab, "stock")
        assert (await lab.device.recall(_command("withdraw", 100.0))).state == "unknown"  # it has just got power
        await lab.do("withdraw", volume_ul=100.0)
        assert (await lab.device.recall(_command("withdraw", 100.0))).state == "done"
        assert (await lab.device.recall(_command("infuse", 100.0))).state == "not_done"

    run(main)


def spoilt(data):
    return {
        "half": data[: len(data) // 2], "garbage": b"\x02\x07\xff\xff\xff\xff\xff\x03", "bit": data[:3] + b"\x00" + data[4:],
        "silence": b"", "address": wire.encode_reply(Reply(7, "S"), safe=True),
    }  # fmt: skip


@pytest.mark.parametrize("way", sorted(spoilt(b"12345")))
@pytest.mark.parametrize("at", [0, 3, 20])
def test_trouble_on_the_line_is_an_error_and_the_next_command_works(bench, way, at):
    async def main():
        lab = bench()
        await lab.device.connect()
        dip(lab, "stock")
        left = [at]

        def spoil(data):
            left[0] -= 1
            return spoilt(data)[way] if left[0] == -1 else data

        lab.line.spoil = spoil
        try:
            await lab.do("withdraw", volume_ul=1000.0)
        except DeviceError:
            await lab.device.make_safe()
        inside = lab.twin.syringe.liquid.volume_ul
        await lab.do("withdraw", volume_ul=500.0)
        assert lab.twin.syringe.liquid.volume_ul == pytest.approx(inside + 500, abs=1)

    run(main)


@pytest.mark.parametrize("way", sorted(set(spoilt(b"12345")) - {"silence"}))  # which is an end of the line here
def test_a_question_is_asked_again_and_a_command_never(bench, way):
    """One garbled look at a pump that runs is no reason to count its volume as unknown."""

    async def main():
        lab = bench()
        await lab.device.connect()
        dip(lab, "stock")
        status, looks = bytes(wire.encode_request(0, "", safe=True)), []

        def spoil(data):
            if lab.line.sent[-1] == status and wire.encode_reply(Reply(0, "W"), safe=True) == data:
                looks.append(data)
                return spoilt(data)[way] if len(looks) in (2, 3) else data
            return data

        lab.line.spoil = spoil
        await lab.do("withdraw", volume_ul=1000.0)
        assert len(looks) > 3
        assert lab.twin.syringe.liquid.volume_ul == pytest.approx(1000, abs=1)
        run_ = wire.encode_request(0, "RUN", safe=True)
        assert lab.line.sent.count(run_) == 1
        lab.line.spoil = lambda data: spoilt(data)[way] if lab.line.sent[-1] == run_ else data
        with pytest.raises(DeviceError):
            await lab.do("withdraw", volume_ul=500.0)
        assert lab.line.sent.count(run_) == 2

    run(main)


def test_a_power_cut_is_told(bench):
    async def main():
        lab = bench()
        await lab.device.connect()
        dip(lab, "stock")
        drawing = asyncio.ensure_future(lab.do("withdraw", volume_ul=5000.0))
        await asyncio.sleep(10)
        lab.twin._halt("S")
        lab.twin.alarm, lab.twin.silence_s = "R", 10
        with pytest.raises(CommandFailed, match="without power"):
            await drawing

    run(main)


def test_a_pump_that_runs_for_too_long_is_stopped(bench, monkeypatch):
    async def main():
        lab = bench()
        await lab.device.connect()
        dip(lab, "stock")
        rate = Twin.rate
        monkeypatch.setitem(COMMANDS, "RAT", lambda twin, args: rate(twin, "1UM" if args else args))  # far too slow
        with pytest.raises(CommandFailed, match="longer"):
            await lab.do("withdraw", volume_ul=1000.0, rate_ul_s=100.0)
        assert lab.twin.status == "S"

    run(main)
