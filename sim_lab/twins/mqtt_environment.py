"""The room sensor's twin: a real MQTT broker (amqtt) on loopback, and a sensor that publishes the world's air."""

import asyncio
import time
from typing import Any

from drivers.sensors.mqtt_environment import wire
from sim_lab.twin import ServerTwin
from sim_lab.twins.mqtt_broker import OwnBroker
from sim_lab.twins.room_sensor import RoomSensor
from sim_lab.world.model import World


class Twin(ServerTwin):
    """One sensor with a broker of its own."""

    def __init__(self, name: str, options: Any, world: World) -> None:
        super().__init__(name, options, world)
        self.sensor = RoomSensor(self.rng, world, self.fails)
        self.broker = OwnBroker()
        self._publishing: asyncio.Task[None] | None = None
        self._last: wire.Environment | None = None

    async def start(self, host: str, port: int) -> str:
        """Serve on a port and publish the first value; returns `mqtt://host:port`."""
        address = await self.broker.start(host, port)
        await self.switch_on()
        return address

    async def stop(self) -> None:
        """End the sensor, every client's connection and the broker."""
        await self._silence()
        await self.broker.stop()

    async def switch_on(self) -> None:
        """The sensor says that it is online, and its first value; then one every `publish_s`."""
        await self.broker.publish(wire.online_topic(self.options.topic), wire.ONLINE)
        await self.publish_value()
        self._publishing = asyncio.create_task(self._publish_values())

    async def switch_off(self) -> None:
        """The sensor loses its power: no more values, and the broker publishes its last will."""
        await self._silence()
        await self.broker.publish(wire.online_topic(self.options.topic), wire.OFFLINE)

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
                await self.publish_value()

    async def publish_value(self) -> None:
        """What the sensor senses now."""
        seen = self.sensor.read()
        value = wire.Environment(
            temperature_c=seen["temperature"],
            humidity_percent=seen["humidity"],
            at_s=time.time() + self.skew_s(),
            oxygen_percent=seen["oxygen"],
            door_open=bool(seen["door"]),
            e_stop_pressed=bool(seen["e_stop"]),
        )
        if self.fails("sensor_stuck") is not None and self._last is not None:
            value = self._last
        self._last = value
        await self.broker.publish(wire.environment_topic(self.options.topic), wire.encode(value))
