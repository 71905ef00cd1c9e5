"""The room sensor's twin, seen by clients that are not ours: Debian's mosquitto_sub and mosquitto_pub."""

import asyncio
import json
import shutil
import time
from typing import Any

import pytest

from drivers.sensors.mqtt_environment.options import Options
from sim_lab.clock import run
from sim_lab.twins.mqtt_environment import Twin
from sim_lab.world.model import World

pytestmark = pytest.mark.skipif(
    shutil.which("mosquitto_sub") is None, reason="Debian's mosquitto-clients are not installed"
)


async def tool(name: str, address: str, *args: str) -> str:
    """Run a mosquitto client to its end."""
    port = address.rpartition(":")[2]
    process = await asyncio.create_subprocess_exec(
        name, "-h", "127.0.0.1", "-p", port, *args, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await asyncio.wait_for(process.communicate(), 10)
    return output.decode()


def served(story: Any, **options: Any) -> None:
    async def main() -> None:
        twin = Twin("room", Options(**options), World(1, {}))
        address = await twin.start("127.0.0.1", 0)
        try:
            await story(twin, address)
        finally:
            await twin.stop()

    run(main, speed=1)


def test_a_subscriber_gets_the_retained_value_and_presence() -> None:
    async def story(_: Twin, address: str) -> None:
        told = await tool("mosquitto_sub", address, "-t", "lab/room/#", "-C", "2", "-W", "5", "-v", "-q", "1")
        lines = dict(line.split(" ", 1) for line in told.splitlines())
        assert lines["lab/room/online"] == "online"
        value = json.loads(lines["lab/room/environment"])
        assert value["temperature_c"] == pytest.approx(22.0, abs=0.6)
        assert value["humidity_percent"] == pytest.approx(45.0, abs=6.0)
        assert value["at"] == pytest.approx(time.time(), abs=10)

    served(story)


def test_a_subscriber_gets_every_new_value() -> None:
    async def story(_: Twin, address: str) -> None:
        told = await tool("mosquitto_sub", address, "-t", "lab/room/environment", "-C", "4", "-W", "5")
        stamps = [json.loads(line)["at"] for line in told.splitlines()]
        assert len(stamps) == 4
        assert stamps == sorted(set(stamps))

    served(story, publish_s=0.1)


def test_it_serves_other_publishers_too() -> None:
    async def story(_: Twin, address: str) -> None:
        await tool("mosquitto_pub", address, "-t", "other/topic", "-m", "hello", "-r", "-q", "1")
        assert await tool("mosquitto_sub", address, "-t", "other/topic", "-C", "1", "-W", "5") == "hello\n"

    served(story)


def test_the_last_will_of_the_sensor() -> None:
    async def story(twin: Twin, address: str) -> None:
        await twin.switch_off()
        assert await tool("mosquitto_sub", address, "-t", "lab/room/online", "-C", "1", "-W", "5") == "offline\n"

    served(story)
