"""The sealer's driver on its twin, in virtual time: what it sends, what it refuses, how it stops and fails."""

import asyncio

import pytest

from drivers.core.errors import (
    CommandFailed,
    CommandRefused,
    CommandStopped,
    ConnectionLost,
    DeviceError,
    LimitError,
    ReplyTimeout,
)
from drivers.core.instrument import Command
from drivers.core.labware import kind
from sim_lab import clock


def run(main):
    return clock.run(main, epoch_s=0.0)


@pytest.fixture
def bench(tapped):
    async def make(**options):
        lab = tapped("azenta.a4s", **options)
        lab.world.place("plate", kind("plate_96_pcr"), "sealer.tray")
        await lab.device.connect()
        return lab

    return make


def test_the_bytes_of_a_seal(bench):
    async def main():
        lab = await bench()
        assert lab.sent == []  # a connection only looks
        await lab.do("seal", labware="plate")
        assert lab.sent == [b"*00DH=0165zz!", b"*00DT=0025zz!", b"*00GS=zz!", b"*00H0ZZ!", b"*00MO=zz!"]

    run(main)


def test_a_plate_is_sealed_and_the_press_is_off_again(bench):
    async def main():
        lab = await bench()
        await lab.do("seal", labware="plate", temperature_c=150.4, duration_s=0.5)
        assert b"*00DH=0150zz!" in lab.sent
        assert b"*00DT=0005zz!" in lab.sent
        assert lab.world.labware["plate"].sealed
        assert not lab.twin.is_heating
        assert "sealer.tray" not in lab.world.closed
        first_s = lab.world.now()
        await lab.do("seal", labware="plate")
        assert lab.world.now() - first_s < first_s  # it was warm still

    run(main)


def test_limits_before_the_wire(bench):
    async def main():
        lab = await bench(limits={"temperature": ["100 degC", "180 degC"]})
        lines = len(lab.lines)
        for refused in (
            {"temperature_c": 181.0},
            {"temperature_c": 99.0},
            {"duration_s": 11.0},
            {"duration_s": float("nan")},
        ):
            with pytest.raises(LimitError):
                await lab.do("seal", labware="plate", **refused)
        assert len(lab.lines) == lines

    run(main)


@pytest.mark.parametrize("after_s", [0.5, 60.0, 230.0, 236.0])
def test_a_stop_reaches_the_wire_at_once(bench, after_s):
    async def main():
        lab = await bench()
        sealing = asyncio.create_task(lab.do("seal", labware="plate"))
        await asyncio.sleep(after_s)
        assert not sealing.done()
        asked_s = lab.world.now()
        await lab.device.stop()
        assert lab.sent[-1] == b"*00SR=zz!*00H0=zz!"
        assert lab.lines[-1].at_s[-1] == asked_s
        with pytest.raises(CommandStopped):
            await sealing
        assert lab.world.now() - asked_s < 3
        await lab.device.make_safe()
        assert not lab.twin.is_heating
        assert "sealer.tray" not in lab.world.closed
        assert not lab.world.labware["plate"].sealed
        await lab.do("seal", labware="plate")
        assert lab.world.labware["plate"].sealed

    run(main)


def test_a_stop_without_a_connection(bench):
    async def main():
        lab = await bench()
        await lab.device.stop()
        assert lab.sent == [b"*00SR=zz!*00H0=zz!"]
        await lab.do("seal", labware="plate")

    run(main)


def test_a_lost_line_in_mid_seal_and_the_way_back(bench):
    async def main():
        lab = await bench()
        sealing = asyncio.create_task(lab.do("seal", labware="plate"))
        while not lab.twin._cycle:
            await asyncio.sleep(0.5)
        await asyncio.sleep(2)
        await lab.lines[-1].inner.close()
        with pytest.raises(ConnectionLost) as lost:
            await sealing
        assert lost.value.outcome == "unknown"
        await lab.device.connect(force_reconnect=True)
        assert (await lab.device.recall(Command("1", "seal", {"labware": "plate"}))).state == "done"
        assert lab.world.labware["plate"].sealed
        assert (await lab.device.recall(Command("1", "seal", {"labware": "plate"}))).state == "unknown"

    run(main)


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (b"*N00AH!\r", CommandRefused, "refuses the command"),
        (b"hello", ReplyTimeout, "Timeout"),
        (b"", ConnectionLost, "closed the connection"),
        (b"*T00:00:01=9999,0,0,07,00,188,000FM!\r", CommandFailed, "tells of a fault"),
        (b"*T00:00:01=0224,0,0,00,00,188,000FM!\r", ReplyTimeout, "temperature"),
    ],
)
def test_a_wrong_answer_is_an_error_and_never_a_hang(bench, answer, error, text):
    async def main():
        lab = await bench()
        began_s = lab.world.now()
        lab.spoil = lambda data: answer
        with pytest.raises(error, match=text) as wrong:
            await lab.do("seal", labware="plate")
        assert wrong.value.device == "sealer"
        assert lab.world.now() - began_s < 400
        assert not lab.world.labware["plate"].sealed
        lab.spoil = lambda data: data
        await lab.do("seal", labware="plate")

    run(main)


def test_garbage_is_read_over_or_is_an_error(bench):
    """The device's states come in a stream: a spoilt one may be passed over, and never is a wrong one taken."""

    async def main():
        lab = await bench()
        spoilt = iter(range(10**6))
        lab.spoil = lambda data: b"\xfe" * len(data) if next(spoilt) % 5 == 0 else data
        try:
            await lab.do("seal", labware="plate")
        except DeviceError:
            return
        assert lab.world.labware["plate"].sealed

    run(main)


def test_a_silent_device_is_an_error(bench):
    async def main():
        lab = await bench()

        async def deaf(link):
            await asyncio.sleep(1e6)

        lab.twin.serve = deaf
        with pytest.raises(ReplyTimeout, match="Timeout"):
            await lab.do("seal", labware="plate")

    run(main)


def test_a_fault_that_was_there_is_reset_when_it_is_connected(bench):
    async def main():
        lab = await bench()
        lab.twin.error = 7
        with pytest.raises(CommandFailed, match="07"):
            await lab.do("seal", labware="plate")
        await lab.device.connect(force_reconnect=True)
        await lab.do("seal", labware="plate")
        assert lab.world.labware["plate"].sealed

    run(main)
