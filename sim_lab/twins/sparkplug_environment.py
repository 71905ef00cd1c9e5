"""The Sparkplug room sensor's twin: an edge node with one device, and a broker (amqtt) of its own on loopback.

The node is an ordinary MQTT client of its broker, with its death as the will: it serves at any other broker as
well (`attach`). It follows Sparkplug 3.0: births before data, sequence numbers 0 to 255, a bdSeq for each session,
aliases in data, births anew when a host asks.
"""

import asyncio
import contextlib
import socket
import time
from typing import Any

import aiomqtt

from drivers.sensors.broker import client_of
from drivers.sensors.environment import STATES
from drivers.sensors.sparkplug_environment.payload import (
    BOOLEAN,
    DOUBLE,
    INT64,
    Metric,
    Payload,
    decode,
    encode,
)
from drivers.sensors.sparkplug_environment.topics import BD_SEQ, REBIRTH, SEQ, topic
from sim_lab.twin import ServerTwin
from sim_lab.twins.mqtt_broker import OwnBroker
from sim_lab.twins.room_sensor import RoomSensor
from sim_lab.world.model import World

#: How long a node waits before it dials a broker again that was gone: our choice.
DIAL_S = 5.0


class Twin(ServerTwin):
    """One edge node, which publishes at once when a door or an emergency stop changes, and else every `publish_s`."""

    def __init__(self, name: str, options: Any, world: World) -> None:
        super().__init__(name, options, world)
        self.sensor = RoomSensor(self.rng, world, self.fails)
        self.broker = OwnBroker()
        self._seq = SEQ - 1
        self._bd_seq = SEQ - 1
        self._last: dict[str, Metric] = {}
        self._living: asyncio.Task[None] | None = None
        self._client: aiomqtt.Client | None = None
        self._address = ""
        self._born = asyncio.Event()
        self.is_dead = False  # the sensor behind the node
        self._dying: asyncio.Task[None] | None = None

    async def start(self, host: str, port: int) -> str:
        """Serve on a port, with the node born; returns `mqtt://host:port`."""
        address = await self.broker.start(host, port)
        await self.attach(address)
        return address

    async def attach(self, address: str) -> None:
        """Live at a broker, until `switch_off`; returns when the node is born there."""
        self._address = address
        await self.switch_on()

    async def stop(self) -> None:
        """End the node as it ends when it is told to, and its broker."""
        await self.switch_off()
        await self.broker.stop()

    async def switch_on(self) -> None:
        """The node comes up, and is born."""
        self._born.clear()
        self._living = asyncio.create_task(self._live(), name=f"edge node of {self.name}")
        born = asyncio.ensure_future(self._born.wait())
        await asyncio.wait({born, self._living}, return_when=asyncio.FIRST_COMPLETED)
        born.cancel()
        if self._living is not None and self._living.done() and not self._living.cancelled():
            self._living.result()  # raises what went wrong

    async def switch_off(self) -> None:
        """The node loses its power: its connection just ends, and the broker publishes its will."""
        if self._living is None:
            return
        link: Any = None if self._client is None else self._client._client.socket()  # noqa: SLF001
        if link is not None:
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)  # no DISCONNECT: that would take the will back
        self._living.cancel()
        await asyncio.gather(self._living, return_exceptions=True)
        self._living = None

    async def device_dies(self) -> None:
        """The sensor behind the node is gone; the node says so."""
        self.is_dead = True
        await self._say("DDEATH", (), self.options.device)

    async def _live(self) -> None:
        """Session after session, each with a bdSeq of its own."""
        while True:
            self._bd_seq = (self._bd_seq + 1) % SEQ
            with contextlib.suppress(aiomqtt.MqttError):
                await self._session()
            await asyncio.sleep(DIAL_S)

    async def _session(self) -> None:
        options, now_ms = self.options, self._now_ms()
        place = topic(options.group, "NDEATH", options.edge)
        will = aiomqtt.Will(place, encode(Payload(now_ms, (self._session_number(),))), qos=1)
        async with client_of(self._address, options.timeout_s, will=will) as client:
            self._client, telling = client, None
            try:
                await client.subscribe(topic(options.group, "NCMD", options.edge), qos=1)
                await self.be_born()
                self._born.set()
                telling = asyncio.create_task(self._tell_values())
                async for message in client.messages:
                    payload = message.payload if isinstance(message.payload, bytes) else b""
                    if any(metric.name == REBIRTH and metric.value is True for metric in decode(payload).metrics):
                        await self.be_born()
            finally:
                self._client = None
                if telling is not None:
                    telling.cancel()
                    await asyncio.gather(telling, return_exceptions=True)

    async def be_born(self) -> None:
        """The births of node and device, with all that they have."""
        self._seq = SEQ - 1  # the birth is number 0
        self.is_dead = self.is_dead or self.fails("sensor_dies") is not None
        control = Metric(REBIRTH, value=False, datatype=BOOLEAN, at_ms=self._now_ms())
        await self._say("NBIRTH", (self._session_number(), control))
        if self.is_dead:
            return
        await self._say("DBIRTH", tuple(self._sense().values()), self.options.device)

    async def publish_value(self) -> None:
        """What the sensor senses now: the metrics that changed, by their aliases."""
        if self.is_dead:
            return
        before, now = dict(self._last), self._sense()
        changed = [
            Metric(value=one.value, datatype=one.datatype, alias=one.alias, at_ms=one.at_ms)
            for name, one in now.items()
            if name not in STATES or before[name].value != one.value
        ]
        await self._say("DDATA", tuple(changed), self.options.device)

    async def _tell_values(self) -> None:
        while True:
            await asyncio.sleep(self.options.publish_s)
            if self.fails("sensor_silent") is None:
                await self.publish_value()

    def _sense(self) -> dict[str, Metric]:
        """Quantity -> metric, as the device knows it now."""
        seen, at_ms = self.sensor.read(), max(0, self._now_ms() + round(1000 * self.skew_s()))
        if self.fails("sensor_stuck") is None or not self._last:
            self._last = {
                quantity: Metric(
                    name,
                    value=bool(seen[quantity]) if quantity in STATES else seen[quantity],
                    datatype=BOOLEAN if quantity in STATES else DOUBLE,
                    alias=alias,
                    at_ms=at_ms,
                )
                for alias, (quantity, name) in enumerate(self.options.metrics.items(), start=1)
            }
        return self._last

    async def _say(self, kind: str, metrics: tuple[Metric, ...], device: str = "") -> None:
        if self._client is None:
            return
        self._seq = (self._seq + 1) % SEQ
        payload = encode(Payload(self._now_ms(), metrics, self._seq))
        if kind == "DBIRTH" and self.fails("node_dies") is not None:
            self._dying = asyncio.create_task(self.switch_off())
        if (kind != "DDATA" or self.fails("message_missed") is None) and self._client is not None:
            await self._client.publish(topic(self.options.group, kind, self.options.edge, device), payload, qos=0)

    def _session_number(self) -> Metric:
        return Metric(BD_SEQ, value=self._bd_seq, datatype=INT64, at_ms=self._now_ms())

    def _now_ms(self) -> int:
        return int(time.time() * 1000)
