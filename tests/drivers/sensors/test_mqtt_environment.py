"""The MQTT room sensor's driver: its payloads, its errors, and a real mosquitto as the broker."""

import asyncio
import contextlib
import getpass
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.core.errors import (
    CommandFailed,
    CommandStopped,
    ConnectionFailed,
    ConnectionLost,
    ProtocolViolation,
    ReplyTimeout,
)
from drivers.core.transport import port_at
from drivers.sensors.mqtt_environment import DRIVER, wire
from drivers.sensors.mqtt_environment.device import MqttEnvironment
from drivers.sensors.mqtt_environment.options import Options
from sim_lab.clock import run
from sim_lab.twins.mqtt_environment import Twin
from sim_lab.world.air import Air
from sim_lab.world.model import World

Story = Callable[[MqttEnvironment, Twin], Awaitable[Any]]


def driver(address: str, **options: Any) -> MqttEnvironment:
    return MqttEnvironment("room", port_at(address), Options(**options), DRIVER.default_limits)


def with_twin(story: Story, seed: int = 1, **options: Any) -> Any:
    async def main() -> Any:
        twin = Twin("room", Options(**options), World(seed, {}, Air(25.0, 0.6)))
        device = driver(await twin.start("127.0.0.1", 0), **options)
        try:
            await device.connect()
            return await story(device, twin)
        finally:
            await device.disconnect()
            await twin.stop()

    return run(main, epoch_s=1e9)


@pytest.mark.parametrize("seed", range(3))
def test_measures_the_air_of_the_world(seed: int) -> None:
    async def story(device: MqttEnvironment, _: Twin) -> None:
        temperature, humidity, oxygen, door, e_stop = await device.measure()
        assert (temperature.quantity, temperature.unit) == ("temperature", "degC")
        assert (humidity.quantity, humidity.unit) == ("humidity", "%RH")
        assert temperature.value == pytest.approx(25.0, abs=0.6)
        assert humidity.value == pytest.approx(60.0, abs=6.0)
        assert (temperature.value, humidity.value) != (25.0, 60.0)  # no sensor is exact
        assert (oxygen.quantity, oxygen.unit) == ("oxygen", "%")
        assert oxygen.value == pytest.approx(20.95, abs=0.5)
        assert [(state.quantity, state.unit, state.value) for state in (door, e_stop)] == [
            ("door", "1", 0.0), ("e_stop", "1", 0.0),
        ]  # fmt: skip

    with_twin(story, seed)


def test_an_open_door_and_a_pressed_stop_are_told() -> None:
    async def story(device: MqttEnvironment, twin: Twin) -> None:
        twin.world.room.door_open = twin.world.room.e_stop_pressed = True
        await twin.publish_value()
        assert [reading.value for reading in (await device.measure())[3:]] == [1.0, 1.0]

    with_twin(story)


def test_the_same_seed_gives_the_same_values() -> None:
    async def story(device: MqttEnvironment, _: Twin) -> Any:
        values = []
        for _ in range(3):
            values.append(await device.measure())
            await asyncio.sleep(61)
        return values

    first = with_twin(story)
    assert len(set(first)) == 3
    assert with_twin(story) == first
    assert with_twin(story, seed=2) != first


def test_hours_of_idleness_do_not_matter() -> None:
    async def story(device: MqttEnvironment, _: Twin) -> None:
        await asyncio.sleep(2 * 3600)
        assert await device.measure()

    with_twin(story)


def test_a_stale_value_is_an_error_that_names_its_age() -> None:
    async def story(device: MqttEnvironment, twin: Twin) -> None:
        await twin.freeze()
        await asyncio.sleep(100)
        assert await device.measure()
        await asyncio.sleep(150)
        with pytest.raises(CommandFailed, match="room: its last value is 250 s old, more than 180 s"):
            await device.measure()

    with_twin(story)


def test_offline_is_told_and_ends() -> None:
    async def story(device: MqttEnvironment, twin: Twin) -> None:
        await twin.switch_off()
        with pytest.raises(CommandFailed, match="room: it is offline"):
            await device.measure()
        await twin.switch_on()
        assert await device.measure()

    with_twin(story)


