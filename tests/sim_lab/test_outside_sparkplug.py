"""Mosquitto as the broker between our edge node and our host, and a Sparkplug host that is not ours: pysparkplug."""

import asyncio
import contextlib
import json
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers.core.errors import CommandFailed, ConnectionFailed
from drivers.core.transport import port_at
from drivers.sensors.sparkplug_environment import DRIVER
from drivers.sensors.sparkplug_environment.device import SparkplugEnvironment
from drivers.sensors.sparkplug_environment.options import METRICS, Options
from sim_lab.clock import run
from sim_lab.twins.sparkplug_environment import Twin
from sim_lab.world.model import World

OUTSIDE = Path(__file__).resolve().parents[1] / "outside" / "sparkplug"
MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/bin")
WITHIN_S = 15.0
needs_host = pytest.mark.skipif(
    not (OUTSIDE / ".venv" / ".ready").exists(), reason="pysparkplug is not installed (tools/setup_tests.sh)"
)
pytestmark = [
    pytest.mark.skipif(MOSQUITTO is None, reason="Debian's mosquitto is not installed"), pytest.mark.timeout(60),
]  # fmt: skip


@contextlib.contextmanager
def mosquitto(config: Path) -> Iterator[None]:
    with subprocess.Popen([MOSQUITTO, "-c", config], stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            if "running" in line:
                break
        try:
            yield
        finally:
            process.kill()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A mosquitto's configuration, for a free port of loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    path = tmp_path / f"{port}.conf"
    path.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nlog_dest stderr\n")
    return path


def at(config: Path) -> str:
    return f"mqtt://127.0.0.1:{config.stem}"


async def until(holds: Any) -> Any:
    """Look until it is so, and what it gives; no longer than `WITHIN_S`."""
    async with asyncio.timeout(WITHIN_S):
        while not (found := holds()):
            await asyncio.sleep(0.02)
    return found


class Host:
    """What the outside host has told."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []

    def last(self, kind: str, device: str | None = None) -> dict[str, Any] | None:
        return next((m for m in reversed(self.told) if (m["kind"], m["device"]) == (kind, device)), None)

    async def listen(self, reader: asyncio.StreamReader) -> None:
        async for line in reader:
            self.told.append(json.loads(line))


@contextlib.asynccontextmanager
async def outside(config: Path) -> AsyncIterator[Host]:
    process = await asyncio.create_subprocess_exec(
        str(OUTSIDE / ".venv" / "bin" / "python"), str(OUTSIDE / "host.py"), config.stem, "lab", "cell",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    host = Host()
    assert process.stdout is not None
    listening = asyncio.create_task(host.listen(process.stdout))
    try:
        yield host
    finally:
        process.kill()
        await process.wait()
        await listening


def values(message: dict[str, Any]) -> dict[str, Any]:
    return {metric["name"]: metric["value"] for metric in message["metrics"]}


@needs_host
def test_a_host_of_others_reads_our_node_at_mosquitto(config: Path) -> None:
    async def main() -> None:
        twin = Twin("room", Options(), World(1, {}))
        await twin.attach(at(config))
        async with outside(config) as host:
            birth = await until(lambda: host.last("DBIRTH", "room"))  # it asked for it
            node = host.last("NBIRTH")
            assert node is not None
            assert (node["seq"], birth["seq"]) == (0, 1)
            assert values(node) == {"bdSeq": 0, "Node Control/Rebirth": False}
            assert set(values(birth)) == set(METRICS.values())
            assert values(birth)["Temperature"] == pytest.approx(22.0, abs=0.6)
            assert values(birth)["Oxygen"] == pytest.approx(20.95, abs=0.5)
            assert values(birth)["Door Open"] is False
            assert birth["at_ms"] / 1000 == pytest.approx(time.time(), abs=10)
            twin.world.room.door_open = True
            await twin.publish_value()  # by alias: the host finds names and types in the birth
            data = await until(lambda: host.last("DDATA", "room"))
            assert data["seq"] == 2
            assert values(data)["Door Open"] is True
            assert "E-Stop Pressed" not in values(data)
            await twin.switch_off()  # no goodbye: the broker publishes the will
            death = await until(lambda: host.last("NDEATH"))
            assert values(death) == {"bdSeq": 0}
            await twin.switch_on()
            again = await until(lambda: host.last("NBIRTH") is not node and host.last("NBIRTH"))
            assert values(again)["bdSeq"] == 1
        await twin.switch_off()

    with mosquitto(config):
        run(main, speed=1)


def test_our_host_and_our_node_at_mosquitto(config: Path) -> None:
    async def main() -> None:
        twin = Twin("room", Options(), World(1, {}))
        device = SparkplugEnvironment("room", port_at(at(config)), Options(timeout_s=5.0), DRIVER.default_limits)
        await twin.attach(at(config))
        await device.connect()
        assert len(await device.measure()) == 5
        born = device._node.births
        device._asked_s = -1e9
        twin._seq = (twin._seq + 3) % 256
        await twin.publish_value()
        await until(lambda: device._node.births == born + 1 and device._node.metrics)
        assert len(await device.measure()) == 5
        await twin.switch_off()
        await until(lambda: device._node.state == "dead")
        with pytest.raises(CommandFailed, match="its edge node is dead"):
            await device.measure()
        await twin.switch_on()
        await until(lambda: device._node.metrics)
        assert len(await device.measure()) == 5
        await device.disconnect()
        await twin.switch_off()

    with mosquitto(config):
        run(main, speed=1)


def test_a_mosquitto_that_is_gone_and_back(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim_lab.twins.sparkplug_environment.DIAL_S", 0.1)

    async def main() -> None:
        twin = Twin("room", Options(), World(1, {}))
        device = SparkplugEnvironment("room", port_at(at(config)), Options(timeout_s=5.0), DRIVER.default_limits)
        with mosquitto(config):
            await twin.attach(at(config))
            await device.connect()
            assert len(await device.measure()) == 5
        await until(lambda: device._listening.done())
        with pytest.raises(ConnectionFailed):
            await device.measure()
        twin._born.clear()
        with mosquitto(config):
            await twin._born.wait()
            assert len(await device.measure()) == 5
            await device.disconnect()
            await twin.switch_off()

    run(main, speed=1)
