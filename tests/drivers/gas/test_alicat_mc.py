"""An Alicat controller: the maker's bytes, a flow that is watched, and no answer that is taken for another."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.core.errors import CommandFailed, CommandRefused, DeviceError, LimitError, ProtocolViolation
from drivers.gas.alicat_mc import DRIVER, wire
from drivers.gas.alicat_mc.wire import Frame
from sim_lab import clock
from sim_lab.twins.alicat_mc import Twin


@pytest.fixture
def bench(serial_bench):
    return lambda **options: serial_bench(DRIVER, Twin, "gas", **options)


def run(main):
    return clock.run(main, epoch_s=0.0)


def test_the_makers_examples():
    """Serial Communications Primer, Rev. 2: the data frame, `AS 15.44`, `AG 8` for nitrogen."""
    assert wire.Replies().feed(b"A +13.542 +24.57 +16.667 +15.444 +15.444 N2\r") == [
        Frame("A", 13.542, 24.57, 16.667, 15.444, 15.444, "N2")
    ]
    assert wire.Replies().feed(b"A +013.54 +024.57 +0016.67 +0015.44 0015.44 N2 MOV LCK\r")[0].states == ("MOV", "LCK")
    assert wire.encode_request("A", "S 15.44") == b"AS 15.44\r"
    assert wire.encode_request("A") == b"A\r"
    assert wire.Requests().feed(b"as 15.44\rAG8\ra\r") == [("A", "S15.44"), ("A", "G8"), ("A", "")]
    assert wire.GASES[8] == "N2"


@given(st.binary(max_size=60))
def test_no_bytes_make_the_reader_fall_over(data):
    try:
        wire.Replies().feed(data + b"\r")
    except ValueError:
        return
    assert wire.Requests().feed(data) is not None


def test_the_bytes_of_a_flow(bench):
    async def main():
        lab = bench()
        await lab.device.connect()
        lab.line.sent.clear()
        (mean,) = await lab.do("flow", rate_sccm=250.0, duration_s=60.0, gas="Ar")
        assert [sent for sent in lab.line.sent if sent != b"A\r"] == [b"AG 1\r", b"AS 250.00\r", b"AS 0.00\r"]
        assert mean.value == pytest.approx(250, rel=0.01)
        assert (lab.twin.gas, lab.twin.setpoint) == (1, 0.0)

    run(main)


def test_who_it_is_in_any_pieces_and_nothing_of_it_is_taken_for_a_flow(bench):
    """Lines as the tests of alicatlib have them; before firmware 8v28 it does not know the word."""
    lines = b"A M01 Alicat Scientific\rA M02 www.example.com\rA M05 123456\rA M08 ACS\rA M09 10v05\rA M10 \r"
    assert wire.Replies().feed(lines) == [wire.Made("123456", "10v05")]
    labelled = b"A M05 Serial Number 98765\rA M09 Software Revision 5v12.0-R22\r"
    assert wire.Replies().feed(labelled) == [wire.Made("98765", "5v12.0-R22")]

    async def main():
        lab = bench()
        await lab.device.connect()
        lab.line.sent.clear()
        told = await lab.device.identify()
        assert (told.serial, told.firmware) == ("TWIN01", "10v05.0-R24")
        assert lab.line.sent == [b"A??M*\r"]
        (flow, *_) = await lab.do("measure")
        assert (flow.quantity, flow.value) == ("mass_flow", 0.0)
        lab.line.spoil = lambda data: b"?\r"
        with pytest.raises(ProtocolViolation, match="no data frame"):
            await lab.device.identify()

    run(main)


def test_limits_before_the_wire(bench):
    async def main():
        lab = bench(full_scale_sccm=100.0)
        await lab.device.connect()
        lab.line.sent.clear()
        with pytest.raises(LimitError):
            await lab.do("flow", rate_sccm=-1.0, duration_s=1.0)
        with pytest.raises(CommandRefused, match="above its 100"):
            await lab.do("flow", rate_sccm=101.0, duration_s=1.0)
        with pytest.raises(CommandRefused, match="does not know the gas"):
            await lab.do("flow", rate_sccm=10.0, duration_s=1.0, gas="Rn")
        assert lab.line.sent == []

    run(main)


def test_a_supply_that_fails_is_told_and_the_valve_shut(bench):
    async def main():
        lab = bench()
        await lab.device.connect()
        lab.twin.supply = 0.1
        with pytest.raises(CommandFailed, match="Is the gas on"):
            await lab.do("flow", rate_sccm=500.0, duration_s=60.0)
        assert lab.twin.setpoint == 0
        lab.twin.supply = 1.0
        flowing = asyncio.ensure_future(lab.do("flow", rate_sccm=500.0, duration_s=600.0))
        await asyncio.sleep(100)
        lab.twin.supply = 0.1
        lab.twin.follow()
        with pytest.raises(CommandFailed, match="has become"):
            await flowing
        assert lab.twin.setpoint == 0

    run(main)


@pytest.mark.parametrize("spoil", [
    lambda data: data[:20], lambda data: data.replace(b"A +", b"B +"), lambda data: b"?\r", lambda data: b"",
    lambda data: data.replace(b".", b"x", 1), lambda data: data.replace(b"0500.00 ", b"0050.00 "),
], ids=["half", "unit", "no", "gone", "garbage", "setpoint"])  # fmt: skip
def test_a_wrong_answer_ends_the_flow(bench, spoil):
    async def main():
        lab = bench()
        await lab.device.connect()
        lab.line.spoil = lambda data: spoil(data) if b" 0500.00" in data else data
        with pytest.raises(DeviceError):
            await lab.do("flow", rate_sccm=500.0, duration_s=60.0)
        assert lab.twin.setpoint == 0
        lab.line.spoil = lambda data: data
        await lab.do("flow", rate_sccm=400.0, duration_s=1.0)

    run(main)
