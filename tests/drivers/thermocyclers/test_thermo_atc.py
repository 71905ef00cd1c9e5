"""The cycler's driver on its twin, in virtual time: what it sends, what it refuses, how it stops and fails."""

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

PCR = {"cycles": [
    {"holds": [[95.0, 120.0]], "times": 1},
    {"holds": [[95.0, 15.0], [58.5, 30.0], [72.0, 45.0]], "times": 10},
    {"holds": [[72.0, 60.0]]},
], "lid_c": 100.0}  # fmt: skip


def run(main):
    return clock.run(main, epoch_s=0.0)


@pytest.fixture
def bench(tapped):
    async def make(**options):
        lab = tapped("thermo.atc", **options)
        lab.world.closed.discard("thermocycler.block")
        lab.world.place("plate", kind("plate_96_pcr"), "thermocycler.block")
        lab.world.labware["plate"].sealed = True
        await lab.device.connect()
        return lab

    return make


def test_a_run_is_carried_out(bench):
    async def main():
        lab = await bench()
        assert not any(b"BLOCK" in sent or b"COVER" in sent for sent in lab.sent)  # a connection heats nothing
        began_s = lab.world.now()
        running = asyncio.create_task(lab.do("run_profile", **PCR))
        await asyncio.sleep(200)
        assert lab.world.labware["plate"].body.at(lab.world.now()) == pytest.approx(95.0, abs=1.0)
        await running
        assert len(lab.twin.completed) == 1
        holds_s = 120 + 10 * 90 + 60
        assert holds_s + 97 < lab.world.now() - began_s < holds_s + 400
        assert lab.twin.block_c == 22.0
        (method,) = [sent for sent in lab.sent if sent.startswith(b"TBC1:Protocol")]
        assert b"RAMP -rate=100 58.5 58.5 58.5\n" in method
        assert b"HOLD 45\n" in method
        assert b"STAGe -repeat=10 2 " in method
        assert b"-CoverTemperature=100.0" in next(sent for sent in lab.sent if sent.startswith(b"TBC1:RunProtocol"))

    run(main)


def test_the_lid_hides_the_block(bench):
    async def main():
        lab = await bench()
        await lab.do("open_lid")
        assert "thermocycler.block" not in lab.world.closed
        await lab.do("close_lid")
        assert "thermocycler.block" in lab.world.closed

    run(main)


def test_limits_before_the_wire(bench):
    async def main():
        lab = await bench(limits={"temperature": ["10 degC", "98 degC"]})
        lab.sent.clear()
        for cycles, lid in (
            ([{"holds": [[99.0, 10.0]]}], None), ([{"holds": [[50.0, 10.0], [9.0, 10.0]]}], None),
            ([{"holds": [[50.0, 0.5]]}], None), ([{"holds": [[50.0, 10.0]]}], 111.0),
            ([{"holds": [[float("nan"), 10.0]]}], None),
        ):  # fmt: skip
            with pytest.raises(LimitError):
                await lab.do("run_profile", cycles=cycles, lid_c=lid)
        assert lab.sent == []

    run(main)


@pytest.mark.parametrize("after_s", [0.5, 8.05, 60.0, 400.0])
def test_a_stop_reaches_the_wire_at_once(bench, after_s):
    async def main():
        lab = await bench()
        running = asyncio.create_task(lab.do("run_profile", **PCR))
        await asyncio.sleep(after_s)
        asked_s = lab.world.now()
        lab.sent.clear()
        await lab.device.stop()
        assert lab.world.now() == asked_s
        assert lab.sent[0].startswith(b"TBC1:AbortRun lab")
        with pytest.raises(CommandStopped):
            await running
        assert lab.world.now() - asked_s < 20
        await lab.device.make_safe()
        assert lab.twin.run == "-"
        assert lab.twin.block_c == 22.0
        assert lab.twin.completed == []
        await lab.do("open_lid")
        await lab.device.perform(Command("again", "run_profile", PCR))
        assert len(lab.twin.completed) == 1

    run(main)


def test_a_stop_of_another_process(bench, tapped):
    async def main():
        lab = await bench()
        running = asyncio.create_task(lab.do("run_profile", **PCR))
        await asyncio.sleep(100)
        other = type(lab.device)("thermocycler", lab.device.port, lab.device.options, lab.device.limits)
        await other.stop()
        await asyncio.sleep(1)
        assert lab.twin.run == "-"
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    run(main)


