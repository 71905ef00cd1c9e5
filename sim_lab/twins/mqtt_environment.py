"""The room sensor's twin: a real MQTT broker (amqtt) on loopback, and a sensor that publishes the world's air.

The sensor's accuracy is that of a Sensirion SHT31: typically +-0.2 degC and +-2 %RH, repeatability 0.04 degC and
0.08 %RH (3 sigma); from memory of its data sheet.
"""

import asyncio
import contextlib
import socket
import time
from typing import Any

from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter
from amqtt.broker import Broker, BrokerContext
from amqtt.contexts import BrokerConfig, ListenerConfig, ListenerType

from drivers.sensors.mqtt_environment import wire
from sim_lab.twin import ServerTwin
from sim_lab.world.model import World

#: Of one sensor, for ever: half of the typical accuracy is taken as its standard deviation.
BIAS_SD_C, BIAS_SD_PERCENT = 0.1, 1.0
#: Of one value: a third of the repeatability.
NOISE_SD_C, NOISE_SD_PERCENT = 0.04 / 3, 0.08 / 3
LISTENER = "default"
PLUGINS = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}


class Twin(ServerTwin):
    """One sensor with a broker of its own."""

    def __init__(self, name: str, options: Any, world: World) -> None:
        super().__init__(name, options, world)
        self._bias_c = self.rng.gauss(0.0, BIAS_SD_C)
        self._bias_percent = self.rng.gauss(0.0, BIAS_SD_PERCENT)
        self._clients: set[asyncio.Task[None]] = set()
        self._publishing: asyncio.Task[None] | None = None
        self._last: wire.Environment | None = None

    async def start(self, host: str, port: int) -> str:
        """Serve on a port and publish the first value; returns `mqtt://host:port`."""
        # The listener is ours and not the broker's: so its port may be 0, and its sockets send at once.
        listener = ListenerConfig(type=ListenerType.EXTERNAL)
        self._broker = Broker(BrokerConfig(listeners={LISTENER: listener}, plugins=PLUGINS))
        await self._broker.start()
        self._server = await asyncio.start_server(self._accept, host, port)
        await self.switch_on()
        return f"mqtt://{host}:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """End the sensor, every client's connection and the broker."""
        await self._silence()
        self._server.close()
        for task in self._clients:
            task.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)
        await self._broker.shutdown()
        await self._server.wait_closed()

    async def switch_on(self) -> None:
        """The sensor says that it is online, and its first value; then one every `publish_s`."""
        await self._publish(wire.online_topic(self.options.topic), wire.ONLINE)
        await self._publish_value()
        self._publishing = asyncio.create_task(self._publish_values())

    async def switch_off(self) -> None:
        """The sensor loses its power: no more values, and the broker publishes its last will."""
        await self._silence()
        await self._publish(wire.online_topic(self.options.topic), wire.OFFLINE)

    async def freeze(self) -> None:
        """The sensor stays online but publishes no more."""
        await self._silence()

    async def _silence(self) -> None:
        if self._publishing is not None:
            self._publishing.cancel()
            await asyncio.gather(self._publishing, return_exceptions=True)
            self._publishing = None

    async def _publish_values(self) -> None:
        while True:
            await asyncio.sleep(self.options.publish_s)
            if self.fails("sensor_silent") is None:
                await self._publish_value()

    async def _publish_value(self) -> None:
        air = self.world.air
        humidity_percent = 100 * air.humidity + self._bias_percent + self.rng.gauss(0.0, NOISE_SD_PERCENT)
        value = wire.Environment(
            temperature_c=round(air.temperature_c + self._bias_c + self.rng.gauss(0.0, NOISE_SD_C), 2),
            humidity_percent=round(min(max(humidity_percent, 0.0), 100.0), 2),
            at_s=time.time() - (self.fails("clock_skew") or 0.0),
        )
        if self.fails("sensor_stuck") is not None and self._last is not None:
            value = self._last
        self._last = value
        await self._publish(wire.environment_topic(self.options.topic), wire.encode(value))

    async def _publish(self, topic: str, payload: bytes) -> None:
        """To all who listen now, and retained for all who will."""
        broker = BrokerContext(self._broker)
        await broker.retain_message(topic, payload, 1)
        await broker.broadcast_message(topic, payload, 1)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._clients.add(task)
        task.add_done_callback(self._clients.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            await self._broker.external_connected(StreamReaderAdapter(reader), StreamWriterAdapter(writer), LISTENER)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
