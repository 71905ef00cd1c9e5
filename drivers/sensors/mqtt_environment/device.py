"""A room sensor behind an MQTT broker: each measurement is one short session, which reads the retained value."""

import time
from contextlib import AbstractAsyncContextManager

import aiomqtt

from drivers.core.errors import CommandFailed, ProtocolViolation, ReplyTimeout
from drivers.core.instrument import Readings
from drivers.sensors import broker
from drivers.sensors.environment import readings
from drivers.sensors.mqtt_environment import wire
from drivers.sensors.mqtt_environment.options import Options
from drivers.sensors.waiting import WaitingSensor


class MqttEnvironment(WaitingSensor[Options]):
    """The air of a room and the state of its cell; nothing is kept between measurements, so no link can go stale."""

    async def open(self) -> None:
        """See that the broker takes us; raises `ConnectionFailed`."""
        async with self._session():
            pass

    async def close(self) -> None:
        """Nothing is open between measurements."""

    async def measure(self) -> Readings:
        """The retained value, or the next one within `timeout_s`.

        Raises `CommandFailed` (offline, or older than `max_age_s`), `ReplyTimeout` (no value), `ConnectionFailed`,
        `ConnectionLost` or `ProtocolViolation`.
        """
        self._stopped = False
        async with self._session() as client:
            value = await self._next_value(client)
        age_s = time.time() - value.at_s
        if abs(age_s) > self.options.max_age_s:
            raise CommandFailed(
                f"its last value is {age_s:.0f} s old, more than {self.options.max_age_s:g} s.",
                device=self.name,
                hint="See whether the sensor publishes, and whether its clock is right.",
            )
        return readings(value.values())

    async def _next_value(self, client: aiomqtt.Client) -> wire.Environment:
        """Wait for a value, for as long as the sensor is not said to be offline."""
        topics = wire.online_topic(self.options.topic), wire.environment_topic(self.options.topic)
        try:
            async with self._waiting(self.options.timeout_s):
                # The presence first: brokers send what they retain in the order of the subscriptions.
                await client.subscribe([(topic, 1) for topic in topics])
                async for message in client.messages:
                    payload = message.payload if isinstance(message.payload, bytes) else b""
                    if message.topic.value == topics[1]:
                        return wire.decode(payload)
                    if payload == wire.OFFLINE:
                        raise CommandFailed("it is offline.", hint="Look at its power and its network.")
        except TimeoutError:
            waited = f"no value on {topics[1]} in {self.options.timeout_s:g} s."
            raise ReplyTimeout(waited, hint="Is the topic right, and does the sensor retain its values?") from None
        raise ProtocolViolation("the stream of messages ended.")

    def _session(self) -> AbstractAsyncContextManager[aiomqtt.Client]:
        """A connection to the broker; what goes wrong in it is told in our errors."""
        return broker.session(self.name, self.port.address, self.options.timeout_s, self.options.password)
