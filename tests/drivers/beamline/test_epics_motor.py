"""The EPICS motor's driver on its served twin, in real time; and the twin driven by caproto's own tools."""

import asyncio
import os
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from drivers.beamline.epics_motor import DRIVER, wire
from drivers.beamline.epics_motor.device import EpicsAxis
from drivers.beamline.epics_motor.options import Options
from drivers.core.errors import (
    CommandFailed,
    CommandRefused,
    CommandStopped,
    ConnectionFailed,
    ConnectionLost,
    LimitError,
)
from drivers.core.instrument import Command
from drivers.core.transport import port_at
from sim_lab.clock import run
from sim_lab.twins.epics_motor import Twin
from sim_lab.world.model import World

Story = Callable[[EpicsAxis, Twin], Awaitable[Any]]


def axis(address: str, **options: Any) -> EpicsAxis:
    return EpicsAxis("axis", port_at(address), Options(**options), DRIVER.default_limits)


def with_twin(story: Story) -> None:
    async def main() -> None:
        twin = Twin("axis", Options(), World(1, {}))
        device = axis(await twin.start("127.0.0.1", 0))
        try:
            await device.connect()
            await story(device, twin)
        finally:
            await device.disconnect()
            await twin.stop()

    run(main, speed=1)


async def where(device: EpicsAxis) -> float:
    (reading,) = await device.position()
    assert reading.unit == "mm"
    assert reading.value is not None
    return reading.value


def test_limits_of_the_driver_and_of_the_record() -> None:
    async def story(device: EpicsAxis, twin: Twin) -> None:
        start = twin.record.place_mm
        for outside in (float("nan"), float("inf"), 1e6):
            with pytest.raises(LimitError, match="axis: position"):
                await device.move(outside)
        with pytest.raises(LimitError, match="axis: its record refuses"):
            await device.move(60.0)
        assert twin.record.place_mm == start
        await device.move(start + 0.25)
        assert await where(device) == pytest.approx(start + 0.25, abs=0.001)
        assert twin.record.place_mm == pytest.approx(start + 0.25, abs=0.001)

    with_twin(story)


def test_a_limit_switch_is_a_failure() -> None:
    async def story(device: EpicsAxis, twin: Twin) -> None:
        twin.record.place_mm = 50.0
        for turn in range(
            400
        ):  # ophyd may miss a change of limits that comes while it still connects: it is made again
            if turn % 100 == 0:
                await asyncio.to_thread(device._motor.high_limit_travel.put, 81.0)
                await asyncio.to_thread(device._motor.high_limit_travel.put, 80.0)
            if device._motor.limits[1] == 80.0:
                break
            await asyncio.sleep(0.02)
        assert device._motor.limits[1] == 80.0
        with pytest.raises(CommandFailed, match="axis: its move failed"):
            await device.move(55.0)
        assert await where(device) == pytest.approx(51.0, abs=0.001)
        await device.move(50.5)
        assert await where(device) == pytest.approx(50.5, abs=0.001)

    with_twin(story)


def test_a_stop_in_mid_move() -> None:
    async def story(device: EpicsAxis, twin: Twin) -> None:
        start = twin.record.place_mm
        loop = asyncio.get_running_loop()
        running = asyncio.ensure_future(device.move(40.0))
        while twin.record.place_mm == start:
            await asyncio.sleep(0.02)
        began = loop.time()
        await device.stop()
        with pytest.raises(CommandStopped, match="axis: it was stopped at"):
            await running
        assert loop.time() - began < 2
        assert start < await where(device) < 20
        rest = twin.record.place_mm
        await device.move(rest - 0.1)  # a stop forbids nothing afterwards
        assert await where(device) == pytest.approx(rest - 0.1, abs=0.001)

    with_twin(story)


def test_the_loop_goes_on_while_it_moves() -> None:
    async def story(device: EpicsAxis, twin: Twin) -> None:
        gaps, loop = [], asyncio.get_running_loop()
        running = asyncio.ensure_future(device.move(twin.record.place_mm + 2.0))
        while not running.done():
            began = loop.time()
            await asyncio.sleep(0.01)
            gaps.append(loop.time() - began)
        await running
        assert len(gaps) > 10
        assert max(gaps) < 0.3

    with_twin(story)


def test_a_server_that_goes_in_mid_move_and_comes_back() -> None:
    async def story(device: EpicsAxis, twin: Twin) -> None:
        start = twin.record.place_mm
        running = asyncio.ensure_future(device.move(-40.0))
        while twin.record.place_mm == start:
            await asyncio.sleep(0.02)
        await twin.stop()
        with pytest.raises(ConnectionLost, match="axis: the connection ended in mid-move"):
            await asyncio.wait_for(running, 5)
        with pytest.raises(ConnectionLost, match="not connected"):
            await device.position()
        await twin.start("127.0.0.1", int(device.port.address.split(":")[2].split("/")[0]))
        await device.connect(force_reconnect=True)
        assert await where(device) == pytest.approx(twin.record.place_mm, abs=0.5)

    with_twin(story)


def test_no_record_is_an_error_and_leaves_no_thread() -> None:
    async def main() -> None:
        device = axis("ca://127.0.0.1:9/nothing", connect_timeout_s=0.3)
        with pytest.raises(ConnectionFailed, match="does not answer"):
            await device.connect()
        with pytest.raises(CommandRefused, match="not connected"):
            await device.position()

    before = {name: os.environ.get(name) for name in ("EPICS_CA_ADDR_LIST", "EPICS_CA_AUTO_ADDR_LIST")}
    run(main, speed=1)
    assert {name: os.environ.get(name) for name in before} == before
    assert not [thread for thread in threading.enumerate() if thread.name in ("command", "monitor", "selector")]