def test_a_lost_connection_in_mid_run_and_the_way_back(bench):
    async def main():
        lab = await bench()
        running = asyncio.create_task(lab.device.perform(Command("run-1/pcr.4#1", "run_profile", PCR)))
        await asyncio.sleep(100)
        await lab.lines[-1].inner.close()
        with pytest.raises(ConnectionLost) as lost:
            await running
        assert lost.value.outcome == "unknown"
        await lab.device.connect(force_reconnect=True)
        assert lab.twin.run != "-"  # a new connection disturbs nothing
        assert (await lab.device.recall(Command("run-1/other.1#1", "run_profile", PCR))).state == "not_done"
        assert (await lab.device.recall(Command("run-1/pcr.4#1", "run_profile", PCR))).state == "done"
        assert len(lab.twin.completed) == 1
        assert (await lab.device.recall(Command("run-1/pcr.4#1", "run_profile", PCR))).state == "unknown"

    run(main)


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (b"ERRor BlockIsRunning\r\n", CommandRefused, "BlockIsRunning"),
        (b"hello\r\n", ReplyTimeout, "no answer to lidclose"),
        (b"\xff\xfe\r\n", ReplyTimeout, "no answer to lidclose"),
        (b"OK lidcl", ReplyTimeout, "no answer to lidclose"),
        (b"NEXT lidclose\r\n", DeviceError, "Failed to close lid"),
        (b"", ConnectionLost, "closed the connection"),
    ],
)
def test_a_wrong_answer_is_an_error_and_never_a_hang(bench, answer, error, text):
    async def main():
        lab = await bench()
        began_s = lab.world.now()
        lab.spoil = lambda data: answer
        with pytest.raises(error, match=text) as wrong:
            await lab.do("run_profile", **PCR)
        assert wrong.value.device == "thermocycler"
        assert lab.world.now() - began_s < 60
        lab.spoil = lambda data: data
        await lab.device.connect(force_reconnect=True)
        await lab.device.perform(Command("again", "run_profile", PCR))

    run(main)


@pytest.mark.parametrize(("how", "error"), [("aborted", CommandFailed), ("unsaid", ReplyTimeout)])
def test_a_run_that_is_over_was_whole_only_by_the_devices_own_word(bench, how, error):
    """Somebody aborts it, or the word of its end is lost: that nothing runs any more tells neither."""

    async def main():
        lab = await bench()
        if how == "unsaid":
            lab.spoil = lambda data: data.replace(b"OK TBC1:RunProtocol", b"\xcf\xcb TBC1:RunProtocol")
        running = asyncio.create_task(lab.do("run_profile", **PCR))
        await asyncio.sleep(300)
        if how == "aborted":
            lab.twin._running.cancel()
            lab.twin._end()
        with pytest.raises(error, match="its run is over"):
            await running
        lab.spoil = lambda data: data
        await lab.device.connect(force_reconnect=True)
        await lab.do("run_profile", **PCR)

    run(main)


def test_an_answer_that_comes_too_late_is_not_taken_for_the_next_one(bench):
    async def main():
        lab = await bench()
        lab.lines[-1].inner._near.put(b"OK TBC1:RunProtocol old\r\nOK lidopen\r\n")
        began_s = lab.world.now()
        await lab.do("close_lid")
        assert lab.world.now() - began_s < 20
        assert not lab.twin.lid_is_open

    run(main)


def test_another_block_is_refused(bench):
    async def main():
        lab = await bench()
        lab.spoil = lambda data: data.replace(b"BID? 31", b"BID? 13")
        with pytest.raises(CommandRefused, match="of type 13"):
            await lab.device.connect(force_reconnect=True)

    run(main)


def test_who_does_not_know_the_secret_is_told_nothing(bench):
    async def main():
        lab = await bench()
        lab.spoil = lambda data: data.replace(b"CHAL? 8d2f1c", b"CHAL? 000000")
        with pytest.raises(CommandRefused, match="AuthenticationFailed"):
            await lab.device.connect(force_reconnect=True)

    run(main)
