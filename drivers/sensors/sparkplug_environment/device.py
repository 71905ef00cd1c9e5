"""A room sensor behind a Sparkplug B edge node: listens all the time, and asks for a birth where it must."""

import asyncio
import contextlib
import math
import time

import aiomqtt

from drivers.core.errors import (
    CommandFailed,
    ConnectionLost,
    DeviceError,
    ProtocolViolation,
    ReplyTimeout,
)
from drivers.core.instrument import Readings
from drivers.core.limits import Limits
from drivers.core.transport import Port
from drivers.sensors import broker
from drivers.sensors.environment import readings
from drivers.sensors.sparkplug_environment.node import Node
from drivers.sensors.sparkplug_environment.options import Options
from drivers.sensors.sparkplug_environment.payload import Metric, decode
from drivers.sensors.sparkplug_environment.topics import NAMESPACE, parse, rebirth, topic
from drivers.sensors.waiting import WaitingSensor

#: A birth that was asked for and does not come is asked for again: QoS 0 promises nothing.
ASK_AGAIN_S = 3.0


class SparkplugEnvironment(WaitingSensor[Options]):
    """The values of one device of one edge node, as a Sparkplug host knows them; a value that may be old is none."""

    def __init__(self, name: str, port: Port, options: Options, limits: Limits) -> None:
        super().__init__(name, port, options, limits)
        self._node = Node(options.device)
        self._news = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None
        self._client: aiomqtt.Client | None = None
        self._asked_s = -math.inf

    async def open(self) -> None:
        """Listen to the node, and ask for its births. Raises `ConnectionFailed`; a node may come later."""
        await self.close()
        listens = asyncio.get_running_loop().create_future()
        self._listening = asyncio.create_task(self._listen(listens), name=f"{self.name} listens")
        await asyncio.wait({self._listening, listens}, return_when=asyncio.FIRST_COMPLETED)
        if self._listening.done():
            listening, self._listening = self._listening, None
            await listening  # raises what went wrong

    async def close(self) -> None:
        """Listen no more."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        self._listening = None

    async def measure(self) -> Readings:
        """What the node told, once it is certain: after a missed message, or silence, its births are asked for anew.

        Raises `CommandFailed` (node or device dead, a value too old or missing), `ReplyTimeout` (no birth comes),
        `ConnectionFailed` or `ConnectionLost`.
        """
        self._stopped = False
        try:
            if self._listening is None or self._listening.done():
                await self.open()
            async with self._waiting(self.options.timeout_s):
                return await self._certain()
        except TimeoutError:
            place = topic(self.options.group, "NBIRTH", self.options.edge)
            await self.close()  # a line on which nothing comes is dialled anew
            raise ReplyTimeout(
                f"no birth of {place} and its device {self.options.device} in {self.options.timeout_s:g} s.",
                device=self.name,
                hint="Is the edge node on, and are group, edge and device right?",
            ) from None
        except DeviceError as error:
            error.device = error.device or self.name
            raise

    async def _certain(self) -> Readings:
        """The values, waiting for a birth where one is needed."""
        births = self._node.births
        while True:
            self._news.clear()
            node = self._node
            if node.state == "dead":
                raise CommandFailed("its edge node is dead.", hint="Look at its power and its network.")
            if node.device_state == "dead":
                raise CommandFailed("its edge node says that it is dead.", hint="Look at the sensor behind the node.")
            if not node.wants_rebirth and (node.births > births or self._fresh(node)):
                return self._readings(node)
            await self._ask()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ASK_AGAIN_S):
                    await self._news.wait()
            if self._listening is None or self._listening.done():
                raise self._end()

    def _fresh(self, node: Node) -> bool:
        now = time.time()
        times = [now - node.heard_s, *(now - _at_s(node.metrics[name]) for name in self._names(node))]
        return all(abs(age_s) <= self.options.max_age_s for age_s in times)

    def _names(self, node: Node) -> list[str]:
        names = list(self.options.metrics.values())
        missing = [name for name in names if name not in node.metrics]
        if missing:
            told = ", ".join(sorted(node.metrics)) or "none"
            raise CommandFailed(
                f"its birth has no metric '{missing[0]}'; it has: {told}.", hint="Mend `metrics` in lab.toml."
            )
        return names

    def _readings(self, node: Node) -> Readings:
        self._names(node)
        values: dict[str, float] = {}
        for quantity, name in self.options.metrics.items():
            metric = node.metrics[name]
            age_s = time.time() - _at_s(metric)
            if abs(age_s) > self.options.max_age_s:
                raise CommandFailed(
                    f"its value of '{name}' is {age_s:.0f} s old, more than {self.options.max_age_s:g} s.",
                    hint="See whether the sensor measures, and whether its clock is right.",
                )
            if metric.value is None:
                raise CommandFailed(f"its '{name}' has no value.", hint="Look at the sensor behind the node.")
            if isinstance(metric.value, str):
                raise ProtocolViolation(f"its '{name}' is the text {metric.value[:40]!r}, no number.")
            values[quantity] = float(metric.value)
        return readings(values)

    async def _ask(self) -> None:
        """Ask the node for its births, but not again so soon."""
        now = asyncio.get_running_loop().time()
        if self._client is None or now - self._asked_s < ASK_AGAIN_S:
            return
        self._asked_s = now
        place = topic(self.options.group, "NCMD", self.options.edge)
        try:
            await self._client.publish(place, rebirth(int(time.time() * 1000)), qos=0)
        except aiomqtt.MqttError as error:
            raise ConnectionLost(f"{self.port.address}: {error}.") from error

    async def _listen(self, listens: "asyncio.Future[None]") -> None:
        """Hear the node until the broker goes."""
        options = self.options
        self._node, self._asked_s = Node(options.device), -math.inf
        try:
            async with broker.session(self.name, self.port.address, options.timeout_s, options.password) as client:
                node = f"{NAMESPACE}/{options.group}/+/{options.edge}"
                await client.subscribe([(node, 1), (f"{node}/+", 1)])
                self._client = client
                await self._ask()
                listens.set_result(None)
                async for message in client.messages:
                    payload = message.payload if isinstance(message.payload, bytes) else b""
                    self._hear(message.topic.value, payload)
                    if self._node.wants_rebirth and self._node.state != "born":
                        await self._ask()
        finally:
            self._client, self._node = None, self._node.lost()
            self._news.set()

    def _hear(self, place: str, data: bytes) -> None:
        about = parse(place, self.options.group, self.options.edge)
        if about is None or about.kind in ("NCMD", "DCMD"):
            return
        try:
            self._node = self._node.take(about, decode(data), time.time())
        except ProtocolViolation:
            self._node = self._node.lost()  # whatever it said, it was missed
        if not self._node.wants_rebirth:
            with contextlib.suppress(DeviceError):
                self.note(*self._readings(self._node))
        self._news.set()

    def _end(self) -> DeviceError:
        """Why it listens no more."""
        told = self._listening.exception() if self._listening is not None and not self._listening.cancelled() else None
        return told if isinstance(told, DeviceError) else ConnectionLost(f"{self.port.address}: the session ended.")


def _at_s(metric: Metric) -> float:
    return (metric.at_ms or 0) / 1000