def test_no_value_is_a_timeout_and_never_a_hang() -> None:
    async def main() -> float:
        twin = Twin("room", Options(), World(1, {}))
        device = driver(await twin.start("127.0.0.1", 0), topic="somewhere/else", timeout_s=7.0)
        began = asyncio.get_running_loop().time()
        with pytest.raises(ReplyTimeout, match="no value on somewhere/else/environment in 7 s"):
            await device.measure()
        took = asyncio.get_running_loop().time() - began
        await twin.stop()
        return took

    assert run(main) == pytest.approx(7.0, abs=0.1)


def test_a_stop_ends_the_wait() -> None:
    async def main() -> float:
        twin = Twin("room", Options(), World(1, {}))
        device = driver(await twin.start("127.0.0.1", 0), topic="somewhere/else", timeout_s=30.0)
        running = asyncio.ensure_future(device.measure())
        await asyncio.sleep(2.0)
        await device.stop()
        with pytest.raises(CommandStopped, match="room: it was stopped"):
            await running
        took = asyncio.get_running_loop().time()
        await device.stop()  # nothing runs: nothing happens
        await twin.stop()
        return took

    assert run(main) == pytest.approx(2.0, abs=0.1)


def test_a_broker_that_is_gone_is_an_error_and_its_return_is_enough() -> None:
    async def main() -> None:
        twin = Twin("room", Options(), World(1, {}))
        address = await twin.start("127.0.0.1", 0)
        device = driver(address)
        await device.connect()
        assert await device.measure()
        await twin.stop()
        with pytest.raises(ConnectionFailed, match="room: mqtt://127.0.0.1"):
            await device.measure()
        again = Twin("room", Options(), World(1, {}))
        await again.start("127.0.0.1", int(address.rpartition(":")[2]))
        assert await device.measure()
        await again.stop()

    run(main)


def test_a_broker_that_goes_while_a_value_is_awaited_is_an_error_and_no_wait() -> None:
    async def main() -> float:
        twin = Twin("room", Options(), World(1, {}))
        device = driver(await twin.start("127.0.0.1", 0), topic="somewhere/else", timeout_s=30.0)
        await device.connect()
        running = asyncio.ensure_future(device.measure())
        await asyncio.sleep(2.0)
        began = asyncio.get_running_loop().time()
        await twin.stop()
        with pytest.raises(ConnectionLost, match="room: mqtt://127.0.0.1") as caught:
            await running
        assert caught.value.outcome == "unknown"
        return asyncio.get_running_loop().time() - began

    assert run(main) < 5


def test_a_server_that_is_no_broker_is_an_error() -> None:
    async def main() -> None:
        async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(10)
            writer.close()
            await writer.wait_closed()

        server = await asyncio.start_server(deaf, "127.0.0.1", 0)
        with pytest.raises(ConnectionFailed):
            await driver(f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout_s=1.0).connect()
        server.close()
        await server.wait_closed()

    run(main)


@pytest.mark.parametrize(
    "payload",
    [b"", b"22.0", b"[]", b"{}", b'{"temperature_c": NaN, "humidity_percent": 45, "at": 0}', b"\xff", b"[" * 100_000,
     b'{"temperature_c": "22", "humidity_percent": 45, "at": 0}', b'{"temperature_c": true, "humidity_percent": 4, "at": 0}',
     b'{"temperature_c": 22, "humidity_percent": 45, "at": 0, "door_open": 0}',
     b'{"temperature_c": 22, "humidity_percent": 45, "at": 0, "e_stop_pressed": null}',
     b'{"temperature_c": 22, "humidity_percent": 45, "at": 0, "oxygen_percent": true}',
     b'{"temperature_c": 1e999, "humidity_percent": 45, "at": 0}', b'{"temperature_c": 22, "humidity_percent": 45}'],
)  # fmt: skip
def test_payloads_that_are_no_value(payload: bytes) -> None:
    with pytest.raises(ProtocolViolation, match="not a value of the room"):
        wire.decode(payload)