@pytest.mark.parametrize("address", ["ca:", "ca://127.0.0.1:5064", "ca:///m1"])
def test_addresses_that_name_no_record(address: str) -> None:
    with pytest.raises(ConnectionFailed, match="names no record"):
        wire.where(address)


def settings(address: str) -> dict[str, str]:
    """The environment with which a client of others finds the twin and nothing else."""
    server = wire.where(address).server
    assert server is not None
    return os.environ | {
        "EPICS_CA_ADDR_LIST": "127.0.0.1", "EPICS_CA_AUTO_ADDR_LIST": "NO", "EPICS_CA_SERVER_PORT": str(server[1]),
    }  # fmt: skip


async def tool(name: str, address: str, *args: str) -> str:
    """Run one of caproto's command-line clients to its end."""
    command = str(Path(sys.executable).parent / name), "--no-repeater"  # a repeater would stay, for every network
    process = await asyncio.create_subprocess_exec(
        *command, *args, env=settings(address), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 0, output.decode()
    return output.decode()


def test_caprotos_own_client_reads_and_moves() -> None:
    async def main() -> None:
        twin = Twin("axis", Options(), World(1, {}))
        twin.record.place_mm = 1.0
        address = await twin.start("127.0.0.1", 0)
        fields = [
            "RBV",
            "DVAL",
            "DMOV",
            "MOVN",
            "HLM",
            "LLM",
            "DHLM",
            "DLLM",
            "HLS",
            "LLS",
            "VELO",
            "ACCL",
            "OFF",
            "LVIO",
        ]
        told = await tool(
            "caproto-get", address, "--format", "{response.data[0]}", *(f"axis.{name}" for name in fields)
        )
        assert dict(zip(fields, map(float, told.split()), strict=True)) == {
            "RBV": 1, "DVAL": 1, "DMOV": 1, "MOVN": 0, "HLM": 50, "LLM": -50, "DHLM": 50, "DLLM": -50,
            "HLS": 0, "LLS": 0, "VELO": 5, "ACCL": 0.2, "OFF": 0, "LVIO": 0,
        }  # fmt: skip
        assert "mm" in await tool("caproto-get", address, "axis.EGU")
        moved = await tool("caproto-put", address, "--notify", "axis", "1.5")
        assert "1.5" in moved
        assert twin.record.place_mm == 1.5  # a put with notification is answered when the motion has ended
        await tool("caproto-put", address, "axis.SPMG", "Stop")
        await tool("caproto-put", address, "--notify", "axis", "3")
        assert twin.record.place_mm == 1.5
        await twin.stop()

    run(main, speed=1)


@pytest.mark.skipif(not Path("/proc/net/udp").exists(), reason="only Linux tells a process's sockets in /proc")
def test_the_twin_speaks_on_loopback_only() -> None:
    def ends() -> set[tuple[str, str]]:
        """Local and remote address of every IPv4 socket of this process."""
        links = [os.readlink(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd") if _open(number)]
        inodes = {link[8:-1] for link in links if link.startswith("socket:[")}
        rows = [
            row.split() for kind in ("tcp", "udp") for row in Path(f"/proc/net/{kind}").read_text().splitlines()[1:]
        ]
        return {(row[1].split(":")[0], row[2].split(":")[0]) for row in rows if row[9] in inodes}

    def _open(number: str) -> bool:
        return os.path.islink(f"/proc/self/fd/{number}")

    async def main() -> set[tuple[str, str]]:
        before = ends()
        twin = Twin("axis", Options(), World(1, {}))
        await twin.start("127.0.0.1", 0)
        await asyncio.sleep(0)
        seen = ends() - before
        await twin.stop()
        return seen

    loopback, nobody = "0100007F", "00000000"
    seen = run(main, speed=1)
    assert seen
    assert seen <= {(loopback, loopback), (loopback, nobody)}


def test_the_next_process_waits_for_a_move_and_tells_its_end() -> None:
    async def story(device: EpicsAxis, twin: Twin) -> None:
        start = await where(device)
        move = Command("run/1", "move", {"position_mm": round(start + 3.0, 3)})
        moving = asyncio.ensure_future(device.perform(move))
        while not twin.record.place_mm > start:
            await asyncio.sleep(0.01)
        await device.close()  # as when the process is killed: the record goes on
        with pytest.raises(ConnectionLost):
            await moving
        again = axis(device.port.address)
        await again.connect()
        try:
            found = await again.recall(move)
            assert found.state == "done", found
            assert twin.record.place_mm == pytest.approx(start + 3.0, abs=0.01)
            other = await again.recall(Command("run/2", "move", {"position_mm": start + 4.0}))
            assert other.state == "unknown"
        finally:
            await again.disconnect()

    with_twin(story)


def test_stopped_within_a_tenth_of_a_second_and_safe() -> None:
    async def story(device: EpicsAxis, twin: Twin) -> None:
        loop, took_s = asyncio.get_running_loop(), []
        for way in (20.0, -20.0, 20.0):  # a busy machine may be late once
            moving = asyncio.ensure_future(device.move(round(way, 3)))
            await asyncio.sleep(0.5)
            twin.record.halt.clear()
            asked_s = loop.time()
            stopping = asyncio.ensure_future(device.stop())
            await twin.record.halt.wait()
            took_s.append(loop.time() - asked_s)
            await stopping
            with pytest.raises(CommandStopped):
                await moving
        assert min(took_s) < 0.1
        moving = asyncio.ensure_future(device.move(-40.0))
        await asyncio.sleep(0.5)
        for _ in range(2):
            await device.make_safe()
        with pytest.raises(CommandStopped):
            await moving
        stood = twin.record.place_mm
        await asyncio.sleep(0.3)
        assert twin.record.place_mm == stood
        await device.move(round(stood, 3))

    with_twin(story)
