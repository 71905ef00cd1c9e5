"""`lab twin serve` in a process of its own: every endpoint, and clients that others wrote, unmodified."""

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from labfile import Lab

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def endpoints() -> Iterator[dict[str, str]]:
    """Every twin of lab.toml, ten times as fast as life."""
    command = [sys.executable, "-m", "cli.main", "--json", "twin", "serve", "--speed", "10"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        yield {row["device"]: row["address"] for row in told["endpoints"]}
        process.terminate()
        assert process.wait(20) == 0


def test_every_device_has_a_loopback_endpoint(endpoints: dict[str, str], lab: Lab) -> None:
    assert set(lab.devices) <= set(endpoints)
    for name, address in endpoints.items():
        assert address.startswith("serial:///dev/pts/") or urlsplit(address).hostname == "127.0.0.1", (name, address)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_pylabrobots_preciseflex_drives_the_served_arm(endpoints: dict[str, str]) -> None:
    from pylabrobot.arms.precise_flex.pf_400 import PreciseFlex400Backend

    address = urlsplit(endpoints["arm"])

    async def move() -> None:
        backend = PreciseFlex400Backend(host=address.hostname or "", port=address.port or 0)
        await backend.setup()
        before = await backend.get_cartesian_position()
        assert before.location.z > 0
        await backend.set_speed(50)
        assert await backend.get_speed() == 50
        await backend.stop()

    asyncio.run(move())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_pylabrobots_bioshake_drives_the_served_shaker_over_a_pty(endpoints: dict[str, str]) -> None:
    from pylabrobot.heating_shaking.bioshake_backend import BioShake

    async def shake() -> None:
        backend = BioShake(port=urlsplit(endpoints["shaker"]).path)
        await backend.setup(skip_home=True)
        await backend.lock_plate()
        await backend.start_shaking(500)
        assert 10 < await backend.get_current_temperature() < 40
        await backend.stop_shaking()
        await backend.unlock_plate()
        await backend.stop()

    asyncio.run(shake())


@pytest.mark.skipif(shutil.which("mosquitto_sub") is None, reason="mosquitto_sub is not installed")
def test_mosquittos_client_hears_the_served_sensors(endpoints: dict[str, str]) -> None:
    address = urlsplit(endpoints["environment"])
    command = [
        "mosquitto_sub",
        "-h",
        address.hostname or "",
        "-p",
        str(address.port),
        "-t",
        "#",
        "-v",
        "-C",
        "2",
        "-W",
        "10",
    ]
    heard = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "temperature_c" in heard
    assert "online" in heard
