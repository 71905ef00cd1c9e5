"""The Sparkplug B room sensor's driver: payloads byte by byte, what a host may believe, and a node that fails."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.core.errors import CommandFailed, CommandStopped, ConnectionFailed, ProtocolViolation, ReplyTimeout
from drivers.core.transport import port_at
from drivers.sensors.sparkplug_environment import DRIVER
from drivers.sensors.sparkplug_environment import payload as p
from drivers.sensors.sparkplug_environment.device import SparkplugEnvironment
from drivers.sensors.sparkplug_environment.node import Node
from drivers.sensors.sparkplug_environment.options import Options
from drivers.sensors.sparkplug_environment.topics import BD_SEQ, Topic
from sim_lab.clock import run
from sim_lab.twins.sparkplug_environment import Twin
from sim_lab.world.air import Air
from sim_lab.world.model import World

Story = Callable[[SparkplugEnvironment, Twin], Awaitable[Any]]
SOON_S = 0.2  # until what the node published has been heard


def driver(address: str, **options: Any) -> SparkplugEnvironment:
    return SparkplugEnvironment("room", port_at(address), Options(**options), DRIVER.default_limits)


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


def values(readings: Any) -> dict[str, float]:
    return {reading.quantity: reading.value for reading in readings}


# The bytes

#: By hand from the encoding of protocol buffers and the field numbers of sparkplug_b.proto: time 1, seq 7, and a metric
#: of alias 3, data type Double (10) with 22.5.
BY_HAND = bytes.fromhex("0801" + "120d" + "1003" + "200a" + "690000000000803640" + "1807")


def test_bytes_that_were_made_by_hand() -> None:
    message = p.Payload(1, (p.Metric(value=22.5, datatype=p.DOUBLE, alias=3),), 7)
    assert p.decode(BY_HAND) == message
    assert p.encode(message) == BY_HAND


def test_what_is_not_read_is_passed_over() -> None:
    body, uuid = bytes.fromhex("2a03aabbcc"), bytes.fromhex("22026162")  # fields 5 and 4
    assert p.decode(uuid + BY_HAND + body) == p.decode(BY_HAND)


def test_signed_numbers_travel_as_unsigned_ones() -> None:
    for datatype, value in ((1, -5), (2, -300), (3, -70000), (p.INT64, -1), (7, 2**32 - 1), (p.UINT64, 2**64 - 1)):
        (metric,) = p.decode(p.encode(p.Payload(0, (p.Metric("n", value, datatype),)))).metrics
        assert metric.value == value


@given(st.binary(max_size=80))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    with contextlib.suppress(ProtocolViolation):
        p.decode(data)


@pytest.mark.parametrize("cut", range(1, len(BY_HAND) - 2))
def test_a_message_that_ends_too_early_is_none(cut: int) -> None:
    with contextlib.suppress(ProtocolViolation):
        assert p.decode(BY_HAND[:cut]) != p.decode(BY_HAND)


METRICS = st.one_of(
    st.tuples(st.just(p.DOUBLE), st.floats(allow_nan=False, allow_infinity=False)),
    st.tuples(st.just(p.BOOLEAN), st.booleans()), st.tuples(st.just(p.STRING), st.text(max_size=9)),
    st.tuples(st.just(p.INT64), st.integers(-(2**63), 2**63 - 1)),
)  # fmt: skip
SIZES = st.integers(0, 2**64 - 1)


@given(SIZES, st.none() | SIZES, st.text(max_size=9), METRICS, st.none() | SIZES)
def test_a_message_comes_back_as_it_was(at: int, seq: int | None, name: str, typed: Any, alias: int | None) -> None:
    message = p.Payload(at, (p.Metric(name, typed[1], typed[0], alias, at), p.Metric(name, None, 10)), seq)
    assert p.decode(p.encode(message)) == message


# What a host may believe


def births(bd_seq: int = 0) -> Node:
    numbered = (p.Metric(BD_SEQ, bd_seq, p.INT64),)
    node = Node("room").take(Topic("NBIRTH"), p.Payload(0, numbered, 0), 1.0)
    return node.take(Topic("DBIRTH", "room"), p.Payload(5, (p.Metric("T", 20.0, p.DOUBLE, 1),), 1), 2.0)


def data(seq: int, *metrics: p.Metric) -> p.Payload:
    return p.Payload(9, metrics, seq)


def test_values_count_from_birth_and_by_alias() -> None:
    node = births()
    assert not node.wants_rebirth
    assert node.metrics["T"].value == 20.0
    node = node.take(Topic("DDATA", "room"), data(2, p.Metric(value=21.0, alias=1)), 3.0)
    assert (node.metrics["T"].value, node.metrics["T"].at_ms, node.heard_s) == (21.0, 9, 3.0)
    after = node.take(Topic("DDATA", "room"), data(3, p.Metric(value=1.0, alias=1, historical=True)), 4.0)
    assert after.metrics["T"].value == 21.0


@pytest.mark.parametrize(
    ("topic", "message"),
    [(Topic("DDATA", "room"), data(3, p.Metric(value=21.0, alias=1))),  # 2 was missed
     (Topic("DDATA", "room"), data(1, p.Metric(value=21.0, alias=1))),  # one came twice
     (Topic("DDATA", "other"), data(3)), (Topic("NDATA"), data(4)),  # of the same node: missed all the same
     (Topic("DDATA", "room"), data(2, p.Metric(value=1.0, alias=9)))],  # an alias that no birth announced
)  # fmt: skip
def test_after_a_missed_message_nothing_is_believed(topic: Topic, message: p.Payload) -> None:
    node = births().take(topic, message, 3.0)
    assert node.wants_rebirth
    assert not node.metrics


def test_the_sequence_goes_round_after_255() -> None:
    node = births()
    for seq in [*range(2, 256), 0, 1]:
        node = node.take(Topic("DDATA", "room"), data(seq, p.Metric(value=float(seq), alias=1)), 3.0)
    assert node.metrics["T"].value == 1.0


def test_only_the_death_of_this_session_is_one() -> None:
    def death(bd_seq: int) -> p.Payload:
        return p.Payload(9, (p.Metric(BD_SEQ, bd_seq, p.INT64),))

    node = births(bd_seq=7)
    assert node.take(Topic("NDEATH"), death(6), 3.0) == node
    assert node.take(Topic("NDEATH"), death(7), 3.0).state == "dead"
    assert node.take(Topic("DDEATH", "room"), data(2), 3.0).device_state == "dead"


# The driver before the twin


@pytest.mark.parametrize("seed", range(2))
def test_measures_the_cell(seed: int) -> None:
    async def story(device: SparkplugEnvironment, twin: Twin) -> None:
        readings = await device.measure()
        assert [reading.unit for reading in readings] == ["degC", "%RH", "%", "1", "1"]
        seen = values(readings)
        assert seen["temperature"] == pytest.approx(25.0, abs=0.6)
        assert seen["humidity"] == pytest.approx(60.0, abs=6.0)
        assert seen["oxygen"] == pytest.approx(20.95, abs=0.5)
        assert (seen["door"], seen["e_stop"]) == (0.0, 0.0)
        twin.world.room.door_open = True
        await twin.publish_value()
        await asyncio.sleep(SOON_S)
        assert values(await device.measure())["door"] == 1.0
        assert device.seen["door"][0].value == 1.0

    with_twin(story, seed)


def test_hours_and_many_messages_need_no_other_birth() -> None:
    async def story(device: SparkplugEnvironment, _: Twin) -> None:
        await device.measure()
        for _ in range(10):
            await asyncio.sleep(3600)
            await device.measure()
        # A state that has not changed for longer than a value may be old is asked for: one birth a look at most.
        assert device._node.births <= 12

    with_twin(story)


def test_a_missed_message_is_made_good_by_births_anew() -> None:
    async def story(device: SparkplugEnvironment, twin: Twin) -> None:
        await device.measure()
        born = device._node.births
        await asyncio.sleep(5)
        twin._seq = (twin._seq + 1) % 256  # one that got lost
        await twin.publish_value()
        await asyncio.sleep(SOON_S)
        assert device._node.births == born + 1  # nobody had to measure for that
        assert await device.measure()

    with_twin(story)


def test_a_death_is_named_and_ends() -> None:
    async def story(device: SparkplugEnvironment, twin: Twin) -> None:
        await device.measure()
        await twin.device_dies()
        await asyncio.sleep(SOON_S)
        with pytest.raises(CommandFailed, match="room: its edge node says that it is dead"):
            await device.measure()
        await twin.switch_off()
        await asyncio.sleep(SOON_S)
        with pytest.raises(CommandFailed, match="room: its edge node is dead"):
            await device.measure()
        twin.is_dead = False
        await twin.switch_on()
        await asyncio.sleep(SOON_S)
        assert await device.measure()

    with_twin(story)


def test_an_old_value_is_refused_even_when_it_is_told_again() -> None:
    async def story(device: SparkplugEnvironment, twin: Twin) -> None:
        await device.measure()
        twin.fails = lambda fault: 0.0 if fault == "sensor_stuck" else None  # type: ignore[method-assign]
        await asyncio.sleep(240)
        with pytest.raises(CommandFailed, match=r"its value of 'Temperature' is 2\d\d s old, more than 180 s"):
            await device.measure()

    with_twin(story)


def test_metrics_that_are_not_there_are_named() -> None:
    async def story(device: SparkplugEnvironment, _: Twin) -> None:
        strange = driver(device.port.address, metrics={"oxygen": "O2"})
        with pytest.raises(CommandFailed, match="no metric 'O2'; it has: Door Open, E-Stop Pressed, Humidity"):
            await strange.measure()
        await strange.close()

    with_twin(story)


def test_a_value_that_is_null_or_a_text_is_none() -> None:
    async def story(device: SparkplugEnvironment, _: Twin) -> None:
        await device.measure()
        node = device._node
        for value, told in ((None, CommandFailed), ("warm", ProtocolViolation)):
            metrics = {**node.metrics, "Temperature": replace(node.metrics["Temperature"], value=value)}
            device._node = replace(node, metrics=metrics)
            with pytest.raises(told, match="'Temperature'"):
                await device.measure()

    with_twin(story)


def test_no_node_is_a_timeout_and_a_stop_ends_the_wait() -> None:
    async def story(_: SparkplugEnvironment, twin: Twin) -> None:
        device = driver(f"mqtt://127.0.0.1:{twin.broker.where[1]}", edge="elsewhere", timeout_s=7.0)
        began = asyncio.get_running_loop().time()
        with pytest.raises(ReplyTimeout, match="no birth of spBv1.0/lab/NBIRTH/elsewhere and its device room in 7 s"):
            await device.measure()
        assert asyncio.get_running_loop().time() - began == pytest.approx(7.0, abs=0.1)
        running = asyncio.ensure_future(device.measure())
        await asyncio.sleep(2.0)
        await device.stop()
        with pytest.raises(CommandStopped, match="room: it was stopped"):
            await running
        await device.close()

    with_twin(story)


def test_a_broker_that_goes_and_comes_back() -> None:
    async def story(device: SparkplugEnvironment, twin: Twin) -> None:
        await device.measure()
        await twin.broker.vanish()
        await asyncio.sleep(SOON_S)
        with pytest.raises(ConnectionFailed, match="room: mqtt://127.0.0.1"):
            await device.measure()
        await twin.broker.come_back()
        await asyncio.sleep(6)
        assert await device.measure()

    with_twin(story)
