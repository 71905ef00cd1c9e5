"""A real MQTT broker (amqtt) on loopback, for the twins of sensors that publish to one."""

import asyncio
import contextlib
import socket

from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter
from amqtt.broker import Broker, BrokerContext
from amqtt.contexts import BrokerConfig, ListenerConfig, ListenerType

LISTENER = "default"
#: Between looks for sessions whose clients are gone: amqtt's own second is 86,400 looks in a day of the twin.
LOOK_S = 300.0
PLUGINS = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}


class _Broker(Broker):
    async def _session_monitor(self) -> None:
        """amqtt's, which looks and then sleeps for a second: ended there, and asked again after a while."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    await super()._session_monitor()
            await asyncio.sleep(LOOK_S)


class OwnBroker:
    """A broker that lives and ends with its twin; `where` is (host, port) once it is started."""

    def __init__(self) -> None:
        self._clients: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> str:
        """Serve (port 0 chooses one); returns `mqtt://host:port`."""
        # The listener is ours and not the broker's: so its port may be 0, and its sockets send at once.
        listener = ListenerConfig(type=ListenerType.EXTERNAL)
        self._broker = _Broker(BrokerConfig(listeners={LISTENER: listener}, plugins=PLUGINS))
        await self._broker.start()
        await self._listen(host, port)
        return f"mqtt://{self.where[0]}:{self.where[1]}"

    async def _listen(self, host: str, port: int) -> None:
        self._server = await asyncio.start_server(self._accept, host, port)
        self.where: tuple[str, int] = (host, self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """End every client's connection and the broker."""
        await self.vanish()
        await self._broker.shutdown()

    async def vanish(self) -> None:
        """Cut every connection and take no other, as a broker that is gone; `come_back` ends it."""
        if self._server is None:
            return
        self._server.close()
        for task in self._clients:
            task.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    async def come_back(self) -> None:
        """Serve again where it was; what was retained is still there."""
        if self._server is None:
            await self._listen(*self.where)

    async def publish(self, topic: str, payload: bytes) -> None:
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