@given(st.binary(max_size=60))
def test_no_payload_breaks_the_reader(payload: bytes) -> None:
    with contextlib.suppress(ProtocolViolation):
        wire.decode(payload)


FINITE = st.floats(allow_nan=False, allow_infinity=False)
MAYBE = st.none() | st.booleans()


@given(st.builds(wire.Environment, FINITE, FINITE, FINITE, st.none() | FINITE, MAYBE, MAYBE))
def test_a_value_comes_back_as_it_was(value: wire.Environment) -> None:
    assert wire.decode(wire.encode(value)) == value


# A real broker and a client that is not ours

MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/bin")
needs_mosquitto = pytest.mark.skipif(
    not (MOSQUITTO and shutil.which("mosquitto_pub")),
    reason="Debian's mosquitto and mosquitto-clients are not installed",
)


@pytest.fixture
def broker(tmp_path: Path, unused_port: int) -> Iterator[int]:
    """A mosquitto on a free port of loopback."""
    config = tmp_path / "mosquitto.conf"
    config.write_text(f"listener {unused_port} 127.0.0.1\nallow_anonymous true\npersistence false\nlog_dest stderr\n")
    with listening(config):
        yield unused_port


@contextlib.contextmanager
def listening(config: Path) -> Iterator[None]:
    with subprocess.Popen(
        [MOSQUITTO, "-c", config], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout:
            if "running" in line:
                break
        try:
            yield
        finally:
            process.terminate()


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def publish(port: int, topic: str, payload: str) -> None:
    where = ["-h", "127.0.0.1", "-p", str(port)]
    subprocess.run(["mosquitto_pub", *where, "-t", topic, "-m", payload, "-r", "-q", "1"], check=True, timeout=10)


@needs_mosquitto
def test_a_real_broker_and_a_sensor_that_is_not_ours(broker: int) -> None:
    def tell(age_s: float) -> None:
        value = {"temperature_c": 21.5, "humidity_percent": 40, "at": time.time() - age_s}
        publish(broker, "hall/7/environment", json.dumps(value))

    async def main() -> None:
        device = driver(f"mqtt://127.0.0.1:{broker}", topic="hall/7", timeout_s=0.5)
        await device.connect()
        with pytest.raises(ReplyTimeout):
            await device.measure()
        await asyncio.to_thread(tell, 1000)
        with pytest.raises(CommandFailed, match="1000 s old|1001 s old"):
            await device.measure()
        await asyncio.to_thread(tell, 0)
        assert [reading.value for reading in await device.measure()] == [21.5, 40.0]
        await asyncio.to_thread(publish, broker, "hall/7/online", "offline")
        with pytest.raises(CommandFailed, match="offline"):
            await device.measure()

    run(main, speed=1)


@needs_mosquitto
def test_a_broker_that_wants_to_know_who_asks(
    tmp_path: Path, unused_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    users, config = tmp_path / "passwords", tmp_path / "mosquitto.conf"
    subprocess.run(["mosquitto_passwd", "-b", "-c", users, "lab", "open sesame"], check=True, timeout=10)
    config.write_text(f"listener {unused_port} 127.0.0.1\npassword_file {users}\nuser {getpass.getuser()}\n")
    told = wire.encode(wire.Environment(20.5, 41.0, time.time()))

    async def main() -> None:
        device = driver(f"mqtt://lab@127.0.0.1:{unused_port}", topic="hall", password="env:HALL")
        with pytest.raises(ConnectionFailed, match="HALL is not set"):
            await device.connect()
        monkeypatch.setenv("HALL", "wrong")
        with pytest.raises(ConnectionFailed, match="(?i)not authori[sz]ed"):
            await device.connect()
        monkeypatch.setenv("HALL", "open sesame")
        await device.connect()
        async with device._session() as client:
            await client.publish("hall/environment", told, qos=1, retain=True)
        assert [reading.value for reading in await device.measure()] == [20.5, 41.0]

    with listening(config):
        run(main, speed=1)
