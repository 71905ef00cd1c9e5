"""The LADS reader: its bytes, readings against the world, stop, faults, a long idle session."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from asyncua.ua import ua_binary
from hypothesis import given
from hypothesis import strategies as st

from drivers.core.accuracy import absorbance_sd
from drivers.core.errors import (
    CommandFailed,
    CommandRefused,
    CommandStopped,
    ConnectionFailed,
    ConnectionLost,
    DeviceError,
    LimitError,
    ProtocolViolation,
    ReplyTimeout,
)
from drivers.core.labware import kind
from drivers.core.transport import port_at
from drivers.readers.lads import DRIVER, wire
from drivers.readers.lads.device import LadsReader
from drivers.readers.lads.options import Options
from sim_lab.clock import run
from sim_lab.twins.lads import PLATE_ABSORBANCE, Twin
from sim_lab.twins.opcua_server import bound_port, micro_server
from sim_lab.world.model import PhysicalError, World
from sim_lab.world.optics import absorbance

RED = "25956-17-6"
Story = Callable[[LadsReader, Twin, World], Awaitable[Any]]


def with_twin(story: Story, seed: int = 1) -> Any:
    """A connected reader with a plate of dye on its tray, in virtual time."""

    async def main() -> Any:
        world = World(seed=seed, sites={})
        world.now = asyncio.get_running_loop().time
        twin = Twin("reader", Options(), world)
        address = await twin.start("127.0.0.1", 0)
        device = LadsReader("reader", port_at(address), Options(), DRIVER.default_limits)
        await device.connect()
        await device.open_tray()
        world.place("plate", kind("plate_96_flat"), "reader.tray")
        world.fill("plate", "A1", 200, {RED: 5e-5})
        await device.close_tray()
        try:
            return await story(device, twin, world)
        finally:
            await device.disconnect()
            await twin.stop()

    return run(main, epoch_s=0.0)


@given(st.lists(st.text(), min_size=2, max_size=2))
def test_a_pair_comes_back_as_it_was(texts: list[str]) -> None:
    try:
        body = wire.encode_pair(texts[0], texts[1])
    except UnicodeEncodeError:  # half of a surrogate pair is no text
        return
    assert wire.decode_pair(body) == (texts[0], texts[1])


@given(st.binary(max_size=40))
def test_no_body_breaks_the_reader(body: bytes) -> None:
    with contextlib.suppress(ValueError):
        wire.decode_pair(body)


@pytest.mark.parametrize("body", ["", "05000000", "ffffffff", "feffffff00000000", "0000000000000000ff"])
def test_bodies_that_are_no_pair(body: str) -> None:
    with pytest.raises(ValueError, match="a pair|a text of"):
        wire.decode_pair(bytes.fromhex(body))


def test_a_pair_is_what_asyncua_makes_of_two_strings() -> None:
    pack = ua_binary.Primitives.String.pack
    assert wire.encode_pair("Wells", "A1,µ") == pack("Wells") + pack("A1,µ")


def test_reads_what_is_in_the_wells() -> None:
    async def story(device: LadsReader, _: Twin, world: World) -> None:
        (reading,) = await device.read_absorbance(["A1", "B1"], [504.0])
        assert reading.quantity == "absorbance_504nm"
        assert reading.wells is not None
        area = kind("plate_96_flat").wells["A1"].area_mm2
        true = PLATE_ABSORBANCE + absorbance(world.labware["plate"].vessels["A1"], area, 504.0)
        assert reading.wells["A1"] == pytest.approx(true, abs=5 * absorbance_sd(true))
        assert reading.wells["B1"] == pytest.approx(PLATE_ABSORBANCE, abs=0.015)

    with_twin(story)


def test_a_reading_takes_the_time_it_takes_and_repeats_with_its_seed() -> None:
    async def story(device: LadsReader, _: Twin, __: World) -> tuple[float, Any]:
        wells = [f"{row}{column}" for column in range(1, 13) for row in "ABCDEFGH"]
        began = asyncio.get_running_loop().time()
        readings = await device.read_absorbance(wells, [427.0, 504.0])
        return asyncio.get_running_loop().time() - began, readings

    (took, one), (again, two), (_, other) = (with_twin(story, seed) for seed in (1, 1, 2))
    assert 2 * (2.0 + 96 * 0.2) <= took < 60
    assert (took, one) == (again, two)
    assert one != other


def test_hours_of_idling_do_not_end_the_session() -> None:
    async def story(device: LadsReader, _: Twin, __: World) -> None:
        await asyncio.sleep(5 * 3600)
        assert len(await device.read_absorbance(["A1"], [504.0])) == 1

    with_twin(story)


def test_a_tray_that_is_in_is_out_of_reach() -> None:
    async def story(device: LadsReader, _: Twin, world: World) -> None:
        with pytest.raises(PhysicalError, match="is closed"):
            world.lift("reader.tray")
        await device.open_tray()
        world.put(world.lift("reader.tray"), "reader.tray")

    with_twin(story)


def test_what_the_reader_refuses_is_told() -> None:
    async def story(device: LadsReader, _: Twin, world: World) -> None:
        with pytest.raises(LimitError, match="wavelength 5000"):
            await device.read_absorbance(["A1"], [5000.0])
        with pytest.raises(CommandRefused, match="a well or wavelength"):
            await device.read_absorbance(["Z9"], [504.0])
        await device.open_tray()
        with pytest.raises(CommandRefused, match="is the tray in"):
            await device.read_absorbance(["A1"], [504.0])
        world.lift("reader.tray")
        await device.close_tray()
        with pytest.raises(CommandRefused, match="no plate"):
            await device.read_absorbance(["A1"], [504.0])

    with_twin(story)


def test_stop_aborts_a_reading_and_the_next_one_is_read() -> None:
    async def story(device: LadsReader, _: Twin, __: World) -> float:
        wells = [f"A{column}" for column in range(1, 13)]
        running = asyncio.ensure_future(device.read_absorbance(wells, [float(nm) for nm in range(400, 700, 10)]))
        await asyncio.sleep(10)
        before = asyncio.get_running_loop().time()
        await device.stop()
        with pytest.raises(CommandStopped):
            await running
        took = asyncio.get_running_loop().time() - before
        assert len(await device.read_absorbance(["A1"], [504.0])) == 1
        return took

    assert with_twin(story) < 12


def test_a_stop_is_not_overtaken_by_a_program_that_is_about_to_start() -> None:
    async def story(device: LadsReader, _: Twin, __: World) -> None:
        for turns in range(12):
            running = asyncio.ensure_future(device.read_absorbance(["A1"] * 96, [427.0, 504.0]))
            for _ in range(turns):
                await asyncio.sleep(0)
            began = asyncio.get_running_loop().time()
            await device.stop()
            if running.done() or turns == 0:  # stopped before it began: the command itself comes later
                await running
                continue
            with pytest.raises(CommandStopped):
                await running
            assert asyncio.get_running_loop().time() - began < 12

    with_twin(story)


def test_a_stop_when_nothing_runs_is_no_error() -> None:
    async def story(device: LadsReader, _: Twin, __: World) -> None:
        await device.stop()
        assert len(await device.read_absorbance(["A1"], [504.0])) == 1

    with_twin(story)


def test_an_abort_at_the_reader_is_told_and_stays_until_connected_again() -> None:
    async def story(device: LadsReader, twin: Twin, __: World) -> None:
        other = LadsReader("other", device.port, Options(), DRIVER.default_limits)
        await other.connect()
        running = asyncio.ensure_future(device.read_absorbance(["A1"] * 96, [427.0, 504.0]))
        await asyncio.sleep(5)
        await other.stop()
        with pytest.raises(CommandFailed, match="aborted at the reader"):
            await running
        with pytest.raises(CommandRefused, match="not in this state"):
            await device.read_absorbance(["A1"], [504.0])
        await device.connect(force_reconnect=True)
        assert len(await device.read_absorbance(["A1"], [504.0])) == 1
        await other.disconnect()

    with_twin(story)


def test_a_tray_on_its_way_is_neither_read_nor_reached() -> None:
    async def story(device: LadsReader, _: Twin, world: World) -> None:
        opening = asyncio.ensure_future(device.open_tray())
        await asyncio.sleep(0.5)
        with pytest.raises(PhysicalError, match="is closed"):
            world.lift("reader.tray")
        with pytest.raises(CommandRefused, match="is the tray in"):
            await device.read_absorbance(["A1"], [504.0])
        await opening
        await device.open_tray()  # it is out: nothing to do
        world.put(world.lift("reader.tray"), "reader.tray")

    with_twin(story)


def test_a_result_is_found_among_many() -> None:
    async def story(device: LadsReader, _: Twin, __: World) -> None:
        for _ in range(15):
            (reading,) = await device.read_absorbance(["A1"], [504.0])
        with pytest.raises(ProtocolViolation, match="no result of run 'reader-1'"):  # it keeps the last ones
            await device._session.result("reader-1")
        assert await device._session.result("reader-15") == list(reading.wells.values())

    with_twin(story)


def test_a_server_that_goes_away_is_an_error_and_its_return_is_enough() -> None:
    async def story(device: LadsReader, twin: Twin, world: World) -> None:
        running = asyncio.ensure_future(device.read_absorbance(["A1"], [float(nm) for nm in range(400, 700, 5)]))
        await asyncio.sleep(5)
        await twin.stop()
        with pytest.raises((ConnectionLost, ReplyTimeout)) as caught:
            await running
        assert caught.value.outcome == "unknown"
        with pytest.raises((ConnectionLost, ReplyTimeout)):
            await device.read_absorbance(["A1"], [504.0])
        again = Twin("reader", Options(), world)
        await again.start("127.0.0.1", int(device.port.address.rpartition(":")[2]))
        await device.connect(force_reconnect=True)
        assert await device.read_absorbance(["A1"], [504.0])
        await again.stop()

    with_twin(story)


def test_nobody_there_is_told() -> None:
    async def main() -> None:
        device = LadsReader("reader", port_at("opc.tcp://127.0.0.1:9"), Options(), DRIVER.default_limits)
        with pytest.raises(ConnectionFailed, match="no OPC UA server"):
            await device.connect()
        with pytest.raises(DeviceError, match="not connected"):
            await device.open_tray()

    run(main)


def test_another_server_is_no_reader() -> None:
    async def main() -> None:
        server = await micro_server("127.0.0.1", 0, "other")
        await server.start()
        device = LadsReader(
            "reader", port_at(f"opc.tcp://127.0.0.1:{bound_port(server)}"), Options(), DRIVER.default_limits
        )
        with pytest.raises(ProtocolViolation, match="does not know the namespace of LADS"):
            await device.connect()
        await server.stop()

    run(main)


@pytest.mark.parametrize("wrong", [{"device": "elsewhere"}, {"unit": "Fluorescence"}])
def test_a_name_that_the_server_does_not_have_is_told(wrong: dict[str, str]) -> None:
    async def main() -> None:
        twin = Twin("reader", Options(), World(1, {}))
        address = await twin.start("127.0.0.1", 0)
        device = LadsReader("reader", port_at(address), Options(**wrong), DRIVER.default_limits)
        with pytest.raises(ProtocolViolation, match=f"'{next(iter(wrong.values()))}'"):
            await device.connect()
        named = LadsReader("reader", port_at(address), Options(device="reader"), DRIVER.default_limits)
        await named.connect()
        await named.disconnect()
        await twin.stop()

    run(main)


def test_a_server_that_does_not_speak_is_no_connection() -> None:
    async def main() -> None:
        async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(10)
            writer.close()

        server = await asyncio.start_server(mute, "127.0.0.1", 0)
        address = f"opc.tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        device = LadsReader("reader", port_at(address), Options(reply_timeout_s=1.0), DRIVER.default_limits)
        with pytest.raises(ConnectionFailed, match="no OPC UA server"):
            await device.connect()
        server.close()
        await server.wait_closed()

    run(main)


def test_a_mistake_of_the_twin_itself_is_told_and_waited_for_by_nobody(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(device: LadsReader, twin: Twin, _: World) -> None:
        def mistake(*_: Any) -> float:
            raise KeyError("no such dye")

        with monkeypatch.context() as patch:
            patch.setattr(twin, "_read", mistake)
            with pytest.raises(ConnectionLost, match="the session ended"):
                await device.read_absorbance(["A1"], [504.0])
        assert "the twin of reader failed" in caplog.text
        assert "no such dye" in caplog.text
        await device.connect(force_reconnect=True)
        await device.make_safe()
        (reading,) = await device.read_absorbance(["A1"], [504.0])
        assert reading.wells

    with_twin(story)


def test_a_long_reading_may_take_what_the_reader_says() -> None:
    """Ten minutes and more for the spectra of many wells; found by an agent, whose spectra ended in a time-out."""

    async def story(device: LadsReader, twin: Twin, world: World) -> None:
        plate = world.labware["plate"]
        wells = list(plate.vessels)[:40]
        for well in wells[1:]:
            world.fill("plate", well, 200, {RED: 5e-5})
        began = asyncio.get_running_loop().time()
        found = await device.read_absorbance(wells, [400.0 + nm for nm in range(180)])
        assert len(found) == 180
        assert asyncio.get_running_loop().time() - began > 3 * Options().read_late_s

    with_twin(story)
