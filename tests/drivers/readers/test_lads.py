"""The LADS reader: vocabulary, readings against the world, stop, faults, a long idle session."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from drivers.core.accuracy import absorbance_sd
from drivers.core.errors import (
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


def test_the_vocabulary() -> None:
    """Browse names as OPC 30500-1 writes them, and our properties there and back."""
    assert wire.NAMESPACE == "http://opcfoundation.org/UA/LADS/"
    assert (wire.DEVICE_SET, wire.UNIT_SET, wire.UNIT_STATE) == (
        "DeviceSet",
        "FunctionalUnitSet",
        ("FunctionalUnitState",),
    )
    assert wire.read_properties(*wire.properties(["A1", "H12"], [427.0, 504.5])) == (["A1", "H12"], [427.0, 504.5])


def test_reads_what_is_in_the_wells() -> None:
    async def story(device: LadsReader, _: Twin, world: World) -> None:
        (reading,) = await device.read_absorbance(["A1", "B1"], [504.0])
        assert reading.quantity == "absorbance_504nm"
        assert reading.wells is not None
        area = kind("plate_96_flat").wells["A1"].area_mm2
        true = PLATE_ABSORBANCE + absorbance(world.labware["plate"].vessels["A1"].mol, area, 504.0)
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


def test_stop_aborts_a_reading() -> None:
    async def story(device: LadsReader, _: Twin, __: World) -> float:
        wells = [f"A{column}" for column in range(1, 13)]
        running = asyncio.ensure_future(device.read_absorbance(wells, [float(nm) for nm in range(400, 700, 10)]))
        await asyncio.sleep(10)
        before = asyncio.get_running_loop().time()
        await device.stop()
        with pytest.raises(CommandStopped):
            await running
        return asyncio.get_running_loop().time() - before

    assert with_twin(story) < 12


def test_a_server_that_goes_away_is_an_error_not_a_hang() -> None:
    async def story(device: LadsReader, twin: Twin, _: World) -> None:
        running = asyncio.ensure_future(device.read_absorbance(["A1"], [float(nm) for nm in range(400, 700, 5)]))
        await asyncio.sleep(5)
        await twin.stop()
        with pytest.raises((ConnectionLost, ReplyTimeout)) as caught:
            await running
        assert caught.value.outcome == "unknown"

    with_twin(story)


def test_connects_again() -> None:
    async def story(device: LadsReader, _: Twin, __: World) -> None:
        await device.connect(force_reconnect=True)
        assert await device.read_absorbance(["A1"], [504.0])

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
        with pytest.raises(ProtocolViolation, match="no node 'DeviceSet'"):
            await device.connect()
        await device.close()
        await server.stop()

    run(main)
